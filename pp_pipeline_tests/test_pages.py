"""The pages of this machine: who may ask, what stands in their headers, what is refused in plain words."""

import asyncio
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from pp_pipeline.commands.status import look
from pp_pipeline.configuration import Configuration
from pp_pipeline.merchants import load_merchants
from pp_pipeline.pages import why_page
from pp_pipeline.pages.app import make_app
from pp_pipeline.pages.links import why_not_url
from pp_pipeline.pages.status_page import StatusPage
from pp_pipeline.pages.why_page import WhyPage
from pp_pipeline.settings import Settings, SettingsError
from pp_pipeline.warehouse import WarehouseError

HERE = "http://127.0.0.1:3001"


@dataclass(frozen=True)
class Client:
    """Asks the pages in this process."""

    app: ASGIApp

    def get(self, url: str, **options: Any) -> httpx.Response:
        return asyncio.run(self._ask("GET", url, options))

    def put(self, url: str) -> httpx.Response:
        return asyncio.run(self._ask("PUT", url, {}))

    def post(self, url: str, **options: Any) -> httpx.Response:
        return asyncio.run(self._ask("POST", url, options))

    async def _ask(self, method: str, url: str, options: dict[str, Any]) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=HERE) as client:
            return await client.request(method, url, **options)


@pytest.fixture
def client(tmp_path: Path) -> Client:
    """The pages over a home in which nothing was built yet."""
    settings = Settings(home=tmp_path / "home")
    today = date(2026, 1, 10)
    why = WhyPage(settings, load_merchants(settings), lambda: today)
    status = StatusPage(lambda: look(Configuration(settings), today))
    return Client(make_app(why, status, (SettingsError,)))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"host": "localhost:3001"}, 200),
        ({"origin": HERE}, 200),
        ({"host": "rebound.example.com:3001"}, 403),
        ({"host": "127.0.0.1.example.com"}, 403),
        ({"host": "127.0.0.1@example.com"}, 403),
        ({"host": ""}, 403),
        ({"host": "["}, 403),
        ({"host": "ann@127.0.0.1:3001"}, 403),
        ({"origin": "http://example.com"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://127.0.0.1:3000"}, 403),
    ],
)
def test_only_this_machine_asks(client: Client, headers: dict[str, str], status: int) -> None:
    assert client.post("/why", data={"who": ""}, headers=headers).status_code == status
    if "origin" not in headers:
        assert client.get("/why", headers=headers).status_code == status


def test_nothing_comes_from_elsewhere_and_nothing_is_kept(client: Client) -> None:
    answer = client.get("/why")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "set-cookie" not in answer.headers
    assert client.get("/").headers["location"] == "/why"
    assert client.get("/nothing").status_code == 404
    assert client.put("/why").status_code == 405


def test_a_link_fills_the_question_in_and_asks_of_nobody(client: Client) -> None:
    link = httpx.URL(why_not_url(3005, "queue_win_back", date(2026, 1, 9)))
    assert (link.host, link.port) == ("127.0.0.1", 3005)
    page = client.get(str(link.copy_with(port=3001))).text
    assert 'value="queue_win_back"' in page and 'value="2026-01-09"' in page
    assert "ann@example.com" not in client.get("/why?who=ann@example.com").text


def test_what_is_wrong_is_told_and_shown_as_text(client: Client) -> None:
    answer = client.post("/why", data={"who": "<b>ann</b>", "on": "2026-01-09"})
    assert answer.status_code == 400
    assert "nothing was built" in answer.text
    assert "&lt;b&gt;ann&lt;/b&gt;" in answer.text and "<b>ann" not in answer.text
    assert "is no text" in client.post("/why", data={"who": "A1\0"}).text
    assert "not a day" in client.post("/why", data={"who": "A1", "since": "soon"}).text


def test_a_home_in_which_nothing_was_built_has_a_status(client: Client) -> None:
    page = client.get("/status").text
    assert "All is well." in page and "none is built; `pp run --from 2026-01-10" in page


def test_a_question_is_not_kept_waiting_for_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(home=tmp_path / "home")
    asked = WhyPage(settings, load_merchants(settings), lambda: date(2026, 1, 10))
    monkeypatch.setattr(why_page, "_WAIT_SECONDS", 0.0)
    with asked._one_at_a_time, pytest.raises(WarehouseError, match="ask again"):
        asked.asked({"who": "A1"})
    with pytest.raises(SettingsError, match="nothing was built"):
        asked.asked({"who": "A1"})


@pytest.mark.parametrize(("stated", "port"), [("", 3001), ("3005", 3005), ("0", None), ("65536", None), ("x", None)])
def test_links_name_the_port_of_the_environment(stated: str, port: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PP_PAGES_PORT", stated)
    if port is None:
        with pytest.raises(SettingsError, match="PP_PAGES_PORT"):
            Settings.from_environment()
    else:
        assert Settings.from_environment().pages_port == port
