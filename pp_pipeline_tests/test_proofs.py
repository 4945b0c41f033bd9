"""Proofs: a message with a sample order, to people of the shop (docs/sending.md)."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import select

from pp_pipeline.contact_keys import contact_key
from pp_pipeline.ledger.schema import deliveries
from pp_pipeline.settings import utc_now
from pp_pipeline_tests.ledger_words import pp, records
from pp_pipeline_tests.sending_world import DAY, World, read_mail
from pp_pipeline_tests.test_coupons import declare

SECRET = "a secret of enough characters"
STAFF = "staff@example.com"


@pytest.fixture
def lite(tmp_path: Path) -> World:
    """An installation whose merchant has a seed address, and whose message shows a coupon."""
    world = World.make(tmp_path, secret=SECRET)
    merchant = world.settings.merchants_dir / "main.yml"
    merchant.write_text(merchant.read_text() + f"sending: {{seeds: [{STAFF}]}}\n")
    template = world.conversation_folder / "hello.txt.j2"
    template.write_text(template.read_text().replace(", {{ order.attributes.color }}", ""))
    return world


def proofs(world: World) -> list[tuple[str, str, str]]:
    """Kind, state and reason of each proof in the ledger."""
    columns = (deliveries.c.kind, deliveries.c.state, deliveries.c.reason)
    with world.ledger as ledger, ledger.reading() as connection:
        return [(row[0], row[1], row[2]) for row in connection.execute(select(*columns)) if row[0] != "message"]


def test_each_test_message_is_one_of_its_own_with_a_code_that_no_shop_takes(lite: World) -> None:
    declare(lite, "{pool: spring, min_days_valid: 7}")
    for _ in range(2):
        assert records(lite, "send-test", "hello", "--to", STAFF)["state"] == "sent"
    mails = [read_mail(path) for path in lite.mails()]
    assert len({mail["Message-ID"] for mail in mails}) == 2
    for mail in mails:
        assert mail["Subject"] == "[test] Hello Alex"
        body = mail.get_body(("plain",))
        assert body is not None and "REHEARSAL-" in body.get_content()


@pytest.mark.parametrize(
    ("scope", "is_held"),
    [
        ((), True),
        (("--channel", "email", "--kind", "commercial"), True),
        (("--kind", "transactional"), False),
        (("--channel", "sms"), False),
    ],
)
def test_nobody_who_is_suppressed_gets_a_proof(lite: World, scope: Sequence[str], is_held: bool) -> None:
    pp(lite, "suppressions", "--add", STAFF, *scope)
    lite.plan(DAY, 1)
    assert lite.run().outcomes == {"sent": 1}
    assert proofs(lite) == [("seed", "skipped", "suppressed") if is_held else ("seed", "sent", "")]
    if is_held:
        told = pp(lite, "send-test", "hello", "--to", STAFF, code=2)
        key = contact_key(SECRET.encode(), "main", STAFF)
        assert f"contact {key[:8]} is suppressed or was forgotten: nothing was sent" in told
        assert "@" not in told and len(proofs(lite)) == 1
    else:
        pp(lite, "send-test", "hello", "--to", STAFF)


def test_a_seed_gets_one_proof_of_a_day(lite: World) -> None:
    for count in (2, 3):
        lite.plan(DAY, count, start=count * 10)
        assert lite.run().outcomes == {"sent": count}
    assert proofs(lite) == [("seed", "sent", "")]
    assert lite.send(today=DAY, now=utc_now).sent_count == 0
