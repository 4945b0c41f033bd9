"""What number a contact has, for the preference page: whoever has none is not asked about text messages."""

from pp_pipeline.sending.contact_facts import ONE_CONTACT, read_contact_rows
from pp_pipeline.serving.intake import LOG
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Warehouse

_LOCK_WAIT_SECONDS = 0.5


def phone_of(settings: Settings, merchant: str, contact_key: str) -> str | None:
    """The number that the contacts feed has now (E.164); '' where it has none, None where the warehouse can't be asked
    this very moment: a page must not wait for a build."""
    if settings.target == "spark":
        return None
    if not settings.has_warehouse:
        return ""
    try:
        with Warehouse(settings, _LOCK_WAIT_SECONDS).connect() as connection:
            found = read_contact_rows(connection, ONE_CONTACT, (merchant, contact_key), ["phone"])
    except Exception as error:
        LOG.warning("the warehouse could not be asked for a number: %s", type(error).__name__)
        return None
    (phone,) = found.get((merchant, contact_key), ("",))
    return phone or ""
