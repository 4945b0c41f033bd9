"""Configurations out of git: campaigns, segments, conversations and merchants as a revision has them.

Only the configuration is an older one, dbt's macros included; the program is the one that runs.
"""

import os
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from pp_pipeline.settings import SettingsError
from pp_pipeline.shadow.scratch import scratch_folder

_CONFIGURATION = ("dbt", "pp_pipeline/conversations", "pp_pipeline/merchants")
_OF_HOOKS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")
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
        SettingsError: the commit holds no configuration where the checkout has it, or none that can be taken out.
    """
    parts = [part for part in _CONFIGURATION if _git(checkout, "ls-tree", commit, "--", part, may_fail=True)]
    if "dbt" not in parts:
        raise SettingsError(f"revision {commit[:10]} holds no folder dbt/ where {checkout} has it")
    with scratch_folder() as folder:
        with tarfile.open(fileobj=BytesIO(_git(checkout, "archive", commit, "--", *parts))) as archive:
            try:
                archive.extractall(folder, filter="data")
            except tarfile.FilterError as error:
                raise SettingsError(f"revision {commit[:10]} can't be taken out of git: {error}") from None
        if not (folder / "dbt" / "dbt_project.yml").is_file():
            raise SettingsError(
                f"revision {commit[:10]} holds no dbt project: of a submodule, or what .gitattributes keeps out of "
                "archives (export-ignore), a comparison gets nothing"
            )
        yield folder


def _commit(checkout: Path, revision: str) -> str:
    words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    return _git(checkout, *words, may_fail=True).decode().strip()


def _git(checkout: Path, *words: str, may_fail: bool = False) -> bytes:
    # A hook of git sets these: they would lead to its own repository, wherever the checkout is.
    environment = {name: value for name, value in os.environ.items() if name not in _OF_HOOKS}  # noqa: TID251
    command = ["git", "-C", str(checkout), *words]
    try:
        done = subprocess.run(command, capture_output=True, check=False, env=environment)
    except OSError:
        raise SettingsError("revisions can't be compared without git; install it") from None
    if done.returncode and not may_fail:
        said = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
        raise SettingsError(f"git can't read the repository of {checkout}: {said}")
    return b"" if done.returncode else done.stdout
