"""`pp conversation`: a conversation as a picture, with how many runs wait at each step."""

from datetime import date
from pathlib import Path

from pp_pipeline.commands.output import guarded, print_json, print_line, print_table
from pp_pipeline.conversations.built_form import check_form
from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.conversations.drawing import Counts, mermaid, picture, step_words
from pp_pipeline.conversations.loading import load_conversations
from pp_pipeline.dbt_project import DbtProject
from pp_pipeline.merchants import load_merchants
from pp_pipeline.settings import Settings, SettingsError, parse_day
from pp_pipeline.warehouse import Warehouse


@guarded
def show_conversation(name: str, on: str | None, drawing: str | None, as_json: bool) -> int:
    """Print the steps and who waits there at the end of a day; write a picture if a file is named.

    Args:
        on: the day; default the newest landed day.
        drawing: a file that ends in .svg, .png or .mmd.
    """
    settings = Settings.from_environment()
    conversations = load_conversations(settings.conversations_dir, load_merchants(settings))
    conversation = next((each for each in conversations if each.conversation == name), None)
    if conversation is None:
        names = ", ".join(each.conversation for each in conversations)
        raise SettingsError(f"there is no conversation {name}; there are {names}")
    day, counts = _waiting(settings, conversation, parse_day(on) if on else None)
    if drawing is not None:
        _draw(conversation, counts, Path(drawing))
    rows = [
        (thread.thread, step.id or "", step_words(step), counts.get((column, row), 0))
        for column, thread in enumerate(conversation.threads)
        for row, step in enumerate(thread.steps)
    ]
    columns = ("thread", "id", "step", "waiting")
    if as_json:
        steps = [dict(zip(columns, row, strict=True)) for row in rows]
        print_json({"conversation": name, "on": day, "steps": steps, "mermaid": mermaid(conversation, counts)})
        return 0
    title = f"{name} at the end of {day}" if day else f"{name}; nothing was built yet"
    print_table(title, list(columns), [[*row[:3], row[3] or ""] for row in rows])
    if drawing is not None:
        print_line(f"drawn: {drawing}", "dim")
    return 0


def _draw(conversation: Conversation, counts: Counts, path: Path) -> None:
    if path.suffix == ".mmd":
        path.write_text(mermaid(conversation, counts), encoding="utf-8")
        return
    from pp_pipeline.conversations.picture_files import png, svg

    makers = {".svg": svg, ".png": png}
    if path.suffix not in makers:
        raise SettingsError(f"--draw writes files that end in .svg, .png or .mmd, not {path.name}")
    path.write_bytes(makers[path.suffix](picture(conversation, counts), conversation.conversation))


def _waiting(settings: Settings, conversation: Conversation, on: date | None) -> tuple[date | None, Counts]:
    """How many runs wait at each step at the end of a day, and the day; none before anything was built."""
    if settings.target == "duckdb" and not settings.warehouse_file.exists():
        return None, {}
    warehouse = Warehouse(settings)
    with warehouse.connect() as connection:
        if not connection.table_exists("conversation_runs"):
            return None, {}
        check_form(connection)
        newest = connection.rows("select max(day) from landed_days")[0][0]
    day = min(on, newest) if on else newest
    sql = DbtProject(settings).compiled(
        "{{ standing_on_last_day() }}", {"from_day": day.isoformat(), "to_day": day.isoformat()}
    )
    with warehouse.connect() as connection:
        rows = connection.rows(f"select * from ({sql}) as waiting where conversation = ?", (conversation.conversation,))
    return day, {(thread, step): count for _, thread, step, count in rows}
