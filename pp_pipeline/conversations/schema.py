"""The JSON Schema of a conversation's file, for editors: `python -m pp_pipeline.conversations.schema` writes it anew.

A file whose first line is `# yaml-language-server: $schema=../conversation.schema.json` is checked while it is written.
"""

import json
from pathlib import Path

from pp_pipeline.conversations.conversation import Conversation

FILE = Path(__file__).with_name("conversation.schema.json")


def schema_text() -> str:
    """The schema as the file holds it."""
    return json.dumps(Conversation.model_json_schema(by_alias=True), indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(schema_text(), encoding="utf-8")
