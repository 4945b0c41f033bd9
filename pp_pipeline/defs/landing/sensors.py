"""New and changed order files start a run by themselves; what a correction touches is told with it."""

import hashlib
from collections.abc import Sequence

import dagster as dg

from pp_pipeline.correcting.touched import Touched, touched
from pp_pipeline.defs.jobs import DAILY, failed_runs, is_under_way, range_tags
from pp_pipeline.defs.location import Location
from pp_pipeline.landing.file_ledger import FileRecord, all_records
from pp_pipeline.landing.files import InboxFile, unread_files
from pp_pipeline.landing.tools import LoadTools
from pp_pipeline.warehouse import Warehouse, WarehouseError

INTERVAL_SECONDS = 60
MAX_ATTEMPTS = 3
FILES_TAG = "pp/order_files"
# A tick has a minute for everything; while somebody builds, the run itself tells what it touches.
WAREHOUSE_WAIT_SECONDS = 5.0


def sensors(location: Location) -> list[dg.SensorDefinition]:
    """The sensor of the step `landing`.

    It asks for one run for all files that are new or changed, from the earliest of their days to today.

    What a file changed for day D leads to D..today, so one run builds it in one pass. The run key is made of
    the contents: a content is asked for once, another content of the same file again. A file that is refused,
    or that can't be dated, never stops the sensor. What corrected and late files touch stands in the log of the tick
    and in the tags of the run, whether the sensor is on and launches it or a person previews the tick. No old day is
    sent by such a run.
    """

    @dg.sensor(
        name="order_file_sensor",
        job_name=DAILY,
        minimum_interval_seconds=INTERVAL_SECONDS,
        description="Runs the daily job from the earliest day of the new or changed order files to today.",
    )
    def order_files(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        today = location.today()
        if is_under_way(context.instance, DAILY, FILES_TAG):
            # Files that come minute by minute would else lead to as many runs, one behind the other.
            return dg.SkipReason("a run for files is under way; what came in since is asked for when it has ended")
        with location.ledger() as ledger:
            found = unread_files(location.settings, ledger, location.merchants, through=today)
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
        with location.ledger() as ledger:
            key = _key_of(known, all_records(ledger))
        attempts = failed_runs(context.instance, {FILES_TAG: key})
        if attempts >= MAX_ATTEMPTS:
            return dg.SkipReason(f"{attempts} runs for these files failed; see Runs, mend it, and run `pp run`")
        correction = _correction(context, location, known)
        return dg.RunRequest(
            run_key=f"files-{key}-{attempts}",
            tags={
                **range_tags(min(file.file_date for file in known), today),
                FILES_TAG: key,
                **(_correction_tags(correction) if correction else {}),
            },
        )

    return [order_files]


def _correction(context: dg.SensorEvaluationContext, location: Location, files: Sequence[InboxFile]) -> Touched | None:
    """What the corrected and late ones among the files touch; None where none is, or while somebody builds."""
    tools = LoadTools(location.settings, location.merchants, location.today())
    warehouse = Warehouse(location.settings, WAREHOUSE_WAIT_SECONDS)
    try:
        with location.ledger() as ledger, warehouse.connect() as connection:
            found = touched(tools, ledger, connection, location.campaigns, files)
    except WarehouseError:
        context.log.info("somebody builds: what the files touch is told by their run")
        return None
    if found:
        context.log.info(found.words())
    return found


def _correction_tags(correction: Touched) -> dict[str, str]:
    """What a correction touches, as tags of its run: counts, dates and names of campaigns."""
    tags = {
        "pp/corrected_from": correction.first_day.isoformat(),
        "pp/corrected_files": str(len(correction.files)),
        "pp/campaigns_touched": ", ".join(sorted(correction.campaigns)) or "none",
    }
    return tags | ({"pp/orders_that_differ": str(correction.order_count)} if correction.is_compared else {})


def _key_of(files: list[InboxFile], records: list[FileRecord]) -> str:
    """Made of the contents, and of what the ledger last knew of their names: A, B and A again are three keys."""
    names = {file.name for file in files}
    contents = sorted(f"{file.name} {file.sha256}" for file in files)
    known = sum(record.name in names for record in records)
    return hashlib.sha256("\n".join([*contents, str(known)]).encode(errors="surrogateescape")).hexdigest()[:16]
