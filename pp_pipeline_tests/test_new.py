"""`pp campaign new`, `pp conversation new`, `pp segment new`: asked, judged, shown, and written whole or not at all."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from pp_pipeline.cli import app
from pp_pipeline.configuration import Configuration
from pp_pipeline.conversations.loading import load_conversations
from pp_pipeline.merchants import load_merchants
from pp_pipeline.settings import Settings, SettingsError
from pp_pipeline.starting.campaign_recipes import CAMPAIGN_RECIPES
from pp_pipeline.starting.conversation_recipes import CONVERSATION_RECIPES, Begun
from pp_pipeline.starting.drafts import Draft, place_of, put_in_place
from pp_pipeline.starting.models import campaign_draft, segment_draft
from pp_pipeline.warehouse import Warehouse
from pp_pipeline_tests.pipeline import copy_checkout
from pp_pipeline_tests.postgres_server import PostgresDatabase
from pp_pipeline_tests.shadow_shop import LAST, ShadowShop

TODAY = ["--today", str(LAST)]


@pytest.fixture(scope="module", params=["duckdb", pytest.param("postgres", marks=pytest.mark.heavy)])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ShadowShop:
    folder = tmp_path_factory.mktemp("shop")
    if request.param == "duckdb":
        made = ShadowShop.make(folder)
    else:
        database: PostgresDatabase = request.getfixturevalue("postgres_module_database")
        made = ShadowShop.make(folder, database.url, database.sqlalchemy_url)
    made.build()
    Configuration(made.settings).check()
    return made


@pytest.fixture
def shop(built: ShadowShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ShadowShop:
    """The built home, with a checkout of its own for each test."""
    mine = replace(
        built, settings=built.settings.model_copy(update={"checkout": built.other_checkout(tmp_path / "co")})
    )
    be_at_home(mine.settings, monkeypatch)
    return mine


def be_at_home(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PP_HOME", str(settings.home))
    monkeypatch.setenv("PP_CHECKOUT", str(settings.checkout))
    monkeypatch.setenv("PP_SECRET", settings.secret)
    monkeypatch.setenv("PP_TARGET", settings.target)
    monkeypatch.setenv("PP_WAREHOUSE_URL", settings.warehouse_url)
    monkeypatch.setenv("PP_WAREHOUSE_SCHEMA", settings.warehouse_schema)
    monkeypatch.setenv("PP_LEDGER_URL", settings.ledger_url)


def pp(*words: str, answers: Sequence[str] = ()) -> Result:
    """A command in a terminal, with what the person types, a line each."""
    return CliRunner().invoke(app, words, input="".join(f"{line}\n" for line in answers), catch_exceptions=False)


def told(result: Result) -> str:
    """All that it said, without the line ends of a narrow terminal."""
    return " ".join(result.output.split())


def files(settings: Settings) -> dict[str, str]:
    """The checkout's own files."""
    folder = settings.checkout
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file() and "target" not in path.parts
    }


