"""Feeds: which files of the inbox are whose, of what kind, and how their cells are written (DESIGN 6).

A merchant's file declares them under `feeds`; every complaint names the field and the fix. The plain
feeds (`plain_feeds.py`) need no declaration.
"""

import re
from collections.abc import Mapping
from datetime import datetime, time
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pp_pipeline.landing.words import STATUSES, bare_word

Kind = Literal[
    "orders", "order_headers", "order_lines", "contacts", "products", "shipments", "returns", "payments", "feedback",
    "suppressions",
]  # fmt: skip
FileFormat = Literal["csv", "jsonl", "parquet", "xlsx"]

DATE = "{date}"
EXTENSION = "{ext}"
DELIMITERS = (",", ";", "|", "\t", "~")  # those that `auto` looks for
ENCODINGS = ("utf-8", "utf-16", "ascii", "latin-1", "windows-1252", "utf-7")
FORMATS: dict[str, FileFormat] = {
    ".csv": "csv", ".txt": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet",
    ".xlsx": "xlsx",
}  # fmt: skip
_NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")
DATE_PARTS = {"%Y": r"[0-9]{4}", "%y": r"[0-9]{2}", "%m": r"[0-9]{2}", "%d": r"[0-9]{2}", "%j": r"[0-9]{3}",
               "%H": r"[0-9]{2}", "%M": r"[0-9]{2}", "%S": r"[0-9]{2}"}  # fmt: skip


class Due(BaseModel):
    """When a day's file has to be there, in the zone of the merchant."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: time = Field(description="time of day in quotes, such as '06:00'")
    days_after: int = Field(default=1, ge=0, le=31, description="how many days after the file date")

    @field_validator("by", mode="before")
    @classmethod
    def _check_by(cls, value: Any) -> Any:
        # YAML makes a number of minutes of 16:00 without quotes, and pydantic seconds of that
        if not isinstance(value, str | time) or not re.fullmatch(r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?", str(value)):
            raise ValueError("write a time of day in quotes, such as '06:00'")
        return value


class IneligibleRule(BaseModel):
    """Orders that are no shopper's purchase: those whose cell in a column matches a pattern."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str = Field(min_length=1, description="column of the feed, such as source or tags")
    matches: str = Field(min_length=1, description="pattern (* and ?), compared without regard to case")


