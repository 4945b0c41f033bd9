"""Long lists in portions: a query names only so many values at a time."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def portions(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The values in their order, at most `size` at a time."""
    return (values[start : start + size] for start in range(0, len(values), size))
