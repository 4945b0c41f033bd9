"""The plain feeds: files that are written in our columns."""

from collections.abc import Iterator

from pp_pipeline.landing.exports.export import Block, Export


def _rows(header: list[str], blocks: Iterator[Block]) -> Iterator[Block]:
    yield [header], [1]
    yield from blocks


PLAIN = Export(
    name="plain",
    kind="orders",
    description="A file in the columns of this package, for any kind of feed.",
    files="orders_{date}.{ext}",
    needs=(),  # what a plain file must name depends on its kind, and the gate asks for it
    rows=_rows,
)
