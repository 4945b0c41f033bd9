"""Tracking links: `pp serve` hands on to the shop, and takes down the clicks that are a contact's."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import OperationalError

from pp_pipeline.forgetting.words import FORGOTTEN
from pp_pipeline.ledger.schema import deliveries
from pp_pipeline.ledger.suppressions import Suppress, apply_changes
from pp_pipeline.merchants import load_merchants
from pp_pipeline.sending.outlets.outbox import OutboxChannel
from pp_pipeline.sending.outlets.outlet import Outlets
from pp_pipeline.serving.link_tokens import TrackedLink, make_link_token
from pp_pipeline.settings import Settings
from pp_pipeline_tests.landing_shop import Shop
from pp_pipeline_tests.sending_world import DAY, World, key_of, read_mail
from pp_pipeline_tests.serving_shop import FILE, NOW, ServingShop, open_shop

URL = "https://example.com/%C3%A4?q=a%20b&utm_source=post_purchase#top"
MESSAGE = "ab" * 16
TRACKING = {"url": "https://go.example.com", "days": 90}
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[ServingShop]:
    with open_shop(Settings(home=tmp_path / "home"), links={"tracking": TRACKING}) as found:
        yield found


@pytest.fixture
def serving(ledger_settings: Settings) -> Iterator[ServingShop]:
    with open_shop(ledger_settings, links={"tracking": TRACKING}) as found:
        yield found


def send(serving: ServingShop, **changes: Any) -> None:
    """A message of Ann's goes out."""
    values = {
        "target": "live", "key": MESSAGE, "kind": "message", "state": "sent", "merchant": "main", "channel": "email",
        "contact_key": serving.key("ann"), "claimed_at": NOW, "lease_until": NOW, "claim": "c",
    }  # fmt: skip
    with serving.shop.ledger.writing() as connection:
        connection.execute(insert(deliveries).values(values | changes))


def path_of(serving: ServingShop, url: str = URL) -> str:
    return f"/l/{make_link_token(serving.secret, TrackedLink(MESSAGE, url))}"


def click(serving: ServingShop, url: str = URL, **headers: str) -> None:
    """Somebody follows a link, and comes to where it leads."""
    answer = serving.client.get(path_of(serving, url), headers=BROWSER | headers)
    assert (answer.status_code, answer.headers["location"], answer.content) == (302, url, b"")


def test_a_click_leads_on_and_lands_as_feedback(serving: ServingShop) -> None:
    send(serving)
    before = serving.ledger_rows()
    click(serving)
    for column, value in {
        "merchant": "main", "event": "clicked", "contact_key": serving.key("ann"), "email": "", "link": URL,
        "message_id": MESSAGE, "channel": "email", "occurred_at": NOW.isoformat(),
    }.items():  # fmt: skip
        assert [row[column] for row in serving.file_rows()] == [value]
    assert not serving.shop.load().refused
    assert serving.shop.rows("contact_key, event, message_id, link", "feedback_rows") == [
        (serving.key("ann"), "clicked", MESSAGE, URL)
    ]
    assert serving.ledger_rows() == before


def test_a_click_counts_once_a_minute_for_a_link(lite: ServingShop) -> None:
    send(lite)
    for _ in range(3):
        click(lite)
    click(lite, "https://example.com/other")
    assert len(lite.file_rows()) == 2
    lite.later(minutes=1)
    click(lite)
    assert len({row["feedback_id"] for row in lite.file_rows()}) == len(lite.file_rows()) == 3


@pytest.mark.parametrize(
    "sent",
    [
        None,
        {"target": "rehearsal"},
        {"kind": "test", "key": f"test:{MESSAGE}"},
        {"kind": "seed"},
        {"merchant": "other"},
        {"merchant": "gone"},
    ],
    ids=["nobody", "rehearsal", "proof", "seed", "not tracked any more", "no such merchant"],
)
def test_what_did_not_go_out_live_to_a_contact_leads_on_and_says_nothing(
    lite: ServingShop, sent: dict[str, str] | None
) -> None:
    if sent is not None:
        send(lite, **sent)
    click(lite)
    assert lite.file_rows() == []


def test_nothing_is_written_of_whoever_is_forgotten(serving: ServingShop) -> None:
    send(serving)
    with serving.shop.ledger.writing() as connection:
        apply_changes(connection, [Suppress(serving.key("ann"), "", "", FORGOTTEN, NOW, "command")])
    click(serving)
    assert serving.file_rows() == []


def test_a_link_never_rots_and_late_clicks_say_nothing(lite: ServingShop) -> None:
    send(lite)
    lite.later(days=90)
    click(lite)
    assert len(lite.file_rows("feedback_2026-04-05_serve.csv")) == 1
    lite.later(days=2_000)
    click(lite)
    lite.clicks.wait()
    assert len(list(lite.shop.settings.inbox.iterdir())) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"User-Agent": ""},
        {"User-Agent": "Mozilla/5.0 (compatible; SomeBot/2.1)"},
        {"User-Agent": "curl/8.5.0"},
        {"Sec-Purpose": "prefetch;prerender"},
        {"X-Purpose": "preview"},
    ],
)
def test_programs_are_led_on_and_say_nothing(lite: ServingShop, headers: dict[str, str]) -> None:
    send(lite)
    click(lite, **headers)
    assert lite.client.head(path_of(lite)).headers["location"] == URL
    assert lite.file_rows() == []


