"""Files with rows about people: whole or not at all, for their owner, harmless in a spreadsheet."""

import stat
from pathlib import Path

import pytest

from pp_pipeline.commands.private_files import write_csv, write_privately
from pp_pipeline.settings import SettingsError


def test_no_cell_is_a_formula_and_nobody_else_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    write_csv(path, ["order", "rows"], [["=1+1", -3], ["@a", 1], ["+1", 1], ["-1", 1], ["A-1=2", 1], [None, 0]])
    assert path.read_text() == "order,rows\n'=1+1,-3\n'@a,1\n'+1,1\n'-1,1\nA-1=2,1\n,0\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_was_there_stays_where_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("before")

    def fail(draft: Path) -> None:
        draft.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(SettingsError, match="No space left"):
        write_privately(path, fail)
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("page.html", "before")]


def test_of_a_link_the_file_is_written_and_the_link_stays(tmp_path: Path) -> None:
    link = tmp_path / "link.csv"
    link.symlink_to(tmp_path / "rows.csv")
    write_csv(link, ["order"], [["A1"]])
    assert link.is_symlink() and (tmp_path / "rows.csv").read_text() == "order\nA1\n"
    with pytest.raises(SettingsError, match="can't be written"):
        write_csv(tmp_path / "nowhere" / "rows.csv", ["order"], [])
