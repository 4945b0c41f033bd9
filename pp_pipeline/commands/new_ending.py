"""The end of `pp campaign new` and its like: check, preview, write, and say what comes next."""

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from pp_pipeline.commands.new_asking import Session
from pp_pipeline.commands.output import confirmed, counted, err, out, print_json, print_line, print_table
from pp_pipeline.commands.preview import print_preview
from pp_pipeline.preview import Preview
from pp_pipeline.settings import Settings
from pp_pipeline.starting.drafts import Draft, check_draft, draft_checkout, put_in_place
from pp_pipeline.starting.outlook import DAYS_AHEAD, Members, can_look_ahead, look_ahead

_ROWS_SHOWN = 10
_NOT_BUILT = "nothing was built yet, so whom it would reach is not known; `pp run --from DAY --to DAY` builds"


def end(session: Session, draft: Draft, next_steps: Sequence[str]) -> int:
    """Judge the draft with everything else, show whom it reaches, and write it if the person says yes.

    Args:
        next_steps: lines on what to do now, besides building it.

    Returns: 0 if it was written, 1 if the person said no.

    Raises:
        SettingsError, CampaignError, ConversationError, DbtError, ShadowError: it is refused, and nothing is written.
    """
    session.asker.check_all_used()
    settings, today = session.configuration.settings, session.today
    with draft_checkout(settings, draft) as checkout, err.status("checking ...") as status:
        outlook = _outlook(settings, checkout, draft, today, lambda text: status.update(f"{text} ..."))
    if not session.as_json:
        _show(draft, outlook)
    if session.asker.asks and not confirmed(f"Write {draft.place}?", "with --yes nothing is asked"):
        print_line("nothing was written")
        return 1
    paths = put_in_place(settings, draft)
    if session.as_json:
        written = [str(path) for path in paths]
        print_json({"kind": draft.kind, "name": draft.name, "written": written, "preview": _record(outlook, today)})
        return 0
    out.print()
    for path in paths:
        print_line(f"written: {path}")
    for step in [*next_steps, f"`pp run --from {today} --to {today}` builds it"]:
        print_line(f"next: {step}", "dim")
    return 0


def _outlook(
    settings: Settings, checkout: Path, draft: Draft, today: date, say: Callable[[str], None]
) -> Preview | Members | None:
    """Whom it reaches; None where nothing was built. The draft is judged either way."""
    if can_look_ahead(settings):
        return look_ahead(settings, checkout, draft, today, say)
    check_draft(settings, checkout)
    return None


def _show(draft: Draft, outlook: Preview | Members | None) -> None:
    out.print()
    for place, text in draft.files.items():
        print_line(place, "bold")
        if place.endswith((".sql", ".yml")):
            out.out(text, highlight=False)
    if isinstance(outlook, Preview):
        print_line(_reach(outlook), "bold")
        print_preview(outlook, _ROWS_SHOWN, f"`pp preview --{draft.kind} {draft.name}`, once it is written")
    elif isinstance(outlook, Members):
        title = f"{counted(len(outlook.members), 'member', 'members')} on {outlook.on}"
        print_table(title, ["merchant", "contact_key"], outlook.members[:_ROWS_SHOWN], "nobody is in it")
    else:
        print_line(f"note: {_NOT_BUILT}", "dim")


def _reach(preview: Preview) -> str:
    word = "released" if preview.kind == "campaign" else "due"
    return f"Today {_today(preview)} {word}, in the next {DAYS_AHEAD} days {_in_all(preview)}, if nothing comes in."


def _today(preview: Preview) -> int:
    return sum(row.state == "gets" and row.on == preview.first for row in preview.rows)


def _in_all(preview: Preview) -> int:
    return sum(row.state == "gets" for row in preview.rows)


def _record(outlook: Preview | Members | None, today: date) -> dict[str, Any] | None:
    if isinstance(outlook, Members):
        return {
            "on": today,
            "members": len(outlook.members),
            "first": [key for _, key in outlook.members[:_ROWS_SHOWN]],
        }
    if outlook is None:
        return None
    counts = [{"state": state, "reason": reason, "count": n} for (state, reason), n in outlook.counts().items()]
    return {"on": today, "today": _today(outlook), "days": DAYS_AHEAD, "in_days": _in_all(outlook), "counts": counts}
