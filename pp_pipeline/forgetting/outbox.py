"""Taking somebody out of the outbox: messages to them, and their lines of events and segments (DESIGN 6)."""

import fcntl
import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.parser import BytesHeaderParser
from email.policy import compat32
from email.utils import parseaddr
from pathlib import Path
from typing import Any

from sqlalchemy import and_, or_, select

from pp_pipeline.forgetting.searching import Search
from pp_pipeline.ledger.schema import deliveries
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.merchants import Merchant
from pp_pipeline.sending.outlets.outbox import file_name
from pp_pipeline.settings import Settings

_DRAFT = re.compile(r"\.(.+)\.[0-9]+\.part")


@dataclass(frozen=True)
class OutboxFound:
    """What the outbox held of somebody: `messages`, and `lines` of events and of members of segments."""

    messages: int
    lines: int

    def __add__(self, other: "OutboxFound") -> "OutboxFound":
        """Both together."""
        return OutboxFound(self.messages + other.messages, self.lines + other.lines)


def forget_in_outbox(
    settings: Settings,
    ledger: Ledger,
    merchants: Mapping[str, Merchant],
    merchant: str,
    contact_key: str,
    search: Search,
    writes: bool,
) -> OutboxFound:
    """Look for a contact in the outbox, and where `writes`, delete what is there. Doing it again is harmless."""
    senders = {one.merchant: one.sender_email.lower() for one in merchants.values()}
    others = frozenset(senders.values()) - {senders.get(merchant, "")}
    messages = list(_messages(settings.outbox, ledger, contact_key, search, others))
    lines = 0
    for path in [*settings.outbox.glob("events/*/*.jsonl"), *settings.outbox.glob("segments/*/*.jsonl")]:
        lines += _forget_lines(path, merchant, contact_key, search, writes)
    if writes:
        for path in messages:
            path.unlink(missing_ok=True)
    return OutboxFound(len(messages), lines)


def is_in_hand(ledger: Ledger, merchant: str, contact_key: str, now: datetime) -> bool:
    """Whether a sending holds something of the contact that it may still write: a message, an event, or a snapshot of
    the merchant, whose members nobody noted. Nothing new is claimed once the tombstone stands."""
    table = deliveries.c
    is_of = or_(table.contact_key == contact_key, and_(table.kind == "snapshot", table.merchant == merchant))
    query = select(table.id).where(table.state == "claimed", table.lease_until >= now, is_of).limit(1)
    with ledger.reading() as connection:
        return connection.scalar(query) is not None


def _messages(
    outbox: Path, ledger: Ledger, contact_key: str, search: Search, other_senders: Collection[str]
) -> Iterator[Path]:
    """Messages that the ledger knows as the contact's, and others with the address in them: unless the ledger knows
    them as another contact's, or, where it knows nothing, another merchant sent them. Drafts that a kill left
    behind, too. Texts hold a number and no address, so it is by their names that the ledger knows whose they are."""
    owners = _owners(ledger)
    for path in outbox.glob("messages/*/*"):
        if not path.is_file():
            continue
        draft = _DRAFT.fullmatch(path.name)
        owner = owners.get(draft[1] if draft else path.name)
        if owner == contact_key:
            yield path
        elif owner is None:
            try:
                content = path.read_bytes()
            except FileNotFoundError:  # a draft that was completed meanwhile
                continue
            is_hers = search.is_in(content.replace(b"=\r\n", b""))  # lines that quoted-printable broke
            if is_hers and _sender_of(content) not in other_senders:
                yield path


def _sender_of(content: bytes) -> str:
    """The address that a message is from; '' where it states none."""
    message = BytesHeaderParser(policy=compat32).parsebytes(content)
    return parseaddr(str(message["From"] or ""))[1].lower()


def _owners(ledger: Ledger) -> dict[str, str | None]:
    """The contact of each message in the outbox that the ledger knows, by the name of its file; of texts also where
    the sending was cut off before it wrote down that name."""
    table = deliveries.c
    query = select(table.provider_id, table.contact_key).where(
        table.kind == "message", table.provider_id.startswith("outbox:")
    )
    texts = select(table.conversation, table.key, table.contact_key).where(
        table.kind == "message", table.channel == "sms", table.provider_id.is_(None)
    )
    with ledger.reading() as connection:
        found = {provider_id.removeprefix("outbox:"): key for provider_id, key in connection.execute(query)}
        return found | {file_name(name, key, "sms"): contact for name, key, contact in connection.execute(texts)}


def _forget_lines(path: Path, merchant: str, contact_key: str, search: Search, writes: bool) -> int:
    """Write the file without the contact's lines, whole or not at all, under the lock of whoever appends."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return 0
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        lines = file.read().splitlines(keepends=True)
        kept = [line for line in lines if not _is_of(line, merchant, contact_key, search)]
        if writes and len(kept) < len(lines):
            draft = path.with_name(f".{path.name}.{os.getpid()}.part")
            try:
                with draft.open("wb") as written:
                    written.write(b"".join(kept))
                    written.flush()
                    os.fsync(written.fileno())
                draft.replace(path)
            finally:
                draft.unlink(missing_ok=True)
    return len(lines) - len(kept)


def _is_of(line: bytes, merchant: str, contact_key: str, search: Search) -> bool:
    try:
        fields: Any = json.loads(line)
    except ValueError:  # a process was killed in the middle of a line
        fields = None
    if not isinstance(fields, dict):
        return search.is_in(line)
    is_of_merchant = fields.get("merchant", merchant) == merchant
    return fields.get("contact_key") == contact_key or (is_of_merchant and search.is_in(line))
