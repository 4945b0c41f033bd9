"""Roads: what a merchant's file may declare, which outlets come of it, and that secrets show nowhere."""

import random
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from pp_pipeline.channel_roads import CHANNELS, SmtpRoad
from pp_pipeline.merchants import Merchant, MerchantError, load_merchants
from pp_pipeline.sending.gates import DeliveryTarget
from pp_pipeline.sending.outlets.audience_file import AudienceFileRelay
from pp_pipeline.sending.outlets.klaviyo import KlaviyoRelay
from pp_pipeline.sending.outlets.listrak import ListrakRelay
from pp_pipeline.sending.outlets.making import make_outlets
from pp_pipeline.sending.outlets.members_file import MembersFileRelay
from pp_pipeline.sending.outlets.outbox import OutboxChannel, OutboxRelay
from pp_pipeline.sending.outlets.outlet import EmailDraft, Outcome, OutletBroken, Outlets, Relay
from pp_pipeline.sending.outlets.provider import ProviderChannel
from pp_pipeline.sending.outlets.smtp import SmtpChannel
from pp_pipeline.sending.outlets.twilio import TwilioChannel
from pp_pipeline.sending.outlets.webhook import WebhookRelay
from pp_pipeline.settings import Settings, SettingsError
from pp_pipeline_tests.sending_world import DAY, World
from pp_pipeline_tests.smtp_server import CLOSE, LOGIN, RESET, Fault, SmtpServer, Step
from pp_pipeline_tests.test_merchants import GOOD, settings_with
from pp_pipeline_tests.test_smtp import DRAFT
from pp_pipeline_tests.test_webhook import SECRET, event
from pp_pipeline_tests.webhook_server import GARBAGE, Answer, WebhookServer

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")

MAIL = {"via": "smtp", "host": "smtp.example.com", "username": "shop", "password": "SMTP_MAIN"}
POST = {"via": "postmark", "api_key": "POST_KEY"}
TEXT = {"via": "twilio", "account": "AC" + "0" * 32, "token": "TEXT_TOKEN"}
HOOK = {"relay": "my_platform", "via": "webhook", "url": "https://hooks.example.com/pp", "secret": "MY_HOOK"}
LISTRAK = {"relay": "listrak", "via": "listrak", "client_id": "c1", "client_secret": "LISTRAK", "list_id": 345} | {
    "events": ["purchase"],
    "event_ids": {"purchase": 12},
}
KLAVIYO = {"relay": "klaviyo", "via": "klaviyo", "api_key": "KLAVIYO", "events": ["purchase"]}
AUDIENCE = {"relay": "ads", "via": "audience_file", "folder": "/srv/audiences", "format": "google"} | {
    "segments": ["loyal"]
}
SITE = {"relay": "site", "via": "members_file"}
VALUES = ("open-sesame-42", "hunter2", SECRET)


def mail(**changes: Any) -> dict[str, Any]:
    return {"channels": {"email": {name: value for name, value in (MAIL | changes).items() if value is not None}}}


def post(**changes: Any) -> dict[str, Any]:
    return {"channels": {"email": {name: value for name, value in (POST | changes).items() if value is not None}}}


def text(**changes: Any) -> dict[str, Any]:
    return {"channels": {"sms": TEXT | changes}}


def hook(**changes: Any) -> dict[str, Any]:
    return {"relays": [{name: value for name, value in (HOOK | changes).items() if value is not None}]}


def listrak(**changes: Any) -> dict[str, Any]:
    return {"relays": [LISTRAK | changes]}


def klaviyo(**changes: Any) -> dict[str, Any]:
    return {"relays": [KLAVIYO | changes]}


def audience(**changes: Any) -> dict[str, Any]:
    return {"relays": [AUDIENCE | changes]}


