"""The sending job: what is sealed and free to go is claimed, rendered, delivered, settled (DESIGN 5).

Nothing is delivered twice, whoever runs this how often and beside whom: a delivery is claimed in the ledger
before it goes. The warehouse is only open while a load of batches is read.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property

from pp_pipeline.contact_keys import contact_secret, fingerprint
from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.conversations.loading import load_conversations
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.merchants import Merchant, load_merchants
from pp_pipeline.sending.batches import Batch, BatchState, batch_states, current_target, note_sendable
from pp_pipeline.sending.claims import Claimer
from pp_pipeline.sending.contents import Content, read_contents
from pp_pipeline.sending.delivering import Delivery
from pp_pipeline.sending.outbox import outbox_outlets
from pp_pipeline.sending.outlets import Outcome, Outlets
from pp_pipeline.sending.render import Renderer
from pp_pipeline.settings import Settings, utc_now
from pp_pipeline.warehouse import Warehouse

LEASE = timedelta(minutes=10)
CHUNK_SIZE = 100
LOAD_ROWS = 20_000
SECRET_FACT = "contact_secret_fingerprint"

Progress = Callable[[int, int, str], None]
"""Called with the rows done, the rows in all, and the batch."""


class SendRefused(RuntimeError):
    """Nothing was sent; the text says why and what to do."""


@dataclass(frozen=True)
class BatchReport:
    """How a batch stood and what became of its deliveries, by state and reason (`skipped: suppressed`)."""

    batch: Batch
    state: BatchState
    outcomes: Counter[str] = field(default_factory=Counter)
    problem: str = ""
    """Why a ready batch was not sent, or not to its end: `changed` (the plan is not what was sealed),
    `superseded`, `kill_switch`, `no_merchant_file`, `no_conversation`, `lease_expired`,
    `outlet: <kind of error>`, `stopped` (after an outlet broke)."""


@dataclass(frozen=True)
class SendSummary:
    """What a sending did."""

    reports: list[BatchReport] = field(default_factory=list)
    lapsed_count: int = 0
    """Claims of an earlier sending that were never settled and are `unknown` now."""

    @property
    def outcomes(self) -> Counter[str]:
        """Deliveries by state."""
        total: Counter[str] = Counter()
        for report in self.reports:
            for outcome, count in report.outcomes.items():
                total[outcome.partition(":")[0]] += count
        return total

    @property
    def sent_count(self) -> int:
        """Messages, events and snapshots that went."""
        return self.outcomes["sent"]


def send(
    settings: Settings,
    ledger: Ledger,
    warehouse: Warehouse,
    first: date,
    last: date,
    today: date,
    progress: Progress | None = None,
) -> SendSummary:
    """Send the ready batches of a range of days to the outbox.

    Raises:
        SendRefused: the contact secret is not the one that the ledger knows.
        ConversationError, MerchantError: a file can't be used.
    """
    return Sender(settings, ledger, warehouse).send(first, last, today, progress)


@dataclass(frozen=True)
class Sender:
    """A sending job. Left to itself it reads merchants and conversations from the checkout and writes to
    the outbox."""

    settings: Settings
    ledger: Ledger
    warehouse: Warehouse
    outlets: Outlets | None = None
    lease: timedelta = LEASE
    chunk_size: int = CHUNK_SIZE
    now: Callable[[], datetime] = utc_now

    @cached_property
    def merchants(self) -> Mapping[str, Merchant]:
        """The merchants by name."""
        return load_merchants(self.settings)

    @cached_property
    def conversations(self) -> Mapping[str, Conversation]:
        """The conversations by name, checked."""
        found = load_conversations(self.settings.conversations_dir, self.merchants)
        return {each.conversation: each for each in found}

    @cached_property
    def _outlets(self) -> Outlets:
        return self.outlets or outbox_outlets(self.settings, self.merchants)

    @cached_property
    def _renderer(self) -> Renderer:
        secret = known_secret(self.settings, self.ledger)
        return Renderer(self.settings.conversations_dir, self.conversations, self.merchants, secret)

    @cached_property
    def _claimer(self) -> Claimer:
        return Claimer(self.ledger, current_target(self.settings), self.lease)

    def send(self, first: date, last: date, today: date, progress: Progress | None = None) -> SendSummary:
        """See the function `send`."""
        known_secret(self.settings, self.ledger)
        lapsed_count = self._claimer.lapse(self.now())
        note_sendable(self.ledger, self.settings, first, last, today)
        states = batch_states(self.ledger, self.settings, first, last, today)
        reports = [BatchReport(batch, state) for batch, state in states if state.state != "ready"]
        ready = [(batch, state) for batch, state in states if state.state == "ready"]
        total, done = sum(batch.row_count for batch, _ in ready), 0
        is_broken = False
        for load in _loads(ready):
            with self.warehouse.connect() as connection:
                contents = read_contents(connection, [batch.id for batch, _ in load], self.merchants)
            for batch, state in load:
                outcomes: Counter[str] = Counter()
                problem = "stopped"
                if not is_broken:
                    problem = self._send_batch(batch, contents[batch.id], outcomes, today)
                    is_broken = problem.startswith("outlet")
                reports.append(BatchReport(batch, state, outcomes, problem))
                done += batch.row_count
                if progress:
                    progress(done, total, str(batch.id))
        return SendSummary(sorted(reports, key=lambda report: report.batch.id), lapsed_count)

    def _send_batch(self, batch: Batch, content: Content, outcomes: Counter[str], today: date) -> str:
        """Send a batch chunk by chunk; why it was not sent, or not to its end, or ''."""
        if content.hash != batch.hash:
            return "changed"
        if batch.id.merchant not in self.merchants:
            return "no_merchant_file"
        kind = ""
        if batch.id.kind == "messages":
            if batch.id.name not in self.conversations:
                return "no_conversation"
            kind = self.conversations[batch.id.name].kind
        # A key goes once, though a day rebuilt by itself may have left its row on another day too.
        items = list({item.key: item for item in content.items}.values())
        for start in range(0, len(items), self.chunk_size):
            chunk = items[start : start + self.chunk_size]
            claim = self._claimer.claim(batch, chunk, kind, today, self.now())
            if claim.closed_gate:
                return claim.closed_gate
            delivery = Delivery(claim, self._outlets, self.conversations, self._renderer, self.now)
            try:
                problem = delivery.run()
            finally:
                self._claimer.settle(claim, delivery.outcomes, self.now())
            outcomes.update(_words(outcome) for outcome in delivery.outcomes.values())
            if problem:
                return problem
        self._claimer.finish(batch, [item.key for item in items], self.now())
        return ""


def known_secret(settings: Settings, ledger: Ledger) -> bytes:
    """The contact secret, if it is the one that the ledger knows; the first one ever seen is written down.

    Raises:
        SendRefused: another secret makes other contact keys: suppressions would no longer be found.
    """
    secret = contact_secret(settings)
    own = fingerprint(secret)
    known = ledger.remember_fact(SECRET_FACT, own)
    if known != own:
        raise SendRefused(
            f"nothing was read or sent: the contact secret (fingerprint {own[:8]}) is not the one that this ledger "
            f"knows ({known[:8]}). Restore {settings.secret_file.name} in the home or PP_SECRET, as it was"
        )
    return secret


def _loads(ready: list[tuple[Batch, BatchState]]) -> Iterator[list[tuple[Batch, BatchState]]]:
    """The batches in groups that are read at once: as few openings of the warehouse as memory allows."""
    load: list[tuple[Batch, BatchState]] = []
    rows = 0
    for batch, state in ready:
        if load and rows + batch.row_count > LOAD_ROWS:
            yield load
            load, rows = [], 0
        load.append((batch, state))
        rows += batch.row_count
    if load:
        yield load


def _words(outcome: Outcome) -> str:
    return f"{outcome.state}: {outcome.reason}" if outcome.reason else outcome.state
