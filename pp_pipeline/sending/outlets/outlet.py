"""Where deliveries go: the interface of channels and relays (DESIGN 5).

A channel takes rendered messages, a relay takes external events and segment snapshots. Both are given
deliveries that are claimed in the ledger, and say of each, in order, what became of it. They never retry:
what is tried again is decided by the ledger. Nothing connects before the first delivery.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

from pp_pipeline.sending.gates import DeliveryTarget
from pp_pipeline.sending.planned import PlannedEvent, PlannedSnapshot

OutcomeState = Literal["sent", "failed", "deferred", "skipped", "unknown"]


@dataclass(frozen=True)
class Outcome:
    """What became of a delivery.

    `sent`: accepted. `failed`: surely not accepted, may be tried again. `deferred`: not now. `skipped`:
    never (a permanent rejection). `unknown`: nobody can tell, and it is not tried again by itself.
    `reason` is a word without personal data; `provider_id` is what the provider calls it.
    """

    state: OutcomeState
    reason: str = ""
    provider_id: str = ""
    retry_after: timedelta | None = None
    """Not to be tried again before; of `failed` and `deferred`."""


class OutletBroken(RuntimeError):
    """The outlet can't be used, such as with a wrong password: nothing is wrong with the delivery itself.

    What the outlet has not spoken of was surely not accepted: it is `failed`, with this text as the reason, a
    word without personal data.
    """


@dataclass(frozen=True)
class EmailDraft:
    """A rendered e-mail."""

    message_id: str
    conversation: str
    merchant: str
    day: date
    from_name: str
    from_email: str
    to_email: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)
    one_click_url: str = field(repr=False, default="")
    """Where a mail program unsubscribes with one click (RFC 8058); empty for transactional messages."""
    reply_to: str = ""
    """Where answers go, if not to the sender."""
    locale: str = ""
    """What it is written in, such as de_AT."""
    preheader: str = field(repr=False, default="")
    """The line that mail programs show beside the subject; it stands in the HTML, unseen."""


@dataclass(frozen=True)
class SmsDraft:
    """A rendered text message."""

    message_id: str
    conversation: str
    merchant: str
    day: date
    sender: str
    """Who it is from: a number (E.164), a short code or a word of up to 11 letters."""
    phone: str = field(repr=False)
    """Who gets it (E.164)."""
    text: str = field(repr=False)
    segments: int
    """In how many pieces it travels, which is what is paid for."""
    locale: str = ""
    """What it is written in, such as de_AT."""


Draft = EmailDraft | SmsDraft
Draft_contra = TypeVar("Draft_contra", EmailDraft, SmsDraft, contravariant=True)


class Channel(Protocol[Draft_contra]):
    """Delivers messages, by e-mail or by SMS: drafts of its own kind alone are handed to it."""

    @property
    def target(self) -> DeliveryTarget:
        """What its deliveries count for in the ledger: `rehearsal` where nothing leaves the machine."""
        ...

    def deliver(self, drafts: Iterable[Draft_contra]) -> Iterator[Outcome]:
        """Deliver, and yield an outcome for each draft, in order, as soon as it is known.

        Whoever delivers one by one takes the next draft from the iterable when it is its turn, no earlier. What it
        has taken and yields nothing of is `unknown`, also when it raises anything but OutletBroken; what it has not
        taken goes another time.
        """
        ...


class Relay(Protocol):
    """An outside platform that takes external events and segment snapshots."""

    @property
    def target(self) -> DeliveryTarget:
        """As for channels."""
        ...

    def deliver_events(self, events: Iterable[PlannedEvent]) -> Iterator[Outcome]:
        """As `Channel.deliver`."""
        ...

    def deliver_snapshots(self, snapshots: Iterable[PlannedSnapshot]) -> Iterator[Outcome]:
        """As `Channel.deliver`."""
        ...


OutletKey = tuple[str, str]
"""A merchant and the name of its channel or relay."""


@runtime_checkable
class Closable(Protocol):
    """An outlet that holds a connection."""

    def close(self) -> None:
        """End the connection; the next delivery would open another."""
        ...


@dataclass(frozen=True)
class Outlets:
    """The channels and relays of an installation, by merchant and name."""

    channels: Mapping[OutletKey, Channel[Any]]
    relays: Mapping[OutletKey, Relay]

    def close(self) -> None:
        """End all connections, at the end of a sending."""
        for outlet in (*self.channels.values(), *self.relays.values()):
            if isinstance(outlet, Closable):
                outlet.close()
