"""E-mail addresses and phone numbers, checked and normalised by libraries kept for it (DESIGN 6)."""

import re

from email_validator import EmailNotValidError, validate_email

from pp_pipeline.landing.cells import Cell, misfit

LONGEST_EMAIL = 254
_INVISIBLE = re.compile(r"[\u200b\u200c\u200d\u2060\ufeff\u00ad]")
_MARKUP = re.compile(r"(?:mailto:)?<?(?:mailto:)?([^<>]*)>?", re.IGNORECASE)


def read_email(text: str) -> Cell:
    """The normalised address, or none where the text is no address.

    Lower case; blanks around it and around the @, characters that nobody sees, `mailto:`, < > and a dot or comma
    after it are slips of the pen and taken off; an international domain is written in ASCII, so that both its
    spellings are one contact. Dots before the @ stay: they mean something to most providers.
    """
    text = _INVISIBLE.sub("", text).strip().lower()
    if not text:
        return None, "blank"
    if len(text) > 4 * LONGEST_EMAIL:
        return None, "too_long"
    markup = _MARKUP.fullmatch(text)
    address = re.sub(r"\s*@\s*", "@", markup[1] if markup else text).strip().rstrip(".,; ")
    try:
        found = validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        return None, "too_long" if len(address) > LONGEST_EMAIL else misfit(text)
    return f"{found.local_part}@{found.ascii_domain}", "address"


def read_phone(text: str, country: str) -> Cell:
    """The number in E.164 form (`+12125550100`), or none where it is none that can be dialled.

    Args:
        country: two letters; of numbers written without a country code. Empty: those are not read.
    """
    import phonenumbers

    text = text.strip().lstrip("'")
    if not text:
        return None, "blank"
    try:
        number = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        return None, misfit(text)
    if not phonenumbers.is_valid_number(number):
        return None, "out_of_range"
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), "phone"