def merchants(folder: Path, declared: dict[str, Any]) -> dict[str, Merchant]:
    return load_merchants(settings_with(folder, "vienna.yml", yaml.safe_dump(GOOD | declared)))


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        (mail(host=None), ["channels.email.host is missing", "required are host"]),
        (mail(host="smtp.example.com:587"), ["channels.email.host", "field of its own"]),
        (mail(host="smtp://example.com"), ["channels.email.host", "smtp.example.com"]),
        (mail(port=0), ["channels.email.port"]),
        (mail(security="none"), ["channels.email: security", "tls or starttls"]),
        (mail(security="ssl"), ["channels.email.security", "'tls', 'starttls' or 'none'"]),
        (mail(password=None), ["channels.email: username and password go together"]),
        (mail(password="open-sesame-42"), ["channels.email.password", "PP_SECRET_NAME"]),
        (mail(password="hunter2"), ["channels.email.password", "PP_SECRET_NAME"]),
        (mail(via="sendmail"), ["channels.email: via is not known", "allowed are outbox, smtp, postmark"]),
        (mail(via=None), ["channels.email: host is of no use with the outbox", "write by which via"]),
        (mail(per_second=0), ["channels.email.per_second"]),
        (mail(timeout_seconds=0), ["channels.email.timeout_seconds"]),
        (mail(hots="smtp.example.com"), ["channels.email.hots is not known", "allowed are per_second", "host, port"]),
        (mail(via="twilio"), ["channels.email: via is not known", "allowed are outbox, smtp, postmark"]),
        (mail(via=["smtp"]), ["channels.email: via is not known"]),
        (post(api_key=None), ["channels.email.api_key is missing", "required are via, api_key"]),
        (post(api_key=SECRET), ["channels.email.api_key", "PP_SECRET_NAME"]),
        (post(host="smtp.example.com"), ["channels.email.host is not known", "allowed are per_second"]),
        (post(url="http://api.example.com"), ["channels.email.url", "write https://"]),
        (post(secret_key="SECOND"), ["channels.email: secret_key is for via: mailjet only"]),
        (post(sender_domain="mail.example.com"), ["channels.email: sender_domain is for via: mailgun only"]),
        (post(via="mailgun", message_stream="broadcast"), ["message_stream is for via: postmark only"]),
        (post(via="mailgun", sender_domain="mail.example.com/x"), ["channels.email.sender_domain", "a name such as"]),
        (post(via="mailjet"), ["channels.email: secret_key is missing"]),
        (text(account="shop"), ["channels.sms.account", "AC and 32"]),
        (text(token="hunter2"), ["channels.sms.token", "PP_SECRET_NAME"]),
        (text(via="smtp"), ["channels.sms: via is not known", "allowed are outbox, twilio"]),
        ({"channels": {"fax": {}}}, ["channels.fax is not known", "allowed are email, sms"]),
        ({"channels": ["email"]}, ["channels"]),
        (hook(url=None), ["relays.0.url is missing; required are relay, via, url, secret"]),
        (hook(secret=None), ["relays.0.secret is missing"]),
        (hook(secret=SECRET), ["relays.0.secret", "PP_SECRET_NAME"]),
        (hook(url="http://hooks.example.com/pp"), ["relays.0.url", "write https://"]),
        (hook(url="https://ann:hunter2@hooks.example.com"), ["relays.0.url", "no user or password"]),
        (hook(url="hooks.example.com"), ["relays.0.url", "https://hooks.example.com/pp"]),
        (hook(url="https://hooks.example.com/a b"), ["relays.0.url", "https://hooks.example.com/pp"]),
        (hook(url="https://hooks.example.com:port/"), ["relays.0.url", "https://hooks.example.com/pp"]),
        (hook(via=None), ["relays.0: url is of no use with via: outbox", "via: webhook"]),
        (hook(via="hook"), ["relays.0: via is not known; allowed are outbox, webhook, listrak"]),
        (hook(port=1), ["relays.0.port is not known; allowed are relay, per_second, timeout_seconds, via"]),
        (listrak(segments=["loyal"]), ["relays.0: segments is of no use with via: listrak", "audience_file"]),
        (listrak(client_secret="hunter2"), ["relays.0.client_secret", "PP_SECRET_NAME"]),
        (listrak(list_id="345"), ["relays.0.list_id", "whole number, without quotes"]),
        ({"channels": {"email": "smtp"}}, ["channels.email: write fields under it"]),
        (klaviyo(revision=date(2026, 10, 15)), ["relays.0.revision: write a text, in quotes"]),
        (listrak(event_ids={}), ["relays.0: purchase stands in one of events and event_ids only"]),
        (listrak(list_ids={"shipped": 1}), ["relays.0: list_ids: shipped is not among the events"]),
        (listrak(profile_fields={"email": 1}), ["relays.0.profile_fields.email", "'order_number'"]),
        (listrak(profile_fields={"sku": 1, "campaign": 1}), ["relays.0: profile_fields: a field stands twice"]),
        (klaviyo(segments=["loyal"]), ["relays.0: segments is of no use with via: klaviyo", "audience_file"]),
        (klaviyo(api_key=SECRET), ["relays.0.api_key", "PP_SECRET_NAME"]),
        (klaviyo(revision="newest"), ["relays.0.revision"]),
        (klaviyo(url="http://hooks.example.com"), ["relays.0.url", "write https://"]),
        (audience(events=["purchase"]), ["relays.0: events is of no use with via: audience_file", "klaviyo"]),
        (audience(folder="audiences"), ["relays.0.folder", "/srv/audiences"]),
        (audience(format="tiktok"), ["relays.0.format", "'google' or 'meta'"]),
        (audience(consent="none"), ["relays.0.consent", "'explicit', 'soft_opt_in' or 'implied'"]),
        (audience(via="members_file"), ["relays.0.format is not known", "folder, via, identifier"]),
    ],
)
def test_a_fault_names_field_and_fix_and_shows_no_secret(
    tmp_path: Path, declared: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(MerchantError) as error:
        merchants(tmp_path, declared)
    for word in ["merchants/vienna.yml:", *words]:
        assert word in str(error.value)
    assert not any(value in str(error.value) for value in VALUES)


def test_a_road_has_the_usual_port_and_only_needs_encryption_outside_this_machine(tmp_path: Path) -> None:
    ports = {"tls": 465, "starttls": 587, "none": 25}
    for security, port in ports.items():
        road = merchants(tmp_path, mail(host="localhost", security=security))["vienna"].channels.email
        assert isinstance(road, SmtpRoad)
        assert road.port_number == port
    assert merchants(tmp_path, hook(url="http://[::1]:8080/pp"))["vienna"].leaves_the_machine("relay", "my_platform")


def test_without_live_mode_and_without_a_road_all_goes_to_the_outbox(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, "main.yml", yaml.safe_dump(GOOD))
    declared = merchants(tmp_path, mail() | hook()) | load_merchants(settings)
    for live in (False, True):
        secrets = {"SMTP_MAIN": SecretStr("x"), "MY_HOOK": SecretStr("y")}
        outlets = make_outlets(settings.model_copy(update={"live": live, "secrets": secrets}), declared)
        assert outlets.channels["main", "email"] == OutboxChannel(settings.outbox)
        kinds = type(outlets.channels["vienna", "email"]), type(outlets.relays["vienna", "my_platform"])
        assert kinds == ((SmtpChannel, WebhookRelay) if live else (OutboxChannel, OutboxRelay))
        targets = outlets.channels["vienna", "email"].target, outlets.relays["vienna", "my_platform"].target
        assert set(targets) == {"live" if live else "rehearsal"}
        assert ("main", "my_platform") not in outlets.relays
        outlets.close()


def test_each_channel_goes_by_its_own_road(tmp_path: Path) -> None:
    both = {"channels": post(via="mailjet", secret_key="SECOND")["channels"] | text()["channels"]}
    declared = merchants(tmp_path, both)
    secrets = {name: SecretStr("x") for name in ("POST_KEY", "SECOND", "TEXT_TOKEN")}
    for live in (False, True):
        outlets = make_outlets(Settings(home=tmp_path, live=live, secrets=secrets), declared)
        kinds = type(outlets.channels["vienna", "email"]), type(outlets.channels["vienna", "sms"])
        assert kinds == ((ProviderChannel, TwilioChannel) if live else (OutboxChannel, OutboxChannel))
        assert {each.target for each in outlets.channels.values()} == {"live" if live else "rehearsal"}
    assert [declared["vienna"].leaves_the_machine("channel", name) for name in CHANNELS] == [True, True]


@pytest.mark.parametrize(
    ("declared", "outlet"),
    [
        (listrak(), ListrakRelay),
        (klaviyo(), KlaviyoRelay),
        (audience(), AudienceFileRelay),
        ({"relays": [{name: value for name, value in AUDIENCE.items() if name != "format"} | SITE]}, MembersFileRelay),
    ],
)
def test_each_kind_of_relay_has_its_outlet_in_live_mode(
    tmp_path: Path, declared: dict[str, Any], outlet: type[Relay]
) -> None:
    found = merchants(tmp_path, declared)
    secrets = {"LISTRAK": SecretStr("x"), "KLAVIYO": SecretStr("y")}
    for live, kind, target in ((False, OutboxRelay, "rehearsal"), (True, outlet, "live")):
        outlets = make_outlets(Settings(home=tmp_path, live=live, secrets=secrets), found)
        (relay,) = outlets.relays.values()
        assert (type(relay), relay.target) == (kind, target)
        outlets.close()


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        (mail(), "PP_SECRET_SMTP_MAIN is not set; channel email of vienna needs it"),
        (post(), "PP_SECRET_POST_KEY is not set; channel email of vienna needs it"),
        (text(), "PP_SECRET_TEXT_TOKEN is not set; channel sms of vienna needs it"),
        (hook(), "PP_SECRET_MY_HOOK is not set; relay my_platform of vienna needs it"),
        (listrak(), "PP_SECRET_LISTRAK is not set; relay listrak of vienna needs it"),
        (klaviyo(), "PP_SECRET_KLAVIYO is not set; relay klaviyo of vienna needs it"),
    ],
)
def test_a_secret_that_is_not_set_is_only_missed_in_live_mode(
    tmp_path: Path, declared: dict[str, Any], words: str
) -> None:
    found = merchants(tmp_path, declared)
    make_outlets(Settings(home=tmp_path), found)
    with pytest.raises(SettingsError, match=words):
        make_outlets(Settings(home=tmp_path, live=True), found)


