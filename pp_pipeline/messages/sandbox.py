"""Jinja2 as templates get it: sandboxed, strict, and bounded in time and size (docs/messages.md, "Limits").

The sandbox keeps a template from what is not handed to it. What is left out besides (macros, recursion, namespaces,
filters and methods that make much out of little) is left out so that a budget holds: each step of a loop and each
letter that is printed is paid for, and a message that would not end is given up by itself.
"""

from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from jinja2 import FunctionLoader, StrictUndefined, TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError, TemplateRuntimeError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from pp_pipeline.messages.formats import link, long_date, money

MAX_STEPS = 10_000
MAX_LETTERS = 300_000
MAX_TEXT = 100_000
"""Of one value that a template puts together."""

_KEPT_FILTERS = (
    "abs", "capitalize", "count", "d", "default", "dictsort", "e", "escape", "first", "float", "groupby", "int",
    "items", "join", "last", "length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "reverse",
    "select", "selectattr", "sort", "sum", "title", "trim", "truncate", "unique", "upper", "urlencode",
)  # fmt: skip
_TEXT_METHODS = {
    "capitalize", "count", "endswith", "find", "isalpha", "isdigit", "lower", "lstrip", "partition", "removeprefix",
    "removesuffix", "rpartition", "rsplit", "rstrip", "split", "startswith", "strip", "title", "upper",
}  # fmt: skip
_REFUSED: dict[type[nodes.Node], str] = {
    nodes.Macro: "macros",
    nodes.CallBlock: "call blocks",
    nodes.Extends: "extends",
    nodes.Block: "blocks",
    nodes.Import: "imports",
    nodes.FromImport: "imports",
    nodes.ScopedEvalContextModifier: "autoescape",
}


@dataclass
class _Budget:
    steps: int = MAX_STEPS
    letters: int = MAX_LETTERS


_BUDGET: ContextVar[_Budget | None] = ContextVar("budget", default=None)


@contextmanager
def budget() -> Iterator[None]:
    """What is rendered inside may take MAX_STEPS steps and print MAX_LETTERS letters, all in all."""
    token = _BUDGET.set(_Budget())
    try:
        yield
    finally:
        _BUDGET.reset(token)


class MessageEnvironment(ImmutableSandboxedEnvironment):
    """Where the templates of messages are compiled; names of files are relative to the conversations' folder."""

    intercepted_binops = frozenset(("+", "*", "**", "%"))

    def __init__(self, load: Callable[[str], str | None], *, is_html: bool) -> None:
        self.is_html = is_html
        super().__init__(
            loader=FunctionLoader(load),
            undefined=StrictUndefined,
            autoescape=is_html,
            finalize=_printable,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            auto_reload=False,
        )
        own = {"money": money, "long_date": long_date, "link": link, "counted": _counted, "short": _short}
        self.filters = {name: self.filters[name] for name in _KEPT_FILTERS} | own
        self.globals: dict[str, Any] = {"range": _short_range}

    def compile(self, source: Any, *arguments: Any, **named: Any) -> Any:
        """As Jinja2 does, with the budget built in.

        Raises:
            TemplateSyntaxError: also of what is left out here.
        """
        if isinstance(source, str):
            names = dict(zip(("name", "filename"), arguments, strict=False)) | named
            source = self.bounded(self.parse(source, names.get("name"), names.get("filename")))
        return super().compile(source, *arguments, **named)

    def bounded(self, tree: nodes.Template) -> nodes.Template:
        """The tree with its loops counted and its joined texts measured."""
        for kind, word in _REFUSED.items():
            if found := tree.find(kind):
                raise TemplateSyntaxError(f"{word}: not for messages; share parts by including them", found.lineno)
        if self.is_html and (found := tree.find(nodes.Include)):
            raise TemplateSyntaxError('in MJML write <mj-include path="…" />', found.lineno)
        for loop in list(tree.find_all(nodes.For)):
            if loop.recursive:
                raise TemplateSyntaxError("a recursive loop is not for messages", loop.lineno)
            loop.iter = self._filtered(loop.iter, "counted")
        self._measure_joins(tree)
        return tree

    def _measure_joins(self, node: nodes.Node) -> None:
        for field, value in node.iter_fields():
            if isinstance(value, nodes.Concat):
                setattr(node, field, self._filtered(value, "short"))
            elif isinstance(value, list):
                value[:] = [self._filtered(e, "short") if isinstance(e, nodes.Concat) else e for e in value]
        for child in node.iter_child_nodes():
            inner = child.node if isinstance(child, nodes.Filter) and child.name == "short" else child
            self._measure_joins(inner if inner is not None else child)

    def _filtered(self, node: nodes.Node, name: str) -> nodes.Filter:
        wrapped = nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)
        wrapped.set_environment(self)
        return wrapped

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """As in the sandbox; of text only the methods whose result is no longer than what they are given."""
        if isinstance(obj, str) and attr not in _TEXT_METHODS:
            return False
        return super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """No exception for `str.format`: it is as little to be had as the other methods that pad."""
        return None

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic of numbers that stay small; texts may be added up to MAX_TEXT."""
        if operator == "+" and isinstance(left, Sized) and isinstance(right, Sized):
            return _short(super().call_binop(context, operator, left, right))
        for value in (left, right):
            if not isinstance(value, int | float | Decimal) or abs(value) > 10**15:
                raise SecurityError(f"{operator} is for numbers below 10**15")
        if operator == "**":
            raise SecurityError("** is not for messages")
        return super().call_binop(context, operator, left, right)


def _printable(value: object) -> object:
    """What is printed: known (nobody is to read 'None'), one value, and paid for."""
    if isinstance(value, str):
        left = _BUDGET.get()
        if left is not None:
            left.letters -= len(value)
            if left.letters < 0:
                raise SecurityError("prints too much")
        return value
    if value is None:
        raise TemplateRuntimeError("a value that is printed is not known")
    if isinstance(value, StrictUndefined | int | float | Decimal | date):
        return value
    raise TemplateRuntimeError("a list or a record is printed; name what is meant of it")


def _counted(items: Iterable[Any]) -> Iterable[Any]:
    """What a loop goes through; each step is paid for."""
    if isinstance(items, Sized):
        _spend(len(items))
        return items
    return _counting(items)


def _counting(items: Iterable[Any]) -> Iterator[Any]:
    for item in items:
        _spend(1)
        yield item


def _spend(steps: int) -> None:
    left = _BUDGET.get()
    if left is not None:
        left.steps -= steps
        if left.steps < 0:
            raise SecurityError("takes too many steps")


def _short(value: Any) -> Any:
    if isinstance(value, Sized) and len(value) > MAX_TEXT:
        raise SecurityError("makes too long a text")
    return value


def _short_range(*arguments: int) -> range:
    """As Python's, up to 1,000 numbers."""
    found = range(*arguments)
    if len(found) > 1_000:
        raise SecurityError("a range is at most 1,000 long")
    return found
