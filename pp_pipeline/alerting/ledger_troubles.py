"""All troubles that the ledger and the inbox know of: for the alert sensor and `pp status`."""

from collections.abc import Mapping
from datetime import date, datetime

from pp_pipeline.alerting.batch_troubles import large_troubles, old_troubles, stuck_troubles
from pp_pipeline.alerting.trouble import Trouble
from pp_pipeline.conversations.loading import ConversationError
from pp_pipeline.correcting.approving import Standing
from pp_pipeline.landing.file_stories import FileStories, file_stories
from pp_pipeline.ledger.store import Ledger, LedgerError
from pp_pipeline.merchants import Merchant, MerchantError, load_merchants
from pp_pipeline.sending.batches import batch_states
from pp_pipeline.settings import Settings

REFUSED, UNSEEN = "refused", "unseen"
_EARLIEST, _LATEST = date(2000, 1, 1), date(9999, 12, 31)


def ledger_troubles(settings: Settings, today: date, now: datetime) -> list[Trouble]:
    """Refused files, batches that wait and batches that are stuck.

    What people wrote is read anew; where it can't be used, that is the one trouble.
    """
    try:
        merchants = load_merchants(settings)
        with Ledger(settings) as ledger:
            states = batch_states(ledger, settings, _EARLIEST, _LATEST, today)
            return [
                *file_troubles(file_stories(settings, ledger, merchants)),
                *batch_troubles(settings, ledger, merchants, states, now),
            ]
    except (LedgerError, MerchantError, ConversationError) as error:
        words = f"Nobody can look at files and batches: {error}"
        return [Trouble(UNSEEN, (type(error).__name__,), words, "`pp doctor` shows what else is wrong")]


def batch_troubles(
    settings: Settings, ledger: Ledger, merchants: Mapping[str, Merchant], states: list[Standing], now: datetime
) -> list[Trouble]:
    """All that is wrong with batches, by how the newest version of each stands."""
    stuck = stuck_troubles(settings, ledger, merchants, states, now)
    return [*stuck, *large_troubles(states), *old_troubles(states)]


def file_troubles(stories: FileStories) -> list[Trouble]:
    """What lies in the inbox and is not taken in; nothing where all of it is."""
    names = not_taken(stories)
    if not names:
        return []
    told = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    word = "1 file" if len(names) == 1 else f"{len(names)} files"
    text = f"{word} in the inbox can't be taken in: {told}"
    return [Trouble(REFUSED, tuple(names), text, "`pp files` says why, and what to do")]


def not_taken(stories: FileStories) -> list[str]:
    """The names in the inbox whose content is refused, or that no feed takes."""
    refused = [story.name for story in stories.files if story.is_standing]
    return sorted({*refused, *(name for name, _ in (*stories.misnamed, *stories.unrecognised))})