def test_nothing_stays_with_whoever_clicks_and_no_token_goes_on(lite: ServingShop) -> None:
    answer = lite.client.get(path_of(lite))
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers


def test_a_link_that_was_not_made_here_leads_nowhere(lite: ServingShop) -> None:
    send(lite)
    token = path_of(lite).removeprefix("/l/")
    number, signature, packed = token.split(".")
    other_secret = make_link_token(b"another secret 1", TrackedLink(MESSAGE, "https://example.org/"))
    to_elsewhere = other_secret.rpartition(".")[2]
    tokens = [
        "x", token[:-1], f"{token}A", f"{token}=", token.replace(".", "."[:0], 1), f"{number}.{packed}",
        f"{'cd' * 16}.{signature}.{packed}", f"{number}.{signature}.{to_elsewhere}", other_secret,
        f"{token}/x",
        f"{number}.{signature[::-1]}.{packed}", f"{number}.{signature}.{'A' * 3_000}", token.upper(), f"{token}%0A",
        "https:%2F%2Fexample.org", f"{token}/", "%00", lite.token("ann"), "é" * 40,
        *(make_link_token(lite.secret, TrackedLink(MESSAGE, url)) for url in ("javascript:alert(1)", "//example.org")),
        make_link_token(lite.secret, TrackedLink(MESSAGE, "https://example.org/\r\nSet-Cookie: a=b")),
    ]  # fmt: skip
    for one in tokens:
        answer = lite.client.get(f"/l/{one}", headers=BROWSER)
        assert answer.status_code == 404, one
        assert "location" not in answer.headers
        assert "text/html" in answer.headers["content-type"]
    assert lite.client.get("/l/").status_code == 404
    assert lite.client.post(f"/l/{token}").status_code == 405
    assert lite.file_rows() == []


def test_whoever_clicks_gets_there_though_nothing_can_be_written(
    lite: ServingShop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise OperationalError("statement", {}, Exception("disk"))

    send(lite)
    with monkeypatch.context() as patch:
        patch.setattr(lite.shop.ledger, "reading", broken)
        click(lite)
        lite.clicks.wait()
    (lite.shop.settings.inbox / FILE).mkdir(parents=True)
    click(lite)
    lite.clicks.wait()
    ours = [record.getMessage() for record in caplog.records if record.name == "pp_pipeline.serving"]
    assert ours == [
        "1 clicks were not taken down: OperationalError",
        "1 rows of feedback are in no file: IsADirectoryError",
    ]


def test_the_link_of_a_live_mail_is_clicked_and_that_of_its_rehearsal_is_not(tmp_path: Path) -> None:
    world = World.make(tmp_path)
    file = world.settings.merchants_dir / "main.yml"
    road = "channels: {email: {via: smtp, host: 127.0.0.1, security: none}}\n"
    file.write_text(file.read_text() + road + "links: {tracking: {url: 'https://go.example.com'}}\n")
    template = world.conversation_folder / "hello.mjml.j2"
    template.write_text(template.read_text().replace("{# body #}", '<a href="{{ merchant.site_url }}/new">New</a>'))
    world.plan(DAY, 1)
    serving = ServingShop(Shop(world.settings, load_merchants(world.settings)))
    clicked = []
    for is_live in (False, True):
        here = world.with_settings(live=is_live, environment="production")
        outlet = OutboxChannel(world.settings.outbox, "live" if is_live else "rehearsal")
        assert here.run(outlets=Outlets({("main", "email"): outlet}, {})).sent_count == 1
        _, html = (part.get_content() for part in read_mail(world.mails()[0]).iter_parts())
        (link,) = re.findall(r'href="(https://go.example.com/l/[^"]+)"', html)
        answer = serving.client.get(link.removeprefix("https://go.example.com"), headers=BROWSER)
        assert answer.headers["location"].startswith("https://example.com/new?utm_source=post_purchase&")
        clicked.append([(row["message_id"], row["link"]) for row in serving.file_rows("feedback_2026-01-06_serve.csv")])
    assert clicked == [[], [(key_of(0), answer.headers["location"])]]
    serving.shop.ledger.close()


def test_more_clicks_than_can_wait_are_logged_and_hold_nobody_up(
    lite: ServingShop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("pp_pipeline.serving.clicks._MOST_WAITING", 3)
    send(lite)
    with lite.intake._lock:  # whoever takes the first click down waits for it
        click(lite)
        while lite.clicks._waiting:
            pass
        for number in range(5):
            click(lite, f"https://example.com/{number}")
    assert len(lite.file_rows()) == 4
    ours = [record.getMessage() for record in caplog.records if record.name == "pp_pipeline.serving"]
    assert ours == ["a click was not taken down: 3 wait already"] * 2
