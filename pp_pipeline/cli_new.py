"""The words of `pp` that begin a campaign, a conversation or a segment, and the one that shows a conversation."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from pp_pipeline.cli_options import Json, Today


class _NameFirst(TyperGroup):
    """`pp conversation NAME` is `pp conversation show NAME`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As of any group, after `show` is put before what is no word of this one."""
        if args and args[0] not in (*self.commands, "--help"):
            args = ["show", *args]
        return super().parse_args(ctx, args)


campaign_app = typer.Typer(help="Begin a campaign.", no_args_is_help=True)
conversation_app = typer.Typer(
    cls=_NameFirst, help="Show a conversation (`pp conversation NAME`), or begin one.", no_args_is_help=True
)
segment_app = typer.Typer(help="Begin a segment.", no_args_is_help=True)

Name = Annotated[str | None, typer.Argument(help="Its name; default the recipe's, if it is free.")]
Yes = Annotated[bool, typer.Option("--yes", help="Ask nothing: what no option says takes its default.")]


@campaign_app.command("new")
def new_campaign(  # noqa: PLR0913, PLR0917  (one for each option)
    name: Name = None,
    recipe: Annotated[str | None, typer.Option(help="What to begin with, such as win_back.")] = None,
    merchant: Annotated[str | None, typer.Option(help="Whose orders.")] = None,
    date_basis: Annotated[
        str | None, typer.Option(help="Days count from order_date, ship_date, delivered_date.")
    ] = None,
    wait_days: Annotated[str | None, typer.Option(metavar="DAYS", help="From that date to the event.")] = None,
    ship_trigger: Annotated[str | None, typer.Option(help="Of ship_date: without one.")] = None,
    transit_days: Annotated[str | None, typer.Option(metavar="DAYS", help="Of delivered_date: without one.")] = None,
    repeat_orders: Annotated[str | None, typer.Option(help="each, restart or first.")] = None,
    active_from: Annotated[
        str | None, typer.Option(metavar="DAY", help="Orders enter from it on; default today.")
    ] = None,
    back_populate_days: Annotated[str | None, typer.Option(metavar="DAYS", help="Orders so much older too.")] = None,
    audience: Annotated[str | None, typer.Option(help="A condition in SQL, or everyone.")] = None,
    event: Annotated[str | None, typer.Option(help="The event that fires; default the name.")] = None,
    today: Today = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Write a campaign: asks what no option says, checks it, shows whom it would reach, and asks before writing.

    Ends with 0 when it was written, 1 when the answer was no, 2 when it is refused; then nothing was written.
    """
    from pp_pipeline.commands.new_models import new_campaign as new

    options = {
        **{"NAME": name, "recipe": recipe, "merchant": merchant, "date-basis": date_basis, "wait-days": wait_days},
        **{"ship-trigger": ship_trigger, "transit-days": transit_days, "repeat-orders": repeat_orders},
        **{"active-from": active_from, "back-populate-days": back_populate_days, "audience": audience, "event": event},
    }
    raise typer.Exit(new(options, today, yes, as_json))


@segment_app.command("new")
def new_segment(
    name: Annotated[str | None, typer.Argument(help="Its name.")] = None,
    condition: Annotated[str | None, typer.Option(help="Who is in it: a condition in SQL.")] = None,
    today: Today = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Write a segment: asks what no option says, checks it, shows its members, and asks before writing.

    Ends with 0 when it was written, 1 when the answer was no, 2 when it is refused; then nothing was written.
    """
    from pp_pipeline.commands.new_models import new_segment as new

    raise typer.Exit(new({"NAME": name, "condition": condition}, today, yes, as_json))


@conversation_app.command("new")
def new_conversation(  # noqa: PLR0913, PLR0917  (one for each option)
    name: Name = None,
    recipe: Annotated[str | None, typer.Option(help="What to begin with, such as win_back.")] = None,
    trigger: Annotated[str | None, typer.Option(metavar="EVENT", help="The event that begins it.")] = None,
    wait_days: Annotated[str | None, typer.Option(metavar="DAYS", help="From the event to the first message.")] = None,
    live_from: Annotated[str | None, typer.Option(metavar="DAY", help="No earlier events; default today.")] = None,
    flow_type: Annotated[str | None, typer.Option(help="Its purpose; default the recipe.")] = None,
    today: Today = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Write a conversation and its messages: asks what no option says, checks it, shows whom it would reach.

    Ends with 0 when it was written, 1 when the answer was no, 2 when it is refused; then nothing was written.
    """
    from pp_pipeline.commands.new_conversation import new_conversation as new

    options = {"NAME": name, "recipe": recipe, "trigger": trigger, "wait-days": wait_days, "live-from": live_from}
    raise typer.Exit(new(options | {"flow-type": flow_type}, today, yes, as_json))


@conversation_app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="Name of the conversation, such as win_back.")],
    on: Annotated[str | None, typer.Option(help="The day to look at; default the newest built day.")] = None,
    draw: Annotated[str | None, typer.Option(help="Write a picture: a file that ends in .svg, .png or .mmd.")] = None,
    as_json: Json = False,
) -> None:
    """Show a conversation: its steps, and how many wait at each at the end of a day."""
    from pp_pipeline.commands.conversation import show_conversation

    raise typer.Exit(show_conversation(name, on, draw, as_json))
