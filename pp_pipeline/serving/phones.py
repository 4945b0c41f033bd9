"""What number a contact has, for the preference page: whoever has none is not asked about text messages."""

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
            if not connection.table_exists("contact_rows"):
                return ""
            found = connection.rows(_NEWEST, (merchant, contact_key))
    except Exception as error:
        LOG.warning("the warehouse could not be asked for a number: %s", type(error).__name__)
        return None
    return (found[0][0] or "") if found else ""


_NEWEST = """
select phone from contact_rows where merchant = ? and contact_key = ?
order by file_date desc, feed_file desc, feed_line desc, row_in_file desc limit 1
"""
