"""Profile fields of contacts (DESIGN 4): which of them conditions ask for, which an action may set, and to what."""

from pp_pipeline.landing.cells import read_locale
from pp_pipeline.landing.other_kinds import CONTACTS

SETTABLE = ("locale", "notification_preference", "loyalty_member")
"""Of the contacts feed's own columns; further ones are free. The rest says who a person is, where, and what it agreed
to: guards hang on it, so the shop states it alone."""
_ASKED_FOR = ("country", "zone", *SETTABLE)
_COLUMNS = {column.name for column in CONTACTS.columns}


def asking_problem(field: str) -> str:
    """What is wrong with a condition that asks for a field; '' if nothing."""
    if field in _COLUMNS - set(_ASKED_FOR):
        columns = ", ".join(_ASKED_FOR)
        return f"'{field}' can't be asked for; of the contacts feed's columns {columns} can, and further ones"
    return ""


def field_problem(field: str, value: str) -> str:
    """What is wrong with setting a field to a value; '' if nothing."""
    if field in _COLUMNS - set(SETTABLE):
        return f"'{field}' is for the contacts feed alone to state; of its columns {', '.join(SETTABLE)} can be set"
    if field == "locale" and read_locale(value)[0] != value:
        return f"locale is '{value}'; allowed is a language, or language and country, such as en_US"
    if field == "loyalty_member" and value not in ("true", "false"):
        return f"loyalty_member is '{value}'; allowed is 'true' or 'false'"
    return ""
