"""An installation that writes texts: whoever has an order has a number, and agreed."""

from datetime import date, timedelta

from pp_pipeline_tests.guard_worlds import add_contact
from pp_pipeline_tests.sending_world import DAY, World, add_text_template

CONSENT = {
    "sms_commercial_consent": "explicit",
    "sms_commercial_consent_on": DAY - timedelta(days=100),
    "sms_commercial_consent_evidence": "form 3",
}


def number_of(contact: int) -> str:
    """The number of a contact."""
    return f"+1212555{contact:04d}"


def make_texting(world: World, sender: str = "+15550100000", message: str = "channel: sms") -> World:
    """The world's conversation writes texts from now on."""
    path = world.conversation_folder / "conversation.yml"
    path.write_text(path.read_text().replace("channel: email", message))
    add_text_template(world)
    merchant = world.settings.merchants_dir / "main.yml"
    merchant.write_text(merchant.read_text() + f"sms_sender: '{sender}'\n")
    return world


def plan_texts(world: World, day: date, count: int, start: int = 0) -> None:
    """Texts of a day, each to another contact, who can be reached by one."""
    world.plan(day, count, start)
    world.execute("update planned_messages set channel = 'sms'")
    for number in range(start, start + count):
        add_contact(
            world,
            day,
            contact_key=f"c{number:06d}",
            phone=number_of(number),
            row_in_file=number,
            **CONSENT,
        )
