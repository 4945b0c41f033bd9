"""The rules of the queues and of the list, asked of dbt's own macros for a few orders or contacts.

`pp why` must not tell other rules than those that built the books, so it does not state them again: the macros
that build the models are compiled into queries whose orders (or contacts and days) are left open. Compiling
takes seconds, so the queries are kept in the home until something under dbt/ changes.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from pp_pipeline.campaigns.parameters import Campaign
from pp_pipeline.dbt_project import DbtProject
from pp_pipeline.warehouse import Connection

_OPEN = "open_question"
_MARK = "-- query: "
# Every query begins with the mark and its name. `helper_<n>` is 1 where the n-th helper call, `call_<n>`, is true.
_TEMPLATE = """
{%- for name, parameters in var('asked_campaigns').items() %}
-- query: walk NAME
with candidates as (
    select order_number, {{ order_id(text(parameters.merchant), 'order_number') }} as order_id from open_question
),
{{ campaign_versions(parameters) }},
{{ campaign_stretches(parameters) }},
{{ campaign_walk(parameters) }}
select
    candidates.order_number, walked.from_on, walked.stretch_until_on as until_on, walked.not_wanted, walked.basis_date
from walked
inner join candidates on walked.order_id = candidates.order_id
order by candidates.order_number, walked.from_on
{%- if parameters.audience %}
-- query: audience NAME
with asked as (select {{ contact_id('merchant', 'contact_key') }} as contact_id, as_of from open_question),
{{ contact_facts('asked') }},
{{ condition_facts(parameters.audience) }}
select
    facts.*, contact_purchases.order_number, contact_purchases.purchase_rank
    {%- for helper in condition_helpers(parameters.audience) %},
    {{ text(helper.call) }} as call_{{ loop.index }}
    {%- endfor %}
from facts
inner join contact_purchases
    on facts.contact_id = contact_purchases.contact_id and facts.as_of = contact_purchases.as_of
{%- endif %}
{%- endfor %}
-- query: list
with asked as (select {{ contact_id('merchant', 'contact_key') }} as contact_id, as_of from open_question),
{{ contact_facts('asked') }}
select {{ list_columns() }} from contact_list
-- query: runs
with asked as (select merchant, contact_key from open_question),
{{ asked_runs() }}
select
    asked_runs.run_id, asked_runs.conversation, asked_runs.program, asked_runs.thread_place, asked_runs.rank,
    asked_runs.event_id, asked_runs.event_name, asked_runs.contact_key, asked_runs.order_number, asked_runs.sku,
    asked_runs.begun_on, begun_runs.run_id is not null as has_begun
