"""What is checked of templates before anything is sent: a broken one is refused when conversations are loaded."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeGuard

from jinja2 import meta, nodes

from pp_pipeline.merchants import Merchant
from pp_pipeline.messages.content import content_problems
from pp_pipeline.messages.locales import COMPLETE, known_locale, language
from pp_pipeline.messages.templates import MJML, SMS, TEXT, EmailTemplate, Part, SmsTemplate, TemplateError, Templates
from pp_pipeline.messages.values import KNOWN

_OFFERS = ("recommended", "coupon")
_OF_EMAILS = {"unsubscribe_url", "subject", "preheader"}


@dataclass(frozen=True)
class _Use:
    """What a part of a message uses: names, and what is taken of them (`("order", "number")`)."""

    part: str
    names: set[str]
    parts: set[tuple[str, str]]
    unknown: set[str]


def template_problems(
    templates: Templates,
    conversation: str,
    template: str,
    kind: str,
    *,
    channel: str = "email",
    has_coupon: bool = False,
) -> list[str]:
    """What is wrong with a message's templates, in all their locales; empty when they can be sent.

    Args:
        channel: the message's: email or sms.
        has_coupon: whether the message declares one.
    """
    message, form = f"{conversation}/{template}", SMS if channel == "sms" else MJML
    files = templates.variants(message, form)
    problems: list[str] = []
    if f"{message}.{form}.j2" not in files:
        problems.append(f"the template file {message}.{form}.j2 is not there")
    if form == MJML:
        for text in templates.variants(message, TEXT):
            if text.removesuffix("txt.j2") + "mjml.j2" not in files:
                problems.append(f"{text}:1: is the text part of no message: there is no file of its name in MJML")
    for name in files:
        locale = templates.locale_of_file(message, name, form)
        if locale and known_locale(locale) != locale:
            problems.append(f"{name}:1: '{locale}' is no locale; write one such as de or de_AT")
            continue
        try:
            templates.review_by(name)
            found = templates.sms_file(message, name) if form == SMS else templates.email_file(message, name)
        except TemplateError as error:
            problems += str(error).splitlines()
        else:
            problems += _use_problems(templates, found, kind, has_coupon)
    return problems


def words_problems(templates: Templates, merchants: Mapping[str, Merchant]) -> list[str]:
    """What is wrong with the words that all messages share."""
    words = templates.words
    lacking = [
        f"merchants/{name}.yml: locale: words.yml has no words for {merchant.locale}; add them, all that `en` has"
        for name, merchant in merchants.items()
        if words.by_locale and words.of(known_locale(merchant.locale)) is None
    ]
    return [*words.problems, *lacking]


def _use_problems(
    templates: Templates, found: EmailTemplate | SmsTemplate, kind: str, has_coupon: bool
) -> Iterator[str]:
    """What templates use that there is not, may not be in this kind of message, or has to be and is not."""
    name, uses = found.name, _uses(templates, found)
    known = set(KNOWN) - (set() if isinstance(found, EmailTemplate) else _OF_EMAILS)
    names = {each for use in uses for each in use.names}
    parts = {each for use in uses for each in use.parts}
    for unknown in sorted({each for use in uses for each in use.unknown} - known):
        yield f"{name}: uses {unknown}, which is not known; known are {', '.join(sorted(known))}"
    for value, part in sorted(parts):
        allowed = templates.words.names if value == "words" else KNOWN.get(value)
        if allowed is not None and part not in allowed:
            yield f"{name}: uses {value}.{part}; allowed are {', '.join(sorted(allowed)) or 'none, without words.yml'}"
    if "words" in names and templates.words.of(found.locale or COMPLETE) is None:
        yield f"{name}: words.yml has no words for {language(found.locale or COMPLETE)}; add them"
    yield from content_problems(name, names, templates.contents)
    if kind == "transactional":
        if offers := [each for each in (*_OFFERS, 'content("offer")') if each in names]:
            yield f"{name}: transactional, but uses {', '.join(offers)}; take it out, or make it commercial"
    elif isinstance(found, EmailTemplate):
        yield from _missing_in_email(name, uses)
    else:
        for pair in (("merchant", "sender_name"), ("words", "reply_stop")):
            if pair not in parts:
                yield f"{name}: commercial, but does not say {'.'.join(pair)}"
    yield from _coupon_problems(name, uses, has_coupon)


def _missing_in_email(name: str, uses: list[_Use]) -> Iterator[str]:
    """A commercial e-mail carries, in both parts, an unsubscribe link and a postal address."""
    for use in uses:
        if "unsubscribe_url" not in use.names:
            yield f"{name}: commercial, but {use.part} does not use unsubscribe_url; include the block footer"
        if ("merchant", "postal_address") not in use.parts:
            yield f"{name}: commercial, but {use.part} does not use merchant.postal_address; include the block footer"


def _coupon_problems(name: str, uses: list[_Use], has_coupon: bool) -> Iterator[str]:
    """A coupon is shown, in both parts, if one is declared; what is not declared can't be shown."""
    if not has_coupon and any("coupon" in use.names for use in uses):
        yield f"{name}: uses coupon, but the message declares none; add `coupon: {{pool: ...}}` to it"
    for use in uses:
        if has_coupon and ("coupon", "code") not in use.parts:
            yield f"{name}: the message declares a coupon, but {use.part} does not show coupon.code"


def shows(templates: Templates, message: str, channel: str, name: str) -> bool:
    """Whether `conversation/template` uses a name, such as `recommended`, in any of its locales.

    Raises:
        TemplateError: a file can't be used.
    """
    form, find = (SMS, templates.sms_file) if channel == "sms" else (MJML, templates.email_file)
    return any(name in names_used(templates, find(message, file)) for file in templates.variants(message, form))


def names_used(templates: Templates, found: EmailTemplate | SmsTemplate) -> set[str]:
    """The names that a template uses, and the content that it asks for, as `content("help")`."""
    return {each for use in _uses(templates, found) for each in use.names}


@lru_cache(maxsize=256)
def _uses(templates: Templates, found: EmailTemplate | SmsTemplate) -> list[_Use]:
    if isinstance(found, SmsTemplate):
        return [_use(templates, "it", [found.text])]
    return [
        _use(templates, "its HTML", [found.html, found.subject, found.preheader]),
        _use(templates, "its text part", [found.text]),
    ]


def _use(templates: Templates, part: str, pieces: list[Part]) -> _Use:
    use = _Use(part, set(), set(), set())
    waiting = [(piece.source, piece.name) for piece in pieces]
    while waiting:
        source, name = waiting.pop()
        tree = templates.text.parse(source, name)
        use.unknown.update(meta.find_undeclared_variables(tree) - {"range"})
        for node in tree.find_all((nodes.Name, nodes.Getattr, nodes.Getitem, nodes.Call, nodes.Include)):
            match node:
                case nodes.Include(template=nodes.Const(value=str(included))):
                    waiting.append((templates.source(templates.text, included), included))
                case nodes.Name():
                    use.names.add(node.name)
                case nodes.Call(node=nodes.Name(name="content")):
                    use.names.add(f'content("{node.args[0].value}")' if _is_written_out(node.args) else "content(...)")
                case nodes.Getattr(node=nodes.Name(name=value), attr=taken):
                    use.parts.add((value, taken))
                case nodes.Getitem(node=nodes.Name(name=value), arg=nodes.Const(value=str(taken))):
                    use.parts.add((value, taken))
    return use


def _is_written_out(arguments: list[nodes.Expr]) -> TypeGuard[list[nodes.Const]]:
    return len(arguments) == 1 and isinstance(arguments[0], nodes.Const)
