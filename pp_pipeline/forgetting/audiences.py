"""Taking somebody out of the files of segments: audience files and members files (DESIGN 6).

Files that tell an ad platform who has to go keep the hash, and so does PP_HOME/audiences until the next snapshot is
delivered, which tells it: without that the platform would never hear of it.
"""

import json
from collections.abc import Collection, Iterator
from pathlib import Path

from pp_pipeline.merchants import Merchant
from pp_pipeline.relay_roads import AudienceFileRoad, MembersFileRoad
from pp_pipeline.sending.outlets.audience_file import REMOVED, hash_of
from pp_pipeline.sending.outlets.whole_files import locked, write_whole


def forget_in_audiences(merchant: Merchant, contact_key: str, addresses: Collection[str], writes: bool) -> int:
    """How often a contact stands in the merchant's files of segments; where `writes`, it is taken out.

    Args:
        addresses: the spellings of the contact's address.
    """
    names = {contact_key, *(hash_of(address) for address in addresses)}
    found = 0
    for path in _files(merchant):
        with locked(path.parent):  # a sender may replace it at this moment
            found += _forget(path, names, writes)
    return found


def _files(merchant: Merchant) -> Iterator[Path]:
    for relay in merchant.relays:
        if isinstance(relay, AudienceFileRoad | MembersFileRoad):
            name = f"{merchant.merchant}-{relay.relay}-*"
            drafts = f".{name}.part"
            found = [path for pattern in (name, drafts) for path in Path(relay.folder).glob(pattern)]
            yield from (path for path in found if f"{REMOVED}.csv" not in path.name)


def _forget(path: Path, names: Collection[str], writes: bool) -> int:
    try:
        content = path.read_text()
        if path.suffix == ".part":  # a kill left it half-written: nobody will ever read it
            is_there = any(name in content for name in names)
            if writes and is_there:
                path.unlink(missing_ok=True)
            return int(is_there)
        if path.suffix == ".json":
            fields = json.loads(content)
            members = fields["members"]
            kept = [name for name in members if name not in names]
            left = json.dumps(fields | {"members": kept})
        else:
            members = content.splitlines(keepends=True)
            kept = [line for line in members if line.strip() not in names]
            left = "".join(kept)
    except (FileNotFoundError, ValueError, KeyError, TypeError):  # fetched meanwhile, or no file of ours
        return 0
    if writes and len(kept) < len(members):
        write_whole(path, left.encode())
    return len(members) - len(kept)
