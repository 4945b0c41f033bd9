"""Writing a file again with other texts in some of its cells, everything else as it was, a module per format."""

from collections.abc import Callable, Mapping

Changes = Mapping[int, Mapping[int, str]]
"""By the line on which a row begins: the cells that change, by their places in the header, with their new texts."""

Clean = Callable[[str], str]
"""What is left of a text that stands outside the rows, such as a note on a cell."""
