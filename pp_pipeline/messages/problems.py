"""What is checked of templates before anything is sent: a broken one is refused when conversations are loaded."""

from collections.abc import Iterator, Mapping

from jinja2 import meta, nodes

from pp_pipeline.merchants import Merchant
from pp_pipeline.messages.content import content_names, content_problems
from pp_pipeline.messages.locales import known_locale, language
from pp_pipeline.messages.templates import MJML, SMS, TEXT, EmailTemplate, SmsTemplate, TemplateError, Templates
from pp_pipeline.messages.values import KNOWN

_OFFERS = ("recommended", "coupon")


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
            found = templates.compile_sms(message, name) if form == SMS else templates.compile_email(message, name)
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
    is_email = isinstance(found, EmailTemplate)
    for tree in found.trees:
        yield from _unknown_names(found.name, tree)
    names = {node.name for tree in found.trees for node in tree.find_all(nodes.Name)}
    used = [pair for tree in found.trees for pair in _parts(tree)]
    for value, part in sorted(set(used)):
        known = templates.words.names if value == "words" else KNOWN.get(value)
        if known is not None and part not in known:
            yield f"{found.name}: uses {value}.{part}; allowed are {', '.join(sorted(known))}"
    if "words" in names and found.locale and templates.words.of(found.locale) is None:
        yield f"{found.name}: words.yml has no words for {language(found.locale)}; add them, all that `en` has"
    yield from content_problems(found.name, found.trees, templates.contents)
    if kind == "transactional":
        offers = [name for name in _OFFERS if name in names]
        offers += ['content("offer")'] if "offer" in content_names(found.trees) else []
        if offers:
            yield f"{found.name}: transactional, but uses {', '.join(offers)}; take it out, or make it commercial"
    elif is_email:
        yield from _missing_in_parts(found)
    else:
        yield from _missing_in_sms(found.name, used)
    yield from _coupon_problems(found, has_coupon)


def _parts_of_email(found: EmailTemplate) -> Iterator[tuple[str, list[nodes.Template]]]:
    yield "its HTML", [found.trees[1]]
    yield "its text part", list(found.trees[2:])


def _missing_in_parts(found: EmailTemplate) -> Iterator[str]:
    """A commercial e-mail carries, in both parts, an unsubscribe link and a postal address."""
    for part, trees in _parts_of_email(found):
        if not any(node.name == "unsubscribe_url" for tree in trees for node in tree.find_all(nodes.Name)):
            yield f"{found.name}: commercial, but {part} does not use unsubscribe_url; include the block footer"
        if not any(pair == ("merchant", "postal_address") for tree in trees for pair in _parts(tree)):
            yield f"{found.name}: commercial, but {part} does not use merchant.postal_address; include the block footer"


def _missing_in_sms(name: str, used: list[tuple[str, str]]) -> Iterator[str]:
    """A commercial text says who writes, and how to stop it."""
    for pair in (("merchant", "sender_name"), ("words", "reply_stop")):
        if pair not in used:
            yield f"{name}: commercial, but does not use {'.'.join(pair)}"


def _coupon_problems(found: EmailTemplate | SmsTemplate, has_coupon: bool) -> Iterator[str]:
    """A coupon is shown, in both parts, if one is declared; what is not declared can't be shown."""
    is_used = any(node.name == "coupon" for tree in found.trees for node in tree.find_all(nodes.Name))
    if is_used and not has_coupon:
        yield f"{found.name}: uses coupon, but the message declares none; add `coupon: {{pool: ...}}` to it"
    parts = _parts_of_email(found) if isinstance(found, EmailTemplate) else [("it", list(found.trees))]
    for part, trees in parts:
        if has_coupon and not any(("coupon", "code") in _parts(tree) for tree in trees):
            yield f"{found.name}: the message declares a coupon, but {part} does not show coupon.code"


def _unknown_names(name: str, tree: nodes.Template) -> Iterator[str]:
    for unknown in sorted(meta.find_undeclared_variables(tree) - set(KNOWN) - {"range"}):
        yield f"{name}: uses {unknown}, which is not known; known are {', '.join(sorted(KNOWN))}"


def _parts(tree: nodes.Template) -> list[tuple[str, str]]:
    """What is taken of values, where it is written out: ('order', 'number')."""
    return [
        (node.node.name, part)
        for node in tree.find_all((nodes.Getattr, nodes.Getitem))
        if isinstance(node.node, nodes.Name) and (part := _part(node)) is not None
    ]


def _part(node: nodes.Getattr | nodes.Getitem) -> str | None:
    if isinstance(node, nodes.Getattr):
        return node.attr
    return node.arg.value if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str) else None