class Feed(BaseModel):
    """One feed. Frozen: a day hangs on how its files were read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    feed: str = Field(description="name of the feed, such as shop_orders")
    merchant: str = Field(default="", description="whose it is: the merchant that declares it")
    export: str = Field(default="plain", description="whose shape the files have, such as shopify")
    kind: Kind = Field(default="orders", description="what its rows are; default: what the export holds")
    files: str = Field(default="", description="pattern of its files in the inbox, with {date}; * and ? for anything")
    date_format: str = Field(default="%Y-%m-%d", description="how the date is written in the name")
    format: FileFormat | None = Field(default=None, description="default: by the extension, .gz unwrapped")
    delimiter: str = Field(default=",", description="of csv: one character, or auto")
    quote: str = Field(default='"', max_length=1, description="of csv: the quote, or nothing for none")
    encoding: str = Field(default="utf-8", description="of csv and jsonl; a byte order mark is taken off")
    zone: str = Field(default="", description="IANA zone of times without an offset; default: the merchant's")
    offsets: Literal["trust", "ignore"] = Field(default="trust", description="ignore: times are local, Z or not")
    dates: str = Field(default="iso", description="iso, day_first, month_first, or a format such as %d.%m.%Y %H:%M")
    decimal: Literal[".", ","] = Field(default=".", description="what stands before the cents")
    status_map: dict[str, str] = Field(default_factory=dict, description="their word for a status: ours")
    columns: dict[str, str] = Field(default_factory=dict, description="our name of a column: theirs")
    due: Due | None = Field(default=None, description="when a day's file has to be there; default: it may be absent")
    ineligible: tuple[IneligibleRule, ...] = Field(default=(), description="orders that are no purchases")

    @model_validator(mode="before")
    @classmethod
    def _take_defaults_of_export(cls, values: Any) -> Any:
        from pp_pipeline.landing.exports import EXPORTS

        if not isinstance(values, Mapping):
            raise ValueError("a feed is a list of fields: feed, export, files, ...")
        name = values.get("export", "plain")
        export = EXPORTS.get(name) if isinstance(name, str) else None
        if export is None:
            raise ValueError(f"export: no such export; there are {', '.join(EXPORTS)}")
        given = {**export.defaults, **values}
        if name == "plain":
            given.setdefault("files", f"{values.get('kind', 'orders')}_{DATE}.{EXTENSION}")
        else:
            if values.get("kind", export.kind) != export.kind:
                raise ValueError(f"kind: the export {name} holds {export.kind}; leave kind out")
            given["kind"] = export.kind
            given.setdefault("files", export.files)
        return given

    @field_validator("feed")
    @classmethod
    def _check_name(cls, value: str) -> str:
        if not _NAME.fullmatch(value):
            raise ValueError("a name is written in lower case letters, digits and _, such as shop_orders")
        return value

    @field_validator("files")
    @classmethod
    def _check_files(cls, value: str) -> str:
        if value.count(DATE) != 1:
            raise ValueError("write {date} once where the date stands, such as orders_{date}.csv")
        if value.startswith("/") or ".." in value.split("/"):
            raise ValueError("is a path within the inbox")
        return value

    @field_validator("date_format")
    @classmethod
    def _check_date_format(cls, value: str) -> str:
        if not all(part in DATE_PARTS for part in re.findall("%.", value)):
            raise ValueError(f"may hold {' '.join(DATE_PARTS)} and other characters, such as %Y%m%d")
        if not any(parts <= set(re.findall("%.", value)) for parts in _WHOLE_DATES):
            raise ValueError("names no whole day; write year, month and day, such as %Y-%m-%d")
        return value

    @field_validator("delimiter")
    @classmethod
    def _check_delimiter(cls, value: str) -> str:
        value = {"tab": "\t", "pipe": "|", "comma": ",", "semicolon": ";"}.get(value, value)
        if value != "auto" and (len(value) != 1 or value.isalnum() or value in '\r\n"'):
            raise ValueError('write one character such as ";", or tab, pipe, comma, semicolon, auto')
        return value

    @field_validator("encoding")
    @classmethod
    def _check_encoding(cls, value: str) -> str:
        if value not in ENCODINGS:
            raise ValueError(f"write one of {', '.join(ENCODINGS)}")
        return value

    @field_validator("zone")
    @classmethod
    def _check_zone(cls, value: str) -> str:
        try:
            return value if not value else ZoneInfo(value).key
        except (KeyError, ValueError, OSError):
            raise ValueError("not a zone of the IANA database; write one such as America/New_York") from None

    @field_validator("dates")
    @classmethod
    def _check_dates(cls, value: str) -> str:
        if value in ("iso", "day_first", "month_first"):
            return value
        try:
            moment = datetime(2026, 11, 25, 13, 45)
            is_whole = datetime.strptime(moment.strftime(value), value).date() == moment.date()
        except ValueError:
            is_whole = False
        if not is_whole:
            raise ValueError(
                "write iso, day_first, month_first, or a format with year, month and day: '%d.%m.%Y %H:%M'"
            )
        return value

    @field_validator("status_map")
    @classmethod
    def _check_status_map(cls, value: dict[str, str]) -> dict[str, str]:
        for ours in value.values():
            if ours not in STATUSES:
                raise ValueError(f"'{ours}' is no status of ours; there are {', '.join(STATUSES)}")
        return {bare_word(theirs): ours for theirs, ours in value.items()}

    @model_validator(mode="after")
    def _check_together(self) -> "Feed":
        from pp_pipeline.landing.kinds import KINDS_OF_FEEDS

        if self.delimiter == self.quote:
            raise ValueError("delimiter: is also the quote; write another character for one of them")
        if len(set(map(bare_word, self.columns.values()))) < len(self.columns):
            raise ValueError("columns: one of theirs stands for two of ours; each can be read as one")
        ours = [column.name for column in KINDS_OF_FEEDS[self.kind].columns]
        for name in self.columns:
            if name not in ours:
                raise ValueError(f"columns: {self.kind} have no column {name}; there are {', '.join(ours)}")
        return self

    def __hash__(self) -> int:
        """By its names: pydantic's own would stumble over the mappings."""
        return hash((self.merchant, self.feed, self.files))

    def reading_hash_parts(self) -> dict[str, Any]:
        """All of it that rows are made by: a change loads the days of its files again."""
        return self.model_dump(mode="json", exclude={"due"})


_WHOLE_DATES = ({"%Y", "%m", "%d"}, {"%y", "%m", "%d"}, {"%Y", "%j"}, {"%y", "%j"})
