"""What came back from a contact, in plain words, and what it is about."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Row

from pp_pipeline.why.entries import Feedback, Source
from pp_pipeline.why.history import FeedbackRow, MessageRow


def feedback_entries(
    rows: Iterable[FeedbackRow],
    messages: Iterable[MessageRow],
    known: Sequence[Row[Any]],
    order_numbers: Collection[str],
) -> dict[str, list[Feedback]]:
    """Feedback by the order that it is about, by itself or by its message; '' where it is about none of these.

    Args:
        messages, known: planned messages, and the ledger's deliveries, that feedback can be about.
    """
    about = {row.key: (f"{row.conversation}/{row.step}", row.order_number) for row in known if row.kind == "message"}
    about |= {one.message_id: (f"{one.conversation}/{one.step}", one.order_number) for one in messages}
    found: dict[str, list[Feedback]] = {}
    for row in rows:
        message, order_of_message = about.get(row.message_id or "", ("", None))
        number = row.order_number or order_of_message or ""
        found.setdefault(number if number in order_numbers else "", []).append(
            Feedback(
                on=row.occurred_on,
                text=_text(row, message),
                source=Source(row.feed_file, row.feed_line),
                contact_key=row.contact_key,
                event=row.event,
                occurred_at=row.occurred_at,
                message_id=row.message_id,
                order_number=row.order_number,
            )
        )
    return found


def _text(row: FeedbackRow, message: str) -> str:
    parts = [
        f"message {message}" if message else row.channel,
        "by a program, not a person" if row.is_machine_open else None,
        row.link,
        row.bounce,
        f"rated {float(row.rating):g}" if row.rating is not None else None,
        row.action,
        f"known on {row.file_date}" if row.file_date > row.occurred_on else None,
    ]
    about = ", ".join(part for part in parts if part)
    return f"feedback: {row.event.replace('_', ' ')}" + (f" ({about})" if about else "")
