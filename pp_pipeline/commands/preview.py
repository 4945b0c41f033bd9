"""`pp preview`: who would get what and when, and why everybody else would not; nothing is written."""

from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

from pp_pipeline.commands.acting_day import acting_day
from pp_pipeline.commands.output import counted, err, guarded, out, print_json, print_line, print_table, quiet_libraries
from pp_pipeline.commands.private_files import write_csv, write_privately
from pp_pipeline.merchants import load_merchants
from pp_pipeline.preview import Asked, Preview, PreviewRow, make_preview
from pp_pipeline.preview.page import page_text
from pp_pipeline.preview.table import COLUMNS
from pp_pipeline.settings import Settings, parse_day, parse_moment

OTHERS_SHOWN = 5
"""Rows of those who get nothing, where what goes out has taken all that were asked for."""
STATE_WORDS = {"gets": "gets it", "waits": "waits", "left": "left before", "never": "never came in"}


@dataclass(frozen=True)
class Options:
    """What stands on the command line; '' and None for what was not said.

    `limit` is the most rows to print; `csv_file` and `page` are files to write.
    """

    campaign: str
    conversation: str
    merchant: str
    on: str | None
    to: str | None
    known_at: str | None
    limit: int
    csv_file: Path | None
    page: Path | None
    as_json: bool


@guarded
def show_preview(options: Options) -> int:
    """Print the preview, and write it to the files that are named. Returns 0 when it was made."""
    settings = Settings.from_environment()
    first = parse_day(options.on) if options.on else acting_day(settings, load_merchants(settings), None)
    asked = Asked(
        first=first,
        last=parse_day(options.to) if options.to else first,
        campaign=options.campaign,
        conversation=options.conversation,
        merchant=options.merchant,
        known_at=parse_moment(options.known_at) if options.known_at else None,
    )
    quiet_libraries()
    with err.status("reading ...") as status:
        preview = make_preview(settings, asked, say=lambda text: status.update(f"{text} ..."))
    if options.csv_file is not None:
        write_csv(options.csv_file, COLUMNS, (astuple(row) for row in preview.rows))
    if options.page is not None:
        text = page_text(preview)
        write_privately(options.page, lambda path: path.write_text(text, encoding="utf-8"))
    if options.as_json:
        counts = [{"state": state, "reason": reason, "count": n} for (state, reason), n in preview.counts().items()]
        print_json({**asdict(preview), "counts": counts})
        return 0
    print_preview(preview, options.limit, "--limit, --csv, --page, --json")
    for path in (options.csv_file, options.page):
        if path is not None:
            print_line(f"written: {path}", "dim")
    return 0


def print_preview(preview: Preview, limit: int, how_all: str) -> None:
    """Print the counts, what goes out, and why everybody else gets nothing.

    Args:
        limit: most rows of what goes out.
        how_all: how to see the others.
    """
    print_line(preview.summary, "dim")
    for note in preview.notes:
        print_line(f"note: {note}", "dim")
    out.print()
    days = str(preview.first) if preview.first == preview.last else f"{preview.first} to {preview.last}"
    counts = [[STATE_WORDS[state], reason, count] for (state, reason), count in preview.counts().items()]
    print_table(f"{preview.kind} {preview.name}, {days}", ["", "reason", "rows"], counts, "nobody is on the list")
    got = [row for row in preview.rows if row.state == "gets"]
    others = [row for row in preview.rows if row.state != "gets"]
    out.print()
    _print_rows("What goes out", ["on", "order", "email", "what", "why"], [_goes(row) for row in got], limit, how_all)
    out.print()
    _print_rows(
        f"Everybody else of the list as of {preview.last}",
        ["state", "order", "email", "why not"],
        [[STATE_WORDS[row.state], row.order_number, row.email, row.text] for row in others],
        max(limit - len(got), OTHERS_SHOWN),
        how_all,
    )


def _goes(row: PreviewRow) -> list[Any]:
    return [row.on, row.order_number, row.email, row.what, row.text]


def _print_rows(title: str, columns: list[str], rows: list[list[Any]], limit: int, how_all: str) -> None:
    print_table(title, columns, rows[:limit])
    if len(rows) > limit:
        print_line(f"... and {counted(len(rows) - limit, 'more row', 'more rows')} ({how_all})", "dim")
