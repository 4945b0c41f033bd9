"""All that `pp doctor` looks at, in order."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from pp_pipeline.doctor.declared import check_alerts, check_campaigns, check_conversations, check_merchants, check_roads
from pp_pipeline.doctor.dkim import judge_dkim
from pp_pipeline.doctor.dmarc import judge_dmarc
from pp_pipeline.doctor.dns import Ask, NoAnswer
from pp_pipeline.doctor.finding import Finding
from pp_pipeline.doctor.installation import check_installation
from pp_pipeline.doctor.spf import judge_spf
from pp_pipeline.doctor.stores import check_stores
from pp_pipeline.merchants import Merchant
from pp_pipeline.settings import Settings


def examine(settings: Settings, ask: Ask) -> Iterator[Finding]:
    """Everything, one finding after the other."""
    yield from check_installation(settings)
    yield from check_stores(settings)
    finding, merchants = check_merchants(settings)
    yield finding
    if not merchants:
        return
    finding, conversations = check_conversations(settings, merchants)
    yield finding
    with _home(settings) as home:
        yield from check_campaigns(settings.model_copy(update={"home": home}), merchants, conversations)
    yield from check_roads(settings, merchants)
    yield check_alerts(settings)
    yield from check_domains(merchants, ask)


@contextmanager
def _home(settings: Settings) -> Iterator[Path]:
    """Where dbt writes while it reads; where there is no home none is made."""
    if settings.home.exists():
        yield settings.home
        return
    with TemporaryDirectory() as folder:
        yield Path(folder)


def check_domains(merchants: Mapping[str, Merchant], ask: Ask) -> Iterator[Finding]:
    """SPF, DKIM and DMARC of each domain that a merchant sends from."""
    selectors: dict[str, list[str]] = {}
    for merchant in merchants.values():
        domain = merchant.sender_email.rpartition("@")[2].lower()
        known = selectors.setdefault(domain, [])
        known += [one for one in merchant.dkim_selectors if one not in known]
    for domain, own in selectors.items():
        yield from _asked(f"SPF of {domain}", partial(judge_spf, domain, ask))
        yield from _asked(f"DKIM of {domain}", partial(judge_dkim, domain, own, ask))
        yield from _asked(f"DMARC of {domain}", partial(judge_dmarc, domain, ask))


def _asked(what: str, judge: Callable[[], list[Finding]]) -> list[Finding]:
    try:
        return judge()
    except NoAnswer:
        return [Finding(what, "not_asked", "no answer from DNS")]
