"""The rows of any content that was accepted or lies in the inbox, and by what two of them are the same."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from pp_pipeline.landing import archive
from pp_pipeline.landing.feed_columns import FeedKind
from pp_pipeline.landing.file_names import read_name
from pp_pipeline.landing.judging import FileContent
from pp_pipeline.landing.reading import read_file

if TYPE_CHECKING:
    import pandas

    from pp_pipeline.landing.tools import LoadTools

_NOT_SAID = frozenset(("file_date", "row_in_file"))


@dataclass(frozen=True)
class ContentRows:
    """The typed rows of a content, in the order of the file, and what kind of feed they are of."""

    rows: "pandas.DataFrame"
    kind: FeedKind

    @property
    def line_column(self) -> str:
        """The column that says on which line of the file a row stands."""
        return self.kind.file_columns[1]

    def hashes(self) -> list[int]:
        """What each row says, wherever it stands: equal rows have equal hashes, within this process."""
        said = [name for name in self.rows.columns if name not in (*_NOT_SAID, self.line_column)]
        return [hash(row) for row in self.rows.loc[:, said].astype(str).itertuples(index=False, name=None)]


def content_rows(
    tools: "LoadTools", name: str, file_date: date, sha256: str, content: bytes | None = None
) -> ContentRows | None:
    """Read a content by the feed that takes the name now; out of the archive where only its hash is given.

    Returns: None where nothing can read it any more, or the archive lacks it.
    """
    feed = read_name(name, tools.feeds).feed
    if feed is None:
        return None
    try:
        content = archive.fetch(tools.settings, sha256) if content is None else content
    except archive.ArchiveError:
        return None
    source = FileContent(name, file_date, sha256, content, feed)
    rows = read_file(source, tools.reader(feed), tools.today).rows
    return None if rows is None else ContentRows(rows, source.kind)
