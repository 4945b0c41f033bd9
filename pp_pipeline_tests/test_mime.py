"""An e-mail as bytes, read back by the standard library's parser: whatever the words, nothing is added or lost."""

import email
import email.policy
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pp_pipeline.sending.outlets.mime import AddressNotUsable, email_bytes
from pp_pipeline.sending.outlets.outlet import EmailDraft

HEADERS = [
    *("List-Unsubscribe", "List-Unsubscribe-Post", "From", "To", "Subject", "Date", "Message-ID"),
    *("MIME-Version", "Content-Type"),
]
WORDS = st.text(st.characters(codec="utf-8"), max_size=200)


def draft(**changes: Any) -> EmailDraft:
    fields = {
        "message_id": "a1" * 16,
        "conversation": "hello",
        "merchant": "main",
        "day": date(2026, 7, 10),
        "from_name": "Corner Shop",
        "from_email": "shop@example.com",
        "to_email": "ann@example.com",
        "subject": "Hello",
        "text": "Hello Ann\n",
        "html": "<p>Hello Ann</p>\n",
        "one_click_url": "https://example.com/u?c=1.2",
    }
    return EmailDraft(**fields | changes)


def lines_of(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")


@given(subject=WORDS, name=WORDS, text=WORDS, html=WORDS)
def test_whatever_the_words_the_mail_says_them_and_nothing_else(subject: str, name: str, text: str, html: str) -> None:
    content = email_bytes(draft(subject=subject, from_name=name, text=text, html=html))
    assert content.isascii()
    assert all(len(line) <= 998 for line in content.split(b"\r\n"))
    assert b"\n" not in content.replace(b"\r\n", b"")
    mail = email.message_from_bytes(content, policy=email.policy.default)
    assert mail.keys() == HEADERS
    assert [part.get_content_type() for part in mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert "".join(mail["Subject"].split()) == "".join(each for each in subject if each.isprintable()).replace(" ", "")
    assert [(one.addr_spec) for one in mail["From"].addresses] == ["shop@example.com"]
    assert [str(one) for one in mail["To"].addresses] == ["ann@example.com"]
    for part, given_text in zip(mail.iter_parts(), (text, html), strict=True):
        assert lines_of(part.get_content()) == lines_of(given_text)


def test_a_name_and_a_subject_that_are_not_english_are_read_as_they_were_written() -> None:
    mail = email.message_from_bytes(
        email_bytes(draft(subject="Ihre Bestellung, schön, dass Sie da sind " * 4, from_name="Käthes Läden, Inc.")),
        policy=email.policy.default,
    )
    assert mail["Subject"] == ("Ihre Bestellung, schön, dass Sie da sind " * 4).strip()
    assert mail["From"].addresses[0].display_name == "Käthes Läden, Inc."


def test_a_long_line_stays_one_line() -> None:
    mail = email.message_from_bytes(email_bytes(draft(text="word " * 500 + "\n. \n")), policy=email.policy.default)
    assert lines_of(next(mail.iter_parts()).get_content()) == ["word " * 500, ". "]


def test_the_date_is_that_of_the_day_or_of_the_sending() -> None:
    assert b"Date: Fri, 10 Jul 2026 12:00:00 +0000\r\n" in email_bytes(draft())
    at = datetime(2026, 7, 11, 7, 30, tzinfo=UTC)
    assert b"Date: Sat, 11 Jul 2026 07:30:00 +0000\r\n" in email_bytes(draft(), at)


@pytest.mark.parametrize(
    "url", ["https://example.com/ü", "https://example.com/a b", "https://example.com/\r\nBcc: x", "x>"]
)
def test_an_unsubscribe_address_that_is_no_plain_link_is_refused(url: str) -> None:
    with pytest.raises(AddressNotUsable):
        email_bytes(draft(one_click_url=url))


@pytest.mark.parametrize("address", ["no address", "päm@example.com", "a@b@c", "x@example.com\nBcc: y@example.com", ""])
def test_an_address_that_is_none_is_refused_without_being_shown(address: str) -> None:
    for field in ("to_email", "from_email"):
        with pytest.raises(AddressNotUsable) as caught:
            email_bytes(draft(**{field: address}))
        assert not address or address not in str(caught.value)
