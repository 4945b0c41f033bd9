"""Which outlet each channel and relay of the merchants goes by: the outbox, until live mode is on and a road is
declared (DESIGN 5)."""

from collections.abc import Mapping

from pydantic import SecretStr

from pp_pipeline.channel_roads import CHANNELS, ProviderRoad, SmtpRoad, TwilioRoad
from pp_pipeline.merchants import Merchant
from pp_pipeline.relay_roads import (
    AudienceFileRoad,
    KlaviyoRoad,
    ListrakRoad,
    MembersFileRoad,
    OutboxRoad,
    RelayRoad,
    WebhookRoad,
)
from pp_pipeline.sending.outlets.outbox import OutboxChannel, OutboxRelay
from pp_pipeline.sending.outlets.outlet import Channel, Outlets, Relay
from pp_pipeline.settings import Settings


def make_outlets(settings: Settings, merchants: Mapping[str, Merchant]) -> Outlets:
    """The outlets of all merchants. Nothing connects before the first delivery.

    Raises:
        SettingsError: live mode is on, and the secret of a declared channel or relay is not set.
    """
    channels: dict[tuple[str, str], Channel] = {}
    relays: dict[tuple[str, str], Relay] = {}
    for merchant in merchants.values():
        for name in CHANNELS:
            channels[merchant.merchant, name] = make_channel(settings, merchant, name)
        for road in merchant.relays:
            relays[merchant.merchant, road.relay] = make_relay(settings, merchant, road)
    return Outlets(channels, relays)


def make_channel(settings: Settings, merchant: Merchant, channel: str) -> Channel:
    """One channel of a merchant; what it needs is imported when it is made.

    Raises:
        SettingsError: as `make_outlets`.
    """
    if not settings.live:
        return OutboxChannel(settings.outbox)

    def secret(name: str) -> SecretStr:
        return settings.secret_of(name, f"channel {channel} of {merchant.merchant}")

    match road := merchant.channels.road(channel):
        case SmtpRoad():
            from pp_pipeline.sending.outlets.smtp import SmtpChannel

            return SmtpChannel(road, secret(road.password) if road.password else None)
        case ProviderRoad():
            from pp_pipeline.sending.outlets.provider import ProviderChannel

            return ProviderChannel(road, secret(road.api_key), secret(road.secret_key) if road.secret_key else None)
        case TwilioRoad():
            from pp_pipeline.sending.outlets.twilio import TwilioChannel

            return TwilioChannel(road, secret(road.token))
    return OutboxChannel(settings.outbox)


def make_relay(settings: Settings, merchant: Merchant, road: RelayRoad) -> Relay:
    """One relay of a merchant; what it needs is imported when it is made.

    Raises:
        SettingsError: as `make_outlets`.
    """
    if not settings.live or isinstance(road, OutboxRoad):
        return OutboxRelay(settings.outbox)

    def secret(name: str) -> SecretStr:
        return settings.secret_of(name, f"relay {road.relay} of {merchant.merchant}")

    match road:
        case WebhookRoad():
            from pp_pipeline.sending.outlets.webhook import WebhookRelay

            return WebhookRelay(road, secret(road.secret))
        case ListrakRoad():
            from pp_pipeline.sending.outlets.listrak import ListrakRelay

            return ListrakRelay(road, secret(road.client_secret))
        case KlaviyoRoad():
            from pp_pipeline.sending.outlets.klaviyo import KlaviyoRelay

            return KlaviyoRelay(road, secret(road.api_key), merchant.zone_info)
        case AudienceFileRoad():
            from pp_pipeline.sending.outlets.audience_file import AudienceFileRelay

            return AudienceFileRelay(road, settings.audiences)
        case MembersFileRoad():
            from pp_pipeline.sending.outlets.members_file import MembersFileRelay

            return MembersFileRelay(road)
