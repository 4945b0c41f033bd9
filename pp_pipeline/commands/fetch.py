"""`pp fetch`: new and changed files of the remote inbox into the local one."""

from collections.abc import Callable
from typing import Any

from pp_pipeline.commands.output import counted, err, guarded, print_json, print_line
from pp_pipeline.landing.fetching import FetchResult, fetch_files
from pp_pipeline.settings import Settings, SettingsError


@guarded
def fetch(as_json: bool) -> int:
    """Fetch, and say what came. Returns 1 where a name or file was refused."""
    settings = Settings.from_environment()
    if not settings.inbox_url:
        raise SettingsError(
            "PP_INBOX_URL is not set, so there is nowhere to fetch from: files are dropped into "
            f"{settings.inbox}. Set it to an address such as sftp://files.example.com/outgoing"
        )
    with err.status("fetching ...") as status:
        result = fetch_files(settings, progress=lambda what, done, of: status.update(f"{what}: {done} of {of}"))
    if as_json:
        print_json(vars(result))
    else:
        for line in fetch_lines(result):
            print_line(line)
        if result.fetched:
            print_line("They are taken in by `pp run`, or by order_file_sensor where it is on.", "dim")
    return 1 if result.refused else 0


def fetch_before_run(settings: Settings, say: Callable[..., Any]) -> None:
    """What `pp run` does first, where there is a remote inbox.

    Raises:
        FetchError: see `fetch_files`.
    """
    if not settings.inbox_url:
        return
    for line in fetch_lines(fetch_files(settings)):
        say(f"  {line}", style="dim", markup=False)


def fetch_lines(result: FetchResult) -> list[str]:
    """What a fetch did, for people."""
    size = f" ({result.bytes:,} bytes)" if result.fetched else ""
    lines = [
        f"fetched {counted(len(result.fetched), 'file', 'files')}{size} from {result.url}; {result.unchanged} unchanged"
    ]
    lines += [f"{name}: is still being written there; left for later" for name in result.left_for_later]
    lines += [f"{name}: is gone there; removed from the inbox, its rows stay" for name in result.removed]
    lines += [f"{name}: is gone there; kept in the inbox until it was taken in" for name in result.kept]
    return lines + [reason for _, reason in result.refused]
