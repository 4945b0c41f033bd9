"""Configurations out of git, where the repository is not as one expects."""

import os
import subprocess
from pathlib import Path

import pytest

from pp_pipeline.comparing.revisions import commit_of, configuration_of
from pp_pipeline.settings import SettingsError


def git(folder: Path, *words: str) -> None:
    settings = ("user.name=Ann", "user.email=ann@example.com", "protocol.file.allow=always")
    given = [word for each in settings for word in ("-c", each)]
    subprocess.run(["git", "-C", str(folder), *given, *words], check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository that holds a configuration, just so."""
    checkout = tmp_path / "shop"
    (checkout / "dbt").mkdir(parents=True)
    (checkout / "dbt/dbt_project.yml").write_text("name: shop\n")
    git(checkout, "init", "-q", "-b", "main")
    return checkout


def taken_out(checkout: Path) -> list[str]:
    git(checkout, "add", "--all")
    git(checkout, "commit", "-q", "-m", "as it is", "--allow-empty")
    with configuration_of(checkout, commit_of(checkout, "HEAD")) as folder:
        return sorted(path.name for path in (folder / "dbt").iterdir())


@pytest.mark.parametrize("leads_to", ["/etc/hostname", "../../../elsewhere"])
def test_a_link_out_of_the_configuration_is_refused(checkout: Path, leads_to: str) -> None:
    os.symlink(leads_to, checkout / "dbt/link.sql")
    with pytest.raises(SettingsError, match="can't be taken out of git"):
        taken_out(checkout)


def test_a_submodule_is_told(checkout: Path, tmp_path: Path) -> None:
    taken_out(checkout)
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "-q", "-b", "main")
    git(outer, "submodule", "add", "-q", str(checkout), "dbt")
    with pytest.raises(SettingsError, match="holds no dbt project: of a submodule"):
        taken_out(outer)


def test_in_a_hook_of_git_the_checkout_counts(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q", "-b", "main")
    git(checkout, "add", "--all")
    git(checkout, "commit", "-q", "-m", "as it is")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    with configuration_of(checkout, commit_of(checkout, "main")) as folder:
        assert (folder / "dbt/dbt_project.yml").exists()
