"""What `pp serve` answers, as OpenAPI 3.1: for whoever connects a provider, and for the tests that try it out."""

from functools import cache
from importlib.metadata import version
from typing import Any

from pp_pipeline.landing.cell_types import FEEDBACK_EVENTS
from pp_pipeline.landing.other_kinds import FEEDBACK
from pp_pipeline.serving.contact_words import NOTIFICATION_PREFERENCES
from pp_pipeline.serving.link_tokens import TOKEN_PATTERN

_TOKEN = r"^(2\.sms\.)?[0-9a-f]{32}\.[0-9a-f]{32}$"
_NAME = "^[a-z][a-z0-9_]{0,49}$"
_PAGE_PROBLEMS = {
    "400": "The form could not be read; nothing was changed.",
    "403": "The token was not made here.",
    "408": "The body did not come in time.",
    "413": "The body is too large.",
    "415": "The body is no form.",
    "503": "The ledger can't be read or written just now; ask again.",
}


@cache
def description() -> dict[str, Any]:
    """The whole description."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "pp serve",
            "version": version("pp_pipeline"),
            "description": "Takes in what contacts and providers say of messages. GET suppresses and sets nothing; of "
            "a tracking link it is a click, which is taken down.",
        },
        "paths": {
            "/u": {
                "get": _page("Asks whether to unsubscribe.", ("403",)),
                "post": _page("Unsubscribes at once (RFC 8058).", tuple(_PAGE_PROBLEMS), _ONE_CLICK),
            },
            "/preferences": {
                "get": _page("Shows what the contact gets, and how.", ("403", "503")),
                "post": _page("Saves what the contact chose.", tuple(_PAGE_PROBLEMS), _PREFERENCES),
            },
            "/l/{token}": {"get": _FOLLOW},
            "/webhooks/{merchant}/{source}": {"post": _WEBHOOK},
            "/openapi.json": {
                "get": {
                    "summary": "This description.",
                    "responses": {"200": _json("OpenAPI 3.1.", {"type": "object", "required": ["openapi", "paths"]})},
                }
            },
        },
        "components": {
            "securitySchemes": {
                "signature": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "PP-Signature",
                    "description": "v1= and the HMAC-SHA256 of PP-Timestamp, a dot and the body.",
                },
                "password": {"type": "http", "scheme": "basic", "description": "The password is the secret."},
            }
        },
    }


def _page(summary: str, problems: tuple[str, ...], form: dict[str, Any] | None = None) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": summary,
        "parameters": [
            {
                "name": "c",
                "in": "query",
                "required": True,
                "description": "The token of a link.",
                "schema": {"type": "string", "pattern": _TOKEN},
            }
        ],
        "responses": {
            "200": _html("The page."),
            **{status: _html(_PAGE_PROBLEMS[status]) for status in problems},
        },
    }
    if form:
        kinds = ("application/x-www-form-urlencoded", "multipart/form-data")
        operation["requestBody"] = {"required": True, "content": {kind: {"schema": form} for kind in kinds}}
    return operation


def _html(text: str) -> dict[str, Any]:
    return {"description": text, "content": {"text/html": {"schema": {"type": "string"}}}}


def _json(text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schema}}}


_FOLLOW = {
    "summary": "Hands on to where a tracking link leads.",
    "parameters": [
        {
            "name": "token",
            "in": "path",
            "required": True,
            "description": "The token of the link.",
            "schema": {"type": "string", "pattern": f"^{TOKEN_PATTERN}$"},
        }
    ],
    "responses": {
        "302": {
            "description": "Where the link leads.",
            "headers": {"Location": {"required": True, "schema": {"type": "string", "format": "uri"}}},
        },
        "404": _html("The token was not made here."),
    },
}
_ONE_CLICK = {
    "type": "object",
    "required": ["List-Unsubscribe"],
    "properties": {"List-Unsubscribe": {"type": "string", "const": "One-Click"}},
}
_PREFERENCES = {
    "type": "object",
    "properties": {
        **{
            field: {"type": "string", "enum": ["yes", "no"], "description": f"{what}; yes only undoes a stop."}
            for field, what in (
                ("email", "Advertising by e-mail"),
                ("sms", "Advertising by SMS"),
                ("email_orders", "Messages about orders by e-mail"),
                ("sms_orders", "Messages about orders by SMS"),
            )
        },
        "notification": {"type": "string", "enum": ["", *NOTIFICATION_PREFERENCES]},
    },
}
_FEEDBACK_EVENT = {
    "type": "object",
    "description": "An event of feedback; `email` or `contact_key` says whose. Other forms: docs/serving.md.",
    "required": ["event", "occurred_at"],
    "properties": {
        **{column.name: {"type": "string", "description": column.description} for column in FEEDBACK.columns},
        "event": {"type": "string", "enum": list(FEEDBACK_EVENTS)},
        "occurred_at": {"type": "string", "format": "date-time"},
    },
}
_ERROR = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
_COUNTS = {
    "type": "object",
    "required": ["taken", "kept_out"],
    "properties": {name: {"type": "integer", "minimum": 0} for name in ("taken", "kept_out")},
}
_WEBHOOK = {
    "summary": "Takes in what a provider says became of messages, or what people answered.",
    "security": [{"signature": []}, {"password": []}],
    "parameters": [
        *(
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": _NAME}}
            for name in ("merchant", "source")
        ),
        {
            "name": "PP-Timestamp",
            "in": "header",
            "description": "Seconds since 1970, of the signature.",
            "schema": {"type": "string", "pattern": "^[0-9]{1,12}$"},
        },
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"anyOf": [_FEEDBACK_EVENT, {"type": "array", "items": _FEEDBACK_EVENT}]}}
        },
    },
    "responses": {
        "200": _json("How many events were taken, and how many kept out.", _COUNTS),
        "400": _json("No JSON, or too many events.", _ERROR),
        "401": _json("Not signed with the webhook's secret, or too old.", _ERROR),
        "404": _json("There is no such webhook.", _ERROR),
        "408": _html("The body did not come in time."),
        "413": _html("The body is too large."),
        "503": _json("The ledger can't be written just now; post it again.", _ERROR),
    },
}
