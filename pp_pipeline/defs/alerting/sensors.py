"""The sensor that tells people: a run failed, a file was refused, a batch waits or is stuck. Off without a road."""

import dagster as dg

from pp_pipeline.alerting.ledger_troubles import ledger_troubles
from pp_pipeline.alerting.roads import alert_roads
from pp_pipeline.alerting.telling import news_of, tell
from pp_pipeline.defs.alerting.runs import failed_troubles
from pp_pipeline.defs.location import Location
from pp_pipeline.settings import utc_now

INTERVAL_SECONDS = 60


def sensors(location: Location) -> list[dg.SensorDefinition]:
    """The alert sensor. It looks from the start, and tells where alerts are declared: a switch that was forgotten would
    never be noticed."""

    @dg.sensor(
        name="alert_sensor",
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells by e-mail or webhook (PP_ALERT_..., PP_SECRET_ALERT_...) what needs a person: runs that "
        "failed, refused files, batches that wait or are stuck. Each cause once, and once more when it is over.",
    )
    def alert_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        roads = alert_roads(location.settings)
        if not roads:
            return dg.SkipReason("no alerts are declared: set PP_ALERT_... or PP_SECRET_ALERT_WEBHOOK")
        now = utc_now()
        troubles = [
            *failed_troubles(context.instance, now),
            *ledger_troubles(location.settings, location.today(), now),
        ]
        news = news_of(troubles, context.cursor)
        problems = {} if news.is_none else tell(roads, news.title(location.settings), news.text())
        for road, problem in problems.items():
            context.log.warning(f"no alert by {road}: {problem}")
        if len(problems) == len(roads):
            return dg.SkipReason("no alert could be sent; it is tried again at the next look")
        context.update_cursor(news.remembered)
        lasting = f"{len(troubles)} things need a person" if troubles else "all is well"
        return dg.SkipReason(f"{lasting}; {len(news.troubles) + len(news.over)} told now")

    return [alert_sensor]
