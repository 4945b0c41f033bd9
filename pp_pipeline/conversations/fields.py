"""Profile fields that an action may set (DESIGN 4): which, and to what."""

from pp_pipeline.landing.cells import read_locale
from pp_pipeline.landing.other_kinds import CONTACTS

SETTABLE = ("locale", "notification_preference", "loyalty_member")
"""Of the contacts feed's own columns; further ones are free. The rest says who a person is, where, and what it agreed
to: guards hang on it, so the shop states it alone."""
_STATED_ALONE = {column.name for column in CONTACTS.columns} - set(SETTABLE)


def field_problem(field: str, value: str) -> str:
    """What is wrong with setting a field to a value; '' if nothing."""
    if field in _STATED_ALONE:
        return f"'{field}' is for the contacts feed alone to state; of its columns {', '.join(SETTABLE)} can be set"
    if field == "locale" and read_locale(value)[0] != value:
        return f"locale is '{value}'; allowed is a language, or language and country, such as en_US"
    if field == "loyalty_member" and value not in ("true", "false"):
        return f"loyalty_member is '{value}'; allowed is 'true' or 'false'"
    return ""
