"""Files of every format and export with several people in them, for the tests of forgetting."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pp_pipeline.landing.feeds import Feed
from pp_pipeline_tests.file_makers import parquet_of, shared_strings, workbook_of

Table = Sequence[Sequence[str]]
ANN = "ann@example.com"
PERSONAL = ("ann@example.com", "Annabel", "Quistgaard", "+12125550142", "14 Larch Lane")
"""What must be nowhere any more once Ann is forgotten; every case holds some of it."""

_PLAIN = [
    *("order_number", "email", "ordered_at", "ship_date", "status", "order_total", "currency", "sku", "product_name"),
    *("category", "quantity", "unit_price", "ship_to", "note"),
]


def order(number: str, email: str, sku: str, ship_to: str = "", note: str = "") -> list[str]:
    return [number, email, "2026-01-05T10:00:00", "", "processing", "12.50", "USD", sku, "Cup, blue", "Kitchen", "1",
            "12.50", ship_to, note]  # fmt: skip


ORDERS: Table = [
    _PLAIN,
    order("A1", "bob@example.com", "CUP", "Bob Øst", "a present\nfor a \"friend\""),
    order("A2", "Ann@Example.com ", "CUP", "Annabel Quistgaard\n14 Larch Lane", "call +12125550142"),
    order("A2", "ann@example.com", "POT", "Annabel Quistgaard", ""),
    order("A3", "cy@example.com", "POT", "Cy", "sent by ANN@EXAMPLE.COM; mail=ann%40example.com&x=1"),
    order("A4", "joann@example.com", "POT", "Jo Ann", "not ann@example.community, nor o.ann@example.com"),
    order("A2", "", "PAN", "Annabel", ""),
    order("A5", "", "PAN", "nobody known", ""),
]  # fmt: skip
CONTACTS: Table = [
    ["email", "first_name", "last_name", "phone", "birthday", "points", "city"],
    ["bob@example.com", "Bob", "Øst", "+12125550100", "1980-01-02", "3", "Troy"],
    ["<ANN@example.com>", "Annabel", "Quistgaard", "+12125550142", "1990-05-06", "7", "14 Larch Lane"],
    ["cy@example.com", "Cy", "", "", "", "", "knows ann@example.com"],
]
FEEDBACK: Table = [
    ["event", "email", "occurred_at", "reply", "order_number"],
    ["sms_reply", "ann@example.com", "2026-01-06T10:00:00Z", "It is Annabel", "A2"],
    ["opened", "bob@example.com", "2026-01-06T11:00:00Z", "", "A1"],
]
SUPPRESSIONS: Table = [["email", "reason"], ["ann@example.com", "manual"], ["bob@example.com", "manual"]]
SHIPMENTS: Table = [
    ["order_number", "shipment_number", "carrier", "tracking_url", "delivered_date", "recipient"],
    ["A1", "P1", "Post", "https://example.com/p1", "2026-01-07", "Bob Øst"],
    ["A2", "P2", "Post", "https://example.com/Annabel", "2026-01-08", "Annabel Quistgaard"],
]
SHOPIFY: Table = [
    ["Name", "Email", "Financial Status", "Paid at", "Fulfillment Status", "Fulfilled at", "Currency", "Total",
     "Created at", "Lineitem quantity", "Lineitem name", "Lineitem price", "Lineitem sku", "Billing Name",
     "Billing Street", "Cancelled at", "Note Attributes", "Tags"],
    ["#1", "bob@example.com", "paid", "", "", "", "USD", "9.00", "2026-01-05 10:20:30 -0500", "1", "Cup", "9.00", "CUP",
     "Bob", "1 Main", "", "", ""],
    ["#2", "ann@example.com", "paid", "", "", "", "USD", "9.00", "2026-01-05 10:20:30 -0500", "1", "Cup", "9.00", "CUP",
     "Annabel Quistgaard", "14 Larch Lane", "", "for Annabel", "vip"],
    ["#2", "", "", "", "", "", "", "", "2026-01-05 10:20:30 -0500", "2", "Pot", "4.00", "POT", "", "", "",
     "engrave Annabel", ""],
    ["#3", "cy@example.com", "paid", "", "", "", "USD", "9.00", "2026-01-05 10:20:30 -0500", "1", "Cup", "9.00", "CUP",
     "Cy", "2 Main", "", "as ann@example.com had", ""],
]  # fmt: skip
WEBTOFFEE: Table = [
    ["order_number", "order_date", "status", "billing_email", "customer_email", "billing_first_name", "order_total",
     "order_currency", "refund_items", "line_item_1", "line_item_2"],
    ["1", "2026-01-05 10:00:00", "wc-completed", "bob@example.com", "", "Bob", "9.00", "USD", "",
     "name:Cup|product_id:24|sku:CUP|quantity:2|total:9.00|sub_total:10.00|gift:for Bob", ""],
    ["2", "2026-01-05 10:00:00", "wc-completed", "", "ann@example.com", "Annabel", "9.00", "USD",
     "amount:5.00|reason:Annabel rang|date:2026-01-06",
     "name:Cup|product_id:24|sku:CUP|quantity:2|total:9.00|sub_total:10.00|gift:for Annabel",
     "name:Pot|product_id:25|sku:POT|quantity:1|total:3.00"],
]  # fmt: skip
BIGCOMMERCE: Table = [
    ["Order ID", "Order Date", "Order Status", "Date Shipped", "Customer Email", "Billing Email", "Customer Name",
     "Order Total (inc tax)", "Refund Amount", "Order Currency Code", "Product Details"],
    ["10", "05/01/2026", "Shipped", "06/01/2026", "", "ann@example.com", "Annabel Quistgaard", "9.00", "", "USD",
     "Product ID: 24, Product Qty: 2, Product SKU: CUP, Product Name: Cup, Product Unit Price: 4.50|"
     "Product ID: 25, Product Qty: 1, Product SKU: POT, Product Name: Pot, Product Unit Price: 1.00"],
    ["11", "05/01/2026", "Shipped", "06/01/2026", "bob@example.com", "ann@example.com", "Bob", "9.00", "", "USD",
     "Product ID: 24, Product Qty: 2, Product SKU: CUP, Product Name: Cup, Product Unit Price: 4.50"],
    ["12", "05/01/2026", "Shipped", "06/01/2026", "bob@example.com", "", "Bob", "9.00", "", "USD",
     "Product ID: 24, Product Qty: 2, Product SKU: CUP, Product Name: Cup, Product Unit Price: 4.50"],
]  # fmt: skip


@dataclass(frozen=True)
class Written:
    """A file: its name, its feed, its table and its bytes."""

    name: str
    feed: Feed
    table: Table
    content: bytes

    @property
    def file_date(self) -> date:
        return date(2026, 1, 5)


def csv_bytes(table: Table, encoding: str = "utf-8", **dialect: Any) -> bytes:
    """A csv file in any dialect."""
    stream = io.StringIO()
    csv.writer(stream, **dialect).writerows(table)
    return stream.getvalue().encode(encoding)


def json_bytes(table: Table, escaped: bool = True) -> bytes:
    """One object per line; a blank is null."""
    rows = [{name: cell or None for name, cell in zip(table[0], row, strict=True)} for row in table[1:]]
    return "".join(json.dumps(row, ensure_ascii=escaped) + "\n" for row in rows).encode()


def parquet_bytes(table: Table) -> bytes:
    """Texts; a blank is null."""
    return parquet_of(
        {name: [row[place] or None for row in table[1:]] for place, name in enumerate(table[0])}, row_group_size=3
    )


def feed_of(kind: str = "orders", export: str = "plain", **words: Any) -> Feed:
    values = {"feed": "tested", "export": export, "files": "x_{date}.{ext}", **words}
    return Feed.model_validate(values if export != "plain" else {**values, "kind": kind})


_WRITERS: dict[str, Callable[[Table], bytes]] = {
    "csv": csv_bytes,
    "csv.gz": lambda table: gzip.compress(csv_bytes(table)),
    "jsonl": json_bytes,
    "jsonl.gz": lambda table: gzip.compress(json_bytes(table, escaped=False)),
    "parquet": parquet_bytes,
    "parquet.gz": lambda table: gzip.compress(parquet_bytes(table)),
    "xlsx": workbook_of,
    "xlsx.gz": lambda table: gzip.compress(shared_strings(workbook_of(table))),
}
_TABLES: dict[str, tuple[Table, Feed]] = {
    "orders": (ORDERS, feed_of()),
    "contacts": (CONTACTS, feed_of("contacts")),
    "feedback": (FEEDBACK, feed_of("feedback")),
    "suppressions": (SUPPRESSIONS, feed_of("suppressions")),
    "shopify": (SHOPIFY, feed_of(export="shopify")),
    "webtoffee": (WEBTOFFEE, feed_of(export="woocommerce_webtoffee")),
    "bigcommerce": (BIGCOMMERCE, feed_of(export="bigcommerce")),
}


def write(table: Table, feed: Feed, ending: str) -> Written:
    """The table as a file of that ending."""
    return Written(f"x_2026-01-05.{ending}", feed, table, _WRITERS[ending](table))


def _dialects() -> dict[str, Written]:
    found = {}
    for name, (encoding, words, dialect) in {
        "utf-16": ("utf-16", {"encoding": "utf-16"}, {}),
        "utf-16-be": ("utf-16-be", {"encoding": "utf-16"}, {}),
        "latin-1": ("latin-1", {"encoding": "latin-1"}, {"lineterminator": "\n"}),
        "utf-7": ("utf-7", {"encoding": "utf-7"}, {}),
        "bom": ("utf-8-sig", {}, {"lineterminator": "\r", "quoting": csv.QUOTE_ALL}),
        "quoted": ("utf-8", {"delimiter": "auto"}, {"delimiter": ";", "quoting": csv.QUOTE_ALL}),
        "single quotes": ("utf-8", {"delimiter": "pipe", "quote": "'"}, {"delimiter": "|", "quotechar": "'"}),
    }.items():
        content = csv_bytes(ORDERS, encoding, **dialect)
        found[name] = Written("x_2026-01-05.csv", feed_of(**words), ORDERS, content)
    unquoted = [[cell.replace("\n", " ").replace('"', "").replace("\t", " ") for cell in row] for row in ORDERS]
    content = "".join("\t".join(row) + "\n" for row in unquoted).encode()
    found["no quotes"] = Written("x_2026-01-05.csv", feed_of(delimiter="tab", quote=""), unquoted, content)
    return found


CASES: dict[str, Written] = {
    **{
        f"{name}.{ending}": write(table, feed, ending) for name, (table, feed) in _TABLES.items() for ending in _WRITERS
    },
    **_dialects(),
}
