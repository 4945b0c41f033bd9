"""Who may ask: browsers on this machine, for pages of this server.

A name elsewhere that is made to lead to 127.0.0.1 (DNS rebinding) comes with its own Host header, a form of another
page with that page's Origin; both are turned away.
"""

import re

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_HOST = re.compile(r"(127\.0\.0\.1|localhost)(:[0-9]{1,5})?", re.IGNORECASE)


class OnThisMachine:
    """An application that answers only what was asked of 127.0.0.1 or localhost, from there."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or turn away."""
        headers = [(name.lower(), value.decode("latin-1")) for name, value in scope["headers"]]
        hosts = [value for name, value in headers if name == b"host"]
        origins = [value for name, value in headers if name == b"origin"]
        is_here = len(hosts) == 1 and _HOST.fullmatch(hosts[0]) is not None
        if is_here and all(origin == f"http://{hosts[0]}" for origin in origins):
            await self._app(scope, receive, send)
        else:
            answer = PlainTextResponse("These pages are asked for on this machine, at 127.0.0.1.\n", 403)
            await answer(scope, receive, send)
