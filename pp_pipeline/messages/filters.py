"""The filters and tests that templates get: those of Jinja2 that can be bounded, each paid for by what it goes through.

A filter of Jinja2 makes text of whatever it is given, and `join` and `sum` make much out of little. So here lists are
made no text, are put into no further lists, and what a filter goes through is counted before it begins.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from functools import wraps
from typing import Any

from jinja2 import Environment, pass_environment, pass_eval_context
from jinja2.exceptions import SecurityError, TemplateRuntimeError
from jinja2.filters import FILTERS as DEFAULT_FILTERS
from jinja2.filters import make_attrgetter
from jinja2.nodes import EvalContext
from jinja2.tests import TESTS as DEFAULT_TESTS

from pp_pipeline.messages.budget import MAX_TEXT, counted, short, spend_work
from pp_pipeline.messages.formats import link, long_date, money

_OF_TEXTS = (
    "capitalize", "e", "escape", "lower", "title", "trim", "truncate", "upper", "urlencode",
)  # fmt: skip
_OF_LISTS = (
    "count", "dictsort", "first", "groupby", "items", "last", "length", "list", "map", "max", "min", "reject",
    "rejectattr", "reverse", "select", "selectattr", "sort", "unique",
)  # fmt: skip
_COMPARING = ("groupby", "max", "min", "sort", "unique")
_TESTS = (
    "boolean", "defined", "divisibleby", "even", "false", "float", "integer", "iterable", "mapping", "none", "number",
    "odd", "sameas", "sequence", "string", "true", "undefined",
)  # fmt: skip
_TESTS_OF_TWO = (
    "==", "eq", "equalto", "!=", "ne", "<", "lt", "lessthan", "<=", "le", ">", "gt", "greaterthan", ">=", "ge", "in",
)  # fmt: skip
_LARGEST_NUMBER = 10**15


def plain(value: Any) -> Any:
    """A value that is no list: what is put into a text, or into a list.

    Raises:
        SecurityError: it is one; lists of lists of lists would hold more than can be gone through.
    """
    if isinstance(value, Mapping | list | tuple | set | range | Iterator):
        raise SecurityError("a list is taken for one value")
    return value


def worded(value: Any) -> Any:
    """A value of which a text is made: one, and known, as nobody is to read 'None'."""
    if value is None:
        raise TemplateRuntimeError("a value that is printed is not known")
    return plain(value)


def flat(value: Any) -> Any:
    """A value that can be compared: no list, or one of plain values.

    Raises:
        SecurityError: it is a list of lists.
    """
    if isinstance(value, Mapping | list | tuple):
        spend_work(len(value))
        for item in value.values() if isinstance(value, Mapping) else value:
            plain(item)
    return value


def searched(value: Any) -> Any:
    """What is looked through by `in`; paid for."""
    if isinstance(value, Sized):
        spend_work(len(value))
    return flat(value)


def _of_text(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def bounded(*given: Any, **named: Any) -> Any:
        for value in [*given[_place(function) :], *named.values()]:
            if isinstance(worded(value), str):
                spend_work(len(value))
        return short(function(*given, **named))

    return bounded


def _of_list(function: Callable[..., Any], is_comparing: bool) -> Callable[..., Any]:
    @wraps(function)
    def bounded(*given: Any, **named: Any) -> Any:
        place = _place(function)
        plain(named.get("default"))
        items = _paid(given[place])
        if is_comparing and not isinstance(items, str):
            items = [plain(item) for item in items]
        return short(function(*given[:place], items, *given[place + 1 :], **named))

    return bounded


def _of_two(function: Callable[[Any, Any], bool], is_search: bool) -> Callable[[Any, Any], bool]:
    @wraps(function)
    def bounded(value: Any, other: Any) -> bool:
        return function(flat(value), searched(other) if is_search else flat(other))

    return bounded


def _place(function: Callable[..., Any]) -> int:
    """Where the value stands among the arguments: behind what Jinja2 hands over beside it."""
    return int(hasattr(function, "jinja_pass_arg"))


def _paid(items: Any) -> Any:
    """What a filter goes through, each item paid for."""
    if isinstance(items, Sized):
        spend_work(len(items))
        return items
    return counted(items, spend_work) if isinstance(items, Iterator) else items


def _values(environment: Environment, items: Iterable[Any], attribute: str | int | None) -> Iterator[Any]:
    taken = make_attrgetter(environment, attribute) if attribute is not None else lambda item: item
    return (plain(taken(item)) for item in _paid(items))


@pass_eval_context
def _join(context: EvalContext, items: Iterable[Any], d: str = "", attribute: str | int | None = None) -> Any:
    """As Jinja2's, up to MAX_TEXT letters."""
    found, letters = [], 0
    for value in _values(context.environment, items, attribute):
        found.append(worded(value))
        letters += len(str(value)) + len(str(plain(d)))
        if letters > MAX_TEXT:
            raise SecurityError("makes too long a text")
    return DEFAULT_FILTERS["join"](context, found, d)


@pass_environment
def _sum(environment: Environment, items: Iterable[Any], attribute: str | int | None = None, start: float = 0) -> float:
    """As Jinja2's, of numbers."""
    total = start
    for value in _values(environment, items, attribute):
        total += value
        if isinstance(total, Sized) or abs(total) > _LARGEST_NUMBER:
            raise SecurityError("sum is for numbers below 10**15")
    return total


def _default(value: Any, default_value: Any = "", boolean: bool = False) -> Any:
    """As Jinja2's; what stands in is no list."""
    return DEFAULT_FILTERS["default"](value, plain(default_value), boolean)


FILTERS: dict[str, Callable[..., Any]] = {
    **{name: _of_text(DEFAULT_FILTERS[name]) for name in _OF_TEXTS},
    **{name: _of_list(DEFAULT_FILTERS[name], name in _COMPARING) for name in _OF_LISTS},
    **{name: DEFAULT_FILTERS[name] for name in ("abs", "float", "int")},
    "d": _default,
    "default": _default,
    "join": _join,
    "sum": _sum,
    "money": money,
    "long_date": long_date,
    "link": link,
}
"""By the names that templates use (docs/messages.md)."""
TESTS: dict[str, Callable[..., bool]] = {
    **{name: DEFAULT_TESTS[name] for name in _TESTS},
    **{name: _of_two(DEFAULT_TESTS[name], name == "in") for name in _TESTS_OF_TWO},
}
"""What stands behind `is`, and in `select` and its like."""
