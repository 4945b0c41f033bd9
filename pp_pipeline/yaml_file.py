"""YAML files that people write, read so that every complaint can name the file and the line."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


class YamlFileError(ValueError):
    """The file is no YAML; the text names file, line and what the reader stumbled over."""


class _Loader(yaml.SafeLoader):
    """Safe, and strict about a key that stands twice: plain YAML silently drops the first one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """A mapping whose keys are all different."""
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.MarkedYAMLError(problem=f"'{key}' stands twice", problem_mark=key_node.start_mark)
            if isinstance(key, Hashable):
                seen.add(key)
        return super().construct_mapping(node, deep)


@dataclass(frozen=True)
class YamlFile:
    """A file's content, and where in the file each part of it stands."""

    content: Any
    _root: yaml.Node | None

    @classmethod
    def read(cls, path: Path) -> "YamlFile":
        """Read a file.

        Raises:
            YamlFileError: not UTF-8, not YAML, or a key that stands twice.
        """
        return cls.of(path.name, path.read_bytes())

    @classmethod
    def of(cls, name: str, content: bytes) -> "YamlFile":
        """The file of a name and its content.

        Raises:
            YamlFileError: as of `read`.
        """
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            raise YamlFileError(f"{name}: is not UTF-8") from None
        try:
            return cls(yaml.load(text, _Loader), yaml.compose(text, yaml.SafeLoader))
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            where = f"{name}:{mark.line + 1}" if mark else name
            raise YamlFileError(f"{where}: is not valid YAML: {error.problem or error.context}") from None
        except (yaml.YAMLError, ValueError) as error:
            raise YamlFileError(f"{name}: is not valid YAML: {error}") from None

    def line(self, place: Sequence[str | int]) -> int:
        """The line (from 1) of a field, given as the keys and list places that lead to it.

        A field that is not there counts as standing where its parent begins.
        """
        node, line = self._root, 1
        for part in place:
            if isinstance(node, yaml.MappingNode):
                found = [(key, value) for key, value in node.value if key.value == str(part)]
                if not found:
                    return line
                node, line = found[0][1], found[0][0].start_mark.line + 1
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                line = node.start_mark.line + 1
            else:
                return line
        return line
