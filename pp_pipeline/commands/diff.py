"""`pp diff`: two plans side by side: of two configurations, two contents of a file, or two times."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from pp_pipeline.commands.output import (
    counted,
    err,
    guarded,
    older_ones,
    out,
    print_json,
    print_line,
    print_table,
    quiet_libraries,
)
from pp_pipeline.commands.private_files import write_csv
from pp_pipeline.comparing.asking import AskedSides, sides_asked_for
from pp_pipeline.comparing.comparison import Changed, Comparison
from pp_pipeline.comparing.differences import Group
from pp_pipeline.comparing.sides import Side, compare_sides
from pp_pipeline.comparing.summary import cells, group_words, markdown, reason_words, share_that_differs
from pp_pipeline.settings import Settings, SettingsError

_DAYS_SHOWN = 14
_COLUMNS = ["what", "before", "after", "new", "gone", "moved", "changed", "sent"]


class RowRecord(NamedTuple):
    """A row that differs, as files and programs get it."""

    kind: str
    name: str
    change: str
    order_number: str | None
    contact_key: str | None
    before_on: date | None
    after_on: date | None
    before_text: str | None
    after_text: str | None
    before_key: str | None
    after_key: str | None
    sent: str | None
    reason: str


@dataclass(frozen=True)
class Shown:
    """How the result is shown, and from how many rows on that differ it is a failure."""

    rows: int = 10
    csv: str = ""
    as_json: bool = False
    as_markdown: bool = False
    fail_above: str = ""


@guarded
def show_difference(asked: AskedSides, shown: Shown) -> int:
    """Build both sides, compare, print. Returns 1 where more rows differ than `fail_above` allows, else 0."""
    settings = Settings.from_environment()
    limit = _limit(shown.fail_above)
    if shown.as_json and shown.as_markdown:
        raise SettingsError("say --json or --markdown, not both")
    before, after, days = sides_asked_for(settings, asked)
    quiet_libraries()
    with err.status("comparing ...") as status:
        found = compare_sides(settings, before, after, days, status.update)
    if shown.csv:
        write_csv(Path(shown.csv), RowRecord._fields, map(_record, found.changed))
    share, differ = share_that_differs(found), found.rows_that_differ()
    is_too_much = limit is not None and (share > limit[0] if limit[1] else differ > limit[0])
    if shown.as_json:
        print_json(_as_json(found, before, after, share, is_too_much))
    elif shown.as_markdown:
        out.out(markdown(found, before.name, after.name), end="", highlight=False)
    else:
        _print(found, before, after, shown)
    if is_too_much:
        err.print(
            f"{counted(differ, 'row differs', 'rows differ')} ({share:.1f} %): more than {shown.fail_above}",
            markup=False,
        )
    return int(is_too_much)


def _limit(text: str) -> tuple[float, bool] | None:
    """Rows, or per cent (then True), above which it is a failure; None where nothing is said."""
    if not text:
        return None
    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise SettingsError(f"--fail-above {text} is neither a number of rows, such as 100, nor a share, such as 5%")
    return number, text.endswith("%")


def _print(found: Comparison, before: Side, after: Side, shown: Shown) -> None:
    print_line(f"{before.name} -> {after.name}, {found.first} to {found.last}", "bold")
    groups = [(group, found.of_group(group)) for group in found.groups()]
    differing = [(group, count) for group, count in groups if count.differs]
    rows = [[group_words(group), *cells(count)] for group, count in differing]
    print_table("", _COLUMNS, rows, "nothing differs")
    print_line(
        f"{len(groups) - len(differing)} campaigns, conversations, events, segments and queues are the same", "dim"
    )
    for group, _ in differing:
        out.print()
        print_line(group_words(group), "bold")
        for line in reason_words(found, group):
            print_line(f"  {line}", "dim")
        _print_days(found, group)
        _print_rows([one for one in found.changed if one.difference.group == group], shown.rows)
    if shown.csv:
        print_line(f"written: {shown.csv}", "dim")


def _print_days(found: Comparison, group: Group) -> None:
    """The newest days on which a group differs: what is to come stands among them, what is long past does not."""
    days = [
        [str(day), one.before, one.after, one.new, one.gone, one.moved_here, one.moved_away, one.changed, one.sent]
        for day, one in found.days_of(group).items()
    ]
    if days:
        columns = ["day", "before", "after", "new", "gone", "moved here", "moved away", "changed", "sent"]
        print_table("", columns, days[-_DAYS_SHOWN:])
    if len(days) > _DAYS_SHOWN:
        print_line(f"{counted(len(days) - _DAYS_SHOWN, 'earlier day', 'earlier days')} not shown (--json)", "dim")


def _print_rows(changed: Sequence[Changed], limit: int) -> None:
    rows = []
    for one in changed[-limit:] if limit else []:
        told = _record(one)
        rows.append([told.change, told.order_number, str(told.contact_key)[:12], told.before_on, told.after_on,
                     told.sent, told.reason])  # fmt: skip
    if rows:
        print_table("", ["change", "order", "contact", "before", "after", "sent", "why"], rows)
    if len(changed) > len(rows):
        print_line(older_ones(len(changed) - len(rows), "--rows, --csv, --json"), "dim")


def _record(one: Changed) -> RowRecord:
    before, after, row = one.difference.before, one.difference.after, one.difference.row
    return RowRecord(
        kind=row.kind,
        name=row.name,
        change=one.difference.change,
        order_number=row.order_number,
        contact_key=row.contact_key,
        before_on=before.day if before else None,
        after_on=after.day if after else None,
        before_text=before.text if before else None,
        after_text=after.text if after else None,
        before_key=before.key if before else None,
        after_key=after.key if after else None,
        sent=one.sent,
        reason=one.reason.text,
    )


def _as_json(found: Comparison, before: Side, after: Side, share: float, is_too_much: bool) -> dict[str, Any]:
    groups = []
    for group in found.groups():
        days = [{"day": day, **asdict(count)} for day, count in found.days_of(group).items()]
        groups.append({"kind": group[0], "name": group[1], **asdict(found.of_group(group)), "days": days})
    return {
        "before": before.name,
        "after": after.name,
        "from": found.first,
        "to": found.last,
        "rows_that_differ": found.rows_that_differ(),
        "planned_before": found.planned_before(),
        "per_cent": round(share, 2),
        "too_many": is_too_much,
        "groups": groups,
        "rows": [_record(one)._asdict() for one in found.changed],
    }
