"""The words of `pp` about how things stand."""

import typer

from pp_pipeline.cli_options import Json, Today

watching_app = typer.Typer(pretty_exceptions_show_locals=False)


@watching_app.command()
def status(today: Today = None, as_json: Json = False) -> None:
    """Show on one screen how things stand, and what needs a person, with the commands to go on.

    Ends with 0 if all is well, 1 if something needs a person, 2 if it can't be tried.
    """
    from pp_pipeline.commands.status import show_status

    raise typer.Exit(show_status(today, as_json))


@watching_app.command(name="alert-test")
def alert_test(as_json: Json = False) -> None:
    """Send a test alert by e-mail and webhook, as far as they are declared (PP_ALERT_..., PP_SECRET_ALERT_...).

    Ends with 0 if each took it, 1 if one did not, 2 if none is declared.
    """
    from pp_pipeline.commands.alert_test import send_test_alert

    raise typer.Exit(send_test_alert(as_json))
