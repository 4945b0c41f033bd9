"""Recommendations: told examples and random shops, all of them landed and built at once, against the slow reading."""

from collections.abc import Sequence

import pytest

from pp_pipeline.sending import recommended
from pp_pipeline.sending.contents import Content
from pp_pipeline.sending.plan import BatchId
from pp_pipeline.sending.planned import PlannedMessage, RecommendedProduct
from pp_pipeline.sending.recommended import add_recommendations
from pp_pipeline.sending.recommending import Wanted, recommend
from pp_pipeline_tests import landing_shop
from pp_pipeline_tests.pipeline import ORDERS, QueuePipeline
from pp_pipeline_tests.queue_pipelines import TARGETS, queue_pipeline_on
from pp_pipeline_tests.recommendation_shops import RELAY, STATED, TODAY, ago, case_of, drawn_shops
from pp_pipeline_tests.recommendations_oracle import REASONS, Found, Order, Product, Return, Shop

MODELS = (*ORDERS, "products", "recent_purchases", "product_sales", "product_pairs", "recommendations")
RANDOM_SHOPS = 12


def shop(products: str | dict[str, Product], *orders: tuple[str, int, str], returns: Sequence[Return] = ()) -> Shop:
    """A shop of orders (contact, days ago, SKUs by blanks), numbered from 1; a "-" before the SKUs: canceled."""
    articles = products if isinstance(products, dict) else {sku: Product("tools") for sku in products.split()}
    found = [
        Order(str(turn), f"{contact}@example.com", ago(days), turn, "canceled" if skus[0] == "-" else "shipped",
              tuple(skus.removeprefix("-").split()))
        for turn, (contact, days, skus) in enumerate(orders, start=1)
    ]  # fmt: skip
    return Shop(articles, found, TODAY, list(returns))


_SIZES = {"ink": Product("ink", "ink"), "ink-XL": Product("ink", "ink"), "refill": Product("ink", "ink", "ink")}
_PRINTER = {
    "printer": Product("printers"),
    "cable": Product("cables", accessory_of="printer"),
    "tray": Product("trays"),
}
_MANY = [f"M{number:02}" for number in range(60)]

