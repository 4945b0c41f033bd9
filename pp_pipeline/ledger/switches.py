"""Switches that people set while the program runs: the kill switch, and pauses of one campaign or conversation.

They stand in the ledger, so they hold for every process on every machine. Whoever sends looks at them in the
transaction that claims.
"""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, insert, select, update

from pp_pipeline.ledger.schema import switches
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.settings import utc_now

KILL_SWITCH = "kill_switch"
_PAUSE = "pause"
_CONVERSATION = "conversation:"

Pausable = Literal["campaign", "conversation"]
PAUSABLE: tuple[Pausable, ...] = ("campaign", "conversation")


@dataclass(frozen=True)
class Pauses:
    """The paused campaigns and conversations."""

    campaigns: frozenset[str] = frozenset()
    conversations: frozenset[str] = frozenset()

    def holds(self, conversation: str | None, campaign: str | None) -> bool:
        """Whether a message of a conversation, or an event that it fires, is held; or one that a campaign led to."""
        return conversation in self.conversations or campaign in self.campaigns

    def hold_all(self, conversation: str, origins: frozenset[str]) -> bool:
        """Whether nothing of a batch ('' for those of relays) may go, whose rows come from these campaigns, and of
        relays from conversations as `fired_by` names them."""
        return conversation in self.conversations or (bool(origins) and origins <= self.origins)

    def hold_some(self, origins: frozenset[str]) -> bool:
        """Whether some rows of such a batch may not go."""
        return not origins.isdisjoint(self.origins)

    @property
    def origins(self) -> frozenset[str]:
        """All that is paused, as `hold_all` compares it."""
        return self.campaigns | {fired_by(name) for name in self.conversations}


def fired_by(conversation: str) -> str:
    """What stands among a batch's campaigns for events that a conversation fires."""
    return f"{_CONVERSATION}{conversation}"


def switch_is_on(ledger: Ledger, name: str, connection: Connection | None = None) -> bool:
    """Whether a switch is on; within a transaction where one is given."""
    query = select(switches.c.is_on).where(switches.c.name == name)
    if connection is not None:
        return bool(connection.scalar(query))
    with ledger.reading() as own:
        return bool(own.scalar(query))


def set_switch(ledger: Ledger, name: str, is_on: bool, by: str = "") -> None:
    """Turn a switch on or off."""
    values = {"is_on": is_on, "changed_at": utc_now(), "changed_by": by}
    with ledger.writing() as connection:
        changed = connection.execute(update(switches).where(switches.c.name == name).values(values))
        if changed.rowcount == 0:
            connection.execute(insert(switches).values(name=name, **values))


def pause_name(what: Pausable, name: str) -> str:
    """The name of the switch that pauses a campaign or a conversation."""
    return f"{_PAUSE}:{what}:{name}"


def read_pauses(connection: Connection) -> Pauses:
    """What is paused, in the caller's transaction."""
    query = select(switches.c.name).where(switches.c.is_on, switches.c.name.startswith(f"{_PAUSE}:"))
    found: dict[str, set[str]] = {"campaign": set(), "conversation": set()}
    for switch in connection.scalars(query):
        _, what, name = switch.split(":", 2)
        found[what].add(name)
    return Pauses(frozenset(found["campaign"]), frozenset(found["conversation"]))
