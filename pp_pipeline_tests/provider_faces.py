"""How providers of e-mail and of texts want to be asked, as their references have it, and how they answer."""

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

KEY, SECOND_KEY = "the-key-of-24-characters", "the-second-key-of-the-two"
ACCOUNT = "AC" + "0123456789abcdef" * 2

Form = dict[str, Any]
"""The fields of an object. Each value is a type, a set of words, a list of one form, or the fields of an object."""


@dataclass(frozen=True)
class Face:
    """How a provider wants to be asked, and how it answers.

    Attributes:
        base: what stands behind its host in addresses.
        path: behind that.
        login: headers that say who asks.
        form: the fields of a request, as the provider's reference has them; those with * have to be there.
        key: what a message is known by: our message id, where the provider keeps it; the number that a text goes to.
        recipient: where the message goes.
        answer: status and body with which it takes a message.
        refusal: status and body with which it refuses a recipient.
    """

    base: str
    path: str
    login: Mapping[str, str]
    form: Form
    key: Callable[[Any], str]
    recipient: Callable[[Any], str]
    answer: tuple[int, Any]
    refusal: tuple[int, Any]


def _basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}


_NAMED = {"email*": str, "name": str}
_MAILJET_NAMED = {"Email*": str, "Name": str}
_SWITCH = {"enable*": bool}
_YES_NO = {"yes", "no"}

