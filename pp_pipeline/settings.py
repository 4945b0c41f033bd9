"""Where things are and how they run: the one module that reads the environment.

Everything that a machine or a team sets (not a marketer: campaigns, conversations and merchants
are files) is a field of `Settings`. Functions take the settings they work with as an argument,
so two homes can live in one process.
"""

import os
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

Target = Literal["duckdb", "postgres", "spark"]
_TRUE_WORDS = {"1", "true", "yes", "on"}
_FALSE_WORDS = {"", "0", "false", "no", "off"}
_SECRET_PREFIX = "PP_SECRET_"
_RECIPIENT = re.compile(r"[^@\s;<>()]+@[^@\s;<>()]+|\+[0-9*?]+")


class SettingsError(ValueError):
    """A setting that can't be used; the text names the environment variable and what is allowed."""


class Settings(BaseModel):
    """The settings of one installation.

    Raises:
        SettingsError: when a combination can't work (from `from_environment`).
    """

    model_config = ConfigDict(frozen=True)

    home: Path = Field(description="PP_HOME: all that comes in and is written at run time")
    checkout: Path = Field(
        default=Path(__file__).resolve().parent.parent,
        description="PP_CHECKOUT: the folder with dbt/ and pp_pipeline/ whose campaigns are run",
    )
    target: Target = Field(default="duckdb", description="PP_TARGET: the dbt target of the warehouse")
    warehouse_url: str = Field(
        default="", repr=False, description="PP_WAREHOUSE_URL: postgresql:// URL of the warehouse (target postgres)"
    )
    warehouse_schema: str = Field(default="pp_pipeline", description="PP_WAREHOUSE_SCHEMA (target postgres)")
    ledger_url: str = Field(
        default="", repr=False, description="PP_LEDGER_URL: SQLAlchemy URL; default SQLite in the home"
    )
    dagster_url: str = Field(
        default="",
        repr=False,
        description="PP_DAGSTER_URL: postgresql:// URL of Dagster's own storage; default SQLite in the home",
    )
    inbox_url: str = Field(
        default="",
        repr=False,  # may hold a password
        description="PP_INBOX_URL: sftp://, s3:// or gs:// folder whose files are fetched into the inbox",
    )
    live: bool = Field(default=False, description="PP_LIVE: what goes out is for real; so --today is refused")
    kill_switch: bool = Field(default=False, description="PP_KILL_SWITCH: nothing is sent while it is on")
    today: date | None = Field(default=None, description="act as of this day (rehearsals); no variable sets it")
    environment: str = Field(
        default="development",
        description="PP_ENVIRONMENT: production, or any other word: there only allowed recipients are written to",
    )
    allowed_recipients: tuple[str, ...] = Field(
        default=(),
        repr=False,  # personal
        description="PP_ALLOWED_RECIPIENTS: outside production, addresses, phone numbers or patterns of them",
    )
    pages_port: int = Field(default=3001, description="PP_PAGES_PORT: of `pp pages`; links to them name it")
    alert_server: str = Field(default="", repr=False, description="PP_ALERT_SERVER: smtp:// URL of a mail server")
    alert_sender: str = Field(default="", repr=False, description="PP_ALERT_SENDER: whom alerts are from")
    alert_recipients: str = Field(default="", repr=False, description="PP_ALERT_RECIPIENTS: addresses, between commas")
    secret: str = Field(default="", repr=False, description="PP_SECRET: the secret behind contact_key")

    secrets: Mapping[str, SecretStr] = Field(
        default_factory=dict,
        repr=False,
        description="PP_SECRET_NAME: passwords and keys of channels and relays, by NAME",
    )

    @model_validator(mode="after")
    def _default_ledger(self) -> Self:
        if not self.ledger_url:
            object.__setattr__(self, "ledger_url", f"sqlite:///{self.home / 'ledger.sqlite'}")
        return self

    @classmethod
    def from_environment(cls) -> "Settings":
        """The settings as the environment states them (PP_HOME, PP_TARGET, ...).

        Raises:
            SettingsError: names the variable, what it holds and what is allowed.
        """
        checkout = Path(os.environ.get("PP_CHECKOUT") or Path(__file__).resolve().parent.parent).resolve()
        target = os.environ.get("PP_TARGET", "duckdb")
        if target not in ("duckdb", "postgres", "spark"):
            raise SettingsError(f"PP_TARGET is '{target}'; allowed are duckdb, postgres, spark")
        warehouse_url = os.environ.get("PP_WAREHOUSE_URL", "")
        if target == "postgres" and not warehouse_url.startswith("postgresql://"):
            raise SettingsError("PP_TARGET=postgres needs PP_WAREHOUSE_URL=postgresql://user:password@host/database")
        pages_port = os.environ.get("PP_PAGES_PORT") or "3001"
        if not (pages_port.isascii() and pages_port.isdigit() and 0 < int(pages_port[:6]) < 65536):
            raise SettingsError(f"PP_PAGES_PORT is '{pages_port}'; it must be a port from 1 to 65535")
        inbox_url = os.environ.get("PP_INBOX_URL", "").strip()
        if inbox_url and not re.match(r"[a-z0-9]+://[^/]", inbox_url):  # what it holds may be a password: not shown
            raise SettingsError(
                "PP_INBOX_URL is no address of a folder; write one such as sftp://files.example.com/outgoing, "
                "s3://bucket/orders or gs://bucket/orders, and nothing where files are dropped into PP_HOME/inbox"
            )
        return cls(
            home=Path(os.environ.get("PP_HOME") or checkout / "data").resolve(),
            checkout=checkout,
            target=target,
            warehouse_url=warehouse_url,
            warehouse_schema=os.environ.get("PP_WAREHOUSE_SCHEMA") or "pp_pipeline",
            ledger_url=os.environ.get("PP_LEDGER_URL", ""),
            dagster_url=os.environ.get("PP_DAGSTER_URL", ""),
            inbox_url=inbox_url,
            live=_flag("PP_LIVE"),
            kill_switch=_flag("PP_KILL_SWITCH"),
            environment=os.environ.get("PP_ENVIRONMENT", "").strip().lower() or "development",
            allowed_recipients=_recipients(os.environ.get("PP_ALLOWED_RECIPIENTS", "")),
            pages_port=int(pages_port),
            alert_server=os.environ.get("PP_ALERT_SERVER", "").strip(),
            alert_sender=os.environ.get("PP_ALERT_SENDER", "").strip(),
            alert_recipients=os.environ.get("PP_ALERT_RECIPIENTS", "").strip(),
            secret=os.environ.get("PP_SECRET", ""),
            secrets={
                name.removeprefix(_SECRET_PREFIX): SecretStr(value)
                for name, value in os.environ.items()
                if name.startswith(_SECRET_PREFIX) and value
            },
        )

    @property
    def has_warehouse(self) -> bool:
        """Whether there is one to be asked: a file comes with the first run, a server is taken to be there."""
        return self.target != "duckdb" or self.warehouse_file.exists()

    def check_built(self) -> None:
        """Refuse to go on where there is none.

        Raises:
            SettingsError: with the command that builds.
        """
        if not self.has_warehouse:
            raise SettingsError(f"nothing was built in {self.home} yet; `pp run --from DAY --to DAY` does it")

    def secret_of(self, name: str, whose: str) -> SecretStr:
        """The secret that a channel or relay goes by; `whose` says which, such as `channel email of main`.

        Raises:
            SettingsError: it is not set; the text names the variable.
        """
        if name not in self.secrets:
            raise SettingsError(f"{_SECRET_PREFIX}{name} is not set; {whose} needs it. Nothing was sent")
        return self.secrets[name]

    @property
    def is_production(self) -> bool:
        """Whether everybody may be written to, once it is live."""
        return self.environment == "production"

    @property
    def inbox(self) -> Path:
        """Where the shop drops its files."""
        return self.home / "inbox"

    @property
    def archive(self) -> Path:
        """Every content ever accepted, by hash (DESIGN 6)."""
        return self.home / "archive"

    @property
    def outbox(self) -> Path:
        """What the default channels and relays write (DESIGN 5)."""
        return self.home / "outbox"

    @property
    def audiences(self) -> Path:
        """What ad platforms may have of whom, as hashes: so that they hear who has to go (docs/relays.md)."""
        return self.home / "audiences"

    @property
    def rendered(self) -> Path:
        """What `pp render` writes: messages to be looked at."""
        return self.home / "rendered"

    @property
    def dagster_home(self) -> Path:
        """Dagster's own home: run history, schedules, sensors."""
        return self.home / "dagster"

    @property
    def warehouse_file(self) -> Path:
        """The DuckDB file of the default target."""
        return self.home / "warehouse.duckdb"

    @property
    def witness_file(self) -> Path:
        """How far the ledger had come when this home last looked: a restored one is noticed by it."""
        return self.home / "ledger.witness.json"

    @property
    def secret_file(self) -> Path:
        """Holds the secret behind contact_key where PP_SECRET is not set."""
        return self.home / "secret.key"

    @property
    def dbt_dir(self) -> Path:
        """The dbt project: models, macros, one model per campaign and per segment."""
        return self.checkout / "dbt"

    @property
    def merchants_dir(self) -> Path:
        """One YAML file per merchant."""
        return self.checkout / "pp_pipeline" / "merchants"

    @property
    def conversations_dir(self) -> Path:
        """One folder per conversation."""
        return self.checkout / "pp_pipeline" / "conversations"


