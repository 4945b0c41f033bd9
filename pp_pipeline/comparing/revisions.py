"""Configurations out of git: campaigns, segments, conversations and merchants as a revision has them.

Only the configuration is an older one, dbt's macros included; the program is the one that runs.
"""

import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from pp_pipeline.settings import SettingsError

_CONFIGURATION = ("dbt", "pp_pipeline/conversations", "pp_pipeline/merchants")
_USUAL_BRANCHES = ("main", "origin/main")


def default_revision(checkout: Path) -> str:
    """What a working tree is compared with: `main`, else the default branch of `origin`, else what is checked out.

    Raises:
        SettingsError: the checkout is in no git repository, or git is not there.
    """
    _git(checkout, "rev-parse", "--git-dir")
    head_of_origin = _git(checkout, "rev-parse", "--abbrev-ref", "origin/HEAD", may_fail=True).decode().strip()
    for name in (*_USUAL_BRANCHES, head_of_origin):
        if name and _commit(checkout, name):
            return name
    return "HEAD"


def commit_of(checkout: Path, revision: str) -> str:
    """The commit that a revision names.

    Raises:
        SettingsError: it names none, or there is no git or repository; with git's own words.
    """
    _git(checkout, "rev-parse", "--git-dir")
    commit = _commit(checkout, revision)
    if not commit:
        raise SettingsError(
            f"'{revision}' is no revision of {checkout}; write a branch, a tag or a commit (in a shallow clone, "
            "as CI makes it, fetch it first)"
        )
    return commit


@contextmanager
def configuration_of(checkout: Path, commit: str) -> Iterator[Path]:
    """A folder that holds the checkout's configuration as a commit has it, for as long as it is needed.

    Raises:
        SettingsError: the commit holds no configuration where the checkout has it.
    """
    parts = [part for part in _CONFIGURATION if _git(checkout, "ls-tree", commit, "--", part, may_fail=True)]
    if "dbt" not in parts:
        raise SettingsError(f"revision {commit[:10]} holds no folder dbt/ where {checkout} has it")
    with tempfile.TemporaryDirectory(prefix="pp-diff-") as name:
        with tarfile.open(fileobj=BytesIO(_git(checkout, "archive", commit, "--", *parts))) as archive:
            archive.extractall(name, filter="data")
        yield Path(name)


def _commit(checkout: Path, revision: str) -> str:
    words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    return _git(checkout, *words, may_fail=True).decode().strip()


def _git(checkout: Path, *words: str, may_fail: bool = False) -> bytes:
    try:
        done = subprocess.run(["git", "-C", str(checkout), *words], capture_output=True, check=False)
    except OSError:
        raise SettingsError("revisions can't be compared without git; install it") from None
    if done.returncode and not may_fail:
        said = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
        raise SettingsError(f"git can't read the repository of {checkout}: {said}")
    return b"" if done.returncode else done.stdout
