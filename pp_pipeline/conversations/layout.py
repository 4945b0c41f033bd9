"""Where the parts of a conversation's picture stand: a column for each thread, a row for each step, in pixels.

Ways to the next step go straight down. All others leave a box at its side and run in lanes of their own between the
columns and, past other threads, between the rows, so that no two lie on one another however many there are.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from textwrap import wrap
from typing import NamedTuple

from pp_pipeline.conversations.flow import Place

WIDTH = 250
"""Of a box."""
LINE = 18
"""Height of a line of text in it."""
_LETTERS = 34  # that a line holds
_MARGIN, _TOP = 40, 70
_LANE = 9  # from one lane to the next
_LABEL = 68  # beside a box, before the lanes begin
_TIP = 28  # after the lanes, before the next box

Point = tuple[int, int]


class Entry(NamedTuple):
    """A paragraph of a box; `branch` is its place among the branches of a split, from 0."""

    words: str
    branch: int | None = None


class Way(NamedTuple):
    """From one step to another; `label` says when, in a word or two, `branch` which branch of a split it is."""

    start: Place
    end: Place
    label: str
    branch: int | None = None


class Text(NamedTuple):
    """Words that begin at a point (their baseline), or end there."""

    at: Point
    words: str
    is_end: bool = False


@dataclass(frozen=True)
class Box:
    """A step."""

    corner: Point
    height: int
    texts: tuple[Text, ...]
    is_waiting: bool


@dataclass(frozen=True)
class Arrow:
    """A way: the points that it leads through, the tip at the last."""

    points: tuple[Point, ...]
    label: Text


@dataclass(frozen=True)
class Picture:
    """All that is drawn."""

    width: int
    height: int
    titles: tuple[Text, ...]
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


def lay_out(
    titles: Sequence[str], boxes: Mapping[Place, Sequence[Entry]], waiting: Collection[Place], ways: Sequence[Way]
) -> Picture:
    """The picture of threads.

    Args:
        titles: one for each thread.
        boxes: what stands in the box of each step.
        waiting: the steps at which somebody waits.
        ways: between the steps.
    """
    grid = _Grid(boxes, [_Lanes.of(way) for way in ways], len(titles))
    arrived: Counter[Place] = Counter()
    arrows = []
    for number, way in enumerate(ways):
        arrows.append(grid.down(way) if _is_down(way) else grid.aside(number, way, arrived[way.end]))
        arrived[way.end] += not _is_down(way)
    return Picture(
        grid.lefts[-1],
        grid.tops[-1],
        tuple(Text((left, _TOP - 30), title) for left, title in zip(grid.lefts, titles, strict=False)),
        tuple(grid.box(place, place in waiting) for place in boxes),
        tuple(arrows),
    )


class _Lanes(NamedTuple):
    """The gaps between columns (0: right of the first) and the gap below a row that a way runs in; None: it has none.

    Places in a gap are counted by the order of the ways, so no two ways share one.
    """

    first: int | None = None
    row: int | None = None
    last: int | None = None

    @classmethod
    def of(cls, way: Way) -> "_Lanes":
        if _is_down(way):
            return cls()
        (column, row), (to_column, _) = way.start, way.end
        first = column - 1 if to_column < column else column
        last = to_column - 1 if to_column > column else to_column
        return cls(first) if first == last else cls(first, row, last)


def _is_down(way: Way) -> bool:
    return way.end == (way.start[0], way.start[1] + 1)


class _Grid:
    """The columns and rows of a picture."""

    def __init__(self, boxes: Mapping[Place, Sequence[Entry]], lanes: Sequence[_Lanes], columns: int) -> None:
        self.lines = {place: list(_wrapped(entries)) for place, entries in boxes.items()}
        beside: list[list[int]] = [[] for _ in range(columns)]
        below: list[list[int]] = [[] for _ in range(1 + max(row for _, row in boxes))]
        for number, lane in enumerate(lanes):
            for gap in {lane.first, lane.last}:
                if gap is not None:
                    beside[gap].append(number)
            if lane.row is not None:
                below[lane.row].append(number)
        self.lanes, self.beside, self.below = lanes, beside, below
        self.lefts = list(accumulate((WIDTH + _LABEL + _LANE * len(ways) + _TIP for ways in beside), initial=_MARGIN))
        deepest = [max(self.height(place) for place in boxes if place[1] == row) for row in range(len(below))]
        deep = [height + max(40, 24 + _LANE * len(ways)) for height, ways in zip(deepest, below, strict=True)]
        self.tops = list(accumulate(deep, initial=_TOP))
        self.bottoms = [top + height for top, height in zip(self.tops, deepest, strict=False)]

    def height(self, place: Place) -> int:
        """Of a box."""
        return 10 + LINE * len(self.lines[place])

    def box(self, place: Place, is_waiting: bool) -> Box:
        """The box of a step."""
        x, y = self.lefts[place[0]], self.tops[place[1]]
        lines = enumerate(self.lines[place], 1)
        texts = tuple(Text((x + 10, y + LINE * number), line.words) for number, line in lines)
        return Box((x, y), self.height(place), texts, is_waiting)

    def down(self, way: Way) -> Arrow:
        """The arrow to the next step."""
        column, row = way.start
        x, y = self.lefts[column] + WIDTH // 2, self.tops[row] + self.height(way.start)
        return Arrow(((x, y), (x, self.tops[row + 1])), Text((x + 6, y + 15), way.label))

    def aside(self, number: int, way: Way, arrived: int) -> Arrow:
        """The arrow to any other step, below the tips of those that arrived there before."""
        (column, row), (to_column, to_row) = way.start, way.end
        lane = self.lanes[number]
        x = self.lefts[column] + (0 if to_column < column else WIDTH)
        y = self.tops[row] + 14 + LINE * [line.branch for line in self.lines[way.start]].index(way.branch)
        end_x = self.lefts[to_column] + (0 if to_column > column else WIDTH)
        end_y = self.tops[to_row] + 8 + 6 * (arrived % (self.height(way.end) // 6 - 1))
        end_y += 3 * (to_column > column)  # tips from the left and from the right of one gap between them
        turns = [self._lane_x(lane.first, number)]
        points = [(x, y), (turns[0], y)]
        if lane.row is not None:
            track = self.bottoms[row] + 14 + _LANE * self.below[row].index(number)
            turns.append(self._lane_x(lane.last, number))
            points += [(turns[0], track), (turns[1], track)]
        points += [(turns[-1], end_y), (end_x, end_y)]
        label = Text((x + (-6 if to_column < column else 6), y - 4), way.label, is_end=to_column < column)
        return Arrow(tuple(points), label)

    def _lane_x(self, gap: int | None, number: int) -> int:
        assert gap is not None, "a way aside has lanes"
        return self.lefts[gap] + WIDTH + _LABEL + _LANE * self.beside[gap].index(number)


def _wrapped(entries: Sequence[Entry]) -> Iterator[Entry]:
    """Lines that fit into a box; of a branch only the first carries its number."""
    for words, branch in entries:
        for number, line in enumerate(wrap(words, _LETTERS)):
            yield Entry(line, branch if number == 0 else None)
