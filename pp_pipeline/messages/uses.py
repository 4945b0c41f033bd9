"""What templates use of the values of a message, found in their Jinja without rendering it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from jinja2 import meta, nodes

from pp_pipeline.messages.parts import EmailTemplate, SmsTemplate
from pp_pipeline.messages.templates import MJML, SMS, Templates

_NODES = (nodes.Name, nodes.Getattr, nodes.Getitem, nodes.Call)


@dataclass(frozen=True)
class PartUses:
    """What one part of a message uses.

    Attributes:
        part: which it is, in words.
        used: names (`order`), what is taken of them (`order.number`), and contents (`content("help")`).
        undeclared: the names that it does not set itself.
    """

    part: str
    used: frozenset[str]
    undeclared: frozenset[str]


@lru_cache(maxsize=256)
def uses_of(templates: Templates, found: EmailTemplate | SmsTemplate) -> list[PartUses]:
    """What each part of a message uses."""
    texts = [templates.read(name) for name in found.files if not name.endswith(".mjml.j2")] or [found.text.source]
    if isinstance(found, SmsTemplate):
        return [_uses(templates, "the text", texts)]
    html = [found.html.source, found.subject.source, found.preheader.source]
    return [_uses(templates, "its HTML", html), _uses(templates, "its text part", texts)]


def names_used(templates: Templates, found: EmailTemplate | SmsTemplate) -> set[str]:
    """What all parts of a message use together."""
    return set[str]().union(*(part.used for part in uses_of(templates, found)))


def shows(templates: Templates, message: str, channel: str, name: str) -> bool:
    """Whether `conversation/template` uses a name, such as `recommended`, in any of its locales.

    Raises:
        TemplateError: a file can't be used.
    """
    form, find = (SMS, templates.sms_file) if channel == "sms" else (MJML, templates.email_file)
    return any(name in names_used(templates, find(message, file)) for file in templates.variants(message, form))


def place_of(templates: Templates, found: EmailTemplate | SmsTemplate, name: str) -> str:
    """File and line where a message first uses a name of `PartUses.used`."""
    for file in found.files:
        for node in templates.text.parse(templates.read(file), file).find_all(_NODES):
            if name in _named(node):
                return f"{file}:{node.lineno}"
    return f"{found.name}:1"


def _uses(templates: Templates, part: str, sources: list[str]) -> PartUses:
    used, undeclared = set[str](), set[str]()
    for source in sources:
        tree = templates.text.parse(source)
        undeclared.update(meta.find_undeclared_variables(tree) - set(templates.text.globals))
        for node in tree.find_all(_NODES):
            used.update(_named(node))
        if _is_passed_on(tree, "content"):
            used.add("content(...)")
    return PartUses(part, frozenset(used), frozenset(undeclared))


def _is_passed_on(tree: nodes.Template, name: str) -> bool:
    """Whether a function is used otherwise than by calling it: under another name nobody knows what it is asked for."""
    calls = {id(call.node) for call in tree.find_all(nodes.Call)}
    return any(found.name == name and id(found) not in calls for found in tree.find_all(nodes.Name))


def _named(node: nodes.Node) -> Iterator[str]:
    """What a node names, where it is written out."""
    match node:
        case nodes.Name(name=name):
            yield name
        case nodes.Getattr(node=nodes.Name(name=name), attr=taken):
            yield f"{name}.{taken}"
        case nodes.Getitem(node=nodes.Name(name=name), arg=nodes.Const(value=str(taken))):
            yield f"{name}.{taken}"
        case nodes.Call(node=nodes.Name(name="content"), args=[nodes.Const(value=str(wanted))]):
            yield f'content("{wanted}")'
        case nodes.Call(node=nodes.Name(name="content")):
            yield "content(...)"
