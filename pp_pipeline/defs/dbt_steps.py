"""A step of the way that dbt builds, as Dagster assets.

Each step is a folder of `dbt/models/`. The assets, their descriptions, groups and checks come from
dbt's manifest through dagster-dbt; the models are run in this process (pp_pipeline/dbt_project.py),
a range of days in one pass.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, dbt_assets
from dagster_dbt import DbtProject as DagsterDbtProject

from pp_pipeline.campaigns.books import begin_build, record_built_days
from pp_pipeline.conversations.tables import TABLES as CONVERSATION_TABLES
from pp_pipeline.conversations.takers import as_markdown, event_ways
from pp_pipeline.dbt_project import NodeResult
from pp_pipeline.defs.location import (
    HISTORY,
    SINGLE_RUN,
    Location,
    day_range,
)
from pp_pipeline.landing.tables import TABLES as LANDING_TABLES
from pp_pipeline.sending.unsealed import SEALED_FROM, note_built

DayMetadata = Mapping[date, Mapping[str, Any]]
# (location, models, first, last) -> metadata by model and day
Reporter = Callable[[Location, Sequence[str], date, date], Mapping[str, DayMetadata]]


class Translator(DagsterDbtTranslator):
    """How dbt's nodes look in Dagster: plain names, groups by step, history mappings where declared."""

    def __init__(self, location: Location) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=True))
        self._location = location
        self._campaigns = {campaign.queue: campaign for campaign in location.campaigns}

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """Models by their name; what landing writes is one asset, and so are the tables of the conversation files."""
        name = dbt_resource_props["name"]
        if dbt_resource_props["resource_type"] == "source" and name in LANDING_TABLES:
            return dg.AssetKey("order_file_rows")
        if dbt_resource_props["resource_type"] == "source" and name in CONVERSATION_TABLES:
            return dg.AssetKey("conversation_programs")
        return dg.AssetKey(name)

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The step's word, which is the folder of the model."""
        return dbt_resource_props["fqn"][1] if dbt_resource_props["resource_type"] == "model" else None

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """A campaign describes itself from its parameters; other models from their YAML."""
        campaign = self._campaigns.get(dbt_resource_props["name"])
        if campaign is None:
            return dbt_resource_props.get("description") or ""
        warning = (
            "\n\n**wait_days = 0**: fires for customers of the last 10 days."
            if campaign.is_customers_of_last_days
            else ""
        )
        return campaign.summary() + warning

    def get_metadata(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, Any]:
        """What dbt's manifest says; with the external events, who fires and who takes each."""
        metadata = super().get_metadata(dbt_resource_props)
        if dbt_resource_props["name"] != "external_events":
            return metadata
        ways = event_ways(self._location.campaigns, self._location.conversations, self._location.merchants)
        return {**metadata, "who takes what": dg.MetadataValue.md(as_markdown(ways))}

    def get_asset_check_spec(
        self, asset_spec: dg.AssetSpec, manifest: Mapping[str, Any], unique_id: str, project: DagsterDbtProject | None
    ) -> dg.AssetCheckSpec | None:
        """A data test as a check, with the description that its YAML gives it."""
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        description = manifest["nodes"][unique_id].get("description")
        return spec._replace(description=description) if spec and description else spec

    def get_partition_mapping(
        self, dbt_resource_props: Mapping[str, Any], dbt_parent_resource_props: Mapping[str, Any]
    ) -> dg.PartitionMapping | None:
        """A model that reads the history of another says so in its meta, so D leads to D..today."""
        meta = dbt_resource_props["config"].get("meta") or {}
        # All tables that landing writes are one asset, and an asset has one mapping.
        parent = self.get_asset_key(dbt_parent_resource_props).path[-1]
        reads_history = parent in meta.get("reads_history_of", [])
        return HISTORY if reads_history else None


