"""dbt, in this process (DESIGN 8; stack measurements in docs/performance.md).

One call builds a range of days in one pass. In process because dbt's command line costs about 10 s
a call, most of it start-up and parsing; the manifest is kept between calls. Vars are honoured in
the bodies of models, so the range travels as `from_day` and `to_day`. Calls must not overlap within
a process, and DuckDB stays locked until dbt's connection is closed, so both happen here.
"""

import contextlib
import json
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pp_pipeline.dbt_errors import without_values
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import LOCK_WAIT_SECONDS, Warehouse

_ONE_AT_A_TIME = threading.RLock()


class DbtError(RuntimeError):
    """dbt refused the project or a model failed; the text is dbt's own, with the model's name."""


@dataclass(frozen=True)
class NodeResult:
    """What dbt says of one model or test."""

    unique_id: str
    name: str
    is_test: bool
    status: str
    seconds: float
    failures: int | None
    message: str


@dataclass
class DbtProject:
    """The dbt project of a checkout, its manifest prepared for a target.

    `build` runs models (and their data tests) for a range of days; `manifest` is what Dagster and
    the checks of campaigns read.
    """

    settings: Settings
    lock_wait_seconds: float = LOCK_WAIT_SECONDS
    _manifest: Any = field(default=None, repr=False)

    @property
    def target_dir(self) -> Path:
        """Where dbt writes its artifacts: in the home, so checkouts can be shared and read-only."""
        return self.settings.home / "dbt" / self.settings.target

    @property
    def manifest_path(self) -> Path:
        """dbt's manifest.json, which Dagster reads."""
        return self.target_dir / "manifest.json"

    def prepare(self) -> None:
        """Parse the project if a file under dbt/ (or the target) changed since the last parse.

        Raises:
            DbtError: dbt's own words, with the file.
        """
        if not self.is_prepared:
            self._parse()
            self._stamp.write_text(self.fingerprint())

    @property
    def is_prepared(self) -> bool:
        """Whether the manifest in the home is that of the files under dbt/ as they are."""
        return self.manifest_path.exists() and self._stamp.exists() and self._stamp.read_text() == self.fingerprint()

    @property
    def _stamp(self) -> Path:
        return self.target_dir / "fingerprint"

    def manifest(self) -> dict[str, Any]:
        """The manifest as dbt writes it, prepared if need be."""
        self.prepare()
        return json.loads(self.manifest_path.read_text())

    def build(
        self,
        models: Sequence[str],
        first: date,
        last: date,
        variables: Mapping[str, object] | None = None,
        *,
        with_tests: bool = True,
    ) -> list[NodeResult]:
        """Build models and their data tests for the days first..last, in one pass.

        Args:
            models: names of models; empty builds nothing.
            variables: further dbt vars.
            with_tests: whether data tests run; where one fails, dbt skips what is made from its model.

        Returns: a result per model and test, in the order they ran; failed ones included.

        Raises:
            DbtError: when dbt itself could not run (a model that fails is a result).
        """
        if not models:
            return []
        with _ONE_AT_A_TIME:
            self.prepare()
            if self._manifest is None:
                self._parse()
            values = {"from_day": first.isoformat(), "to_day": last.isoformat(), **(variables or {})}
            tests = [] if with_tests else ["test"]
            arguments = ["build", "--select", *models, "--exclude-resource-type", "unit_test", *tests]
            result = self._invoke([*arguments, "--vars", json.dumps(values)], manifest=self._manifest)
            if result.exception is not None or result.result is None:
                raise DbtError(f"dbt could not build {', '.join(models)}: {without_values(str(result.exception))}")
            return [_node_result(node) for node in result.result.results]

    def compiled(self, sql: str, variables: Mapping[str, object]) -> str:
        """The SQL that dbt makes of a text with macros, for the project's target.

        Raises:
            DbtError: dbt's own words.
        """
        with _ONE_AT_A_TIME:
            self.prepare()
            if self._manifest is None:
                self._parse()
            arguments = ["compile", "--inline", sql, "--vars", json.dumps(variables)]
            result = self._invoke(arguments, manifest=self._manifest)
            if not result.success:
                raise DbtError(f"dbt could not compile a query: {result.exception}")
            return str(result.result.results[0].node.compiled_code)

    def _parse(self) -> None:
        with _ONE_AT_A_TIME:
            self.target_dir.mkdir(parents=True, exist_ok=True)
            result = self._invoke(["parse"], manifest=None)
            if not result.success:
                raise DbtError(f"dbt can't read {self.settings.dbt_dir}: {result.exception}")
            self._manifest = result.result

    def _invoke(self, arguments: list[str], manifest: Any) -> Any:
        from dbt.cli.main import dbtRunner

        directory = str(self.settings.dbt_dir)
        flags = ["--project-dir", directory, "--profiles-dir", directory, "--target", self.settings.target]
        flags += ["--target-path", str(self.target_dir), "--log-path", str(self.target_dir)]
        quiet = ["--quiet", "--no-send-anonymous-usage-stats", "--no-use-colors", "--log-level", "none"]
        command = arguments[0]
        if command != "parse":
            # Results would carry error texts with values of orders, and the manifest would be rewritten in place.
            quiet.append("--no-write-json")
        with Warehouse(self.settings, self.lock_wait_seconds).locked(), _environment(self._environment()):
            try:
                return dbtRunner(manifest=manifest).invoke([*quiet, command, *arguments[1:], *flags])
            finally:
                _close_connections(self.settings.target)

    def _environment(self) -> dict[str, str]:
        values = {
            "PP_HOME": str(self.settings.home),
            "PP_TARGET": self.settings.target,
            "PP_WAREHOUSE_SCHEMA": self.settings.warehouse_schema,
            "PP_CAMPAIGNS": " ".join(self.campaign_names()),
            "PP_SEGMENTS": " ".join(self.segment_names()),
        }
        if self.settings.target == "postgres":
            url = urlsplit(self.settings.warehouse_url)
            values |= {
                "PP_WAREHOUSE_HOST": url.hostname or "localhost",
                "PP_WAREHOUSE_PORT": str(url.port or 5432),
                "PP_WAREHOUSE_USER": unquote(url.username or ""),
                "PP_WAREHOUSE_PASSWORD": unquote(url.password or ""),
                "PP_WAREHOUSE_DATABASE": url.path.lstrip("/"),
            }
        return values

    def campaign_names(self) -> list[str]:
        """The campaigns: one file `queue_<name>.sql` each."""
        return self._names("campaigns", "queue_")

    def segment_names(self) -> list[str]:
        """The segments: one file `segment_<name>.sql` each (`segment_snapshots` is the union of them)."""
        return [name for name in self._names("list", "segment_") if name != "snapshots"]

    def _names(self, folder: str, prefix: str) -> list[str]:
        files = (self.settings.dbt_dir / "models" / folder).glob(f"{prefix}*.sql")
        return sorted(path.stem.removeprefix(prefix) for path in files)

    def fingerprint(self) -> str:
        """Changes when a file under dbt/ does, or the warehouse that it is parsed for."""
        import hashlib

        digest = hashlib.sha256(json.dumps(self._environment(), sort_keys=True).encode())
        for path in sorted(self.settings.dbt_dir.rglob("*")):
            if path.suffix in {".sql", ".yml", ".yaml"} and "target" not in path.parts:
                digest.update(str(path.relative_to(self.settings.dbt_dir)).encode())
                digest.update(path.read_bytes())
        return digest.hexdigest()


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _close_connections(target: str) -> None:
    """Free the DuckDB file: after a call, dbt's process would hold its lock to the end."""
    if target == "duckdb":
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager

        DuckDBConnectionManager.close_all_connections()


def _node_result(node: Any) -> NodeResult:
    return NodeResult(
        unique_id=node.node.unique_id,
        name=node.node.name,
        is_test=node.node.unique_id.startswith("test."),
        status=str(node.status),
        seconds=float(node.execution_time),
        failures=node.failures,
        message=without_values(str(node.message or "")),
    )