def test_a_missing_secret_ends_a_sending_before_anything_is_claimed(tmp_path: Path) -> None:
    world = World.make(tmp_path)
    file = world.settings.merchants_dir / "main.yml"
    file.write_text(file.read_text() + yaml.safe_dump(mail()))
    world.plan(DAY, 2)
    world.seal()
    with pytest.raises(SettingsError, match="PP_SECRET_SMTP_MAIN"):
        world.with_settings(live=True, environment="production").send()
    assert world.deliveries() == []


def test_secrets_come_from_the_environment_and_show_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PP_HOME", str(tmp_path))
    monkeypatch.setenv("PP_SECRET", "another-thing-altogether")
    monkeypatch.setenv("PP_SECRET_SMTP_MAIN", "open-sesame-42")
    monkeypatch.setenv("PP_SECRET_EMPTY", "")
    settings = Settings.from_environment()
    assert settings.secrets.keys() == {"SMTP_MAIN"}
    assert settings.secret_of("SMTP_MAIN", "channel email of main").get_secret_value() == "open-sesame-42"
    shown = f"{settings!r} {settings} {settings.secrets} {settings.model_dump()} {settings.model_dump_json()}"
    assert "open-sesame-42" not in shown


@dataclass
class Stub:
    """A channel that answers as it is told."""

    answers: Sequence[Outcome | Exception]
    target: DeliveryTarget = "rehearsal"
    is_closed: bool = False

    def deliver(self, drafts: Iterable[EmailDraft]) -> Iterator[Outcome]:
        for _, answer in zip(drafts, self.answers, strict=False):
            if isinstance(answer, Exception):
                raise answer
            yield answer

    def close(self) -> None:
        self.is_closed = True


