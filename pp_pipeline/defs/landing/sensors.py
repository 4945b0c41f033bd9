"""New and changed order files start a run by themselves."""

import hashlib

import dagster as dg

from pp_pipeline.defs.jobs import DAILY, range_tags
from pp_pipeline.defs.location import Location
from pp_pipeline.landing.files import unread_files

INTERVAL_SECONDS = 60


def sensors(location: Location) -> list[dg.SensorDefinition]:
    """The sensor of the step `landing`.

    It asks for one run for all files that are new or changed, from the earliest of their days to today.

    What a file changed for day D leads to D..today, so one run builds it in one pass. The run key is made of
    the contents: a content is asked for once, another content of the same file again. A file that is refused,
    or that can't be dated, never stops the sensor.
    """

    @dg.sensor(
        name="order_file_sensor",
        job_name=DAILY,
        minimum_interval_seconds=INTERVAL_SECONDS,
        description="Runs the daily job from the earliest day of the new or changed order files to today.",
    )
    def order_files(_context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        today = location.today()
        with location.ledger() as ledger:
            found = unread_files(location.settings, ledger, through=today)
        new = [unread.file for unread in found if not unread.refused_before and not unread.file.is_dated_too_early]
        if not new:
            refused = len(found)
            return dg.SkipReason(f"no new or changed order files; {refused} refused ones wait for a better content")
        # A file older than every partition needs the location to be loaded anew first: its days don't exist yet.
        known = [file for file in new if file.file_date >= location.first_day]
        if not known:
            return dg.SkipReason(
                f"files dated before {location.first_day}, the first day that was known when this code location "
                "was loaded: reload it (Deployment > Code locations), or run `pp run`"
            )
        contents = sorted(f"{file.name} {file.sha256}" for file in known)
        key = hashlib.sha256("\n".join(contents).encode(errors="surrogateescape")).hexdigest()[:16]
        first = min(file.file_date for file in known)
        return dg.RunRequest(
            run_key=f"files-{key}", tags={**range_tags(first, today), "pp/order_files": str(len(known))}
        )

    return [order_files]
