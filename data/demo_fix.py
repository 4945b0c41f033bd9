"""What happens after a corrected file, shown on a week of the sample: `make demo-fix`.

A home of its own is made, its week built and sent as on the last of its days. Four days later the file of
2026-07-05 comes anew with four changes, and is built as `pp run` or the sensor do it. The commands are those of `pp`.
"""

import io
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

DATA = Path(__file__).resolve().parent
HOME = DATA / "demo-fix"
WEEK = [f"2026-07-{day:02}" for day in range(3, 10)]
FIRST, CORRECTED, LAST, FOUR_DAYS_LATER = WEEK[0], WEEK[2], WEEK[-1], "2026-07-13"
WIDTH = 100

Row = list[str]
NUMBER, ORDERED_AT, STATUS = 0, 2, 4


def _cancel(row: Row) -> list[Row]:
    return [[*row[:STATUS], "canceled", *row[STATUS + 1 :]]]


def _order_a_day_later(row: Row) -> list[Row]:
    return [[*row[:ORDERED_AT], row[ORDERED_AT].replace("-05T", "-06T"), *row[ORDERED_AT + 1 :]]]


def _drop(_row: Row) -> list[Row]:
    return []


def _add_another(row: Row) -> list[Row]:
    return [row, ["CA-2017-161999", *row[1:]]]


CHANGES: dict[str, tuple[str, Callable[[Row], list[Row]]]] = {
    "CA-2017-161823": ("is canceled", _cancel),
    "US-2017-122637": ("was ordered a day later", _order_a_day_later),
    "CA-2017-123022": ("is gone", _drop),
    "CA-2017-161557": ("has another order beside it, CA-2017-161999", _add_another),
}


def correct(path: Path) -> None:
    """Write the file anew with the changes; rows of other orders stay as they are."""
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    rows: list[Row] = []
    for line in lines:
        row = line.split(",", STATUS + 1)  # the cells behind may hold commas; nothing is changed in them
        rows += CHANGES[row[NUMBER]][1](row) if row[NUMBER] in CHANGES else [row]
    path.write_text("\n".join([header, *(",".join(row) for row in rows)]) + "\n", encoding="utf-8")


def pp(*words: str) -> str:
    """Run a command of `pp` in this process. Returns what it printed, its questions unanswered."""
    from pp_pipeline.cli import app

    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = app(list(words), standalone_mode=False)
    if code not in (0, None, 1):
        sys.exit(f"pp {' '.join(words)} could not be tried:\n{said.getvalue()}")
    return said.getvalue()


def show(title: str, words: Sequence[str] = (), shown: Callable[[str], str] = str) -> None:
    """A title, a command, and what it prints."""
    print(f"\n--- {title}")
    if words:
        print(f"$ pp {' '.join(words)}\n")
        print(shown(pp(*words)).rstrip())


def why_it_builds(said: str) -> str:
    """Of what `pp run` prints, what it builds and why, and what the corrected file touches."""
    lines = said.splitlines()
    builds = next(place for place, line in enumerate(lines) if line.startswith("  builds"))
    touches = [place for place, line in enumerate(lines) if "corrected or late" in line]
    ends = next(place for place, line in enumerate(lines) if line.startswith("  order_file_rows done"))
    return "\n".join([*lines[1 : builds + 1], *(lines[touches[0] : ends] if touches else []), "  ..."])


def main(home: Path) -> None:
    """Make the home, send its week, correct a file, show the difference."""
    # What is set for another home, its ledger above all, must not reach this one.
    for name in [name for name in os.environ if name.startswith(("PP_", "DAGSTER_")) and name != "PP_CHECKOUT"]:
        del os.environ[name]
    os.environ |= {"PP_HOME": str(home), "COLUMNS": str(WIDTH), "NO_COLOR": "1"}
    inbox = home / "inbox"
    inbox.mkdir(parents=True)
    for day in WEEK:
        shutil.copy(DATA / "inbox" / f"orders_{day}.csv", inbox)
    wrong = inbox / f"orders_{CORRECTED}.csv"
    print(f"A week of the sample, {FIRST} to {LAST}, is built and sent as on its last day (half a minute).")
    pp("run", "--from", FIRST, "--to", LAST, "--today", LAST, "--send")
    pp(
        "approve", "--all-waiting", "--never", "--yes", "--by", "demo", "--today", LAST
    )  # what lies before the shop's start

    show(f"It is {FOUR_DAYS_LATER}: orders_{CORRECTED}.csv comes once more")
    correct(wrong)
    for number, (change, _) in CHANGES.items():
        print(f"  {number} {change}")
    as_of = ("--today", FOUR_DAYS_LATER)
    show("Everything from that day on is built anew", ("run", "--from", LAST, "--to", LAST, *as_of), why_it_builds)
    days = ("--on", CORRECTED, "--to", LAST)
    show("What differs from what went", ("batches", *days, "--rows", *as_of))
    show("Nothing old goes by itself: a person looks, and decides", ("approve", "--all-waiting", *as_of))
    show("To go on")
    folder = os.path.relpath(home)
    print(f"  PP_HOME={folder} .venv/bin/pp approve --all-waiting --today {FOUR_DAYS_LATER}    # and say yes")
    print(f"  PP_HOME={folder} .venv/bin/pp send --from {CORRECTED} --to {LAST} --today {FOUR_DAYS_LATER}")
    print(f"  PP_HOME={folder} .venv/bin/pp ui    # the same in Dagster")
    print(f"  rm -r {folder}    # the way back: the sample itself was not touched")


if __name__ == "__main__":
    if len(sys.argv) == 1:
        shutil.rmtree(HOME, ignore_errors=True)
    elif Path(sys.argv[1]).exists():
        sys.exit(f"{sys.argv[1]} is there already: name a folder that is not, or none")
    main(Path(sys.argv[1]).absolute() if len(sys.argv) > 1 else HOME)
