"""Loading conversations from their folders: the door at which they are checked (DESIGN 4 and 9).

    conversations/<name>/conversation.yml       the file, checked by conversation.py and flow.py
    conversations/<name>/<template>.*.j2        its templates, checked by messages/problems.py

All that is wrong with all files is told at once, each with file, line, field, what was given and what is
allowed. Nothing invalid reaches an asset.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pp_pipeline.channel_roads import CHANNELS
from pp_pipeline.conversations.compiling import TooManyPaths, compile_conversation
from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.conversations.faults import FILE_NAME, Fault, fault_of_conversation, told, where
from pp_pipeline.conversations.flow import flow_problems
from pp_pipeline.conversations.levels import level_problems
from pp_pipeline.merchants import Merchant
from pp_pipeline.messages.problems import template_problems, words_problems
from pp_pipeline.messages.templates import Templates, templates_of
from pp_pipeline.yaml_file import YamlFile, YamlFileError

SHARED_FOLDERS = ("blocks", "content")
"""What all conversations share: parts of messages, and texts by product (docs/messages.md)."""


class ConversationError(ValueError):
    """One or more conversations can't be used; the text has a line for each thing to put right."""


def load_conversations(conversations_dir: Path, merchants: Mapping[str, Merchant] | None = None) -> list[Conversation]:
    """All conversations by name, checked together with their templates.

    With `merchants`, commercial conversations are refused while a merchant's unsubscribe address can't
    stand in the one-click headers (DESIGN 5, "Kinds").

    Raises:
        ConversationError: all that is wrong, a line each.
    """
    problems: list[str] = []
    conversations: list[Conversation] = []
    faults: list[Fault] = []
    templates = templates_of(conversations_dir)
    for folder in _folders(conversations_dir):
        try:
            conversation = _load(folder)
        except ConversationError as error:
            problems.append(str(error))
        else:
            conversations.append(conversation)
            faults += _template_faults(templates, conversation)
    faults += [fault_of_conversation(name, *problem) for name, problem in level_problems(conversations).items()]
    problems += [told(fault, conversations_dir) for fault in faults]
    problems += [*words_problems(templates, merchants or {}), *templates.contents.problems]
    problems += _merchant_problems(conversations, merchants or {})
    if problems:
        raise ConversationError("\n".join(problems))
    return conversations


def _folders(conversations_dir: Path) -> list[Path]:
    """The conversations' folders; what begins with `_` or `.` is none (`__pycache__`), nor are the shared ones."""
    folders = (path for path in conversations_dir.iterdir() if path.is_dir() and path.name[0] not in "_.")
    return sorted(path for path in folders if path.name not in SHARED_FOLDERS)


def _load(folder: Path) -> Conversation:
    place = f"{folder.name}/{FILE_NAME}"
    try:
        file = YamlFile.read(folder / FILE_NAME)
    except FileNotFoundError:
        raise ConversationError(f"{place}: is not there; a conversation's folder holds one") from None
    except YamlFileError as error:
        raise ConversationError(f"{folder.name}/{error}") from None
    if not isinstance(file.content, dict):
        raise ConversationError(f"{place}: does not consist of `word: value` lines; see the sample conversations")
    try:
        conversation = Conversation.model_validate(file.content)
    except ValidationError as error:
        raise ConversationError("\n".join(_plain(place, file, error))) from None
    if conversation.conversation != folder.name:
        raise ConversationError(
            f"{place}:{file.line(('conversation',))}: conversation: is '{conversation.conversation}' in the "
            f"folder '{folder.name}'; the two must be the same"
        )
    problems = [f"{where(place, file.line(path), path)}{text}" for path, text in flow_problems(conversation)]
    if not problems:
        try:
            compile_conversation(conversation)
        except TooManyPaths as error:
            problems = [f"{place}:{file.line(('threads',))}: {error}"]
    if problems:
        raise ConversationError("\n".join(problems))
    return conversation


def _plain(place: str, file: YamlFile, error: ValidationError) -> Iterator[str]:
    """pydantic's complaints in plain words, with the line of the field."""
    for problem in error.errors(include_url=False):
        path = tuple(part for part in problem["loc"] if part not in _TAGS)
        yield where(place, file.line(path), path) + _plain_words(problem)


# what pydantic puts into a path between the two forms of a word of exit_when, and of a message's coupon
_TAGS = ("word", "segment_of", "of_pool", "of_action")


def _plain_words(problem: Any) -> str:
    given = problem["input"]
    shown = repr(given) if isinstance(given, str | int | float | bool | None) else f"a {type(given).__name__}"
    context = problem.get("ctx", {})
    match problem["type"]:
        case "value_error":
            return str(context["error"])
        case "missing":
            return "is missing"
        case "literal_error":
            return f"is {shown}; allowed is {context['expected']}"
        case "string_pattern_mismatch" if problem["loc"][-1] == "go_to":
            return f"is {shown}; allowed is a thread, or thread.id of a step"
        case "string_pattern_mismatch" | "string_type" if problem["loc"][-1] == "at":
            return f'is {shown}; allowed is a time of day such as "09:30", in quotes'
        case "string_type" if "set" in problem["loc"]:
            return f"is {shown}; allowed is a text, in quotes"
        case "string_pattern_mismatch" | "string_type" | "string_too_long":
            return f"is {shown}; allowed is a name of lower-case letters, digits and _, at most 64"
        case kind if kind.startswith("date"):
            return f"is {shown}; allowed is a day such as 2026-07-04"
        case "list_type":
            return f"is {shown}; allowed is a list"
        case "model_type" | "model_attributes_type":
            return f"is {shown}; allowed are `word: value` pairs"
        case _:
            return f"is {shown}; {problem['msg'][0].lower()}{problem['msg'][1:]}"


def _template_faults(templates: Templates, conversation: Conversation) -> Iterator[Fault]:
    """What is wrong with the templates that messages name, at the message that does."""
    name, kind = conversation.conversation, conversation.kind
    for path, step in conversation.places:
        if (message := step.message) is None:
            continue
        has_coupon = message.coupon is not None
        for template in message.templates:
            for text in template_problems(
                templates, name, template, kind, channel=message.channel, has_coupon=has_coupon
            ):
                yield fault_of_conversation(name, (*path, "message"), text)


def _merchant_problems(conversations: Sequence[Conversation], merchants: Mapping[str, Merchant]) -> Iterator[str]:
    known = {each.conversation for each in conversations}
    commercial = [each.conversation for each in conversations if each.kind == "commercial"]
    for name, merchant in merchants.items():
        for exempt in merchant.sending.sunset.exempt if merchant.sending.sunset else ():
            if exempt not in known:
                yield f"merchants/{name}.yml: sending.sunset.exempt: there is no conversation {exempt}"
        roads = {channel for channel in CHANNELS if merchant.leaves_the_machine("channel", channel)}
        for mixed in (each for each in conversations if 0 < len(roads & set(each.channels)) < len(each.channels)):
            yield (
                f"merchants/{name}.yml: channels: {mixed.conversation} writes by {' and '.join(mixed.channels)}, and "
                f"there is a road for {' and '.join(sorted(roads))} alone; declare one for each, or none"
            )
        if commercial and not merchant.unsubscribe_url.startswith("https://"):
            yield (
                f"merchants/{name}.yml: unsubscribe_url: one-click unsubscribing (RFC 8058) needs https; "
                f"these conversations are commercial: {', '.join(commercial)}"
            )
