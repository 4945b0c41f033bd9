"""Ready batches start the sending job. The sensor reads the ledger only."""

import hashlib
from datetime import timedelta
from itertools import groupby

import dagster as dg

from pp_pipeline.defs.jobs import SENDING, ended_and_running
from pp_pipeline.defs.location import Location
from pp_pipeline.ledger.witness import RESTORED_LEDGER
from pp_pipeline.sending.batches import batch_states
from pp_pipeline.sending.waking import rests
from pp_pipeline.settings import utc_now

INTERVAL_SECONDS = 60
DAYS_LOOKED_AT = 400
MAX_ATTEMPTS = 10


def sensors(location: Location) -> list[dg.SensorDefinition]:
    """The sensors of the step `sending`."""

    @dg.sensor(
        name="batch_sensor",
        job_name=SENDING,
        minimum_interval_seconds=INTERVAL_SECONDS,
        description="Starts the sending job for each day (partition) that has batches ready to go, and again when "
        "what was deferred may be tried.",
    )
    def batch_sensor(context: dg.SensorEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        today, now = location.today(), utc_now()
        with location.ledger() as ledger:
            states = batch_states(ledger, location.settings, today - timedelta(days=DAYS_LOOKED_AT), today, today)
            ready = [batch for batch, state in states if state.state == "ready"]
            resting = rests(ledger, ready, now)
        unknown = [batch for batch in ready if batch.day < location.first_day]
        if unknown:
            context.log.warning(
                f"{len(unknown)} batches are of days before {location.first_day}, which this code location does not "
                "know yet: reload it (Deployment > Code locations)"
            )
        requests = []
        known = [batch for batch in ready if batch.day >= location.first_day]
        for day, batches in groupby(known, key=lambda batch: batch.day):
            of_day = list(batches)
            of_batches = [resting.get(batch.number) for batch in of_day]
            if all(rest is not None and rest.is_all and rest.until > now for rest in of_batches):
                continue  # all that is left of them is deferred until later
            # What was deferred is asked for anew when its time has come, however often its batch was tried before.
            versions = " ".join(
                [*sorted(batch.hash for batch in of_day), *sorted(str(rest.until) for rest in of_batches if rest)]
            )
            key = f"{day}-{hashlib.sha256(versions.encode()).hexdigest()[:16]}-{today}"
            ended, under_way = ended_and_running(context.instance, {"pp/batches": key})
            if not under_way and ended < MAX_ATTEMPTS:
                # A run key is launched once for ever: what is still ready after a run needs another one.
                requests.append(
                    dg.RunRequest(run_key=f"{key}-{ended}", partition_key=day.isoformat(), tags={"pp/batches": key})
                )
        if not requests:
            if any(state.reason == RESTORED_LEDGER for _, state in states):
                return dg.SkipReason("the ledger was restored from a backup: nothing is sent before `pp ledger accept`")
            waiting = sum(state.state == "waiting" for _, state in states)
            blocked = sum(state.state == "blocked" for _, state in states)
            asleep = sum(resting[batch.number].is_all for batch in known if batch.number in resting)
            return dg.SkipReason(
                f"no batch is to be sent now; {waiting} wait for approval (`pp approve`), {blocked} are blocked "
                f"(`pp batches` says by what), what is left of {asleep} is deferred until later"
            )
        return requests

    return [batch_sensor]