def test_a_campaign_is_asked_for_and_wrong_answers_are_asked_again(shop: ShadowShop) -> None:
    shop.write_campaign("win_back", wait_days=5, active_to="2026-01-05")
    before = files(shop.settings)
    dialogue = [
        ("win_baq", "'win_baq' is not allowed; allowed are thank_you"),
        ("win_back", ""),
        ("win_back", "queue_win_back.sql is there already"),
        ("Come Back", "is no name"),
        ("come_back", ""),
        ("", "order_date"),
        ("soon", "wait_days = 'soon' is not allowed; allowed: whole days, 0 or more"),
        ("9999", "wait_days = 9999 is not allowed"),
        ("10", ""),
        ("restart", ""),
        ("2026-02-30", "'2026-02-30' is not a day"),
        ("", str(LAST)),
        ("-1", "back_populate_days = '-1' is not allowed"),
        ("11", ""),
        ("order_cont > 1", "audience: 'order_cont' is unknown; did you mean order_count?"),
        ("in_segment('nobody')", "there is no segment 'nobody'"),
        ("email like '%@example.com'", ""),
        ("Come Back", "event = 'Come Back' is not allowed"),
        ("thank_you", "the campaign thank_you fires `thank_you` for the same orders of main too"),
        ("come_back", ""),
        ("y", ""),
    ]
    result = pp("campaign", "new", *TODAY, answers=[answer for answer, _ in dialogue])
    assert result.exit_code == 0, result.output
    for _, words in dialogue:
        assert words in told(result)
    written = {name: text for name, text in files(shop.settings).items() if name not in before}
    text = """{# Who has not ordered for long: held after the newest order; a newer one begins the wait anew. #}
{{ campaign(
    event = 'come_back',
    merchant = 'main',
    wait_days = 10,
    date_basis = 'order_date',
    repeat_orders = 'restart',
    active_from = '2026-01-12',
    back_populate_days = 11,
    audience = "email like '%@example.com'",
) }}
"""
    assert written == {"dbt/models/campaigns/queue_come_back.sql": text}
    assert before.items() < files(shop.settings).items()
    # Dee ordered on the 2nd and returned it, Ann (again) on the 5th, Eve and Fay on the 9th.
    assert "Today 0 released, in the next 30 days 3, if nothing comes in." in told(result)
    assert "come_back is taken by nobody" in told(result)
    assert "pp conversation new --trigger come_back" in told(result)


OLD_ORDERS = ["--recipe", "second_order", "--active-from", "2026-01-01", "--back-populate-days", "20"]
OLD_ORDERS += ["--wait-days", "2"]
REFUSED: list[tuple[str, list[str], str]] = [
    ("campaign", ["thank_you", "--recipe", "plain", "--wait-days", "3"], "NAME: dbt/models/campaigns/queue_thank_you"),
    ("campaign", ["a", "--recipe", "plain"], "--wait-days is needed where nobody is asked"),
    ("campaign", ["a", "--recipe", "replenish"], "--audience is needed where nobody is asked"),
    ("campaign", ["a", "--recipe", "win_back", "--audience", "order_cont > 1"], "--audience: audience: 'order_cont'"),
    ("campaign", ["a", "--recipe", "win_back", "--audience", "order_count > 'many'"], "can't tell who is in it"),
    ("campaign", ["a", "--recipe", "win_back", "--event", "win_back"], "the campaign win_back fires `win_back` for"),
    ("campaign", ["a", "--recipe", "win_back", "--event", "loyalty"], "loyal_thanks/conversation.yml: flow_type"),
    ("campaign", ["a", "--recipe", "win_back", "--transit-days", "3"], "--transit-days does not go with"),
    ("campaign", ["a" * 49, "--recipe", "win_back"], "allowed are 48"),
    ("conversation", ["show", "--trigger", "purchase"], "'show' is a word of `pp conversation`"),
    ("conversation", ["blocks", "--trigger", "purchase"], "pp_pipeline/conversations/blocks is there already"),
    ("conversation", ["a", "--trigger", "purchas"], "--trigger: 'purchas' is not allowed; allowed are"),
    ("conversation", ["a", "--trigger", "purchase", "--wait-days", "x"], "'x' is not allowed; allowed: whole days"),
    ("conversation", ["a", "--trigger", "purchase", "--live-from", "now"], "'now' is not a day"),
    ("conversation", ["a", "--recipe", "win_back", "--trigger", "purchase"], "holds contacts for 'win_back' too"),
    ("segment", ["loyal", "--condition", "order_count > 1"], "segment_loyal.sql is there already"),
    ("segment", ["a", "--condition", "order.total_cents > 1"], "order.<column> is only for campaigns"),
]


@pytest.mark.parametrize(("kind", "words", "why"), REFUSED, ids=[f"{kind} {why}" for kind, _, why in REFUSED])
def test_what_does_not_validate_is_refused_and_nothing_is_written(
    shop: ShadowShop, kind: str, words: list[str], why: str
) -> None:
    before = files(shop.settings)
    result = pp(kind, "new", *words, "--yes", *TODAY)
    assert result.exit_code == 2
    assert why in told(result)
    assert files(shop.settings) == before


