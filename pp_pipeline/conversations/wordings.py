"""What the messages of a conversation say: each of their templates, with the first message that uses it."""

from collections.abc import Sequence
from dataclasses import dataclass

from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.conversations.steps import Message


@dataclass(frozen=True)
class Wording:
    """A template of a message of a conversation."""

    conversation: Conversation
    step: str
    template: str

    @property
    def name(self) -> str:
        """`conversation/template`."""
        return f"{self.conversation.conversation}/{self.template}"

    @property
    def message(self) -> Message:
        """The message that uses it."""
        return self.conversation.messages[self.step]

    @property
    def channel(self) -> str:
        """By which channel it goes."""
        return self.message.channel


def wordings_of(conversations: Sequence[Conversation]) -> list[Wording]:
    """The templates of all messages, each once, in the order of the files."""
    found: dict[str, Wording] = {}
    for conversation in conversations:
        for step, message in conversation.messages.items():
            for template in message.templates:
                wording = Wording(conversation, step, template)
                found.setdefault(wording.name, wording)
    return list(found.values())
