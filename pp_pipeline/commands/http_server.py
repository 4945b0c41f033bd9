"""Answering HTTP until somebody ends it: what `pp serve` and `pp pages` have in common."""

import signal
import socket

from starlette.types import ASGIApp

from pp_pipeline.settings import SettingsError

_MOST_AT_ONCE = 500
_KEEP_ALIVE_SECONDS = 15
_END_SECONDS = 15


def listen(host: str, port: int, who: str, advice: str) -> socket.socket:
    """A socket that listens already, so that whoever reads the start line is answered.

    Raises:
        SettingsError: it can't listen there; the text says who, why, and ends with the advice.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no such port"
        raise SettingsError(f"{who} can't listen on {host} port {port}: {reason}; {advice}") from None
    return listener


def answer(app: ASGIApp, listener: socket.socket) -> None:
    """Answer until Ctrl-C or SIGTERM; what is being answered then is answered to its end. There is no access log."""
    import uvicorn

    config = uvicorn.Config(
        app,
        access_log=False,
        log_level="warning",
        server_header=False,
        limit_concurrency=_MOST_AT_ONCE,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_END_SECONDS,
        lifespan="off",
    )
    # uvicorn ends in good order and then hands the signal on: it must not kill us before we have ended, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        return
    finally:
        listener.close()
