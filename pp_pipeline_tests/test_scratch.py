"""What shadows are made in holds addresses: nothing of it is left behind, whatever ends the command."""

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from pp_pipeline.settings import Settings, SettingsError
from pp_pipeline.shadow.copying import copied_warehouse
from pp_pipeline.shadow.scratch import scratch_folder
from pp_pipeline.warehouse import Warehouse
from pp_pipeline_tests.postgres_server import PostgresDatabase

_UNTIL_IT_ENDS = """
import json, sys, time
from pathlib import Path
from pp_pipeline.settings import Settings, SettingsError
from pp_pipeline.shadow.copying import copied_warehouse
from pp_pipeline.shadow.scratch import scratch_folder
given = json.loads(sys.argv[1])
with scratch_folder() as folder:
    settings = Settings(home=folder, **given)
    if given:
        with copied_warehouse(settings, settings) as shadow:
            print(folder, shadow.warehouse_schema, flush=True)
            time.sleep(600)
    print(folder, flush=True)
    time.sleep(600)
"""


def in_scratch(temporary: Path, given: dict[str, str]) -> tuple["subprocess.Popen[str]", Sequence[str]]:
    """A process that holds a scratch folder, and what it says of it."""
    process = subprocess.Popen(
        [sys.executable, "-c", _UNTIL_IT_ENDS, json.dumps(given)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(temporary)},
    )
    assert process.stdout is not None
    return process, process.stdout.readline().split()


def ended(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate()


def ended_and_seen(process: "subprocess.Popen[str]", settings: Settings, schema: str) -> None:
    """The server has seen the end of it, too: what it held can be taken."""
    ended(process)
    with Warehouse(settings.model_copy(update={"warehouse_schema": schema})).in_use():
        pass


def test_scratch_folders_go_with_their_process_or_with_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    theirs = tmp_path / "pp_shadow_none_of_ours"
    theirs.mkdir()
    told, (folder,) = in_scratch(tmp_path, {})
    assert stat.S_IMODE(Path(folder).stat().st_mode) == 0o700
    told.terminate()
    assert told.wait(60) != 0
    assert not Path(folder).exists()
    ended(told)
    in_use, (used,) = in_scratch(tmp_path, {})
    killed, (left,) = in_scratch(tmp_path, {})
    ended(killed)
    assert Path(left).exists()
    try:
        with scratch_folder() as own:
            assert set(tmp_path.iterdir()) == {theirs, Path(used), own}
    finally:
        ended(in_use)
    with scratch_folder():
        pass
    assert list(tmp_path.iterdir()) == [theirs]


def test_schemas_go_with_the_next_shadow_where_their_process_is_no_more(
    postgres_database: PostgresDatabase, tmp_path: Path
) -> None:
    given = {"target": "postgres", "warehouse_url": postgres_database.url, "warehouse_schema": "pp_shadow_by_hand"}
    settings = Settings(home=tmp_path, **given)  # pyright: ignore[reportArgumentType]
    with Warehouse(settings).connect() as connection:
        connection.execute("create table orders as select 1 as id")
    in_use, (_, used) = in_scratch(tmp_path, given)
    killed, (_, left) = in_scratch(tmp_path, given)
    assert shadow_schemas(settings) == {"pp_shadow_by_hand", used, left}
    ended_and_seen(killed, settings, left)
    try:
        with copied_warehouse(settings, settings) as shadow:
            assert shadow_schemas(settings) == {"pp_shadow_by_hand", used, shadow.warehouse_schema}
    finally:
        ended_and_seen(in_use, settings, used)
    with copied_warehouse(settings, settings):
        pass
    assert shadow_schemas(settings) == {"pp_shadow_by_hand"}


def shadow_schemas(settings: Settings) -> set[str]:
    with Warehouse(settings).connect() as connection:
        return {name for (name,) in connection.rows("select nspname from pg_namespace where nspname ~ '^pp_shadow_'")}


def test_without_room_for_the_copy_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    settings = Settings(home=tmp_path)
    settings.warehouse_file.write_bytes(b"")
    monkeypatch.setattr(shutil, "copyfile", full)
    copied = copied_warehouse(settings, settings)
    with pytest.raises(SettingsError, match="No space left on device; it needs room"), copied:
        pass
