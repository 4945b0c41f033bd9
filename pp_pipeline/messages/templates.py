"""The templates of messages, and what is checked of them before anything is sent (DESIGN 5).

A template `we_miss_you` of the conversation `win_back` is two files in the folder `win_back/`:

- `we_miss_you.txt.j2` has three blocks: `subject`, `preheader` (the line that mail programs show
  beside the subject) and `body`. It extends `base.txt.j2`.
- `we_miss_you.html.j2` has the block `body`. It extends `base.html.j2`, which shows the preheader.

The bases and `blocks.html.j2`, `blocks.txt.j2` (an order's lines, a button) stand beside the folders.
Jinja2 runs sandboxed; HTML is escaped; a name that is not known, or a value that is empty because
nobody knows it, is an error: that message is skipped, never sent with a hole in it.

In a template: `contact` (email, first_name), `order` (number, date, ship_date, status, total_cents,
currency, attributes, lines: sku, product_name, category, quantity, unit_price_cents), `merchant`
(sender_name, site_url, postal_address), `unsubscribe_url`, `preheader`; filters `money(currency)`
and `long_date`. Where the message declares a coupon: `coupon` (code, expires_on; the day is None for a
fallback and for codes without one).
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from jinja2 import (
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    TemplateSyntaxError,
    meta,
    nodes,
)
from jinja2.exceptions import TemplateNotFound, TemplateRuntimeError
from jinja2.sandbox import ImmutableSandboxedEnvironment

HTML_SUFFIX = ".html.j2"
TEXT_SUFFIX = ".txt.j2"
COUPON_PARTS = ("code", "expires_on")
TEXT_BLOCKS = ("subject", "preheader", "body")
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}


def template_environment(conversations_dir: Path) -> Environment:
    """Where templates are looked up and rendered; names are relative to the conversations' folder."""
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(conversations_dir),
        undefined=StrictUndefined,
        autoescape=lambda name: bool(name) and name.endswith(HTML_SUFFIX),
        finalize=_known,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["money"] = money
    environment.filters["long_date"] = long_date
    return environment


def template_problems(
    environment: Environment, conversation: str, template: str, kind: str, *, has_coupon: bool = False
) -> list[str]:
    """What is wrong with a message's templates; empty when they can be sent.

    Args:
        has_coupon: whether the message declares one.
    """
    problems: list[str] = []
    for suffix in (TEXT_SUFFIX, HTML_SUFFIX):
        name = f"{conversation}/{template}{suffix}"
        try:
            trees = list(_chain(environment, name))
        except TemplateNotFound as error:
            problems.append(f"the template file {error.name or name} is not there")
            continue
        except TemplateSyntaxError as error:
            problems.append(f"{error.name or name}:{error.lineno}: {error.message}")
            continue
        except TemplateError as error:
            problems.append(f"{name}: {error.message or type(error).__name__}")
            continue
        own_blocks = {block.name for block in trees[0].find_all(nodes.Block)}
        wanted = TEXT_BLOCKS if suffix == TEXT_SUFFIX else ("body",)
        missing = [block for block in wanted if block not in own_blocks]
        if missing:
            problems.append(f"{name}: has no block {', '.join(missing)}")
        if kind == "commercial":
            problems += _missing_footer(name, trees)
        problems += _coupon_problems(name, trees, has_coupon)
    return problems


def money(cents: int, currency: str) -> str:
    """An amount in cents as people write it: `$1,234.50`, `1,234.50 CHF`."""
    amount = f"{abs(cents) // 100:,}.{abs(cents) % 100:02d}"
    sign = "-" if cents < 0 else ""
    symbol = _SYMBOLS.get(currency)
    return f"{sign}{symbol}{amount}" if symbol else f"{sign}{amount} {_known(currency)}"


def long_date(day: date) -> str:
    """A day as people write it: `4 July 2026`."""
    return f"{day.day} {day:%B %Y}"


def _known(value: object) -> object:
    """Nobody is to read 'None'."""
    if value is None:
        raise TemplateRuntimeError("a value that is printed is not known")
    return value


def _chain(environment: Environment, name: str) -> Iterator[nodes.Template]:
    """The parsed template and all that it extends, includes or imports by a plain name, itself first."""
    assert environment.loader is not None
    waiting, seen = [name], set[str]()
    while waiting:
        current = waiting.pop(0)
        if current in seen:
            continue
        seen.add(current)
        source, filename, _ = environment.loader.get_source(environment, current)
        tree = environment.parse(source, current, filename)
        environment.compile(source, current, filename)  # also finds what only shows when compiled
        yield tree
        waiting += [reference for reference in meta.find_referenced_templates(tree) if reference]


def _missing_footer(name: str, trees: list[nodes.Template]) -> Iterator[str]:
    """A commercial message carries an unsubscribe link and a postal address."""
    names = {node.name for tree in trees for node in tree.find_all(nodes.Name)}
    attributes = {node.attr for tree in trees for node in tree.find_all(nodes.Getattr)}
    if "unsubscribe_url" not in names:
        yield f"{name}: commercial, but neither it nor its base uses unsubscribe_url"
    if "postal_address" not in attributes:
        yield f"{name}: commercial, but neither it nor its base uses merchant.postal_address"


def _coupon_problems(name: str, trees: list[nodes.Template], has_coupon: bool) -> Iterator[str]:
    """A coupon is shown, in both parts, if one is declared; what is not declared can't be shown."""
    is_used = any(node.name == "coupon" for tree in trees for node in tree.find_all(nodes.Name))
    if is_used and not has_coupon:
        yield f"{name}: uses coupon, but the message declares none; add `coupon: {{pool: ...}}` to it"
    used = {
        word
        for tree in trees
        for node in tree.find_all((nodes.Getattr, nodes.Getitem))
        if isinstance(node.node, nodes.Name) and node.node.name == "coupon" and (word := _part(node)) is not None
    }
    for word in sorted(used - set(COUPON_PARTS)):
        yield f"{name}: uses coupon.{word}; a coupon has {' and '.join(COUPON_PARTS)}"
    if has_coupon and "code" not in used:
        yield f"{name}: the message declares a coupon, but neither it nor its base shows coupon.code"


def _part(node: nodes.Getattr | nodes.Getitem) -> str | None:
    """What is taken of a value, where it is written out."""
    if isinstance(node, nodes.Getattr):
        return node.attr
    return str(node.arg.value) if isinstance(node.arg, nodes.Const) else None
