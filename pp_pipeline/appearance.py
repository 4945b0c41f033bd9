"""How a merchant's messages look and sound, apart from what they say: the part of its file that is about that."""

import re

from pydantic import BaseModel, Field, field_validator

from pp_pipeline.messages.colors import READABLE, contrast, is_color, on_dark
from pp_pipeline.messages.locales import known_locale
from pp_pipeline.roads import checked_email


class Appearance(BaseModel):
    """The fields of a merchant's file that its messages alone need; none has to be there."""

    locale: str = Field(default="en", description="what it writes in where a contact's locale says nothing else")
    reply_to: str = Field(default="", description="address that answers go to; the sender's where there is none")
    logo_url: str = Field(default="", description="picture of its logo; the sender's name where there is none")
    brand_color: str = Field(default="#1f5fbf", description="of buttons and links: # and six hexadecimal digits")
    sms_sender: str = Field(default="", description="who text messages are from: a number, a short code or a word")

    @field_validator("locale")
    @classmethod
    def _check_locale(cls, value: str) -> str:
        if not known_locale(value):
            raise ValueError("not a locale; write one such as en or de_AT")
        return known_locale(value)

    @field_validator("reply_to")
    @classmethod
    def _check_reply_to(cls, value: str) -> str:
        return checked_email(value) if value else value

    @field_validator("logo_url")
    @classmethod
    def _check_logo(cls, value: str) -> str:
        if value and not re.fullmatch(r"https://[^\s\"'<>]+", value):
            raise ValueError("a picture in a message begins with https://")
        return value

    @field_validator("brand_color")
    @classmethod
    def _check_color(cls, value: str) -> str:
        if not is_color(value):
            raise ValueError("a colour is # and six hexadecimal digits in quotes, such as '#1f5fbf'")
        if (found := contrast(value, "#ffffff")) < READABLE:
            raise ValueError(
                f"white on it can't be read: contrast {found:.1f}, needed is {READABLE}; take a darker one"
            )
        return value.lower()

    @field_validator("sms_sender")
    @classmethod
    def _check_sms_sender(cls, value: str) -> str:
        if value and not re.fullmatch(r"\+[1-9]\d{6,14}|\d{3,8}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}", value):
            raise ValueError("a sender is a number such as +12015550123, a short code, or a word of up to 11 letters")
        return value

    @property
    def brand_color_on_dark(self) -> str:
        """Its colour as it can be read on the dark ground of messages."""
        return on_dark(self.brand_color)
