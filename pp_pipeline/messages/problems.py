"""What is checked of templates before anything is sent: a broken one is refused when conversations are loaded."""

from collections.abc import Iterator, Mapping

from pp_pipeline.merchants import Merchant
from pp_pipeline.messages.content import content_problems
from pp_pipeline.messages.locales import COMPLETE, known_locale, language
from pp_pipeline.messages.parts import EmailTemplate, SmsTemplate
from pp_pipeline.messages.templates import MJML, SMS, TEXT, TemplateError, Templates
from pp_pipeline.messages.uses import names_used, place_of, uses_of
from pp_pipeline.messages.values import KNOWN

_OFFERS = {"recommended", "coupon", 'content("offer")'}
_OF_EMAILS = {"unsubscribe_url", "subject", "preheader"}
_WANTED_EMAIL = ["unsubscribe_url", "merchant.postal_address"]
_WANTED_SMS = ["merchant.sender_name", "words.reply_stop"]
_WHY = {
    "coupon.code": "the message declares a coupon",
    "unsubscribe_url": "commercial messages do; include the block footer",
    "merchant.postal_address": "commercial messages do; include the block footer",
    "merchant.sender_name": "commercial messages say who writes",
    "words.reply_stop": "commercial messages say how to stop them",
}


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
            found = templates.sms_file(message, name) if form == SMS else templates.email_file(message, name)
            for file in found.files:
                templates.review_by(file)
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

    def place(name: str) -> str:
        return place_of(templates, found, name)

    parts = uses_of(templates, found)
    used = names_used(templates, found)
    known = set(KNOWN) - (set() if isinstance(found, EmailTemplate) else _OF_EMAILS)
    for name in sorted(set[str]().union(*(part.undeclared for part in parts)) - known):
        yield f"{place(name)}: uses {name}, which is not known; known are {', '.join(sorted(known))}"
    for name in sorted(used):
        value, _, taken = name.partition(".")
        allowed = templates.words.names if value == "words" else KNOWN.get(value)
        if taken and allowed is not None and taken not in allowed:
            yield f"{place(name)}: uses {name}; allowed are {', '.join(sorted(allowed)) or 'none, without words.yml'}"
    if "words" in used and templates.words.of(found.locale or COMPLETE) is None:
        yield f"{place('words')}: words.yml has no words for {language(found.locale or COMPLETE)}; add them"
    if "coupon" in used and not has_coupon:
        yield f"{place('coupon')}: uses coupon, but the message declares none; add `coupon: {{pool: ...}}` to it"
    for name, problem in content_problems(used, templates.contents):
        yield f"{place(name)}: {problem}"
    if kind == "transactional":
        for name in sorted(used & _OFFERS):
            yield f"{place(name)}: transactional, but uses {name}; take it out, or make the conversation commercial"
    wanted = ["coupon.code"] if has_coupon else []
    if kind == "commercial":
        wanted += _WANTED_EMAIL if isinstance(found, EmailTemplate) else _WANTED_SMS
    for part in parts:
        for name in wanted:
            if name not in part.used:
                yield f"{found.name}:1: {part.part} does not show {name}; {_WHY[name]}"
