"""`pp why`: whom a question is about, and the story out of warehouse and ledger."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select

from pp_pipeline.campaigns.books import books, stale_days
from pp_pipeline.campaigns.parameters import Campaign, load_campaigns
from pp_pipeline.contact_keys import SecretError, contact_key, contact_secret, fingerprint
from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.conversations.loading import load_conversations
from pp_pipeline.conversations.tables import run_hashes
from pp_pipeline.dbt_project import DbtProject
from pp_pipeline.landing.addresses import read_email
from pp_pipeline.landing.files import first_day
from pp_pipeline.landing.plain_feeds import all_feeds
from pp_pipeline.ledger.schema import facts
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.merchants import Merchant, MerchantError, load_merchants
from pp_pipeline.sending.known_secret import SECRET_FACT
from pp_pipeline.settings import Settings, SettingsError
from pp_pipeline.warehouse import LOCK_WAIT_SECONDS, Warehouse
from pp_pipeline.why.deliveries import DeliveryTeller
from pp_pipeline.why.entries import Entry
from pp_pipeline.why.history import History
from pp_pipeline.why.ledger_entries import suppression_changes
from pp_pipeline.why.orders import OrdersTeller, Told
from pp_pipeline.why.rules import Rules
from pp_pipeline.why.runs import Runs
from pp_pipeline.why.segments import segment_changes
from pp_pipeline.why.story import ContactStory, Story

_CONTACT_KEY = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Asked:
    """The story of whoever was asked about, and what else a question about it needs."""

    story: Story
    runs: Runs
    merchant: Merchant
    campaigns: Sequence[Campaign]
    conversations: Sequence[Conversation]

    @property
    def contact_key(self) -> str:
        """The contact that is asked about; '' where it is an order, whosever it was."""
        return self.story.contact.contact_key if self.story.contact else ""

    def is_own(self, entry: Entry) -> bool:
        """Whether it is what is asked about: an order of the contact can have been another's, too."""
        return not self.contact_key or entry.contact_key in (None, self.contact_key)


def tell_story(
    settings: Settings, who: str, merchant: str, today: date, lock_wait_seconds: float = LOCK_WAIT_SECONDS
) -> Asked | None:
    """The story of an e-mail address, a contact key or an order number; None where nothing is known of it.

    Args:
        merchant: whose contact or order it is.
        today: the day on which batches are judged.
        lock_wait_seconds: how long to wait for the warehouse while something else has it.

    Raises:
        WarehouseError: that was too long; the text names who has it.
        SettingsError: nothing was built yet.
        MerchantError: there is no such merchant.
        SecretError: addresses can't be looked up: the contact secret is not the one that the ledger knows.
        CampaignError, ConversationError, DbtError: something that a person wrote is wrong.
    """
    if "\0" in who or not _is_text(who):
        raise SettingsError("what is asked about is no text: it holds bytes that no address or order number has")
    merchants = load_merchants(settings)
    if merchant not in merchants:
        raise MerchantError(f"there is no merchant '{merchant}'; known are {', '.join(merchants)}")
    settings.check_built()
    project = DbtProject(settings, lock_wait_seconds)
    segments = project.segment_names()
    manifest = project.manifest()
    rules = Rules(project, load_campaigns(manifest, merchants=merchants, segments=segments))
    rules.load()
    conversations = load_conversations(settings.conversations_dir, merchants)
    with Ledger(settings) as ledger, Warehouse(settings, lock_wait_seconds).connect() as connection:
        if not connection.table_exists("order_versions") or not connection.table_exists("landed_days"):
            raise SettingsError("no order file was taken in yet; `pp run --from DAY --to DAY` does it")
        history, deliveries = History(connection, merchant), DeliveryTeller(settings, ledger, merchant)
        orders = OrdersTeller(merchants[merchant], conversations, rules, connection, history, deliveries, today)
        question = _Question(orders, _notes(settings, orders, manifest))
        key = _contact_key(settings, ledger, who, merchant)
        return (question.of_contact(key) if key else None) or question.of_order(who.strip())


