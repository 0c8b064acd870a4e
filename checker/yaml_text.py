"""YAML that people write: its loader and its errors. A check finds all of it compiled and imports none of this."""

from __future__ import annotations

from typing import Any

import yaml

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: No file of ours nests deeper than 12, none has more than 40,000 nodes.
_DEEPEST = 60
_MOST_NODES = 1_000_000


class YamlError(Exception):
    """A text that is no YAML of ours: the line, from 1, and what is wrong there."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(line, what)
        self.line = line
        self.what = what


def parse_yaml(text: str) -> tuple[yaml.Node | None, Any]:
    """The root node and the value of a text; (None, None) for an empty one.

    Raises YamlError for bad YAML, for a value that cannot be (a 13th month), and for what no file
    needs and no program survives: nesting without end, and aliases that unfold to millions of nodes.
    """
    try:
        loader = Loader(text)
    except yaml.YAMLError as error:
        raise YamlError(1, f"not valid YAML: {str(error).splitlines()[0]}") from None
    try:
        node = loader.get_single_node()
        if node is None:
            return None, None
        _check_extent(node)
        return node, loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = f"not valid YAML: {error.problem}; check quotes and indentation"
        raise YamlError(mark.line + 1 if mark else 1, what) from None
    except YamlError:
        raise
    except (RecursionError, yaml.YAMLError) as error:
        raise YamlError(1, f"not valid YAML: {str(error).splitlines()[0]}") from None
    except Exception as error:
        # A constructor lets through whatever the conversion of a value raises.
        what = f"holds a value that cannot be ({error}); put it in quotes"
        raise YamlError(1, what) from None
    finally:
        loader.dispose()


def _check_extent(root: yaml.Node) -> None:
    """Walks the nodes as aliases unfold them. Raises YamlError."""
    count = 0
    waiting: list[tuple[yaml.Node, int]] = [(root, 1)]
    while waiting:
        node, depth = waiting.pop()
        count += 1
        if depth > _DEEPEST or count > _MOST_NODES:
            what = "nests too deep" if depth > _DEEPEST else "its aliases unfold to too many values"
            raise YamlError(node.start_mark.line + 1, f"{what}; write it plainly")
        if isinstance(node, yaml.SequenceNode):
            waiting += [(item, depth + 1) for item in node.value]
        elif isinstance(node, yaml.MappingNode):
            waiting += [(item, depth + 1) for pair in node.value for item in pair]
