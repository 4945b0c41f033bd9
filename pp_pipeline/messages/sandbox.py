"""Jinja2 as templates get it: sandboxed, strict, and bounded in time and size (docs/messages.md, "Limits").

The sandbox keeps a template from what is not handed to it. What is left out besides (macros, recursion, namespaces,
filters and methods that make much out of little) is left out so that a budget holds: each step of a loop and each
letter that is printed is paid for, and a message that would not end is given up by itself.
"""

from collections.abc import Callable, Mapping, Sized
from datetime import date
from decimal import Decimal
from typing import Any

from jinja2 import FunctionLoader, StrictUndefined, TemplateSyntaxError, nodes, pass_context
from jinja2.exceptions import SecurityError, TemplateRuntimeError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from pp_pipeline.messages.budget import counted, short, spend_letters, spend_work
from pp_pipeline.messages.filters import FILTERS, TESTS, flat, plain, searched, worded

_TEXT_METHODS = {
    "capitalize", "count", "endswith", "find", "isalpha", "isdigit", "lower", "lstrip", "partition", "removeprefix",
    "removesuffix", "rpartition", "rsplit", "rstrip", "split", "startswith", "strip", "title", "upper",
}  # fmt: skip
_METHODS: dict[Any, set[str]] = {
    str: _TEXT_METHODS,
    date: {"year", "month", "day", "weekday", "isoweekday", "isoformat"},
    Mapping: {"get", "items", "keys", "values"},
    tuple: {"grouper", "list"},  # of what `groupby` makes
    (int, float, Decimal, list, range, bytes): set(),
}
"""What may be taken of values, but for our own records."""
_WRITTEN = (nodes.Const, nodes.List, nodes.Tuple, nodes.Dict)
_REFUSED: dict[type[nodes.Node], str] = {
    nodes.Macro: "macros",
    nodes.CallBlock: "call blocks",
    nodes.Extends: "extends",
    nodes.Block: "blocks",
    nodes.Import: "imports",
    nodes.FromImport: "imports",
    nodes.ScopedEvalContextModifier: "autoescape",
}


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
        built_in = {"counted": counted, "short": short, "paid": _paid, "plain": plain, "worded": worded, "flat": flat}
        self.filters = FILTERS | built_in | {"searched": searched}
        self.tests = TESTS
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
        """The tree with its loops counted, its joined texts measured, and no lists put into lists."""
        for kind, word in _REFUSED.items():
            if found := tree.find(kind):
                raise TemplateSyntaxError(f"{word}: not for messages; share parts by including them", found.lineno)
        if self.is_html and (found := tree.find(nodes.Include)):
            raise TemplateSyntaxError('in MJML write <mj-include path="…" />', found.lineno)
        for loop in list(tree.find_all(nodes.For)):
            if loop.recursive:
                raise TemplateSyntaxError("a recursive loop is not for messages", loop.lineno)
            loop.iter = self._filtered(loop.iter, "counted")
        self._pay_for_letters(tree)
        self._bound_values(tree)
        self._measure_joins(tree)
        return tree

    def _pay_for_letters(self, tree: nodes.Template) -> None:
        """What stands in loops, or may be included in one, is paid for when it is printed, as values are."""
        places = tree.find_all(nodes.For) if self.is_html else [tree]
        outputs = {id(output): output for place in places for output in place.find_all(nodes.Output)}
        for output in outputs.values():
            if letters := sum(len(each.data) for each in output.nodes if isinstance(each, nodes.TemplateData)):
                output.nodes.append(self._filtered(nodes.Const(letters, lineno=output.lineno), "paid"))

    def _bound_values(self, tree: nodes.Template) -> None:
        """Texts are joined of single values, lists written out hold those alone, and only such are compared."""
        for joined in list(tree.find_all(nodes.Concat)):
            joined.nodes = [self._filtered(each, "worded") for each in joined.nodes]
        for items in list(tree.find_all((nodes.List, nodes.Tuple))):
            if not isinstance(items, nodes.Tuple) or items.ctx == "load":
                items.items = [
                    each if isinstance(each, _WRITTEN) else self._filtered(each, "plain") for each in items.items
                ]
        for pair in list(tree.find_all(nodes.Pair)):
            if not isinstance(pair.value, _WRITTEN):
                pair.value = self._filtered(pair.value, "plain")
        for compared in list(tree.find_all(nodes.Compare)):
            compared.expr = self._compared(compared.expr, "flat")
            for operand in compared.ops:
                operand.expr = self._compared(operand.expr, "searched" if operand.op in ("in", "notin") else "flat")

    def _compared(self, node: nodes.Expr, name: str) -> nodes.Expr:
        return node if isinstance(node, nodes.Const) else self._filtered(node, name)

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
        """As in the sandbox; of texts, days, numbers and lists only what makes nothing larger than it is given."""
        for kind, allowed in _METHODS.items():
            if isinstance(obj, kind):
                return attr in allowed
        return super().is_safe_attribute(obj, attr, value)

    def call(self, context: Context, obj: Any, *arguments: Any, **named: Any) -> Any:
        """As in the sandbox; a method is paid for by what it goes through."""
        owner = getattr(obj, "__self__", None)
        spend_work(len(owner) if isinstance(owner, Sized) else 0)
        return super().call(context, obj, *arguments, **named)

    def wrap_str_format(self, value: Any) -> None:
        """No exception for `str.format`: it is as little to be had as the other methods that pad."""
        return None

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic of numbers that stay small; texts may be added up to MAX_TEXT."""
        if operator == "+" and isinstance(left, Sized) and isinstance(right, Sized):
            return short(super().call_binop(context, operator, left, right))
        for value in (left, right):
            if not isinstance(value, int | float | Decimal) or abs(value) > 10**15:
                raise SecurityError(f"{operator} is for numbers below 10**15")
        if operator == "**":
            raise SecurityError("** is not for messages")
        return super().call_binop(context, operator, left, right)


def _printable(value: object) -> object:
    """What is printed: known (nobody is to read 'None'), one value, and paid for."""
    if isinstance(value, str):
        spend_letters(len(value))
        return value
    if value is None:
        raise TemplateRuntimeError("a value that is printed is not known")
    if isinstance(value, StrictUndefined | int | float | Decimal | date):
        return value
    raise TemplateRuntimeError("a list or a record is printed; name what is meant of it")


@pass_context  # so that it is not worked out when the template is compiled
def _paid(_: Context, letters: int) -> Markup:
    """Pays for the template's own letters, which loops print again and again."""
    spend_letters(letters)
    return Markup("")


def _short_range(*arguments: int) -> range:
    """As Python's, up to 1,000 numbers."""
    found = range(*arguments)
    if len(found) > 1_000:
        raise SecurityError("a range is at most 1,000 long")
    return found