def test_no_is_no_and_no_answer_is_said(shop: ShadowShop) -> None:
    before = files(shop.settings)
    words = ["segment", "new", "pair", "--condition", "order_count = 2", *TODAY]
    assert pp(*words, answers=["n"]).exit_code == 1
    silent = pp("segment", "new", *TODAY, answers=["pair"])
    assert (silent.exit_code, "no answer; nothing was written" in told(silent)) == (2, True)
    assert "--yes" in told(pp("segment", "new", "pair", "--json"))
    assert files(shop.settings) == before


def test_a_segment_shows_its_members(shop: ShadowShop) -> None:
    result = pp("segment", "new", *TODAY, answers=["pair", "order_count > ", "order_count = 2", "y"])
    assert result.exit_code == 0, result.output
    assert "it can't be read as SQL" in told(result)
    assert "2 members on 2026-01-12" in told(result)
    assert (shop.settings.checkout / place_of("segment", "pair")).read_text() == (
        '{{ segment(condition = "order_count = 2") }}\n'
    )
    with Warehouse(shop.settings).connect() as connection:
        assert not connection.table_exists("segment_pair"), "the real home is not built"


def test_unattended_with_options_alone(shop: ShadowShop) -> None:
    """A campaign and what it leads to, about orders of before: Fay's of the 9th, who hears a second time on the 18th.
    Of the others that were once released Ben heard twice by now, Ann and Eve ordered again, Dee sent hers back."""
    campaign = begin_old_orders()
    assert (campaign["preview"]["today"], campaign["preview"]["in_days"]) == (0, 0)
    conversation = begin("conversation", "--recipe", "second_order", "--live-from", "2026-01-01")
    assert (conversation["preview"]["today"], conversation["preview"]["in_days"]) == (0, 1)
    text = (shop.settings.conversations_dir / "second_order/conversation.yml").read_text()
    assert "trigger: [second_order]" in text, "the event that nobody took"
    assert 'wait: {at: "10:00"}' in text, "the campaign waited before"


@pytest.mark.heavy
def test_begun_before_the_first_run_which_then_plans_by_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = ShadowShop.make(tmp_path)
    be_at_home(shop.settings, monkeypatch)
    assert begin_old_orders()["preview"] is None
    assert begin("conversation", "--recipe", "second_order", "--live-from", "2026-01-01")["preview"] is None
    assert begin("segment", "pair", "--condition", "order_count = 2")["preview"] is None
    result = pp("run", "--from", "2026-01-01", "--to", str(LAST), *TODAY)
    assert result.exit_code == 0, result.output
    with Warehouse(shop.settings).connect() as connection:
        sql = "select order_number, step, due_on from planned_messages where conversation = 'second_order'"
        planned = {(order, step, due_on.day) for order, step, due_on in connection.rows(sql)}
        members = connection.rows("select count(*) from segment_pair where snapshot_on = ?", (LAST,))
    first = {("A1", "what_next", 3), ("B1", "what_next", 1), ("D1", "what_next", 4), ("E1", "what_next", 5)}
    assert planned == first | {("F1", "what_next", 11), ("B1", "still_here", 8)}
    assert members == [(2,)]
    cautious = begin("conversation", "cautious", "--trigger", "purchase")
    assert (cautious["preview"]["today"], cautious["preview"]["in_days"]) == (0, 0), "nobody old is written to"


def begin(kind: str, *words: str) -> dict[str, Any]:
    """What a command says as JSON that asks nothing."""
    result = pp(kind, "new", *words, "--yes", "--json", *TODAY)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def begin_old_orders() -> dict[str, Any]:
    return begin("campaign", *OLD_ORDERS, "--audience", "everyone")


