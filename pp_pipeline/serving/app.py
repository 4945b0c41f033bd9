"""The application: its addresses, and what each answers (ASGI)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from pp_pipeline.contact_keys import phone_key
from pp_pipeline.landing.cell_types import CHANNELS
from pp_pipeline.merchants import Merchant
from pp_pipeline.serving.clicks import Clicks, is_fetched_ahead
from pp_pipeline.serving.contact_words import (
    CHOICES,
    NOTIFICATION_PREFERENCES,
    Choice,
    set_preferences,
    standing_of,
    unsubscribe,
)
from pp_pipeline.serving.headers import WithHeaders
from pp_pipeline.serving.intake import LOG, Intake, LedgerBusy
from pp_pipeline.serving.link_tokens import read_link_token
from pp_pipeline.serving.openapi import description
from pp_pipeline.serving.pages import (
    CONTENT_SECURITY_POLICY,
    field_of,
    preferences_page,
    problem_page,
    unsubscribe_page,
)
from pp_pipeline.serving.phones import phone_of
from pp_pipeline.serving.requests import MOST_OF_A_WEBHOOK, read_body, read_form
from pp_pipeline.serving.tokens import Person, read_token
from pp_pipeline.serving.twilio import NO_ANSWER
from pp_pipeline.serving.webhooks import NotReadable, Source, take_post
from pp_pipeline.settings import Settings

_NO_ENTRY = "This link is not valid"
_HOW_TO_GO_ON = "Please open it once more from the message, the whole of it, or answer to the message."
_BUSY = "Please try again in a minute"
_RETRY = {"Retry-After": "30"}


@dataclass(frozen=True)
class Endpoint:
    """What the answers are made of."""

    settings: Settings
    merchants: Mapping[str, Merchant]
    secret: bytes = field(repr=False)
    intake: Intake
    clicks: Clicks
    sources: Mapping[tuple[str, str], Source]

    async def unsubscribe(self, request: Request) -> Response:
        """GET shows a page and changes nothing; POST unsubscribes, by one click (RFC 8058) or by the page's button."""
        person, merchant, token = self._person(request)
        if request.method != "POST":
            return HTMLResponse(unsubscribe_page(merchant, token, person.channel, is_done=False))
        form = await read_form(request)
        if form.get("List-Unsubscribe") != "One-Click":
            raise HTTPException(400)
        await run_in_threadpool(unsubscribe, self.intake, merchant, [person.contact_key], person.channel)
        return HTMLResponse(unsubscribe_page(merchant, token, person.channel, is_done=True))

    async def preferences(self, request: Request) -> Response:
        """GET shows how the contact stands and changes nothing; POST writes what it chose."""
        person, merchant, token = self._person(request)
        is_post = request.method == "POST"
        if is_post:
            wanted, notification = _choices(await read_form(request))
            await run_in_threadpool(set_preferences, self.intake, merchant, person.contact_key, wanted, notification)
        page = await run_in_threadpool(self._preferences_page, person, merchant, token, is_post)
        return HTMLResponse(page)

    async def follow(self, request: Request) -> Response:
        """Hands on to where a tracking link leads. A GET is a click; HEAD and what is fetched ahead are none."""
        link = read_link_token(self.secret, request.path_params["token"])
        if link is None:
            return HTMLResponse(problem_page(_NO_ENTRY, _HOW_TO_GO_ON), 404)
        if request.method == "GET" and not is_fetched_ahead(request.headers):
            self.clicks.add(link, request.headers.get("user-agent", ""))
        return Response(status_code=302, headers={"Location": link.url})

    async def webhook(self, request: Request) -> Response:
        """Takes in what a provider posts, if it proves that it knows the secret."""
        source = self.sources.get((request.path_params["merchant"], request.path_params["source"]))
        if source is None:
            return JSONResponse({"error": "there is no such webhook"}, 404)
        body = await read_body(request, MOST_OF_A_WEBHOOK)
        if not source.is_from_source(request.headers, body, self.intake):
            challenge = {"WWW-Authenticate": "Basic" if source.webhook.proof == "password" else "PP-Signature"}
            return JSONResponse({"error": "not signed with the secret of this webhook, or too old"}, 401, challenge)
        try:
            taken = await run_in_threadpool(take_post, self.settings, self.intake, self.secret, source, body)
        except NotReadable as error:
            return JSONResponse({"error": str(error)}, 400)
        except LedgerBusy:
            return JSONResponse({"error": "the ledger can't be written; post it again"}, 503, _RETRY)
        if source.webhook.format == "twilio":
            return Response(NO_ANSWER, media_type="text/xml")
        return JSONResponse(taken)

    async def openapi(self, request: Request) -> Response:
        """The description of all this."""
        return JSONResponse(description())

    def _preferences_page(self, person: Person, merchant: Merchant, token: str, is_saved: bool) -> str:
        standing = standing_of(self.intake, person.contact_key)
        phone = phone_of(self.settings, merchant.merchant, person.contact_key)
        number = standing_of(self.intake, phone_key(self.secret, merchant.merchant, phone)) if phone else None
        # with a number, where nobody can tell just now, and where SMS was spoken of before
        has_sms = phone != "" or person.channel == "sms" or any(fact.channel == "sms" for fact in standing.facts)
        channels = CHANNELS if has_sms else ("email",)
        return preferences_page(merchant, token, standing, number, channels, is_saved)

    def _person(self, request: Request) -> tuple[Person, Merchant, str]:
        token = request.query_params.get("c", "")
        person = read_token(self.secret, self.merchants, token)
        if person is None:
            raise HTTPException(403)
        return person, self.merchants[person.merchant], token


