"""`pp pages`: pages in the browser, for this machine only (docs/why.md).

They show e-mail addresses to whoever can open a port of this machine. Nothing is changed and nothing is sent.
"""

from datetime import date

from pp_pipeline.commands.acting_day import acting_day
from pp_pipeline.commands.http_server import answer, listen
from pp_pipeline.commands.output import expected_errors, guarded, out
from pp_pipeline.commands.status import look
from pp_pipeline.configuration import Configuration
from pp_pipeline.merchants import load_merchants
from pp_pipeline.pages.app import make_app
from pp_pipeline.pages.links import HOST
from pp_pipeline.pages.status_page import StatusPage
from pp_pipeline.pages.why_page import WhyPage
from pp_pipeline.settings import Settings
from pp_pipeline.status.gathering import Status


@guarded
def serve_pages(port: int, today: str | None) -> int:
    """Answer until Ctrl-C or SIGTERM."""
    settings = Settings.from_environment()
    merchants = load_merchants(settings)
    acting_day(settings, merchants, today)  # refused now, not with the first question

    def now() -> date:
        return acting_day(settings, merchants, today)

    def look_now() -> Status:
        day = now()
        return look(Configuration(settings.model_copy(update={"today": day if today else None})), day)

    listener = listen(HOST, port, "pp pages", "choose with --port (of pp ui: --pages-port)")
    out.print(f"pp pages answers on http://{HOST}:{listener.getsockname()[1]}. It has no login. Ctrl-C ends it.")
    answer(make_app(WhyPage(settings, merchants, now), StatusPage(look_now), expected_errors()), listener)
    return 0
