"""Order versions by the million for measurements, written in SQL by the database itself.

The same numbers give the same rows on every machine: all chance comes from md5 of the order's number.
Three years of orders of a shop that grows to `orders` orders: about two versions an order, a fifth as many
contacts, more of them every day, with repeat buyers among them, 3 % canceled, 1 % returned, 1.5 % on hold at
first, 1 % with a corrected e-mail, 3 % that come in late, 14 % shipped without a ship date, and one address
that 1 in 2,000 orders shares.
Order numbers don't rise with time, so nothing can be skipped by them.
"""

from dataclasses import dataclass
from datetime import date, timedelta

FIRST_DAY = date(2023, 11, 1)
DAYS = 1096
_DAYS_AN_INSERT = 92
_LONGEST_STORY_DAYS = 130  # from an order's date to its last version

# The draws of an order: uniform whole numbers, two out of each md5.
_STORIES = """
create table stories as
with draws as (
    select
        i,
        md5_number_lower('a' || i) as a,
        md5_number_lower('b' || i) as b,
        md5_number_lower('c' || i) as c
    from range({orders}) as numbers(i)
),

dated as (
    select
        i,
        date '{first_day}' + cast(i * {days} // {orders} as integer) as ordered_on,
        cast(a % 1000000000 as integer) as who,
        cast(b % 1000000000 as integer) as whom,
        cast(a // 1000000000 % 1000000 as integer) as fate,
        cast(b // 1000000000 % 1000000 as integer) as pace,
        cast(c % 1000000 as integer) as amends,
        cast(c // 1000000 % 1000000 as integer) as extent
    from draws
),

known as (
    select
        *,
        ordered_on + cast(case
            when pace % 1000 = 0 then 1 + pace // 1000 % 40
            when pace % 100 < 3 then 1 + pace // 1000 % 5
            else 0
        end as integer) as first_on
    from dated
)

select
    i,
    ordered_on,
    first_on,
    case when i % 2000 = 7 then 0 else
        cast(floor({contacts} * (0.2 + 0.8 * i / {orders}) * pow(who / 1000000000.0, 1.5)) as integer) end as contact,
    case when amends < 10000 then cast(floor({contacts} * (whom / 1000000000.0)) as integer) end as contact_after,
    case when amends < 10000 then first_on + 1 + amends % 10 end as contact_changes_on,
    case when fate >= 40000 and fate < 55000 then first_on + 1 + fate % 3 end as hold_ends_on,
    case when fate >= 30000 and fate < 980000 then first_on + 1 + pace // 1000 % 7 end as shipped_on,
    case when fate % 100 < 14 then null else first_on + 1 + pace // 1000 % 7 - fate % 2 end as ship_date,
    case
        when fate < 30000 then first_on + 1 + pace // 1000 % 20
        when fate >= 970000 and fate < 980000 then first_on + 10 + pace // 1000 % 40
    end as stopped_on,
    case when fate < 30000 then 'canceled' else 'returned' end as stop_status,
    1000 + extent as total_cents
from known
"""

