"""What one message may take: steps of loops, letters printed, and what its filters go through (docs/messages.md)."""

from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from jinja2.exceptions import SecurityError

MAX_STEPS = 10_000
MAX_LETTERS = 300_000
MAX_WORK = 1_000_000
"""Letters and items that filters, methods and `in` go through."""
MAX_TEXT = 100_000
"""Of one value that a template puts together."""


@dataclass
class _Budget:
    steps: int = MAX_STEPS
    letters: int = MAX_LETTERS
    work: int = MAX_WORK


_BUDGET: ContextVar[_Budget | None] = ContextVar("budget", default=None)


@contextmanager
def budget() -> Iterator[None]:
    """What is rendered inside may take so many steps, letters and so much work, all in all."""
    token = _BUDGET.set(_Budget())
    try:
        yield
    finally:
        _BUDGET.reset(token)


def spend_steps(steps: int) -> None:
    """Steps of a loop."""
    left = _BUDGET.get()
    if left is not None:
        left.steps -= steps
        if left.steps < 0:
            raise SecurityError("takes too many steps")


def spend_letters(letters: int) -> None:
    """Letters that are printed."""
    left = _BUDGET.get()
    if left is not None:
        left.letters -= letters
        if left.letters < 0:
            raise SecurityError("prints too much")


def spend_work(size: int) -> None:
    """Letters or items that something goes through."""
    left = _BUDGET.get()
    if left is not None:
        left.work -= size + 1
        if left.work < 0:
            raise SecurityError("goes through too much")


def counted(items: Iterable[Any], spend: Callable[[int], None] = spend_steps) -> Iterable[Any]:
    """What a loop or a filter goes through, each item paid for."""
    if isinstance(items, Sized):
        spend(len(items))
        return items
    return _counting(items, spend)


def _counting(items: Iterable[Any], spend: Callable[[int], None]) -> Iterator[Any]:
    for item in items:
        spend(1)
        yield item


def short(value: Any) -> Any:
    """A value that is no longer than MAX_TEXT."""
    if isinstance(value, Sized) and len(value) > MAX_TEXT:
        raise SecurityError("makes too long a text")
    return value
