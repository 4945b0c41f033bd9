"""`pp conversation` and its pictures."""

import json
from io import BytesIO
from itertools import combinations, pairwise, product
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from pp_pipeline.commands.conversation import show_conversation
from pp_pipeline.conversations.conditions import Condition
from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.conversations.drawing import condition_words, mermaid, picture
from pp_pipeline.conversations.layout import WIDTH
from pp_pipeline.conversations.picture_files import png, svg
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


def test_svg_has_a_box_for_each_step_and_an_arrow_with_a_tip_for_each_way() -> None:
    document = ElementTree.fromstring(svg(picture(WIN_BACK, {(0, 1): 1200}), "win_back"))
    space = "{http://www.w3.org/2000/svg}"
    texts = ["".join(one.itertext()) for one in document.iter(f"{space}text")]
    assert len(document.findall(f"{space}g/{space}rect")) == len(WIN_BACK.steps)
    assert len(document.findall(f"{space}path")) == 2 * 10
    assert {"hold: wait 90 days", "1,200 waiting", "1: not clicked miss", "1", "entry, rank 2"} <= set(texts)


def test_png_is_the_same_picture_at_twice_the_size() -> None:
    laid_out = picture(WIN_BACK, {(0, 1): 1200})
    image = Image.open(BytesIO(png(laid_out, "win_back")))
    assert (image.size, image.info["Title"]) == ((laid_out.width * 2, laid_out.height * 2), "win_back")
    (x, y), waits = laid_out.boxes[1].corner, laid_out.boxes[1].is_waiting
    assert waits and image.getpixel((2 * x + 6, 2 * y + 20)) == (255, 244, 214), "the step where somebody waits"
    assert image.getpixel((2 * x + 6, 2 * laid_out.boxes[0].corner[1] + 20)) == (244, 246, 250)


def test_a_png_without_the_font_of_a_system_folds_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    monkeypatch.setattr("pp_pipeline.conversations.picture_files._FONT", "no such font.ttf")
    monkeypatch.setattr("PIL.ImageDraw.ImageDraw.text", lambda self, at, words, *rest, **more: drawn.append(words))
    split = {"split": [{"when": {"bought_category": "Möbel 椅"}, "thread": "more"}]}
    told = talk(thread("write", ["purchase"], message("hi"), split), thread("more", [], {"exit": True}))
    png(picture(Conversation.model_validate({"conversation": "big", **told}), {}), "big")
    assert "1: bought category Mobel ?" in drawn


def test_no_two_arrows_of_a_big_conversation_lie_on_one_another_or_on_a_box() -> None:
    """Eight branches, each with a way back and one to a thread further on; the split's conditions are long."""
    names = [f"branch_{number}" for number in range(8)]
    long = {"all": [{"clicked": "hi", "link": f"https://example.com/{'page/' * 12}"}, {"not": {"bought": True}}]}
    split = {"split": [{"when": long, "thread": name} for name in names]}
    back = {"go_to": "write.hold", "times": 2}
    threads = [
        thread(name, [], wait(1), message(f"in_{name}"), back, {"go_to": names[-1 - number], "times": 1})
        for number, name in enumerate(names)
    ]
    begin = thread("write", ["purchase"], message("hi"), wait(3, "hold"), split, back)
    laid_out = picture(Conversation.model_validate({"conversation": "big", **talk(begin, *threads)}), {})
    pieces = [
        (number, *sorted((start, end)))
        for number, arrow in enumerate(laid_out.arrows)
        for start, end in pairwise(arrow.points)
        if start != end
    ]
    for (one, (x, y), (to_x, to_y)), (other, (x2, y2), (to_x2, to_y2)) in combinations(pieces, 2):
        tip, tip2 = laid_out.arrows[one].points[-1], laid_out.arrows[other].points[-1]
        if tip == tip2 and tip in ((x, y), (to_x, to_y)):
            continue  # where more arrive at a box than fit beside it, they come in together
        is_along = one != other and (x == to_x == x2 == to_x2 and y < to_y2 and y2 < to_y)
        is_along |= one != other and (y == to_y == y2 == to_y2 and x < to_x2 and x2 < to_x)
        assert not is_along, "arrows lie on one another"
    for (_, (x, y), (to_x, to_y)), box in product(pieces, laid_out.boxes):
        (left, top), right, bottom = box.corner, box.corner[0] + WIDTH, box.corner[1] + box.height
        assert not (x < right and to_x > left and y < bottom and to_y > top), "an arrow crosses a box"
    assert all(text.at[1] < box.corner[1] + box.height for box in laid_out.boxes for text in box.texts)


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
    for ending, begins in ((".svg", b"<svg"), (".png", b"\x89PNG"), (".mmd", b"flowchart")):
        assert show_conversation("thank_you", None, str(tmp_path / f"thank_you{ending}"), as_json=True) == 0
        shown = json.loads(capsys.readouterr().out)
        assert shown["on"] is None
        assert [(step["step"], step["waiting"]) for step in shown["steps"]] == [
            ("on thank_you", 0),
            ("email thank_you", 0),
        ]
        assert (tmp_path / f"thank_you{ending}").read_bytes().startswith(begins)
    assert show_conversation("thank_you", None, str(tmp_path / "thank_you.gif"), as_json=False) == 2
    assert ".svg, .png or .mmd, not thank_you.gif" in capsys.readouterr().err.replace("\n", " ")
    assert show_conversation("win_bak", None, None, as_json=False) == 2
    assert "there is no conversation win_bak; there are loyal_thanks" in capsys.readouterr().err.replace("\n", " ")


def test_the_schema_for_editors_is_that_of_the_program() -> None:
    assert FILE.read_text() == schema_text(), "python -m pp_pipeline.conversations.schema writes it anew"
    shipped = sorted(FILE.parent.glob("*/conversation.yml"))
    assert shipped
    for path in shipped:
        name = path.read_text().splitlines()[0].removeprefix("# yaml-language-server: $schema=")
        assert (path.parent / name).resolve() == FILE.resolve(), path.parent.name
