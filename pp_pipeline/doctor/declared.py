"""What people wrote: merchants, campaigns, conversations, and the secrets of the roads that they declare."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from pp_pipeline.alerting.roads import alert_roads
from pp_pipeline.campaigns.parameters import CampaignError, check_segments, load_campaigns
from pp_pipeline.channel_roads import CHANNELS
from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.conversations.loading import ConversationError, load_conversations
from pp_pipeline.conversations.takers import takers_of
from pp_pipeline.dbt_project import DbtError, DbtProject
from pp_pipeline.doctor.finding import Finding
from pp_pipeline.merchants import Merchant, MerchantError, load_merchants
from pp_pipeline.relay_roads import AudienceFileRoad, MembersFileRoad
from pp_pipeline.sending.outlets.making import make_channel, make_relay
from pp_pipeline.serving.webhooks import source_of
from pp_pipeline.settings import Settings, SettingsError

_MEND = "put right what the text names"
_AFTERTHOUGHT = ". Nothing was sent"


def check_merchants(settings: Settings) -> tuple[Finding, dict[str, Merchant]]:
    """Whether their files load; and the merchants, none where one does not."""
    try:
        merchants = load_merchants(settings)
    except MerchantError as error:
        return Finding("merchants", "fail", str(error), _MEND), {}
    return Finding("merchants", "ok", ", ".join(merchants)), merchants


def check_conversations(settings: Settings, merchants: Mapping[str, Merchant]) -> tuple[Finding, list[Conversation]]:
    """Whether their files and templates load; and the conversations."""
    try:
        conversations = load_conversations(settings.conversations_dir, merchants)
    except (ConversationError, OSError) as error:
        return Finding("conversations", "fail", str(error), _MEND), []
    return Finding(
        "conversations", "ok", ", ".join(each.conversation for each in conversations) or "none"
    ), conversations


def check_campaigns(
    settings: Settings, merchants: Mapping[str, Merchant], conversations: list[Conversation]
) -> Iterator[Finding]:
    """Whether their models load, and whether somebody takes what they fire. dbt reads its files for that."""
    project = DbtProject(settings)
    try:
        manifest = project.manifest()
        campaigns = load_campaigns(manifest, merchants=dict(merchants), segments=project.segment_names())
        check_segments(manifest)
    except (CampaignError, DbtError, OSError) as error:
        yield Finding("campaigns", "fail", str(error), _MEND)
        return
    yield Finding("campaigns", "ok", ", ".join(each.name for each in campaigns) or "none")
    for each in campaigns:
        if each.active_to is None and not takers_of(each.event, merchants[each.merchant], conversations):
            fix = f"name it in a conversation's trigger, or under relays in merchants/{each.merchant}.yml"
            yield Finding(f"campaign {each.name}", "warn", f"nobody takes its event {each.event}", fix)


def check_roads(settings: Settings, merchants: Mapping[str, Merchant]) -> Iterator[Finding]:
    """Whether all declared roads and webhooks have their secrets, and relays their folders; in live mode nothing is
    sent without the ones, and nothing written without the others."""
    for merchant in merchants.values():
        what = f"roads of {merchant.merchant}"
        if lacking := [*_missing_secrets(settings, merchant), *_missing_folders(merchant)]:
            fix = "set the variables in the environment, make the folders"
            yield Finding(what, "fail" if settings.live else "warn", "; ".join(lacking), fix)
            continue
        roads = [
            f"{channel} by {road.via}"
            for channel, road in merchant.channels
            if channel in merchant.channels.model_fields_set
        ]
        roads += [f"relay {relay.relay} by {relay.via}" for relay in merchant.relays]
        roads += [f"webhook {webhook.source}" for webhook in merchant.webhooks]
        yield Finding(what, "ok", ", ".join(roads) or "none: everything is written to the outbox")


def check_alerts(settings: Settings) -> Finding:
    """Whether alerts go somewhere. In live mode somebody should hear of what goes wrong."""
    try:
        names = [road.name for road in alert_roads(settings)]
    except SettingsError as error:
        return Finding(
            "alerts",
            "fail",
            str(error).removesuffix(_AFTERTHOUGHT),
            "set the variable that the text names, then `pp alert-test`",
        )
    if names:
        return Finding("alerts", "ok", f"by {' and '.join(names)}; `pp alert-test` sends one")
    if not settings.live:
        return Finding("alerts", "ok", "none are declared")
    fix = "set PP_ALERT_SERVER, PP_ALERT_SENDER, PP_ALERT_RECIPIENTS, or PP_SECRET_ALERT_WEBHOOK"
    return Finding("alerts", "warn", "nobody is told when a run fails", fix)


def _missing_secrets(settings: Settings, merchant: Merchant) -> Iterator[str]:
    as_live = settings.model_copy(update={"live": True})
    makers = [partial(make_channel, as_live, merchant, channel) for channel in CHANNELS]
    makers += [partial(make_relay, as_live, merchant, relay) for relay in merchant.relays]
    makers += [partial(source_of, settings, merchant, webhook) for webhook in merchant.webhooks]
    for make in makers:
        try:
            make()
        except SettingsError as error:
            yield str(error).removesuffix(_AFTERTHOUGHT)


def _missing_folders(merchant: Merchant) -> Iterator[str]:
    for relay in merchant.relays:
        if isinstance(relay, AudienceFileRoad | MembersFileRoad) and not Path(relay.folder).is_dir():
            yield f"{relay.folder} of relay {relay.relay} is not there"
