"""Small random facts for conversations: a few orders of two contacts, events, feedback, contact rows, a segment."""

from datetime import date, datetime, time, timedelta

from pp_pipeline_tests.conversation_facts import ContactRow, Event, Facts, Feedback, Line, OrderVersion
from pp_pipeline_tests.conversation_pipeline import FIRST, LAST
from pp_pipeline_tests.order_worlds import Dice

EVENTS = ("purchase", "shipped", "news")
CONTACTS = ("ann", "ann", "ann", "ben")
ORDER_NUMBERS = ("10", "9", "B-1", "a-1", "é-1")
LINES = (Line("SKU-1", "Tables"), Line("SKU-2", "Chairs"), Line("SKU-2", "Chairs", "shipped"))
STATUSES = ("processing", "processing", "shipped", "completed", "canceled", "returned", "hold")


def drawn_facts(dice: Dice, asked: set[str]) -> Facts:
    """What is known of a merchant; more of that which the words of the conditions, `asked`, are about."""
    facts = Facts()
    for number in dice.some_of(ORDER_NUMBERS, dice.one_of((2, 2, 3, 4, 5))):
        _tell_of_order(dice, facts, number)
    _fire(dice, facts)
    for _ in range(dice.one_of((2, 4, 6) if asked & _TOLD.keys() else (0, 1, 2, 4))):
        facts.feedback.append(_feedback(dice, facts, asked, len(facts.feedback)))
    for _ in range(dice.one_of((1, 2, 3) if asked & {"profile", "consent"} else (0, 1, 2))):
        country, is_member = dice.one_of(("US", "US", "CA", None)), dice.one_of((True, True, False, None))
        consents = (dice.one_of(_CONSENTS), dice.one_of(_CONSENTS), dice.one_of(_CONSENTS), dice.one_of(_CONSENTS))
        days = [event.occurred_on for event in facts.events] if "profile" in asked else []  # when fields are set
        about = (dice.one_of((*days, _day(dice))), dice.one_of(CONTACTS), country, is_member)
        attributes = dice.one_of(('{"tier": "gold"}', '{"tier": "silver"}', "{}", "{}"))
        facts.contacts.append(ContactRow(*about, *consents, attributes))
    for _ in range(dice.one_of((0, 1, 2, 3))):
        begins, contact = _day(dice), dice.one_of(CONTACTS)
        facts.segments |= {("loyal", begins + timedelta(days=day), contact) for day in range(dice.one_of((1, 8, 15)))}
    return facts


_CONSENTS = (None, "explicit", "implied", "soft_opt_in", "none")


def _tell_of_order(dice: Dice, facts: Facts, number: str) -> None:
    day = FIRST + timedelta(days=dice.one_of(range(14)))
    ordered_on = day - timedelta(days=dice.one_of((0, 0, 0, 1, 4, -1)))
    contact: str | None = dice.one_of(CONTACTS)
    status = dice.one_of(("processing", "processing", "processing", *STATUSES))
    ordered_at = datetime.combine(ordered_on, time(dice.one_of((9, 12, 12))))
    ship_date = delivered_on = None
    refunded = shipped = back = 0
    for _ in range(dice.one_of((1, 1, 2, 2, 3, 4))):
        lines = tuple(dice.one_of(LINES) for _ in range(dice.one_of((1, 1, 2))))
        facts.versions.append(
            OrderVersion(
                *(number, day, contact, ordered_at, status, ship_date, delivered_on),
                *(refunded, min(shipped, len(lines)), min(back, len(lines)), 0, lines, not dice.once_in(12)),
            )
        )
        day += timedelta(days=dice.one_of((1, 1, 2, 3, 5, 8)))
        match dice.one_of(("status", "status", "ship", "deliver", "refund", "lines", "contact", "date", "back")):
            case "status":
                status = dice.one_of(STATUSES)
            case "ship":
                ship_date = day + timedelta(days=dice.one_of((-1, 0, 2)))
            case "deliver":
                delivered_on = day + timedelta(days=dice.one_of((-1, 0, 2)))
            case "refund":
                refunded = dice.one_of((0, 500))
            case "lines":
                shipped = 1
            case "contact":
                contact = dice.one_of((*CONTACTS, None))
            case "date":
                ordered_at += timedelta(days=dice.one_of((-2, 1, 3)))
            case _:
                back = 1


def _fire(dice: Dice, facts: Facts) -> None:
    """Events of the orders as they are known then, and some without an order."""
    numbers = sorted({one.order_number for one in facts.versions})
    for place in range(dice.one_of((3, 4, 6, 8, 10, 12))):
        number = dice.one_of(numbers)
        day = facts.first_known(number) + timedelta(days=dice.one_of((0, 0, 0, 1, 2, 3, 4, 6, 9)))
        order = facts.in_force(number, day)
        if day > LAST or order is None or order.contact is None:
            continue
        about = (None, None) if dice.once_in(10) else (number, dice.one_of(("SKU-1", "SKU-2", None)))
        key = f"{dice.one_of('bac')}{place}"
        contact = dice.one_of(CONTACTS) if dice.once_in(12) else order.contact  # what others fire can be out of date
        facts.events.append(Event(key, dice.one_of(EVENTS), contact, about[0], day, about[1]))


_TOLD = {"reviewed": "review", "ticket": "ticket", "site_action": "site", "preference": "set"}


def _feedback(dice: Dice, facts: Facts, asked: set[str], place: int) -> Feedback:
    day = FIRST + timedelta(days=dice.one_of(range(14)))
    known = day + timedelta(days=dice.one_of((0, 0, 0, 1, 3)))
    moment = datetime.combine(day, time(10, 0 if dice.once_in(4) else place))
    told = Feedback(known, moment, "opened", dice.one_of(CONTACTS))
    numbers = [*(one.order_number for one in facts.versions), None]
    wanted = sorted(_TOLD[word] for word in asked & _TOLD.keys())
    match dice.one_of((*wanted, *wanted, *wanted, "unsubscribed", "review", "ticket", "site", "set")):
        case "unsubscribed":
            return told._replace(event="unsubscribed", channel=dice.one_of((None, "email", "sms")))
        case "review":
            rating = dice.one_of((2.0, 4.0, 4.5, None))
            return told._replace(event="review_left", order_number=dice.one_of(numbers), rating=rating)
        case "ticket":
            kind = dice.one_of(("ticket_opened", "ticket_opened", "ticket_closed"))
            return told._replace(event=kind, ticket_number=dice.one_of(("T1", "T2", None)))
        case "site":
            return told._replace(event="site_action", action=dice.one_of(("visit", "visit", "search")))
        case _:
            return told._replace(event="preference_set", action=dice.one_of(("rhythm=weekly", "rhythm=daily", "x=y")))


def _day(dice: Dice) -> date:
    return FIRST + timedelta(days=dice.one_of(range(22)))
