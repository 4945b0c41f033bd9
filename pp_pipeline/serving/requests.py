"""Reading requests: bodies of bearable size, in bearable time, and the two ways in which forms are posted."""

import asyncio
import email
import email.policy
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

BODY_SECONDS = 10.0
MOST_OF_A_FORM = 16_384
MOST_OF_A_WEBHOOK = 2_000_000
_MOST_FIELDS = 50


async def read_body(request: Request, most: int, seconds: float = BODY_SECONDS) -> bytes:
    """The whole body.

    Raises:
        HTTPException: 413 it is larger than `most` bytes, 408 it does not come in time, 400 it breaks off.
    """
    if (stated := request.headers.get("content-length", "")).isdecimal() and int(stated[:12]) > most:
        raise HTTPException(413)
    parts: list[bytes] = []
    try:
        async with asyncio.timeout(seconds):
            size = 0
            async for part in request.stream():
                size += len(part)
                if size > most:
                    raise HTTPException(413)
                parts.append(part)
    except TimeoutError:
        raise HTTPException(408) from None
    except ClientDisconnect:
        raise HTTPException(400) from None
    return b"".join(parts)


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a posted form, url-encoded or multipart (RFC 8058 allows both); of doubled ones the last.

    Raises:
        HTTPException: as `read_body`; 415 where it is neither, 400 where it can't be read.
    """
    body = await read_body(request, MOST_OF_A_FORM)
    content_type = request.headers.get("content-type", "")
    kind = content_type.partition(";")[0].strip().lower()
    try:
        if kind == "application/x-www-form-urlencoded":
            return dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
        if kind == "multipart/form-data":
            return _multipart(content_type, body)
    except ValueError:
        raise HTTPException(400) from None
    raise HTTPException(415)


def _multipart(content_type: str, body: bytes) -> dict[str, str]:
    """The fields of a multipart form; files are none of ours."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1")
    message = email.message_from_bytes(head + body, policy=email.policy.HTTP)
    if not message.is_multipart():
        if body.strip() == f"--{message.get_boundary()}--".encode():
            return {}
        raise ValueError("no multipart form")
    fields: dict[str, str] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(content, bytes):
            raise ValueError("a part of the form has no name")
        if part.get_filename() is None:
            fields[name] = content.decode("utf-8").strip("\r\n")
    return fields
