"""One sending's way through what it delivers: chunk by chunk claimed, handed over, settled (DESIGN 5)."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from pp_pipeline.ledger.switches import KILL_SWITCH
from pp_pipeline.ledger.witness import RESTORED_LEDGER
from pp_pipeline.messages.render import Renderer
from pp_pipeline.sending.batches import Batch, BatchState
from pp_pipeline.sending.claim import Candidate, Judge
from pp_pipeline.sending.claims import Claimer
from pp_pipeline.sending.delivering import Delivery, outlet_of
from pp_pipeline.sending.outlets.outlet import Outcome, OutletKey, Outlets
from pp_pipeline.sending.planned import PlannedMessage


@dataclass
class BatchReport:
    """How a batch stood and what became of its deliveries, by state and reason (`skipped: suppressed`)."""

    batch: Batch
    state: BatchState
    channel: str = ""
    """Of messages that were to be sent."""
    outcomes: Counter[str] = field(default_factory=Counter)
    problem: str = ""
    """Why a ready batch was not sent, or not to its end: `changed` (the plan is not what was sealed),
    `superseded`, `kill_switch`, `restored_ledger`, `no_merchant_file`, `no_conversation`, `lease_expired`,
    `outlet: <what is wrong>`."""


@dataclass(frozen=True)
class Lane:
    """Sends candidates of one target, in the order given.

    Attributes:
        broken: outlets that are asked no more in this sending, with what is wrong; filled on the way.
        now: the clock of leases.
        moment: the clock of the guards.
    """

    claimer: Claimer
    judge: Judge
    outlets: Outlets
    renderer: Renderer
    chunk_size: int
    today: date
    now: Callable[[], datetime]
    moment: Callable[[], datetime]
    broken: dict[OutletKey, str]

    def send(
        self, queue: Sequence[Candidate], reports: dict[int, BatchReport], progress: Callable[[int], None]
    ) -> None:
        """Send what of the queue is still to be sent.

        Args:
            reports: what becomes of it, by the number of the batch; filled on the way.
            progress: called with how many candidates a piece had, after each.
        """
        for chunk in _chunks(queue, self.chunk_size):
            wanted = [each for each in chunk if not self._is_stopped(each, reports[each.batch.number])]
            if wanted:
                self._send_chunk(wanted, reports)
            progress(len(chunk))

    def _is_stopped(self, candidate: Candidate, report: BatchReport) -> bool:
        if not report.problem and (problem := self.broken.get(outlet_of(candidate.item))):
            report.problem = problem
        return bool(report.problem)

    def _send_chunk(self, chunk: Sequence[Candidate], reports: dict[int, BatchReport]) -> None:
        claim = self.claimer.claim(chunk, self.judge, self.today, self.now(), self.moment())
        batch_of = {each.item.key: reports[each.batch.number] for each in chunk}
        for key, gate in claim.held.items():
            if gate in (KILL_SWITCH, RESTORED_LEDGER, "superseded"):
                batch_of[key].problem = gate
            else:
                batch_of[key].outcomes[f"held: {gate}"] += 1
        for key, outcome in claim.decided.items():
            batch_of[key].outcomes[_words(outcome)] += 1
        if claim.mark is None:
            return
        delivery = Delivery(claim, self.outlets, self.renderer, self.now)
        try:
            self.claimer.witness.note_claim(claim.mark)
            lease_held = delivery.run()
        finally:
            self.claimer.settle(claim, delivery.outcomes, self.now(), self.moment())
        self.broken.update(delivery.problems)
        for key, outcome in delivery.outcomes.items():
            batch_of[key].outcomes[_words(outcome)] += 1
        for each in claim.candidates:
            report = reports[each.batch.number]
            report.problem = report.problem or delivery.problems.get(outlet_of(each.item), "")
            if not lease_held:
                report.problem = "lease_expired"


def _chunks(queue: Sequence[Candidate], size: int) -> Iterator[list[Candidate]]:
    """The queue in pieces, in order; of one run a piece holds one message: a later pass is judged by what became of
    the earlier one."""
    chunk: list[Candidate] = []
    runs: set[tuple[str, str]] = set()
    for each in queue:
        run = (each.item.conversation, each.item.run_key) if isinstance(each.item, PlannedMessage) else None
        if len(chunk) == size or run in runs:
            yield chunk
            chunk, runs = [], set()
        chunk.append(each)
        if run is not None:
            runs.add(run)
    if chunk:
        yield chunk


def _words(outcome: Outcome) -> str:
    return f"{outcome.state}: {outcome.reason}" if outcome.reason else outcome.state
