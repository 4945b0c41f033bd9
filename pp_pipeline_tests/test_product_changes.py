"""When the products feed last said something new of an article."""

from datetime import date
from pathlib import Path

import pandas
import pytest

from pp_pipeline.landing.tables import prepare_tables
from pp_pipeline.messages.product_changes import ProductChanges, read_product_changes
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Connection, Warehouse


@pytest.fixture(params=["duckdb", "postgres"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Warehouse:
    if request.param == "duckdb":
        return Warehouse(Settings(home=tmp_path))
    url = request.getfixturevalue("postgres_database").url
    return Warehouse(Settings(home=tmp_path, target="postgres", warehouse_url=url))


def state(connection: Connection, day: int, *products: tuple[str, str, str, int], file: str = "a.csv") -> None:
    """Products of a file of a day in July: SKU, name, category, price."""
    rows = [
        {
            "file_date": date(2026, 7, day), "feed_file": file, "feed_line": place, "row_in_file": place,
            "merchant": "main", "sku": sku, "name": name, "category": category, "price_cents": price,
            "attributes": "{}",
        }
        for place, (sku, name, category, price) in enumerate(products, start=1)
    ]  # fmt: skip
    connection.insert("product_rows", pandas.DataFrame(rows, dtype=object))


def test_only_what_a_text_may_speak_of_is_a_change(warehouse: Warehouse) -> None:
    with warehouse.connect() as connection:
        assert read_product_changes(connection, ["lamp"], ["Paper"]) == ProductChanges()
        prepare_tables(connection)
        state(connection, 1, ("lamp", "Lamp", "Lamps", 900), ("pad", "Pad", "Paper", 100))
        state(connection, 2, ("lamp", "Lamp", "Lamps", 800), ("pad", "Pad", "Paper", 100))  # a price: nothing new
        state(connection, 3, ("lamp", "Lamp II", "Lamps", 800), ("pad", "Pad", "Paper", 90))
        state(connection, 4, ("lamp", "Lamp II", "Lamps", 800), ("card", "Card", "Paper", 50))
        # of two rows of a day the last by file counts: nothing new
        state(connection, 5, ("lamp", "Lamp II", "Lamps", 800), file="b.csv")
        state(connection, 5, ("lamp", "Lamp", "Lamps", 800))
        assert read_product_changes(connection, ["lamp", "pad", "none"], ["Paper", "None"]) == ProductChanges(
            {"lamp": date(2026, 7, 3), "pad": date(2026, 7, 1)}, {"Paper": date(2026, 7, 4)}
        )
        assert read_product_changes(connection, [], ["Lamps"]) == ProductChanges({}, {"Lamps": date(2026, 7, 3)})
        assert read_product_changes(connection, [], []) == ProductChanges()