_VERSIONS = """
with versions as (
    select
        stories.*,
        unnest(list_distinct([first_on, contact_changes_on, hold_ends_on, shipped_on, stopped_on])) as known_on
    from stories
    where ordered_on between date '{from_day}' - {longest} and date '{to_day}'
),

stated as (
    select
        *,
        known_on >= coalesce(contact_changes_on, date '9999-12-31') as is_corrected,
        case
            when known_on >= stopped_on then stop_status
            when known_on >= shipped_on then 'shipped'
            when known_on < hold_ends_on then 'hold'
            else 'processing'
        end as status
    from versions
    where known_on between date '{from_day}' and date '{to_day}'
),

placed as (
    select
        *,
        md5('order' || i) as digest,
        case when is_corrected then contact_after else contact end as person
    from stated
)

select
    'main' as merchant,
    upper(substr(digest, 1, 3)) || '-' || lpad(cast(i as varchar), 8, '0') as order_number,
    known_on,
    md5('contact' || person) as contact_key,
    'customer-' || person || '@example.com' as email,
    'Customer-' || person || '@example.com' as email_as_given,
    true as is_eligible,
    status not in ('canceled', 'returned') as is_purchase,
    cast(ordered_on as timestamp) + to_seconds(i % 86400) as ordered_at,
    ordered_on,
    case when status in ('shipped', 'returned') then ship_date end as ship_date,
    cast(null as date) as delivered_on,
    cast(null as date) as paid_on,
    cast(null as date) as refunded_on,
    status,
    cast(total_cents as bigint) as total_cents,
    cast(0 as bigint) as refunded_cents,
    'USD' as currency,
    1 as line_count,
    cast(status = 'shipped' as integer) as shipped_lines,
    cast(status = 'returned' as integer) as returned_lines,
    cast(status = 'canceled' as integer) as canceled_lines,
    '{{"channel": "' || case when i % 3 = 0 then 'store' else 'web' end || '"}}' as attributes,
    md5(digest || known_on) as order_fields_hash,
    'orders_' || known_on || '.csv' as order_file,
    cast(i % 20000 + 2 as integer) as order_file_line,
    known_on as stated_on,
    'orders_' || known_on || '.csv' as stated_file,
    false as is_header,
    cast(md5(digest || known_on) as uuid) as version_id,
    cast(md5('main' || digest) as uuid) as order_id,
    cast(md5('main' || person) as uuid) as contact_id
from placed
order by known_on, digest
"""

_LINES = """
select
    merchant, order_number, known_on, 1 as line,
    'SKU-' || (order_file_line % 500) as sku,
    'Product ' || (order_file_line % 500) as product_name,
    case order_file_line % 3 when 0 then 'Technology' when 1 then 'Furniture' else 'Office' end as category,
    cast(1 as bigint) as quantity, total_cents as unit_price_cents, status, ship_date,
    cast(null as bigint) as returned_quantity, attributes,
    order_file, order_file_line, version_id
from order_versions
where known_on between date '{from_day}' and date '{to_day}'
"""


@dataclass(frozen=True)
class OrderData:
    """How many orders; the days they cover; the statements that write them into DuckDB."""

    orders: int
    first_day: date = FIRST_DAY
    days: int = DAYS

    @property
    def last_day(self) -> date:
        """The last day with orders."""
        return self.first_day + timedelta(days=self.days - 1)

    @property
    def contacts(self) -> int:
        """Five orders a contact, on average."""
        return max(1, self.orders // 5)

    def statements(self) -> list[str]:
        """In order: the orders' stories, then versions and lines quarter by quarter, as time would write them."""
        story_sql = _STORIES.format(
            orders=self.orders, contacts=self.contacts, days=self.days, first_day=self.first_day
        )
        statements = [story_sql]
        for table, select in (("order_versions", _VERSIONS), ("order_lines", _LINES)):
            for offset in range(0, self.days, _DAYS_AN_INSERT):
                first = self.first_day + timedelta(days=offset)
                last = min(first + timedelta(days=_DAYS_AN_INSERT - 1), self.last_day)
                rows = select.format(from_day=first, to_day=last, longest=_LONGEST_STORY_DAYS)
                begin = f"insert into {table}" if offset else f"create table {table} as"
                statements.append(f"{begin} {rows}")
        statements += [
            "drop table stories",
            "create table merchants as select 'main' as merchant, 'UTC' as zone, 'USD' as currency",
            "create table feedback_rows (merchant varchar, contact_key varchar, file_date date, event varchar, "
            "occurred_on date)",
            "create table return_rows (merchant varchar, order_number varchar, sku varchar, line integer, "
            "file_date date)",
            "create table product_rows (merchant varchar, sku varchar, name varchar, category varchar, url varchar, "
            "image varchar, price_cents bigint, supply_days bigint, replenish_group varchar, refill_of varchar, "
            "accessory_of varchar, how_to_url varchar, care_url varchar, attributes varchar, file_date date, "
            "feed_file varchar, feed_line integer)",
            "create table landed_days as select cast(unnest(generate_series("
            f"date '{self.first_day}', date '{self.last_day}', interval 1 day)) as date) as day, "
            "'x' as content_hash, 'x' as files_hash, cast(1 as bigint) as row_count",
        ]
        return statements
