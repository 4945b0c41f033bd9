"""Which outlet each channel and relay of the merchants goes by: the outbox, until live mode is on and a road is
declared (DESIGN 5)."""

from collections.abc import Mapping

from pp_pipeline.merchants import CHANNELS, Merchant
from pp_pipeline.roads import ChannelRoad
from pp_pipeline.roads import Relay as DeclaredRelay
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
            road = merchant.channels.get(name, ChannelRoad())
            channels[merchant.merchant, name] = _channel(settings, road, f"channel {name} of {merchant.merchant}")
        for declared in merchant.relays:
            whose = f"relay {declared.relay} of {merchant.merchant}"
            relays[merchant.merchant, declared.relay] = _relay(settings, declared, whose)
    return Outlets(channels, relays)


def _channel(settings: Settings, road: ChannelRoad, whose: str) -> Channel:
    if not settings.live or not road.leaves_the_machine:
        return OutboxChannel(settings.outbox)
    from pp_pipeline.sending.outlets.smtp import SmtpChannel

    return SmtpChannel(road, settings.secret_of(road.password, whose) if road.password else None)


def _relay(settings: Settings, declared: DeclaredRelay, whose: str) -> Relay:
    if not settings.live or not declared.leaves_the_machine:
        return OutboxRelay(settings.outbox)
    from pp_pipeline.sending.outlets.webhook import WebhookRelay

    return WebhookRelay(declared, settings.secret_of(declared.secret, whose))
