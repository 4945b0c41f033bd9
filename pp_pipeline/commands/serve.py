"""`pp serve`: the endpoint for one-click unsubscribing, preferences and webhooks (docs/serving.md).

It listens on this machine only unless it is told otherwise: a proxy with TLS stands in front. There is no access log,
as addresses hold tokens.
"""

import logging
import socket
import sys
from collections.abc import Mapping

from pp_pipeline.commands.http_server import answer, listen
from pp_pipeline.commands.output import guarded, out
from pp_pipeline.landing.file_names import read_name
from pp_pipeline.landing.plain_feeds import all_feeds
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.merchants import Merchant, load_merchants
from pp_pipeline.sending.known_secret import known_secret
from pp_pipeline.serving.app import Endpoint, make_app
from pp_pipeline.serving.clicks import Clicks
from pp_pipeline.serving.feedback_files import FeedbackFiles, file_name
from pp_pipeline.serving.intake import LOG, Intake
from pp_pipeline.serving.rows import FEED
from pp_pipeline.serving.webhooks import sources_of
from pp_pipeline.settings import Settings, SettingsError, utc_now


@guarded
def serve_endpoint(host: str, port: int) -> int:
    """Answer until Ctrl-C or SIGTERM; what is being answered then is answered to its end."""
    settings = Settings.from_environment()
    with Ledger(settings) as ledger:
        endpoint = make_endpoint(settings, ledger)
        listener = listen(host, port, "pp serve", "choose with --host, --port")
        where = f"http://[{host}]" if ":" in host else f"http://{host}"
        out.print(f"pp serve answers on {where}:{listener.getsockname()[1]}. Ctrl-C ends it.")
        _run(endpoint, listener)
        endpoint.clicks.wait()
    out.print("pp serve has ended.")
    return 0


def make_endpoint(settings: Settings, ledger: Ledger) -> Endpoint:
    """All that the endpoint needs, checked.

    Raises:
        SettingsError: a webhook's secret is not set, or a declared feed takes the files that are written here.
        SendRefused: the contact secret is not the one that the ledger knows.
    """
    merchants = load_merchants(settings)
    _check_file_name(merchants)
    intake = Intake(ledger, FeedbackFiles(settings.inbox))
    return Endpoint(
        settings=settings,
        merchants=merchants,
        secret=known_secret(settings, ledger),
        intake=intake,
        clicks=Clicks(intake, merchants),
        sources=sources_of(settings, merchants),
    )


def _check_file_name(merchants: Mapping[str, Merchant]) -> None:
    name = file_name(utc_now().date())
    found = read_name(name, all_feeds(merchants))
    if found.feed != FEED:
        taker = f"{found.feed.merchant}.{found.feed.feed}" if found.feed else "several feeds"
        raise SettingsError(
            f"{taker} would take {name}, which pp serve writes; let its `files` leave out names like this one"
        )


def _run(endpoint: Endpoint, listener: socket.socket) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    LOG.addHandler(handler)
    LOG.setLevel(logging.INFO)
    try:
        answer(make_app(endpoint), listener)
    finally:
        LOG.removeHandler(handler)
