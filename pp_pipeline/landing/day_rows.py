"""The rows of whole days: those of each day's files in force, together, out of the archive."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from pp_pipeline.landing import archive
from pp_pipeline.landing.file_ledger import FileRecord
from pp_pipeline.landing.file_names import read_name
from pp_pipeline.landing.judging import FileContent, JudgedFile, judge_files
from pp_pipeline.landing.suppressing import changes_of
from pp_pipeline.landing.tools import LoadTools

if TYPE_CHECKING:
    import pandas

    from pp_pipeline.ledger.suppressions import Change


@dataclass
class DayRows:
    """What a day's files in force hold, a frame per file, by table; `problem` says why the day can't be written now."""

    rows: "dict[str, list[pandas.DataFrame]]" = field(default_factory=dict)
    quarantined: "list[pandas.DataFrame]" = field(default_factory=list)
    changes: "list[Change]" = field(default_factory=list)
    """What contents out of the archive say of who may be written to: a changed feed may read more of them now."""
    problem: str = ""

    @property
    def row_count(self) -> int:
        """Rows that were taken."""
        return sum(len(frame) for frames in self.rows.values() for frame in frames)


def rows_of_days(
    files_by_day: Mapping[date, list[FileRecord]], judged: Mapping[str, JudgedFile], tools: LoadTools
) -> dict[date, DayRows]:
    """The rows of each day.

    A file that was judged in this load is not read again, another one comes from the archive. It was accepted
    once, so it is not refused now: rows that break a rule of today are quarantined, whatever their share.

    Args:
        files_by_day: the files in force of each day, in the order of their names.
        judged: the contents that were adopted in this load, by name.
        tools: of this load.
    """
    days = {day: DayRows() for day in files_by_day}
    contents = []
    for day, files in files_by_day.items():
        for file in files:
            if file.name not in judged:
                try:
                    content = archive.fetch(tools.settings, file.sha256)
                except archive.ArchiveError as error:
                    days[day].problem = f"{file.name}: {error}; the day stays as it was"
                    break
                feed = read_name(file.name, tools.feeds).feed
                if feed is None:
                    days[day].problem = f"{file.name}: no feed takes this name any more; declare one that does again"
                    break
                contents.append(FileContent(file.name, day, file.sha256, content, feed))
    fetched = judge_files(contents, tools) if contents else []
    by_name = {**{found.source.name: found for found in fetched}, **judged}
    for day, files in files_by_day.items():
        if days[day].problem:
            continue
        for file in files:
            found = by_name[file.name]
            if found.rows is None or found.quarantined is None:
                problem = f"{found.refusal}; it was accepted before: the day stays as it was"
                days[day] = DayRows(problem=problem)
                break
            days[day].rows.setdefault(found.table, []).append(found.rows)
            if file.name not in judged:
                days[day].changes += changes_of(found, tools.merchants)
            if not found.quarantined.empty:
                days[day].quarantined.append(found.quarantined)
    return days
