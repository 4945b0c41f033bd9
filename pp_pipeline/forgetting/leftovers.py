"""The proof: the address is looked for in every file of the home that nothing was taken out of by its own reader."""

from collections.abc import Collection, Iterator
from pathlib import Path

from pp_pipeline.forgetting.searching import Search
from pp_pipeline.settings import Settings

_WHY_IN_INBOX = "holds the address, and no feed takes it; delete it"
_WHY = "holds the address; delete it"


def leftovers(settings: Settings, search: Search, searched: Collection[Path]) -> Iterator[tuple[str, str]]:
    """Files with the address in them, by their path in the home, each with what to do.

    The warehouse is not among them: it is written anew from rows, and packs its texts.

    Args:
        searched: files that were read cell by cell, where another merchant's contact may have the same address.
    """
    outbox = settings.outbox
    patterns = ("messages/*/*.eml", "messages/*/*.sms.json", "events/*/*.jsonl", "segments/*/*.jsonl")
    by_lines = {path for pattern in patterns for path in outbox.glob(pattern)}
    skipped = {*searched, *by_lines, settings.warehouse_file}
    for path in sorted(settings.home.rglob("*")):
        if path in skipped or path.is_symlink() or not path.is_file():
            continue
        name = str(path.relative_to(settings.home))
        try:
            is_there = search.is_in_file(path)
        except FileNotFoundError:  # gone since it was listed
            continue
        except OSError as error:
            yield name, f"can't be read ({type(error).__name__}), so nobody knows whether the address is in it"
            continue
        if is_there:
            yield name, _WHY_IN_INBOX if path.is_relative_to(settings.inbox) else _WHY
