"""`pp conversation` and its pictures."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pp_pipeline.commands.conversation import show_conversation
from pp_pipeline.conversations.conditions import Condition
from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.conversations.drawing import condition_words, mermaid, svg
from pp_pipeline.conversations.schema import FILE, schema_text
from pp_pipeline_tests.conversation_examples import message, talk, thread, wait
from pp_pipeline_tests.pipeline import CHECKOUT

WIN_BACK = Conversation.model_validate(
    {
        "conversation": "win_back",
        **talk(
            thread(
                *("write", [], wait(90, "hold"), message("miss", passes=2, after=7)),
                {"split": [{"when": {"not": {"clicked": "miss"}}, "thread": "more"}]},
                {"go_to": "write.hold", "times": 2},
            ),
            thread("more", [], message("more"), {"exit": True}),
            thread("entry", ["purchase"], {"go_to": "write.hold"}, rank=2),
        ),
    }
)


def test_mermaid_shows_steps_ways_and_who_waits() -> None:
    assert mermaid(WIN_BACK, {(0, 1): 1200}).splitlines() == [
        "flowchart TD",
        '    subgraph t0["write, rank 1"]',
        '        t0s0["reached from elsewhere"]',
        '        t0s1["hold: wait 90 days<br/>1,200 waiting"]',
        '        t0s2["miss: email hello, 2 passes"]',
        '        t0s3["split"]',
        '        t0s4["go to write.hold"]',
        "    end",
        '    subgraph t1["more, rank 1"]',
        '        t1s0["reached from elsewhere"]',
        '        t1s1["more: email hello"]',
        '        t1s2["exit"]',
        "    end",
        '    subgraph t2["entry, rank 2"]',
        '        t2s0["on purchase"]',
        '        t2s1["go to write.hold"]',
        "    end",
        "    t0s0 --> t0s1",
        "    t0s1 --> t0s2",
        "    t0s2 --> t0s3",
        '    t0s3 -->|"not clicked miss"| t1s0',
        '    t0s3 -->|"else"| t0s4',
        '    t0s4 -->|"at most 2 x"| t0s1',
        "    t1s0 --> t1s1",
        "    t1s1 --> t1s2",
        "    t2s0 --> t2s1",
        "    t2s1 --> t0s1",
    ]


def test_svg_has_a_box_for_each_step_and_an_arrow_for_each_way() -> None:
    picture = ElementTree.fromstring(svg(WIN_BACK, {(0, 1): 1200}))
    space = "{http://www.w3.org/2000/svg}"
    texts = ["".join(one.itertext()) for one in picture.iter(f"{space}text")]
    assert len(list(picture.iter(f"{space}rect"))) == len(WIN_BACK.steps)
    assert len(picture.findall(f"{space}path")) == 10
    assert {"hold: wait 90 days", "1,200 waiting", "not clicked miss", "entry, rank 2"} <= set(texts)


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({"bought": True}, "bought"),
        ({"clicked": "big_news", "link": "a<b"}, "clicked big_news, link a<b"),
        ({"all": [{"order_is": "shipped"}, {"any": [{"ticket": "open"}, {"segment": "x"}]}]},
         "order is shipped and (ticket open or segment x)"),
        ({"not": {"any": [{"bought": True}, {"reviewed": True, "min_rating": 4}]}},
         "not (bought or reviewed, min rating 4.0)"),
    ],
)  # fmt: skip
def test_conditions_in_words(condition: dict[str, object], words: str) -> None:
    assert condition_words(Condition.model_validate(condition)) == words


def test_the_command_shows_and_draws_before_anything_was_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PP_HOME", str(tmp_path))
    monkeypatch.setenv("PP_CHECKOUT", str(CHECKOUT))
    assert show_conversation("win_back", None, str(tmp_path / "win_back.svg"), as_json=True) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["on"] is None
    assert [(step["step"], step["waiting"]) for step in shown["steps"]] == [
        ("on win_back", 0),
        ("email we_miss_you", 0),
    ]
    assert (tmp_path / "win_back.svg").read_text().startswith("<svg")
    assert show_conversation("win_bak", None, None, as_json=False) == 2
    assert "there is no conversation win_bak; there are loyal_thanks" in capsys.readouterr().err.replace("\n", " ")


def test_the_schema_for_editors_is_that_of_the_program() -> None:
    assert FILE.read_text() == schema_text(), "python -m pp_pipeline.conversations.schema writes it anew"
