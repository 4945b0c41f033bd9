"""Files of JSON lines: the lines that change are written anew, the others stay byte for byte."""

import io
import re
from collections.abc import Mapping
from json import JSONDecoder, dumps
from typing import Any

from pp_pipeline.forgetting.formats import Changes
from pp_pipeline.landing.feeds import Feed
from pp_pipeline.landing.formats.json_lines import compact, decoder
from pp_pipeline.landing.formats.text_bytes import encoding_of

_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def rewrite_json_lines(content: bytes, feed: Feed, changes: Changes) -> bytes:
    """The content with the changes. A name stays where its value goes (it becomes null): the columns of a file are
    the names of all its lines."""
    mark, encoding = encoding_of(content, feed)
    decode = decoder()
    lines = list(io.StringIO(content[len(mark) :].decode(encoding), newline=""))
    parsed = {number: decode.decode(line) for number, line in enumerate(lines, start=1) if line.strip()}
    names: dict[str, None] = {}
    for fields in parsed.values():
        names.update(dict.fromkeys(fields))
    places = list(names)
    for number, changed in changes.items():
        line = lines[number - 1]
        end = line[len(line.rstrip("\r\n")) :]
        written = _written(parsed[number], {places[place]: text for place, text in changed.items()}, decode)
        lines[number - 1] = written + end
    return mark + "".join(lines).encode(encoding)


def _written(fields: dict[str, Any], changed: Mapping[str, str], decode: JSONDecoder) -> str:
    """The object on one line, in characters that every encoding has."""
    for name, text in changed.items():
        if name in fields:
            fields[name] = _value(fields[name], text, decode)
    return _NOT_ASCII.sub(lambda found: dumps(found[0])[1:-1], compact(fields))


def _value(former: Any, text: str, decode: JSONDecoder) -> Any:
    if not text:
        return None
    return decode.decode(text) if isinstance(former, dict | list) else text
