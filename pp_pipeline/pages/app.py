"""The application: its pages, and who may ask for them (ASGI)."""

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from pp_pipeline.pages.guarding import OnThisMachine
from pp_pipeline.pages.rendering import CONTENT_SECURITY_POLICY, TITLES, page
from pp_pipeline.pages.status_page import StatusPage
from pp_pipeline.pages.why_page import WhyPage
from pp_pipeline.serving.headers import WithHeaders
from pp_pipeline.serving.requests import read_form


def make_app(why: WhyPage, status: StatusPage, can_be_put_right: tuple[type[Exception], ...]) -> ASGIApp:
    """The application.

    Args:
        can_be_put_right: the errors whose text says to a person what to do.
    """

    async def answer_why(request: Request) -> Response:
        """GET shows the form (`name` and `on` may stand in the address: a link from a queue); POST answers it."""
        is_post = request.method == "POST"
        given = await read_form(request) if is_post else dict(request.query_params) | {"who": ""}
        try:
            return HTMLResponse(await run_in_threadpool(why.asked, given))
        except can_be_put_right as error:
            return HTMLResponse(why.problem(given, str(error)), 400)

    async def answer_status(request: Request) -> Response:
        try:
            return HTMLResponse(await run_in_threadpool(status.shown))
        except can_be_put_right as error:
            title = "This can't be looked at"
            return HTMLResponse(page("problem.html.j2", "", title=title, text=str(error)), 500)

    async def answer_root(request: Request) -> Response:
        return RedirectResponse(next(iter(TITLES)))

    app = Starlette(
        routes=[
            Route("/", answer_root),
            Route("/why", answer_why, methods=["GET", "POST"]),
            Route("/status", answer_status),
        ],
        exception_handlers={HTTPException: _problem, Exception: _unforeseen},
    )
    app.router.redirect_slashes = False
    # without a referrer browsers post forms with the Origin `null`, as those of strangers can be
    return WithHeaders(OnThisMachine(app), CONTENT_SECURITY_POLICY, referrer_policy="same-origin")


async def _problem(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    title = {404: "There is no such page"}.get(status, "This could not be read")
    return HTMLResponse(page("problem.html.j2", "", title=title, text="Nothing was changed."), status)


async def _unforeseen(request: Request, error: Exception) -> Response:
    text = "What went wrong stands where pp pages runs."
    return HTMLResponse(page("problem.html.j2", "", title="This went wrong", text=text), 500)