FACES: dict[str, Face] = {
    # postmarkapp.com/developer/api/email-api
    "postmark": Face(
        "",
        "/email",
        {"X-Postmark-Server-Token": KEY},
        {
            "From*": str,
            "To*": str,
            "Subject": str,
            "Tag": str,
            "HtmlBody*": str,
            "TextBody": str,
            "ReplyTo": str,
            "Headers": [{"Name*": str, "Value*": str}],
            "TrackOpens": bool,
            "TrackLinks": {"None", "HtmlAndText", "HtmlOnly", "TextOnly"},
            "Metadata*": {"message_id*": str},
            "MessageStream": str,
        },
        lambda data: data["Metadata"]["message_id"],
        lambda data: data["To"],
        (200, {"To": "ann@example.com", "MessageID": "b7bc2f4a-e38e", "ErrorCode": 0, "Message": "OK"}),
        (422, {"ErrorCode": 406, "Message": "You tried to send to recipient(s) that have been marked as inactive."}),
    ),
    # twilio.com/docs/sendgrid/api-reference/mail-send/mail-send
    "sendgrid": Face(
        "/v3",
        "/mail/send",
        {"Authorization": f"Bearer {KEY}"},
        {
            "personalizations*": [{"to*": [_NAMED], "custom_args": {"anymail_id": str}}],
            "from*": _NAMED,
            "reply_to_list": [_NAMED],
            "subject*": str,
            "content*": [{"type*": {"text/plain", "text/html"}, "value*": str}],
            "headers": {"List-Unsubscribe": str, "List-Unsubscribe-Post": str},
            "categories": [str],
            "custom_args*": {"message_id*": str},
            "tracking_settings": {"click_tracking": _SWITCH, "open_tracking": _SWITCH},
        },
        lambda data: data["custom_args"]["message_id"],
        lambda data: data["personalizations"][0]["to"][0]["email"],
        (202, None),
        (400, {"errors": [{"message": "Does not contain a valid address.", "field": "personalizations.0.to.0.email"}]}),
    ),
    # documentation.mailgun.com: POST /v3/{domain_name}/messages, a form
    "mailgun": Face(
        "/v3",
        "/example.com/messages",
        _basic("api", KEY),
        {
            "from*": str,
            "to*": str,
            "subject*": str,
            "text": str,
            "html": str,
            "o:tag": str,
            "o:tracking-clicks": _YES_NO,
            "o:tracking-opens": _YES_NO,
            "h:Reply-To": str,
            "h:List-Unsubscribe": str,
            "h:List-Unsubscribe-Post": str,
            "h:Message-Id": str,
            "v:message_id*": str,
        },
        lambda data: data["v:message_id"],
        lambda data: data["to"],
        (200, {"id": "<20260710063000.1.ABC@example.com>", "message": "Queued. Thank you."}),
        (400, {"message": "to parameter is not a valid address. please check documentation"}),
    ),
    # dev.mailjet.com/email/reference/send-emails
    "mailjet": Face(
        "/v3.1",
        "/send",
        _basic(KEY, SECOND_KEY),
        {
            "Globals*": {
                "From*": _MAILJET_NAMED,
                "ReplyTo": _MAILJET_NAMED,
                "Subject*": str,
                "TextPart": str,
                "HTMLPart": str,
                "Headers": {"List-Unsubscribe": str, "List-Unsubscribe-Post": str},
                "EventPayload*": str,
                "CustomCampaign": str,
                "TrackClicks": {"disabled"},
                "TrackOpens": {"disabled"},
            },
            "Messages*": [{"To*": [_MAILJET_NAMED]}],
        },
        lambda data: json.loads(data["Globals"]["EventPayload"])["message_id"],
        lambda data: data["Messages"][0]["To"][0]["Email"],
        (200, {"Messages": [{"Status": "success", "To": [{"Email": "ann@example.com", "MessageID": 456}]}]}),
        (400, {"Messages": [{"Status": "error", "Errors": [{"StatusCode": 400, "ErrorRelatedTo": ["To[0].Email"]}]}]}),
    ),
    # developers.brevo.com/reference/send-transac-email
    "brevo": Face(
        "/v3",
        "/smtp/email",
        {"api-key": KEY},
        {
            "sender*": _NAMED,
            "replyTo": _NAMED,
            "to*": [_NAMED],
            "subject*": str,
            "textContent": str,
            "htmlContent": str,
            "tags": [str],
            "headers*": {"List-Unsubscribe": str, "List-Unsubscribe-Post": str, "X-Mailin-custom*": str},
        },
        lambda data: json.loads(data["headers"]["X-Mailin-custom"])["message_id"],
        lambda data: data["to"][0]["email"],
        (201, {"messageId": "<20260710063000.1@smtp-relay.example.com>"}),
        (400, {"code": "invalid_parameter", "message": "email is not valid in to"}),
    ),
    # developers.sparkpost.com/api/transmissions
    "sparkpost": Face(
        "/api/v1",
        "/transmissions/",
        {"Authorization": KEY},
        {
            "recipients*": [{"address*": {"email*": str, "header_to": str}}],
            "content*": {
                "from*": str,
                "reply_to": str,
                "subject*": str,
                "text": str,
                "html": str,
                "headers": {"List-Unsubscribe": str, "List-Unsubscribe-Post": str},
            },
            "metadata*": {"message_id*": str},
            "campaign_id": str,
            "options": {"click_tracking": bool, "open_tracking": bool},
        },
        lambda data: data["metadata"]["message_id"],
        lambda data: data["recipients"][0]["address"]["email"],
        (200, {"results": {"total_rejected_recipients": 0, "total_accepted_recipients": 1, "id": "1166"}}),
        (400, {"errors": [{"message": "At least one valid recipient is required", "code": "5002"}]}),
    ),
    # resend.com/docs/api-reference/emails/send-email
    "resend": Face(
        "",
        "/emails",
        {"Authorization": f"Bearer {KEY}"},
        {
            "from*": str,
            "to*": [str],
            "reply_to": [str],
            "subject*": str,
            "text": str,
            "html": str,
            "headers*": {"List-Unsubscribe": str, "List-Unsubscribe-Post": str, "X-Metadata*": str, "X-Tags": str},
        },
        lambda data: json.loads(data["headers"]["X-Metadata"])["message_id"],
        lambda data: data["to"][0],
        (200, {"id": "49a3999c-0ce1-4ea6-ab68-afcd6dc2e794"}),
        (
            422,
            {"name": "validation_error", "message": "Invalid `to` field. The email address needs to follow the form."},
        ),
    ),
    # twilio.com/docs/messaging/api/message-resource, a form
    "twilio": Face(
        "",
        f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json",
        _basic(ACCOUNT, KEY),
        {"To*": str, "From*": str, "Body*": str},
        lambda data: data["To"],
        lambda data: data["To"],
        (201, {"sid": "SM0123456789abcdef0123456789abcdef", "status": "queued", "error_code": None}),
        (400, {"code": 21211, "message": "Invalid 'To' Phone Number", "status": 400}),
    ),
}
