"""`pp feeds`: the feeds and how their files are named, and the columns of each kind."""

from pp_pipeline.commands.output import guarded, out, print_json, print_line, print_table
from pp_pipeline.landing.feeds import Feed
from pp_pipeline.landing.kinds import KINDS_OF_FEEDS
from pp_pipeline.landing.plain_feeds import all_feeds
from pp_pipeline.merchants import load_merchants
from pp_pipeline.settings import Settings, SettingsError


@guarded
def show_feeds(as_json: bool) -> int:
    """List the declared feeds, then the plain ones."""
    found = all_feeds(load_merchants(Settings.from_environment()))
    if as_json:
        print_json([{"merchant": feed.merchant, "feed": feed.feed, "kind": feed.kind, "files": feed.files,
                     "date_format": feed.date_format, "export": feed.export, "due": _due(feed)}
                    for feed in found])  # fmt: skip
        return 0
    declared = [feed for feed in found if feed.merchant]
    print_table(
        "Declared by merchants",
        ["merchant", "feed", "kind", "files", "export", "due"],
        [[feed.merchant, feed.feed, feed.kind, feed.files, feed.export, _due(feed)] for feed in declared],
        empty="none; a merchant's file declares them under `feeds`",
    )
    out.print()
    print_table(
        "Plain, without declaration",
        ["kind", "files", "a row is"],
        [[feed.kind, feed.files, KINDS_OF_FEEDS[feed.kind].description] for feed in found if not feed.merchant],
    )
    print_line("{date} is YYYY-MM-DD where a feed declares nothing else; {ext} is csv, jsonl, parquet or xlsx.", "dim")
    print_line("The columns of a kind: `pp feeds KIND`.", "dim")
    return 0


@guarded
def show_columns(kind: str, as_json: bool) -> int:
    """Show what a kind of feed holds."""
    found = KINDS_OF_FEEDS.get(kind)
    if found is None:
        raise SettingsError(f"there is no kind of feed '{kind}'; there are {', '.join(KINDS_OF_FEEDS)}")
    if as_json:
        columns = [{"column": column.name, "required": not column.may_be_absent, "may_be_blank": column.may_be_blank,
                    "rule": column.rule, "description": column.description} for column in found.columns]  # fmt: skip
        print_json({"kind": found.kind, "description": found.description, "columns": columns})
        return 0
    print_line(found.description)
    out.print()
    print_table(
        f"Columns of {found.kind}",
        ["column", "file needs it", "what it holds", "rule"],
        [
            [column.name, "" if column.may_be_absent else "yes", column.description, column.rule]
            for column in found.columns
        ],
    )
    print_line("A row whose cell breaks the rule is quarantined. Further columns are kept as attributes.", "dim")
    return 0


def _due(feed: Feed) -> str | None:
    """When a day's file has to be there, in words."""
    if feed.due is None:
        return None
    days = {0: "the same day", 1: "the next day"}.get(feed.due.days_after, f"{feed.due.days_after} days later")
    return f"{feed.due.by:%H:%M} {days}"
