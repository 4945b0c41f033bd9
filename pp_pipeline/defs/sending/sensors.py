"""Ready batches start the sending job. The sensor reads the ledger only."""

import hashlib
from datetime import timedelta
from itertools import groupby

import dagster as dg

from pp_pipeline.defs.jobs import SENDING
from pp_pipeline.defs.location import Location
from pp_pipeline.sending.batches import batch_states

INTERVAL_SECONDS = 60
DAYS_LOOKED_AT = 400


def sensors(location: Location) -> list[dg.SensorDefinition]:
    """The sensors of the step `sending`."""

    @dg.sensor(
        name="batch_sensor",
        job_name=SENDING,
        minimum_interval_seconds=INTERVAL_SECONDS,
        description="Starts the sending job for each day (partition) that has batches ready to go.",
    )
    def batch_sensor(_context: dg.SensorEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        today = location.today()
        with location.ledger() as ledger:
            states = batch_states(ledger, location.settings, today - timedelta(days=DAYS_LOOKED_AT), today, today)
        ready = [batch for batch, state in states if state.state == "ready" and batch.day >= location.first_day]
        if not ready:
            waiting = sum(state.state == "waiting" for _, state in states)
            return dg.SkipReason(f"no batch is ready; {waiting} wait for approval (`pp approve`)")
        requests = []
        for day, batches in groupby(ready, key=lambda batch: batch.day):
            # A run key is launched once for ever, failed runs included: the versions make it new when a plan
            # changes, the day makes it new when something was deferred to the next one.
            versions = hashlib.sha256(" ".join(sorted(batch.hash for batch in batches)).encode()).hexdigest()[:16]
            requests.append(dg.RunRequest(run_key=f"{day}-{versions}-{today}", partition_key=day.isoformat()))
        return requests

    return [batch_sensor]
