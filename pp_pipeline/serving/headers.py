"""The headers that every answer of a page has."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
    "Cache-Control": "no-store",
}


class WithHeaders:
    """An application whose answers have them, where they don't have another of that name already."""

    def __init__(self, app: ASGIApp, content_security_policy: str, referrer_policy: str = "no-referrer") -> None:
        self._app = app
        own = {"Content-Security-Policy": content_security_policy, "Referrer-Policy": referrer_policy}
        headers = own | _HEADERS
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the headers."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                more = [(name, value) for name, value in self._headers if name not in given]
                message["headers"] = [*message["headers"], *more]
            await send(message)

        await self._app(scope, receive, send_with_headers)