from asked_runs
left join begun_runs on asked_runs.run_id = begun_runs.run_id
order by asked_runs.begun_on, asked_runs.conversation, asked_runs.event_id, asked_runs.thread_place
-- query: endings
with asked as (select merchant, contact_key from open_question),
{{ asked_runs() }},
{{ run_orders('asked_runs') }},
{{ run_endings('asked_runs') }}
select run_id, word, min(greatest(earliest_on, from_on)) as ends_on
from ending_spells
where until_on is null or until_on > greatest(earliest_on, from_on)
group by run_id, word
order by ends_on, word
-- query: answers
with asked as (select merchant, contact_key from open_question),
{{ answers_of_asked_runs() }}
""".replace("NAME", "{{ name }}")


@dataclass(frozen=True)
class Stretch:
    """Days `from_on` to before `until_on` on which nothing about an order changes for a queue.

    `not_wanted` is the reason of DESIGN 3.
    """

    order_number: str
    from_on: date
    until_on: date | None
    not_wanted: str | None
    basis_date: date | None


@dataclass
class Rules:
    """The rules of the dbt project, asked of single orders and contacts.

    Raises:
        DbtError: a macro does not compile.
    """

    project: DbtProject
    campaigns: Sequence[Campaign] = ()
    _queries: dict[str, str] = field(default_factory=dict, repr=False)

    def load(self) -> None:
        """Compile the queries, or read those that are kept. dbt opens the warehouse: call it before `connect`."""
        variables = {
            "from_day": "1970-01-01",
            "to_day": "9999-12-31",
            "asked_campaigns": {
                campaign.name: campaign.model_dump(mode="json", exclude={"name", "config_hash"})
                for campaign in self.campaigns
            },
        }
        self.project.prepare()
        asked = json.dumps([_TEMPLATE, variables, self.project.fingerprint()], sort_keys=True)
        stamp = f"-- {hashlib.sha256(asked.encode()).hexdigest()}\n"
        kept = self.project.target_dir / "why.sql"
        text = kept.read_text() if kept.exists() else ""
        if not text.startswith(stamp):
            text = stamp + self.project.compiled(_TEMPLATE, variables)
            draft = kept.with_name(f".{kept.name}.{os.getpid()}")
            draft.write_text(text)
            draft.replace(kept)
        for part in text.split(_MARK)[1:]:
            name, _, query = part.partition("\n")
            self._queries[name.strip()] = query

    def stretches(
        self, connection: Connection, campaign: Campaign, order_numbers: Sequence[str]
    ) -> dict[str, list[Stretch]]:
        """What the campaign's rules make of some orders, day after day, by order number."""
        found: dict[str, list[Stretch]] = {}
        rows = self._rows(connection, f"walk {campaign.name}", ["order_number"], [(one,) for one in order_numbers])
        for row in rows:
            found.setdefault(row["order_number"], []).append(Stretch(**row))
        return found

    def list_facts(
        self, connection: Connection, contacts: Iterable[tuple[str, str, date]]
    ) -> dict[tuple[str, date], dict[str, Any]]:
        """The columns of the Post Purchase list, by contact key and day; who was not on it then is not there.

        Args:
            contacts: merchant, contact key, day.
        """
        rows = self._rows(connection, "list", ["merchant", "contact_key", "as_of"], list(contacts))
        return {(row["contact_key"], row["as_of"]): row for row in rows}

    def audience_facts(
        self, connection: Connection, campaign: Campaign, contacts: Iterable[tuple[str, str, date]]
    ) -> dict[tuple[str, date], list[dict[str, Any]]]:
        """What a campaign's audience is judged on: the list's columns, `call_<n>` and `helper_<n>`, and a row per
        purchase with its order_number and purchase_rank. Arguments as for `list_facts`."""
        found: dict[tuple[str, date], list[dict[str, Any]]] = {}
        name, columns = f"audience {campaign.name}", ["merchant", "contact_key", "as_of"]
        if connection.dialect != "duckdb" and "?" in self._queries.get(name, ""):
            return found  # a `?` within a text would be taken for a parameter
        for row in self._rows(connection, name, columns, list(contacts)):
            found.setdefault((row["contact_key"], row["as_of"]), []).append(row)
        return found

    def of_contacts(
        self, connection: Connection, name: Literal["runs", "endings", "answers"], contacts: Sequence[tuple[str, str]]
    ) -> list[dict[str, Any]]:
        """What dbt/macros/asked_runs.sql says of contacts (merchant, contact key): the runs that their events began
        or would have begun, the first day of each word that ends them, what their splits and passes asked."""
        return self._rows(connection, name, ["merchant", "contact_key"], contacts)

    def _rows(
        self, connection: Connection, name: str, columns: Sequence[str], asked: Sequence[tuple[Any, ...]]
    ) -> list[dict[str, Any]]:
        """The rows of a query for what is asked, as dictionaries (the first of two columns of one name)."""
        if not asked:
            return []
        kinds = ["date" if column == "as_of" else "varchar" for column in columns]
        row = "(" + ", ".join(f"cast(? as {kind})" for kind in kinds) + ")"
        values = f"(values {', '.join([row] * len(asked))}) as {_OPEN} ({', '.join(columns)})"
        query = self._queries[name].replace(f"from {_OPEN}", f"from {values}")
        frame = connection.frame(query, [value for one in asked for value in one])
        names = list(frame.columns)
        return [
            {column: row[place] for place, column in reversed(list(enumerate(names)))}
            for row in frame.itertuples(index=False, name=None)
        ]