@dataclass(frozen=True)
class _Question:
    """A question to be answered; `notes` hold for whatever the answer is."""

    orders: OrdersTeller
    notes: list[str]

    @property
    def merchant(self) -> str:
        return self.orders.merchant.merchant

    @property
    def as_of(self) -> date:
        """The newest landed day."""
        return self.orders.connection.rows("select max(day) from landed_days")[0][0]

    def of_contact(self, key: str) -> Asked | None:
        """The story of a contact and all orders that ever were its, or that anything was delivered about."""
        numbers = set(self.orders.history.orders_of([key]))
        known = self.orders.deliveries.rows(numbers, [key])
        suppressions = self.orders.deliveries.suppressions(key, self.orders.history.phone(key))
        if not (numbers or known or suppressions):
            return None
        told = self.orders.tell(numbers | {row.order_number for row in known if row.order_number}, known, key)
        emails = [version.email for story in told.orders for version in story.versions if version.contact_key == key]
        on_list = self.orders.rules.list_facts(self.orders.connection, [(self.merchant, key, self.as_of)])
        members = self.orders.history.segment_days(key)
        contact = ContactStory(
            contact_key=key,
            email=emails[-1] if emails else None,
            as_of=self.as_of,
            facts=on_list.get((key, self.as_of), {}),
            segments=sorted(segment for segment, days in members.items() if self.as_of in days),
            suppressions=suppressions,
            segment_changes=segment_changes(self.orders.history, members),
            suppression_changes=suppression_changes(self.orders.deliveries.ledger, key),
            feedback=told.own.feedback,
            events=told.own.events,
            positions=told.own.positions,
            no_messages=told.own.no_messages,
            outgoing=told.own.outgoing,
            runs=told.own.runs,
        )
        return self._asked(told, contact)

    def of_order(self, number: str) -> Asked | None:
        """The story of one order."""
        known = self.orders.deliveries.rows([number], [])
        told = self.orders.tell([number], known)
        if not (told.orders[0].entries or known):
            return None
        return self._asked(told, None)

    def _asked(self, told: Told, contact: ContactStory | None) -> Asked:
        story = Story(self.merchant, self.as_of, contact, told.orders, self.notes)
        campaigns = [one for one in self.orders.rules.campaigns if one.merchant == self.merchant]
        return Asked(story, told.runs, self.orders.merchant, campaigns, self.orders.conversations)


def _contact_key(settings: Settings, ledger: Ledger, who: str, merchant: str) -> str | None:
    """The contact key that an address or a key stands for; None for what can only be an order number."""
    text = who.strip()
    if _CONTACT_KEY.fullmatch(text.lower()):
        return text.lower()
    email, _kind = read_email(text)
    if email is None:
        return None
    if not settings.secret and not settings.secret_file.exists():
        raise SecretError("the contact secret is not there (secret.key in the home, or PP_SECRET): restore it")
    secret = contact_secret(settings)
    with ledger.reading() as connection:
        known = connection.scalar(select(facts.c.value).where(facts.c.name == SECRET_FACT))
    if known is not None and known != fingerprint(secret):
        raise SecretError(
            "addresses can't be looked up: the contact secret is not the one that this ledger knows; "
            "restore secret.key in the home (or PP_SECRET), or ask by order number"
        )
    return contact_key(secret, merchant, email)


def _is_text(who: str) -> bool:
    """Whether it can be written as UTF-8; a terminal of another encoding hands on what can't."""
    try:
        who.encode()
    except UnicodeEncodeError:
        return False
    return True


def _notes(settings: Settings, orders: OrdersTeller, manifest: Mapping[str, Any]) -> list[str]:
    """What makes the answer less than certain: books that don't hold."""
    begins = first_day(settings, orders.deliveries.ledger, all_feeds(load_merchants(settings)))
    if begins is None:
        return []
    models = {campaign.queue for campaign in orders.rules.campaigns} | {"planned_messages"}
    wanted = [book for book in books(manifest, begins, run_hashes(orders.conversations)) if book.model in models]
    return [
        f"the book of {found.model} does not hold from {found.day} on ({found.reason}): `pp run` rebuilds it; "
        "what follows is what it says now"
        for found in stale_days(orders.connection, wanted)
    ]