def utc_now() -> datetime:
    """The time now, in UTC: for the ledger's own times, never for what is planned (DESIGN 1)."""
    return datetime.now(UTC)


def parse_day(text: str) -> date:
    """A day written as YYYY-MM-DD.

    Raises:
        SettingsError: with the text and the form that is wanted.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"'{text}' is not a day; write it as YYYY-MM-DD, such as 2026-07-04") from None


def parse_moment(text: str) -> datetime:
    """A time; without a zone it is one of UTC, as the ledger's are.

    Raises:
        SettingsError: with the text and the form that is wanted.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(
            f"'{text}' is not a time; write it such as 2026-07-04T06:00 (UTC), or with a zone"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _recipients(text: str) -> tuple[str, ...]:
    found = tuple(part.strip().lower() for part in text.split(",") if part.strip())
    if any(not _RECIPIENT.fullmatch(part) for part in found):  # what stands there is personal: not shown
        raise SettingsError(
            "PP_ALLOWED_RECIPIENTS holds something that is no address and no phone number with + and country code; "
            "write them, or patterns, between commas, such as ann@example.com,*@example.com,+12125550100"
        )
    return found


def _flag(name: str) -> bool:
    text = os.environ.get(name, "").strip().lower()
    if text not in _TRUE_WORDS | _FALSE_WORDS:
        raise SettingsError(f"{name} is '{text}'; allowed are 1 and 0")
    return text in _TRUE_WORDS