# Shop; order number and contact that are asked about; then the first of what is to be recommended, with its reason.
TOLD: dict[str, tuple[Shop, str, str, list[str]]] = {
    "refill first, then accessory, then bought together": (
        shop(
            {**_PRINTER, "toner": Product("toner", refill_of="printer")},
            ("ann", 40, "printer tray"), ("ben", 30, "printer tray"), ("eve", 20, "tray"), ("cat", 1, "printer"),
        ),
        "4", "cat", ["toner refill", "cable accessory", "tray bought_together"],
    ),
    "bought within 30 days after counts, later does not": (
        shop("A B C", ("ann", 80, "A"), ("ann", 60, "B"), ("ben", 80, "A"), ("ben", 51, "B"),
             ("eve", 99, "A"), ("eve", 60, "C"), ("dan", 99, "A"), ("dan", 60, "C"), ("cat", 1, "A")),
        "9", "cat", ["B bought_together", "C category"],
    ),
    "nothing that was bought lately": (
        shop("A B C", ("ann", 90, "A B"), ("ben", 80, "A B"), ("ben", 70, "C"), ("cat", 89, "B"), ("cat", 1, "A")),
        "5", "cat", ["C category"],
    ),
    "what was bought long ago may come again": (
        shop("A B C", ("ann", 90, "A B"), ("ben", 80, "A B"), ("ben", 70, "C"), ("cat", 90, "B"), ("cat", 1, "A")),
        "5", "cat", ["B bought_together", "C category"],
    ),
    "nothing that was ever returned": (
        shop("A B C", ("ann", 90, "A B"), ("ben", 80, "A B"), ("ben", 70, "C"), ("cat", 800, "B"), ("cat", 1, "A"),
             returns=[Return("4", "B")]),
        "5", "cat", ["C category"],
    ),
    "what comes back more than it stays goes to nobody": (
        shop("A B C", ("ann", 90, "A B"), ("ben", 80, "A B"), ("eve", 70, "A B"), ("ben", 70, "C"), ("cat", 1, "A"),
             returns=[Return("1", "B"), Return("2", line=2)]),
        "5", "cat", ["C category"],
    ),
    "nothing that has no name": (
        shop(
            {"A": Product("x"), "B": Product("x", name=" "), "C": Product("x")},
            ("ann", 50, "A B"), ("ben", 50, "A B"), ("eve", 9, "C"), ("cat", 1, "A"),
        ),
        "4", "cat", ["C category"],
    ),
    "the category's best sellers, then all": (
        shop(
            {"A": Product("x"), "B": Product("x"), "C": Product("y"), "D": Product("x")},
            ("ann", 50, "C"), ("ben", 50, "C"), ("eve", 50, "C"), ("ann", 9, "D"), ("ben", 9, "D"), ("eve", 9, "B"),
            ("cat", 1, "A"),
        ),
        "7", "cat", ["D category", "B category", "C best_seller"],
    ),
    "a new article has no past, and its order canceled is none": (
        shop("A B N", ("ann", 50, "A"), ("ben", 50, "A"), ("eve", 50, "B"), ("cat", 1, "-N")),
        "4", "cat", ["A best_seller", "B best_seller"],
    ),
    "an order that nobody knows": (
        shop("A B", ("ann", 50, "A"), ("ben", 50, "A"), ("eve", 50, "B")),
        "99", "cat", ["A best_seller", "B best_seller"],
    ),
    "no other size, but the refill": (
        shop({**_SIZES, "pen": Product("ink")}, ("ann", 50, "ink-XL"), ("ben", 50, "ink-XL"), ("eve", 9, "pen"),
             ("cat", 1, "ink")),
        "4", "cat", ["refill refill", "pen category"],
    ),
    "what the year's other purchases go with": (
        shop("A B C D", ("ann", 200, "A B"), ("ben", 180, "A B"), ("eve", 50, "C D"), ("dan", 50, "C D"),
             ("fay", 9, "D"), ("cat", 120, "A"), ("cat", 1, "C")),
        "7", "cat", ["B bought_together", "D bought_together", "A category"],
    ),
    "what contacts come back for": (
        shop("A B C", ("ann", 200, "B"), ("ann", 180, "B"), ("ben", 200, "B"), ("ben", 180, "B"), ("ann", 99, "C"),
             ("ben", 99, "C"), ("eve", 99, "C"), ("eve", 98, "C"), ("dan", 98, "C"), ("cat", 120, "B"),
             ("cat", 1, "A")),
        "11", "cat", ["B bought_again", "C category"],
    ),
    "an order of sixty articles and one address with many orders": (
        shop(" ".join(_MANY), ("ann", 50, " ".join(_MANY)), ("ben", 50, " ".join(_MANY)),
             *(("eve", 30 - turn, _MANY[turn]) for turn in range(25)), ("dan", 9, "M00 M01"), ("cat", 1, "M00")),
        "29", "cat", ["M01 bought_together"],
    ),
}  # fmt: skip


class Shops:
    """Shops that are landed and built, a merchant each."""

    def __init__(self, pipeline: QueuePipeline) -> None:
        self.told = {name: f"m{place:02}" for place, name in enumerate(TOLD)}
        self.drawn = {f"m{place:02}": drawn for place, drawn in enumerate(drawn_shops(RANDOM_SHOPS), start=len(TOLD))}
        self._pipeline = pipeline
        everyone = {merchant: TOLD[name][0] for name, merchant in self.told.items()} | self.drawn
        pipeline.land([case_of(merchant, shop) for merchant, shop in everyone.items()])
        pipeline.build(MODELS, STATED, TODAY)
        # what the slow reading takes for nobody's purchase
        self.shops = {
            merchant: Shop(
                shop.products,
                [order._replace(contact=None) if order.contact in ("", RELAY) else order for order in shop.orders],
                *(TODAY, shop.returns),
            )
            for merchant, shop in everyone.items()
        }

    def rows(self, sql: str, *params: object) -> list[tuple[object, ...]]:
        with self._pipeline.warehouse.connect() as connection:
            return connection.rows(sql, params)

    def recommend(
        self, asked: Sequence[tuple[str, str, str]], at_most: int = 5, not_again_days: int = 90
    ) -> list[list[Found]]:
        """What is recommended for (merchant, order number, e-mail), all in one call."""
        with self._pipeline.warehouse.connect() as connection:
            known = connection.rows("select distinct merchant, email, contact_key from order_versions")
            keys = {(merchant, email): key for merchant, email, key in known}
            wanted = [Wanted(merchant, number, keys.get((merchant, email), email)) for merchant, number, email in asked]
            found = recommend(connection, wanted, TODAY, at_most, not_again_days)
        return [[Found(each.sku, each.why, each.score) for each in found[one]] for one in wanted]


