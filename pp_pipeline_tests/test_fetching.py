"""Fetching from a remote inbox: a real SFTP server on this machine, and fsspec's memory for quick cases."""

import json
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import fsspec.config
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from typer.testing import CliRunner

from pp_pipeline.cli import app
from pp_pipeline.definitions import build_definitions
from pp_pipeline.landing import remote
from pp_pipeline.landing.fetching import FetchResult, fetch_files
from pp_pipeline.landing.remote import FetchError, shown_url
from pp_pipeline.settings import Settings, SettingsError
from pp_pipeline_tests.landing_shop import Shop, csv_of
from pp_pipeline_tests.pipeline import copy_checkout
from pp_pipeline_tests.sftp_server import PASSWORD, USER, SftpServer

DAY_5, DAY_6 = "orders_2026-01-05.csv", "orders_2026-01-06.csv"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SftpServer]:
    (tmp_path / "outgoing").mkdir()
    made = SftpServer(tmp_path / "outgoing")
    monkeypatch.setenv("FSSPEC_SFTP_USERNAME", USER)
    use_password(monkeypatch, PASSWORD)
    yield made
    made.stop()


def use_password(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    """As if the process had been started with it: fsspec reads the environment when it is imported."""
    monkeypatch.setenv("FSSPEC_SFTP_PASSWORD", password)
    found: dict[str, dict[str, object]] = {}
    fsspec.config.set_conf_env(found)
    monkeypatch.setitem(fsspec.config.conf, "sftp", found["sftp"])


@pytest.fixture
def settings(server: SftpServer, tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", inbox_url=server.url)


def names_in(folder: Path) -> list[str]:
    """All of them, drafts too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def put(server: SftpServer, name: str, content: str, at: int = 1_767_600_000) -> Path:
    """A file there, written long ago."""
    path = server.folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    os.utime(path, (at, at))
    return path


def test_new_and_changed_files_are_fetched_once(server: SftpServer, settings: Settings, tmp_path: Path) -> None:
    for name in (DAY_5, DAY_6, f"north/{DAY_5}", f"{DAY_6}.part", ".hidden.csv", ".old/orders_2026-01-07.csv"):
        put(server, name, f"content of {name}\n")
    (server.folder / "orders_2026-01-08.csv").symlink_to(tmp_path / "nothing")
    (server.folder / "round").symlink_to(server.folder)
    (server.folder / "orders_2026-01-09.csv").symlink_to(server.folder / DAY_5)
    first = fetch_files(settings)
    assert first.fetched == (f"north/{DAY_5}", DAY_5, DAY_6, "orders_2026-01-09.csv")
    assert names_in(settings.inbox) == list(first.fetched)
    assert (settings.inbox / "north" / DAY_5).read_text() == f"content of north/{DAY_5}\n"
    assert first.bytes == sum((server.folder / name).stat().st_size for name in first.fetched)

    again = fetch_files(settings)
    assert (again.fetched, again.unchanged) == ((), 4)
    assert set(server.opened.values()) == {1}

    put(server, DAY_5, "another\n", at=1_767_700_000)
    put(server, DAY_6, f"CONTENT of {DAY_6}\n", at=1_767_700_000)  # of the same size
    assert fetch_files(settings).fetched == (DAY_5, DAY_6, "orders_2026-01-09.csv")
    assert (settings.inbox / DAY_6).read_text() == f"CONTENT of {DAY_6}\n"

    (settings.inbox / DAY_5).unlink()  # somebody tidied up here; the server still has it
    assert fetch_files(settings).fetched == (DAY_5,)
    assert server.opened == {f"north/{DAY_5}": 1, DAY_5: 3, DAY_6: 2, "orders_2026-01-09.csv": 2}


def test_a_file_that_grows_while_it_is_fetched_is_left_for_later(server: SftpServer, settings: Settings) -> None:
    put(server, DAY_5, "first\n")
    path = put(server, DAY_6, "first\n")

    def grow(_: SftpServer, name: str) -> None:
        if name == DAY_6 and path.stat().st_size == 6:
            with path.open("a") as file:
                file.write("more\n")

    server.on_read = grow
    result = fetch_files(settings)
    assert (result.fetched, result.left_for_later) == ((DAY_5,), (DAY_6,))
    assert names_in(settings.inbox) == [DAY_5]
    server.on_read = None
    assert fetch_files(settings).fetched == (DAY_6,)
    assert (settings.inbox / DAY_6).read_text() == path.read_text()


def test_a_connection_that_breaks_off_leaves_no_half_file(server: SftpServer, settings: Settings) -> None:
    put(server, DAY_5, "whole\n")
    put(server, DAY_6, "x" * 3_000_000)
    reads: list[str] = []

    def break_off(of: SftpServer, name: str) -> None:
        reads.append(name)
        if reads.count(DAY_6) == 20:
            of.break_off()

    server.on_read = break_off
    with pytest.raises(FetchError, match=r"can't be reached: .*Nothing that was fetched before is lost"):
        fetch_files(settings)
    assert names_in(settings.inbox) == [DAY_5]
    server.on_read = None
    assert fetch_files(settings).fetched == (DAY_6,)  # what came before the break is remembered
    assert (settings.inbox / DAY_6).stat().st_size == 3_000_000


def test_what_vanished_there_goes_here_once_a_load_has_read_it(server: SftpServer, tmp_path: Path) -> None:
    shop = Shop(Settings(home=tmp_path / "home", inbox_url=server.url, checkout=tmp_path / "checkout"))
    copy_checkout(shop.settings.checkout)
    put(server, DAY_5, csv_of({}))
    put(server, "readme.txt", "no order file\n")
    shop.drop(DAY_6, csv_of({"order_number": "A2"}))
    assert fetch_files(shop.settings).fetched == (DAY_5, "readme.txt")
    for name in (DAY_5, "readme.txt"):
        (server.folder / name).unlink()

    kept = fetch_files(shop.settings)
    assert (kept.kept, kept.removed) == ((DAY_5, "readme.txt"), ())
    shop.load()
    gone = fetch_files(shop.settings)
    assert (gone.kept, gone.removed) == (("readme.txt",), (DAY_5,))  # of no feed: here is its last copy
    assert names_in(shop.settings.inbox) == [DAY_6, "readme.txt"]  # the first was dropped here, never there
    assert shop.load().vanished == (DAY_5,)
    assert len(shop.orders()) == 2
    assert fetch_files(shop.settings).removed == ()


def test_a_folder_that_can_not_be_listed_removes_nothing(server: SftpServer, settings: Settings) -> None:
    put(server, f"north/{DAY_5}", "a\n")
    fetch_files(settings)
    server.folder.rename(server.folder.with_name("elsewhere"))
    with pytest.raises(FetchError, match="there is no such folder"):
        fetch_files(settings)
    assert names_in(settings.inbox) == [f"north/{DAY_5}"]


def test_wrong_password_and_no_server_are_told_without_secrets(
    server: SftpServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(server, DAY_5, "a\n")
    use_password(monkeypatch, "not-the-password")
    words = f"{server.url} can't be reached: it does not let us in; .*; check PP_INBOX_URL and FSSPEC_SFTP_USERNAME"
    with pytest.raises(FetchError, match=words) as refused:
        fetch_files(settings)
    with_login = settings.model_copy(update={"inbox_url": server.url.replace("//", f"//{USER}:{PASSWORD}@")})
    assert fetch_files(with_login).fetched == (DAY_5,)
    assert with_login.inbox_url not in repr(with_login)
    server.stop()
    with pytest.raises(FetchError, match="nothing answers there") as down:
        fetch_files(with_login)
    for error in (refused, down):
        assert error.value.__cause__ is None
        assert not any(secret in str(error.value) for secret in (PASSWORD, "not-the-password", f"{USER}:"))
    everything = "".join(path.read_text() for path in settings.home.glob("*.json"))
    assert PASSWORD not in everything


def test_a_server_with_another_host_key_gets_no_password(
    server: SftpServer, settings: Settings, tmp_path: Path
) -> None:
    put(server, DAY_5, "a\n")
    fetch_files(settings)
    server.stop()
    impostor = SftpServer(server.folder, port=server.port)
    try:
        with pytest.raises(FetchError, match=r"another host key than at first; .* from .*known_hosts"):
            fetch_files(settings)
    finally:
        impostor.stop()


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[Settings]:
    """A remote inbox in memory."""
    MemoryFileSystem.store.clear()
    MemoryFileSystem().pipe("/shop/orders/orders_2026-01-05.csv", b"a\n")
    yield Settings(home=tmp_path / "home", inbox_url="memory://shop/orders")
    MemoryFileSystem.store.clear()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../orders_2026-01-06.csv", "would leave the inbox"),
        ("a\\b.csv", "characters"),
        ("orders\n2026.csv", "characters"),
        ("x" * 230 + ".csv", "is too long"),
    ],
)
def test_names_that_can_not_be_ours_are_refused(
    bucket: Settings, monkeypatch: pytest.MonkeyPatch, name: str, words: str
) -> None:
    listed = MemoryFileSystem.ls

    def with_odd_name(self: MemoryFileSystem, path: str, detail: bool = True) -> list[Any]:
        return [*listed(self, path, detail), {"name": f"/shop/orders/{name}", "size": 1, "type": "file"}]

    monkeypatch.setattr(MemoryFileSystem, "ls", with_odd_name)
    result = fetch_files(bucket)
    assert result.fetched == (DAY_5,)
    ((_, reason),) = result.refused
    assert words in reason
    assert names_in(bucket.home / "inbox") == [DAY_5]


def test_a_link_in_the_inbox_leads_nowhere_else(bucket: Settings, tmp_path: Path) -> None:
    MemoryFileSystem().pipe("/shop/orders/out/x.csv", b"a\n")
    (tmp_path / "elsewhere").mkdir()
    bucket.inbox.mkdir(parents=True)
    (bucket.inbox / "out").symlink_to(tmp_path / "elsewhere")
    assert [name for name, _ in fetch_files(bucket).refused] == ["out/x.csv"]
    assert names_in(tmp_path / "elsewhere") == []


def test_a_damaged_or_other_memory_fetches_anew_and_removes_nothing(bucket: Settings) -> None:
    fetch_files(bucket)
    (bucket.home / "fetched.json").write_text('{"url": "memory://shop/orders", "files": [')
    assert fetch_files(bucket).fetched == (DAY_5,)
    MemoryFileSystem().pipe("/other/orders_2026-01-06.csv", b"b\n")
    elsewhere = bucket.model_copy(update={"inbox_url": "memory://other"})
    result = fetch_files(elsewhere)
    assert (result.fetched, result.removed) == ((DAY_6,), ())
    assert names_in(bucket.inbox) == [DAY_5, DAY_6]


def test_a_folder_of_a_bucket_may_become_empty_but_not_be_wrong_from_the_start(bucket: Settings) -> None:
    fetch_files(bucket)
    copy_checkout(bucket.home / "checkout")
    here = bucket.model_copy(update={"checkout": bucket.home / "checkout"})
    (here.inbox / DAY_5).rename(here.inbox / "notes.txt")  # no load waits for it any more
    MemoryFileSystem().rm("/shop/orders", recursive=True)
    MemoryFileSystem().pipe("/shop/other/x.csv", b"x\n")
    for _ in range(2):
        result = fetch_files(here)
        assert (result.fetched, result.unchanged, result.kept) == ((), 0, ())
    for _ in range(2):
        with pytest.raises(FetchError, match="there is no such folder"):
            fetch_files(here.model_copy(update={"inbox_url": "memory://shop/order"}))


def test_progress_is_told_and_a_full_disk_is_named(bucket: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, int, int]] = []
    fetch_files(bucket, progress=lambda *words: told.append(words))
    assert told == [("files fetched", 1, 1)]

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(remote.Remote, "download", full)
    MemoryFileSystem().pipe(f"/shop/orders/{DAY_6}", b"b\n")
    with pytest.raises(FetchError, match=f"{DAY_6} can't be written: No space left"):
        fetch_files(bucket)


@pytest.mark.parametrize(("scheme", "extra"), [("s3", "s3"), ("gs", "gcs"), ("sftp", "sftp")])
def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str, extra: str) -> None:
    for module in ("s3fs", "gcsfs", "paramiko"):
        monkeypatch.setitem(__import__("sys").modules, module, None)
    settings = Settings(home=tmp_path, inbox_url=f"{scheme}://ana:geheim@files.example.com/orders")
    with pytest.raises(FetchError, match=rf"needs the extra: pip install 'pp_pipeline\[{extra}\]'") as error:
        fetch_files(settings)
    assert "geheim" not in str(error.value)


def test_the_address_is_judged_and_shown_without_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert shown_url("sftp://ana:p@ss@files.example.com:22/out?x=1") == "sftp://files.example.com:22/out"
    monkeypatch.setenv("PP_INBOX_URL", "files.example.com:secret")
    with pytest.raises(SettingsError, match="PP_INBOX_URL is no address of a folder") as error:
        Settings.from_environment()
    assert "secret" not in str(error.value)
    with pytest.raises(FetchError, match="nosuch://x/y can't be reached"):
        fetch_files(Settings(home=tmp_path, inbox_url="nosuch://x/y"))


def test_the_whole_way_from_the_server_to_landed_rows(
    server: SftpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_checkout(tmp_path / "checkout")
    monkeypatch.setenv("PP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PP_CHECKOUT", str(tmp_path / "checkout"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home" / "dagster"))

    def pp(*words: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, list(words), catch_exceptions=False)
        assert result.exit_code == code, result.output
        return " ".join(result.output.split())

    run = ("run", "--from", "2026-01-05", "--to", "2026-01-06", "--today", "2026-01-06")
    assert "PP_INBOX_URL is not set" in pp("fetch", code=2)
    monkeypatch.setenv("PP_INBOX_URL", server.url)
    put(server, DAY_5, csv_of({"order_number": "A1"}, {"order_number": "A2"}))
    fetched = json.loads(CliRunner().invoke(app, ["fetch", "--json"]).stdout)
    assert (fetched["fetched"], fetched["url"]) == ([DAY_5], server.url)
    put(server, DAY_6, csv_of({"order_number": "A3"}))
    assert f"fetched 1 file ({len(csv_of({}))} bytes) from {server.url}; 1 unchanged" in pp(*run)
    shop_settings = Settings.from_environment()
    from pp_pipeline.warehouse import Warehouse

    with Warehouse(shop_settings).connect() as connection:
        rows = connection.rows("select order_file, order_number from order_file_rows order by order_number")
    assert rows == [(DAY_5, "A1"), (DAY_5, "A2"), (DAY_6, "A3")]
    server.stop()
    assert "can't be reached: nothing answers there" in pp(*run, code=2)


def test_dagster_fetches_by_a_job_and_a_schedule_only_where_there_is_an_address(
    server: SftpServer, tmp_path: Path
) -> None:
    copy_checkout(tmp_path / "checkout")
    local = Settings(home=tmp_path / "home", checkout=tmp_path / "checkout", today=date(2026, 1, 6))
    names = {one.name for one in build_definitions(local).resolve_all_job_defs()}
    assert "fetch_files" not in names
    definitions = build_definitions(local.model_copy(update={"inbox_url": server.url}))
    definitions.get_repository_def().load_all_definitions()  # as the web server and the daemon load it
    schedule = definitions.resolve_schedule_def("fetch_schedule")
    assert (schedule.cron_schedule, schedule.job_name) == ("*/15 * * * *", "fetch_files")
    put(server, DAY_5, csv_of({}))
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

    def execute() -> dg.ExecuteInProcessResult:
        job = definitions.resolve_job_def("fetch_files")
        with dg.DagsterInstance.ephemeral() as instance:
            return job.execute_in_process(instance=instance, run_config=quiet, raise_on_error=False)

    assert execute().success
    assert names_in(local.inbox) == [DAY_5]
    server.stop()
    failed = execute()
    assert not failed.success
    (failure,) = [event for event in failed.all_events if event.event_type_value == "STEP_FAILURE"]
    assert failure.event_specific_data is not None
    assert "nothing answers there" in str(failure.event_specific_data)


def test_a_result_says_nothing_where_nothing_was_done(bucket: Settings) -> None:
    fetch_files(bucket)
    assert fetch_files(bucket) == FetchResult("memory://shop/orders", (), 0, 1, (), (), (), ())
