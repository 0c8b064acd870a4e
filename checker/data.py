"""Where lexicons and models live, and how their YAML is read.

A wheel carries them under ``checker/_data``; a checkout and an editable install keep them at the
top of the repository. Both are read through the Traversable API, so a zipped package works too.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from checker.stored import cached_json

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

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


def folder(kind: str) -> Traversable:
    """The folder ``lexicons`` or ``models``.

    Raises FileNotFoundError when the installation is incomplete.
    """
    checkout = Path(__file__).resolve().parent.parent / kind
    if checkout.is_dir():
        return checkout
    installed = files("checker") / "_data" / kind
    if installed.is_dir():
        return installed
    raise FileNotFoundError(
        f"the package holds no {kind} folder; reinstall huashu, for example with 'pip install --force-reinstall huashu'"
    )


@cache
def load_yaml(name: str) -> Any:
    """One of our own lexicon files, parsed; read once in a process, and kept as JSON between them."""
    text = (folder("lexicons") / name).read_text(encoding="utf-8")
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return cached_json(f"{name.removesuffix('.yaml')}-{digest}", lambda: yaml.load(text, Loader=Loader))
