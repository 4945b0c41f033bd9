"""`pp alert-test`: an alert to everybody who would get one."""

from pp_pipeline.alerting.roads import alert_roads
from pp_pipeline.alerting.telling import tell
from pp_pipeline.commands.output import guarded, print_json, print_line
from pp_pipeline.settings import Settings, SettingsError

_TEXT = "- This is a test: alerts of this installation come here. Nothing is wrong, and nothing is to be done."


@guarded
def send_test_alert(as_json: bool) -> int:
    """Send a test alert by every road. Returns 0, 1: one of them took none, 2: could not be tried."""
    settings = Settings.from_environment()
    roads = alert_roads(settings)
    if not roads:
        raise SettingsError(
            "no alerts are declared: set PP_ALERT_SERVER, PP_ALERT_SENDER and PP_ALERT_RECIPIENTS, or "
            "PP_SECRET_ALERT_WEBHOOK (docs/operations.md)"
        )
    problems = tell(roads, f"pp_pipeline ({settings.environment}): test", _TEXT)
    if as_json:
        print_json([{"road": road.name, "problem": problems.get(road.name, "")} for road in roads])
    else:
        for road in roads:
            problem = problems.get(road.name)
            print_line(f"{road.name}: {f'not taken: {problem}' if problem else 'taken'}", "red" if problem else "green")
    return 1 if problems else 0
