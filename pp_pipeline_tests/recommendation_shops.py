"""Small random shops for the tests of recommendations, and the files that a shop drops."""

from datetime import date, timedelta

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from pp_pipeline_tests.cases import Case
from pp_pipeline_tests.facts_oracle import OrderFile, Row
from pp_pipeline_tests.recommendations_oracle import Order, Product, Return, Shop

STATED, TODAY = date(2026, 1, 31), date(2026, 2, 1)
RELAY = "x@relay.example.com"


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


@st.composite
def shops(draw: st.DrawFn) -> Shop:
    """A small shop: a few contacts who buy, return and cancel some of a few articles."""
    skus = ["a", "B", "b", "C", "d", "E", "f-1", "F_1"]
    maybe = st.none() | st.sampled_from(skus)
    products: dict[str, Product] = {}
    for sku in skus:
        if draw(st.booleans()) or draw(st.booleans()):
            words = draw(st.tuples(st.sampled_from(["x", "y", None]), st.sampled_from(["g", None, None]), maybe, maybe))
            products[sku] = Product(*words)
        else:
            products[sku] = Product(draw(st.sampled_from(["x", "y"])), is_fed=False)
    contacts = st.sampled_from(["ann@example.com", "ben@example.com", "cat@example.com", "dan@example.com", RELAY, ""])
    days = st.integers(0, 60) | st.sampled_from([89, 90, 364, 365, 500])
    statuses = st.sampled_from(["shipped", "processing", "shipped", "processing", "canceled", "returned"])
    baskets = st.lists(st.sampled_from(skus), min_size=1, max_size=4).map(tuple)
    orders = [
        Order(str(turn), draw(contacts), ago(draw(days)), turn, draw(statuses), draw(baskets))
        for turn in range(1, draw(st.integers(2, 24)))
    ]
    articles = [
        *(Return(order.number, sku) for order in orders for sku in order.skus),
        *(Return(order.number, line=line) for order in orders for line in range(1, len(order.skus) + 1)),
        *(Return(order.number) for order in orders),
    ]
    returns = draw(st.lists(st.sampled_from(articles), max_size=4, unique=True))
    return Shop(products, orders, TODAY, returns)


def drawn_shops(count: int) -> list[Shop]:
    """That many random shops, the same each time."""
    drawn: list[Shop] = []

    @seed(8)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )
    @given(shops())
    def draw(found: Shop) -> None:
        drawn.append(found)

    draw()
    return drawn[:count]


def case_of(merchant: str, shop: Shop) -> Case:
    """The files of a shop. Every third order was stated otherwise the day before: only what is in force counts."""
    stated: dict[date, list[Row]] = {STATED: [], TODAY: []}
    for order in shop.orders:
        is_restated = order.turn % 3 == 0 and order.day < TODAY
        stated[TODAY if is_restated or order.day == TODAY else STATED] += _rows(shop, order)
        if is_restated:
            stated[STATED] += _rows(shop, order._replace(status="processing", skus=(next(iter(shop.products)),)))
    files = [OrderFile(f"orders_{day}.csv", day, tuple(rows)) for day, rows in stated.items() if rows]
    fed = tuple(
        {
            **{"sku": sku, "name": one.name, "category": one.category or "", "replenish_group": one.group or ""},
            **{"refill_of": one.refill_of or "", "accessory_of": one.accessory_of or ""},
        }
        for sku, one in shop.products.items()
        if one.is_fed
    )
    returns = tuple(
        {"order_number": back.number, "sku": back.sku or "", "line": str(back.line or "")} for back in shop.returns
    )
    for kind, rows in (("products", fed), ("returns", returns)):
        if rows:
            files.append(OrderFile(f"{kind}_{STATED}.csv", STATED, rows, kind))
    return Case(merchant, tuple(files), {}, (STATED, TODAY), ineligible_emails=(RELAY,))


def _rows(shop: Shop, order: Order) -> list[Row]:
    order_fields = {
        **{"order_number": order.number, "email": order.contact or "", "status": order.status, "currency": "USD"},
        **{"ordered_at": f"{order.day}T12:{order.turn:02}:00", "ship_date": "", "order_total": "20.00"},
    }
    return [
        {
            **order_fields,
            **{"sku": sku, "product_name": "A thing", "category": shop.products[sku].category or ""},
            **{"quantity": "1", "unit_price": "20.00"},
        }
        for sku in order.skus
    ]
