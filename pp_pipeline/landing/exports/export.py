"""What an export is: the shape of a shop's own order file, and how its rows become rows of our columns."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pp_pipeline.landing.formats.shared import Block

if TYPE_CHECKING:  # only for its words: feeds may import exports
    from pp_pipeline.landing.feeds import Kind

MakeRows = Callable[[list[str], Iterator[Block]], Iterator[Block]]


@dataclass(frozen=True)
class Export:
    """One shape of file.

    `rows` takes the header of a file and the blocks after it, and gives blocks of our columns, first the
    header. It keeps the line of each row, gives every row as many cells as the header, and raises for no
    text: what it doesn't understand stays as it is, or becomes a blank SKU, and the gate quarantines it.
    """

    name: str
    kind: "Kind"
    description: str
    files: str
    needs: tuple[str, ...]
    rows: MakeRows
    defaults: Mapping[str, Any] = field(default_factory=dict)

    def lacks(self, header: Sequence[str]) -> list[str]:
        """Which of the needed columns a header doesn't name, as the shop writes them."""
        there = {column_key(name) for name in header}
        return [name for name in self.needs if column_key(name) not in there]

    @property
    def needed_keys(self) -> frozenset[str]:
        """The needed columns as names are compared."""
        return frozenset(map(column_key, self.needs))


def column_key(name: str) -> str:
    """By what names of columns are compared: without regard to case and outer blanks."""
    return name.strip().lower()