def make_app(endpoint: Endpoint) -> ASGIApp:
    """The application, with the headers that every answer has."""
    app = Starlette(
        routes=[
            Route("/u", endpoint.unsubscribe, methods=["GET", "POST"]),
            Route("/preferences", endpoint.preferences, methods=["GET", "POST"]),
            Route("/l/{token}", endpoint.follow, methods=["GET"]),
            Route("/webhooks/{merchant}/{source}", endpoint.webhook, methods=["POST"]),
            Route("/openapi.json", endpoint.openapi, methods=["GET"]),
        ],
        exception_handlers={HTTPException: _problem, LedgerBusy: _busy, Exception: _unforeseen},
    )
    app.router.redirect_slashes = False  # it would redirect to whatever host the request names
    return WithHeaders(app, CONTENT_SECURITY_POLICY)


def _choices(form: Mapping[str, str]) -> tuple[dict[Choice, bool], str]:
    """What the preference page posts: a field per choice, and how to be told. What is absent stays as it is."""
    wanted = {}
    for choice in CHOICES:
        if (value := form.get(field_of(choice))) is not None:
            if value not in ("yes", "no"):
                raise HTTPException(400)
            wanted[choice] = value == "yes"
    notification = form.get("notification", "")
    if notification and notification not in NOTIFICATION_PREFERENCES:
        raise HTTPException(400)
    return wanted, notification


async def _problem(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = getattr(error, "headers", None)
    if status == 403:
        return HTMLResponse(problem_page(_NO_ENTRY, _HOW_TO_GO_ON), status)
    title = {404: "There is no such page", 405: "This can't be done here"}.get(status, "This could not be read")
    return HTMLResponse(problem_page(title, "Nothing was changed."), status, headers)


async def _busy(request: Request, error: Exception) -> Response:
    LOG.error("the ledger can't be read or written: %s", error)
    return HTMLResponse(problem_page(_BUSY, "It could not be saved just now."), 503, _RETRY)


async def _unforeseen(request: Request, error: Exception) -> Response:
    return HTMLResponse(problem_page(_BUSY, "Something went wrong on our side. It may not have been saved."), 500)
