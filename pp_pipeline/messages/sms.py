"""How long a text message is: in how many pieces it travels, each of which is paid for.

3GPP TS 23.038: 160 letters of the basic alphabet in one piece, or 153 in each of several; a letter of the extension
counts two, and is not torn apart. With any other letter the whole text goes as UCS-2: 70, or 67 in each of several.
"""

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_NO_BREAK = str.maketrans("\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}", "  ")
_EXTENSION = frozenset("\f^{}\\[~]|€")


def plain_blanks(text: str) -> str:
    """The text without the blanks that amounts have in many locales, one of which doubles the pieces."""
    return text.translate(_NO_BREAK)


def segments(text: str) -> int:
    """In how many pieces a text travels."""
    if set(text) <= _BASIC | _EXTENSION:
        lengths = [2 if letter in _EXTENSION else 1 for letter in text]
        one, each = 160, 153
    else:
        lengths = [2 if ord(letter) > 0xFFFF else 1 for letter in text]
        one, each = 70, 67
    if sum(lengths) <= one:
        return 1
    count, room = 1, each
    for length in lengths:
        if length > room:
            count, room = count + 1, each
        room -= length
    return count