@pytest.fixture(scope="module", params=TARGETS)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Shops:
    return Shops(queue_pipeline_on(request.param, tmp_path_factory.mktemp("recommendations"), request))


@pytest.mark.parametrize("name", TOLD)
def test_a_contact_is_told_what_the_example_says(name: str, built: Shops) -> None:
    _, number, contact, expected = TOLD[name]
    (found,) = built.recommend([(built.told[name], number, f"{contact}@example.com")])
    assert [f"{each.sku} {each.why}" for each in found][: len(expected)] == expected
    if len(expected) < 5 and "sixty" not in name:
        assert len(found) == len(expected)


def test_the_tables_are_those_of_the_slow_reading(built: Shops) -> None:
    for merchant, shop in built.shops.items():
        pairs = built.rows(
            "select sku, other_sku, orders_together, score from product_pairs where merchant = ?", merchant
        )
        assert sorted(pairs) == sorted((sku, *other) for sku, others in shop.pairs.items() for other in others)
        table = built.rows(
            "select sku, rank, recommended_sku, why, score from recommendations where merchant = ?", merchant
        )
        assert sorted(table) == sorted(
            (sku, rank, *one) for sku, found in shop.recommendations.items() for rank, one in enumerate(found, start=1)
        )


@pytest.mark.parametrize(("at_most", "not_again_days"), [(4, 90), (10, 0)])
def test_each_contact_is_recommended_what_the_slow_reading_says(
    at_most: int, not_again_days: int, built: Shops
) -> None:
    asked = [
        (merchant, order.number, contact)
        for merchant, shop in built.shops.items()
        for order in shop.orders
        for contact in {order.contact, "ann@example.com", "a stranger"} - {None}
    ]
    found = built.recommend(asked, at_most, not_again_days)
    expected = [
        built.shops[merchant].recommend(number, contact, at_most, not_again_days) for merchant, number, contact in asked
    ]
    assert dict(zip(asked, found, strict=True)) == dict(zip(asked, expected, strict=True))


def test_the_random_shops_bring_about_every_reason() -> None:
    recommended = [
        (one.why, len(found)) for shop in drawn_shops(RANDOM_SHOPS) for found in shop.recommendations.values()
        for one in found
    ]  # fmt: skip
    assert {why for why, _ in recommended} == set(REASONS) - {"bought_again"}


def test_messages_that_show_none_are_given_none(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Sequence[Wanted]] = []
    pen = RecommendedProduct("pen", "Pen", None, None, None, None, "USD", "refill")

    def answer(_connection: object, wanted: Sequence[Wanted], *_: object) -> dict[Wanted, tuple[RecommendedProduct]]:
        asked.append(wanted)
        return dict.fromkeys(wanted, (pen,))

    monkeypatch.setattr(recommended, "recommended_products", answer)
    merchant = landing_shop.merchant(currency="USD")
    contents = {
        BatchId(TODAY, "messages", name, owner): Content("hash", [sample(owner, name, f"{owner} {name}")])
        for owner, name in (("main", "win_back"), ("main", "receipt"), ("gone", "win_back"))
    }
    add_recommendations(None, contents, {("win_back", "letter")}, {"main": merchant}, TODAY)  # type: ignore[arg-type]
    items = [item for content in contents.values() for item in content.items]
    shown = {item.key: item.recommended for item in items if isinstance(item, PlannedMessage)}
    assert shown == {"main win_back": (pen,), "main receipt": (), "gone win_back": ()}
    assert asked == [[Wanted("main", "1", "key")]]


def sample(merchant: str, conversation: str, key: str) -> PlannedMessage:
    return PlannedMessage(
        key, merchant, "key", "ann@example.com", "run", conversation, "step", 1, 1, "email", "letter", "event", "1",
        TODAY, None,
    )  # fmt: skip