def dbt_step(location: Location, step: str, report: Reporter | None = None) -> dg.AssetsDefinition:
    """The assets of one step.

    Args:
        step: a folder of dbt/models.
        report: further metadata per model and day, read from the warehouse after the build.
    """

    @dbt_assets(
        manifest=location.manifest,
        select=f"fqn:pp_pipeline.{step}.*",
        dagster_dbt_translator=Translator(location),
        partitions_def=location.days,
        backfill_policy=SINGLE_RUN,
        name=f"build_{step}",
    )
    def build(context: dg.AssetExecutionContext) -> Iterator[Any]:
        first, last = day_range(context)
        selected = {key.path[-1] for key in context.selected_asset_keys}
        models = [book for book in location.books if book.model in selected]
        with location.warehouse.connect() as connection:
            seen = begin_build(connection, models, first, last)
            if selected & SEALED_FROM:
                note_built(connection, first, last)
        results = location.project.build(sorted(selected), first, last)
        succeeded = {result.name for result in results if not result.is_test and result.status == "success"}
        with location.warehouse.connect() as connection:
            record_built_days(connection, seen.keys() & succeeded, seen)
        for model, days in _metadata(location, sorted(succeeded), first, last, report).items():
            for day, metadata in days.items():
                context.add_asset_metadata(metadata, asset_key=dg.AssetKey(model), partition_key=day.isoformat())
        yield from _events(context, results)
        failed = [result for result in results if not result.is_test and result.status != "success"]
        if failed:
            raise dg.Failure(
                description="\n".join(f"{result.name}: {result.status}: {result.message}" for result in failed)
            )

    return build


def _events(context: dg.AssetExecutionContext, results: Sequence[NodeResult]) -> Iterator[Any]:
    checks = {
        spec.metadata["dagster_dbt/unique_id"]: spec
        for spec in context.assets_def.check_specs
        if "dagster_dbt/unique_id" in spec.metadata and spec.key in context.selected_asset_check_keys
    }
    for result in results:
        if not result.is_test and result.status == "success":
            yield dg.MaterializeResult(
                asset_key=dg.AssetKey(result.name), metadata={"seconds": round(result.seconds, 2)}
            )
        elif result.unique_id in checks:
            spec = checks[result.unique_id]
            yield dg.AssetCheckResult(
                asset_key=spec.asset_key,
                check_name=spec.name,
                passed=result.status == "pass",
                severity=dg.AssetCheckSeverity.WARN if result.status == "warn" else dg.AssetCheckSeverity.ERROR,
                description=_words(spec, result),
                metadata={"failing rows": result.failures or 0},
            )


def _words(spec: dg.AssetCheckSpec, result: NodeResult) -> str | None:
    """What a failing test says: of how many rows it is not so, and what should hold."""
    if result.status == "pass":
        return None
    if result.status in ("warn", "fail"):
        return f"{result.failures or 0} against it: {spec.description or spec.name}"
    return f"could not be judged ({result.status}): {spec.description or spec.name}"


def _metadata(
    location: Location, models: Sequence[str], first: date, last: date, report: Reporter | None
) -> Mapping[str, DayMetadata]:
    columns = {
        node["name"]: node["config"]["meta"]["day_column"]
        for node in location.manifest["nodes"].values()
        if node["name"] in models and "day_column" in (node["config"].get("meta") or {})
    }
    found: dict[str, dict[date, dict[str, Any]]] = {}
    with location.warehouse.connect() as connection:
        for model, column in columns.items():
            counts = dict(
                connection.rows(
                    f"select {column}, count(*) from {model} where {column} between ? and ? group by {column}",
                    (first, last),
                )
            )
            found[model] = {
                date.fromordinal(number): {"dagster/partition_row_count": counts.get(date.fromordinal(number), 0)}
                for number in range(first.toordinal(), last.toordinal() + 1)
            }
    for model, days in (report(location, models, first, last) if report else {}).items():
        for day, metadata in days.items():
            found.setdefault(model, {}).setdefault(day, {}).update(metadata)
    return found
