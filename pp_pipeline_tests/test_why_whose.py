"""What was another contact's is told apart."""

from pp_pipeline.why.entries import Entry
from pp_pipeline.why.story import QueueStanding
from pp_pipeline.why.whose import Whose
from pp_pipeline_tests.test_why_not import outgoing
from pp_pipeline_tests.worked_examples import january

ANN = Whose("ann", {"ann": "ann@example.com", "ben": "ben@example.com"})


def entry(contact_key: str | None, text: str = "processing") -> Entry:
    return Entry(on=january(1), text=text, contact_key=contact_key)


def test_what_was_anothers_says_whose_it_was() -> None:
    entries = [entry("ann"), entry(None), entry("ben"), entry("ben", "now of ben@example.com"), entry("cy")]
    assert [one.text for one in ANN.marked(entries)] == [
        "processing",
        "processing",
        "processing (of ben@example.com)",
        "now of ben@example.com",
        "processing (of another contact)",
    ]
    assert ANN.marked([outgoing(7, "sent", whose="ben")])[0].text.endswith("(to ben@example.com)")
    assert ANN.standing(QueueStanding("lapsed", "waiting", "waits"), "ben").text == "waits (of ben@example.com)"


def test_an_order_of_nobody_marks_nothing() -> None:
    assert [one.text for one in Whose(None, {}).marked([entry("ben")])] == ["processing"]
