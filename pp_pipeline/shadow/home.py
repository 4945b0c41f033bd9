"""A scratch home beside the real one, in which days are built another way (DESIGN 7)."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

from pp_pipeline.configuration import Configuration
from pp_pipeline.contact_keys import contact_secret
from pp_pipeline.settings import Settings, SettingsError
from pp_pipeline.shadow.building import build_days
from pp_pipeline.shadow.contents import bring_contents
from pp_pipeline.shadow.copying import copied_warehouse
from pp_pipeline.shadow.scratch import scratch_folder


@contextmanager
def shadow_home(
    settings: Settings,
    *,
    first: date,
    last: date,
    checkout: Path | None = None,
    known_at: datetime | None = None,
    contents: Mapping[str, str] | None = None,
    models: Collection[str] = (),
    say: Callable[[str], None] | None = None,
) -> Iterator[Settings]:
    """Build days in a scratch home, which is gone at the end; nothing of the real one is written.

    The scratch home begins as a copy of the warehouse. Then the same rules as for `pp run` say what of it does not
    hold (another configuration, other contents of files, days that were never built), and only that is built, from
    the earliest such day to `last`. With nothing changed the copy is read as it is.

    The files are those that the real home has accepted: what lies unread in the inbox is not taken in. Days after
    the newest file are built as days on which nothing comes in, so `last` may lie in the future. Data tests,
    recommendations and batches are left out; the shadow's ledger knows files, and no deliveries.

    Args:
        settings: of the real home.
        first: the first day that is asked about.
        last: the last one; also when it is older than the newest built day. Rows of days after it may stand in the
            copy as the real home has them: they say nothing.
        checkout: the folder with dbt/ and pp_pipeline/ whose configuration is built; default: the settings' own.
        known_at: build from the contents that were in force at this time (with a zone), out of the archive.
        contents: by name of a file of the inbox, what stands in place of its content: the SHA-256 of a content in
            the archive, or the path of a file.
        models: build no others than these and what they are made from; default: everything that has days.
        say: told in a line each what takes time.

    Yields the settings of the scratch home, which has warehouse, ledger and contact secret; on PostgreSQL its
    warehouse is a schema of its own in the same database.

    Raises:
        SettingsError: nothing was built in the real home yet; a content is not there; the target is spark.
        ShadowError: a content can't be read, or a model fails.
        CampaignError, ConversationError, MerchantError, DbtError: the configuration is wrong.
        WarehouseError: another process holds the warehouse.
    """
    settings.check_built()
    if settings.target == "spark":
        raise SettingsError("shadow homes are built on duckdb and postgres, not on spark")
    tell = say or (lambda _: None)
    with scratch_folder() as folder:
        scratch = settings.model_copy(
            update={
                "home": folder,
                "checkout": (checkout or settings.checkout).resolve(),
                "ledger_url": f"sqlite:///{folder / 'ledger.sqlite'}",
                "secret": contact_secret(settings).decode(),
                "dagster_url": "",
                "inbox_url": "",
                "live": False,
                "secrets": {},
            }
        )
        tell("copies the warehouse")
        with copied_warehouse(settings, scratch) as shadow:
            configuration = Configuration(shadow)
            configuration.check()
            bring_contents(settings, configuration, known_at, contents or {})
            build_days(configuration, first, last, models, tell)
            yield shadow