@pytest.fixture(scope="module")
def recipes_checkout(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home where nothing was built, whose checkout has every recipe in it."""
    folder = tmp_path_factory.mktemp("recipes")
    settings = Settings(home=folder / "home", checkout=folder / "checkout")
    copy_checkout(settings.checkout)
    for recipe, wait_days in CONVERSATION_RECIPES.items():
        begun = Begun(recipe, f"my_{recipe}", "purchase", wait_days, f"my_{recipe}", LAST)
        put_in_place(settings, begun.draft(LAST))
    return settings


def test_every_recipe_of_a_conversation_loads(recipes_checkout: Settings) -> None:
    loaded = load_conversations(recipes_checkout.conversations_dir, load_merchants(recipes_checkout))
    mine = {each.conversation: each for each in loaded if each.conversation.startswith("my_")}
    assert set(mine) == {f"my_{recipe}" for recipe in CONVERSATION_RECIPES}
    assert all(each.live_from == LAST and each.events == ["purchase"] for each in mine.values())
    text = "".join(path.read_text() for name in mine for path in (recipes_checkout.conversations_dir / name).iterdir())
    assert "<<" not in text
    assert "review_by: 2027-01-12" in text


@pytest.mark.parametrize("recipe", CONVERSATION_RECIPES)
def test_the_messages_of_every_recipe_can_be_looked_at(
    recipes_checkout: Settings, recipe: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    be_at_home(recipes_checkout, monkeypatch)
    result = pp("render", f"my_{recipe}", "--json")
    messages = json.loads(result.stdout)["messages"]
    assert messages
    assert [(message["problem"], message["warnings"]) for message in messages] == [("", [])] * len(messages)


def test_a_conversation_is_shown_by_its_name_alone(recipes_checkout: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    be_at_home(recipes_checkout, monkeypatch)
    shown = pp("conversation", "my_plain")
    assert (shown.exit_code, "on purchase" in told(shown)) == (0, True)
    assert pp("conversation", "show", "my_plain").output == shown.output
    assert pp("conversation", "--json", "my_plain").exit_code == 0
    assert {"new", "show"} <= set(told(pp("conversation", "--help")).split())


def test_nothing_is_overwritten_and_nothing_is_half_written(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", checkout=tmp_path)
    campaign = campaign_draft("a", "", {"event": "a"})
    folder = Draft("conversation", "a", {f"{place_of('conversation', 'a')}/{name}": name for name in ("one", "two")})
    for draft in (campaign, folder):
        with pytest.raises(SettingsError, match="can't be written"):
            put_in_place(settings, draft)
        (tmp_path / draft.place).parent.mkdir(parents=True)
        written = put_in_place(settings, draft)
        assert [path.read_text() for path in written] == list(draft.files.values())
        others = replace(draft, files=dict.fromkeys(draft.files, "another text"))
        with pytest.raises(SettingsError, match="is there already; nothing was written"):
            put_in_place(settings, others)
        assert [path.read_text() for path in written] == list(draft.files.values())
        assert [path.name for path in (tmp_path / draft.place).parent.iterdir()] == [Path(draft.place).name]


@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r")))
def test_every_condition_arrives_as_it_was_said(text: str) -> None:
    found: dict[str, Any] = {}
    parameters = {"event": "a", "wait_days": 3, "hold_statuses": ["hold"], "audience": text}
    (model,) = campaign_draft("a", "A comment.", parameters).files.values()
    assert jinja2.Template(model).render(campaign=found.update).strip() == "None"
    assert found == parameters
    (model,) = segment_draft("a", text).files.values()
    jinja2.Template(model).render(segment=found.update)
    assert found["condition"] == text


def test_the_recipes_of_campaigns_and_conversations_go_together() -> None:
    assert set(CAMPAIGN_RECIPES) == set(CONVERSATION_RECIPES)
    assert {name: recipe.wait_days or 0 for name, recipe in CAMPAIGN_RECIPES.items()} == dict(CONVERSATION_RECIPES)
