"""Colours of messages, and whether they can be read (WCAG 2, contrast ratio)."""

import re
from functools import lru_cache

READABLE = 4.5
"""The least contrast between a text and its ground."""
DARK_GROUND = "#20242b"
"""Of a message's card in dark mode, as head.mjml.j2 has it."""


def is_color(text: str) -> bool:
    """Whether it is `#` and six hexadecimal digits."""
    return re.fullmatch(r"#[0-9a-fA-F]{6}", text) is not None


def contrast(one: str, other: str) -> float:
    """From 1 (the same) to 21 (black and white)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@lru_cache(maxsize=100)
def on_dark(color: str) -> str:
    """The colour, with as much white in it as it takes to be read on the dark ground."""
    channels = _channels(color)
    for white in range(101):
        mixed = "#" + "".join(f"{round(each + (255 - each) * white / 100):02x}" for each in channels)
        if contrast(mixed, DARK_GROUND) >= READABLE + 1:  # panels are a little lighter than the card
            return mixed
    return "#ffffff"


def _channels(color: str) -> list[int]:
    return [int(color[place : place + 2], 16) for place in (1, 3, 5)]


def _luminance(color: str) -> float:
    parts = [channel / 255 for channel in _channels(color)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