def test_a_broken_outlet_fails_what_it_had_not_spoken_of_and_others_go_on(tmp_path: Path) -> None:
    world = World.make(tmp_path)
    world.plan(DAY, 3)
    world.plan_snapshot(DAY, 1)
    world.seal()
    channel = Stub([Outcome("sent"), OutletBroken("not_authorised")])
    relay = OutboxRelay(world.settings.outbox)
    summary = world.send(outlets=Outlets({("main", "email"): channel}, {("main", "outbox_relay"): relay}))
    assert [(report.batch.id.kind, report.problem) for report in summary.reports] == [
        ("messages", "outlet: not_authorised"),
        ("snapshot", ""),
    ]
    states = [(state, reason) for _, state, reason in world.deliveries()]
    assert states == [("sent", ""), ("failed", "not_authorised"), ("failed", "not_authorised"), ("sent", "")]
    assert channel.is_closed
    assert world.send().outcomes == {"sent": 2}  # the outbox takes up again what failed


def test_an_outlet_of_another_target_is_given_nothing(tmp_path: Path) -> None:
    world = World.make(tmp_path)
    world.plan(DAY, 1)
    world.seal()
    world.send(outlets=Outlets({("main", "email"): Stub([Outcome("sent")], "live")}, {}))
    assert [each[1:] for each in world.deliveries()] == [("failed", "outlet_of_another_target")]


def test_two_merchants_may_call_a_relay_by_one_name() -> None:
    with WebhookServer() as server, WebhookServer([Answer(503)]) as other:
        settings = Settings(home=Path("unused"), live=True, secrets={"MY_HOOK": SecretStr(SECRET)})
        declared = {
            name: Merchant.model_validate(GOOD | {"merchant": name} | hook(url=where.url))
            for name, where in (("main", server), ("other", other))
        }
        outlets = make_outlets(settings, declared)
        found = [
            outcome.state
            for name in declared
            for outcome in outlets.relays[name, "my_platform"].deliver_events([event(0)])
        ]
        outlets.close()
        assert found == ["sent", "failed"]
        assert ([each.key for each in server.accepted], other.accepted) == ([event(0).key], [])


def live_world(world: World, mail_port: int, url: str) -> World:
    """The installation in live mode, with a mail server and a platform."""
    file = world.settings.merchants_dir / "main.yml"
    declared = yaml.safe_load(file.read_text())
    road = {"via": "smtp", "host": "127.0.0.1", "port": mail_port, "security": "none", "per_second": 1000}
    declared["channels"] = {"email": road}
    declared["relays"][0] |= {"via": "webhook", "url": url, "secret": "MY_HOOK", "per_second": 1000}
    file.write_text(yaml.safe_dump(declared))
    return world.with_settings(live=True, environment="production", secrets={"MY_HOOK": SecretStr(SECRET)})


def test_what_went_in_rehearsal_goes_once_more_in_live_mode_and_then_never_again(tmp_path: Path) -> None:
    world = World.make(tmp_path)
    world.plan(DAY, 2)
    world.plan_events(DAY, 2, start=50)
    world.plan_snapshot(DAY, 3)
    with SmtpServer() as mail_server, WebhookServer() as platform:
        assert world.run().sent_count == 5
        live = live_world(world, mail_server.port, platform.url)
        assert [live.run().sent_count, live.run().sent_count, world.run().sent_count] == [5, 0, 0]
    assert [each.recipient for each in mail_server.accepted] == ["person0@example.com", "person1@example.com"]
    assert sorted(each.key for each in platform.accepted) == [
        "outbox_relay:loyal:2026-07-10:main",
        "outbox_relay:recent_buyers000050",
        "outbox_relay:recent_buyers000051",
    ]
    assert len(world.mails()) == 2


def _drawn_fault(draw: random.Random) -> Fault | None:
    """None two times in three. Who accepts a message and then says something else than yes has broken off."""
    if draw.random() < 2 / 3:
        return None
    steps: list[Step] = ["mail", "rcpt", "data", "end"]
    does = draw.choice([CLOSE, RESET, "451 later", "?"])
    return Fault(draw.choice(steps), does, accepts=does in (CLOSE, RESET) and draw.random() < 1 / 2)


def _drawn_answer(draw: random.Random) -> Answer:
    if draw.random() < 2 / 3:
        return Answer()
    does = draw.choice([CLOSE, RESET, GARBAGE, 429, 503, 302])
    return Answer(does, accepts=isinstance(does, str) and draw.random() < 1 / 2)


@pytest.mark.parametrize("seed", range(2))
def test_in_a_storm_of_failures_nothing_is_accepted_twice_and_nothing_is_lost(tmp_path: Path, seed: int) -> None:
    """What was accepted is `sent`, or `unknown` where nobody could tell; what is `sent` was accepted, once."""
    draw = random.Random(seed)
    mail_faults = [_drawn_fault(draw) for _ in range(200)]
    answers = [_drawn_answer(draw) for _ in range(200)]
    world = World.make(tmp_path)
    world.plan(DAY, 40)
    world.plan_events(DAY, 20, start=100)
    world.plan_snapshot(DAY, 3)
    with SmtpServer(mail_faults) as mail_server, WebhookServer(answers) as platform:
        live = live_world(world, mail_server.port, platform.url)
        live.seal()
        while live.send(chunk_size=10).outcomes.keys() - {"skipped"}:
            pass
    accepted = Counter([each.message_id for each in mail_server.accepted] + [each.key for each in platform.accepted])
    states = {key: state for key, state, _ in live.deliveries()}
    assert set(accepted.values()) == {1}
    assert len(states) == 61
    assert {key for key, state in states.items() if state == "sent"} <= accepted.keys()
    assert {states[key] for key in accepted} <= {"sent", "unknown"}
    assert set(states.values()) == {"sent", "unknown"}


def test_no_password_stands_in_what_a_failed_login_leaves(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    with SmtpServer(login=("shop", "another")) as server:
        road = SmtpRoad(host="127.0.0.1", port=server.port, security="none", username="shop", password="MAIL")
        with pytest.raises(OutletBroken) as error:
            list(SmtpChannel(road, SecretStr(LOGIN[1])).deliver([DRAFT]))
    assert LOGIN[1] not in "".join(traceback.format_exception(error.value))
    assert LOGIN[1] not in caplog.text
