"""How ``huashu.yaml`` is read and edited: imported only where there is such a file."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from checker.config import CALL_FIELDS, KEYS, NAME, Config, Problem
from checker.document import CHANNELS
from checker.labels import CATEGORY_NAMES, UnknownIndustryError, industry_id
from checker.stored import read_bounded
from checker.types import Level
from checker.yaml_text import Loader

#: No configuration is larger, in bytes.
_LARGEST = 1 << 24
_LEVELS = tuple(str(level) for level in Level)
_CATEGORIES = tuple(name for name in CATEGORY_NAMES if name != "suppression")


def edited(text: str, key: str, item: str, add: bool) -> str:
    """The text of a configuration file with an item more or less in a list."""
    # libyaml counts bytes in its marks, the Python loader code points.
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    found = next((pair for pair in pairs if pair[0].value == key), None)
    quoted = json.dumps(item, ensure_ascii=False)
    newline = "\r\n" if "\r\n" in text else "\n"
    if found is None:
        gap = newline if text and not text.endswith("\n") else ""
        return f"{text}{gap}{key}:{newline}  - {quoted}{newline}"
    name, node = found
    start, end = node.start_mark.index, node.end_mark.index
    if not isinstance(node, yaml.SequenceNode):
        return f"{text[: name.end_mark.index]}: [{quoted}]{text[max(end, name.end_mark.index + 1) :]}"
    written = [text[part.start_mark.index : part.end_mark.index] for part in node.value if part.value != item]
    if add and not node.flow_style:
        line_end = text.find("\n", node.value[-1].end_mark.index)
        after = len(text) if line_end < 0 else line_end + 1
        gap = newline if line_end < 0 else ""
        return f"{text[:after]}{gap}{' ' * node.start_mark.column}- {quoted}{newline}{text[after:]}"
    if add:
        written.append(quoted)
    if node.flow_style:
        return f"{text[:start]}[{', '.join(written)}]{text[end:]}"
    if not written:
        return f"{text[: name.end_mark.index]}: []{newline}{text[end:]}"
    (gone,) = [part for part in node.value if part.value == item]
    lines = text.splitlines(keepends=True)
    del lines[gone.start_mark.line : gone.end_mark.line + 1]
    return "".join(lines)


class Reader:
    """Reads one file and collects what is wrong with it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[Problem] = []
        self._owns_lexicons = False
        self._kinds: dict[str, Callable[[str, yaml.Node], Any]] = {
            "industry": self._industry,
            "channel": self._channel,
            "lexicons": self._folders,
            "disable": self._rules,
            "levels": self._level_map,
            "allow": self._texts,
            "own_brands": self._texts,
            "fail_level": self._level,
            "baseline": self._file,
            "model": self._file,
            "exclude": self._texts,
            "encoding": self._encoding,
            "text_column": self._column,
            "role_column": self._column,
            "id_column": self._column,
            "rewriter": self._rewriter,
            "columns": self._column_map,
            "record_policy": self._file,
        }

    def read(self) -> Config:
        """The settings; meaningless when there are problems."""
        node = self._compose()
        if node is None:
            return Config(path=self.path.absolute())
        if not isinstance(node, yaml.MappingNode):
            self._report(node, "", f"expected keys such as 'industry: insurance', found {_found(node)}")
            return Config()
        values: dict[str, Any] = {}
        self._owns_lexicons = any(name.value == "lexicons" for name, _ in node.value)
        for key, value in self._items("", node):
            if key not in self._kinds:
                near = get_close_matches(key, KEYS, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(KEYS)}"
                self._report(value[0], key, f"unknown key; {hint}")
            elif value[1].tag != "tag:yaml.org,2002:null":
                made = self._kinds[key](key, value[1])
                if made is not None:
                    values[key] = made
        return Config(**values, path=self.path.absolute())

    def _compose(self) -> yaml.Node | None:
        try:
            text = read_bounded(self.path, _LARGEST).decode("utf-8-sig")
            node: yaml.Node | None = yaml.compose(text, Loader=Loader)
        except OSError as error:
            what = f"cannot be read ({error.strerror}); give the path of an existing {NAME}"
        except UnicodeDecodeError:
            what = "not UTF-8; save it as UTF-8"
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            what = f"not valid YAML: {error.problem}; check indentation and quotes"
            self.problems.append(Problem(str(self.path), mark.line + 1 if mark else 1, "", what))
            return None
        except (yaml.YAMLError, RecursionError) as error:
            what = f"not valid YAML: {str(error).splitlines()[0]}; check for stray control characters"
        else:
            return node
        self.problems.append(Problem(str(self.path), 1, "", what))
        return None

    def _report(self, node: yaml.Node, key: str, what: str) -> None:
        self.problems.append(Problem(str(self.path), node.start_mark.line + 1, key, what))

    def _items(self, key: str, node: yaml.MappingNode) -> list[tuple[str, tuple[yaml.Node, yaml.Node]]]:
        """(key, (node of the key, node of the value)) without duplicates, which are problems."""
        seen: dict[str, int] = {}
        out: list[tuple[str, tuple[yaml.Node, yaml.Node]]] = []
        for name_node, value in node.value:
            if not isinstance(name_node, yaml.ScalarNode):
                self._report(
                    name_node, key, f"expected a name as key, found {_found(name_node)}; write plain text"
                )
                continue
            name = str(name_node.value)
            if name in seen:
                full = f"{key}.{name}" if key else name
                self._report(name_node, full, f"the key stands twice (first in line {seen[name]}); keep one")
                continue
            seen[name] = name_node.start_mark.line + 1
            out.append((name, (name_node, value)))
        return out

    def _text(self, key: str, node: yaml.Node) -> str | None:
        if isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:str" and node.value.strip():
            return str(node.value)
        remedy = "put it in quotes" if isinstance(node, yaml.ScalarNode) and node.value else "write one value"
        self._report(node, key, f"expected text, found {_found(node)}; {remedy}")
        return None

    def _texts(self, key: str, node: yaml.Node) -> tuple[str, ...] | None:
        if not isinstance(node, yaml.SequenceNode):
            self._report(node, key, f"expected a list, found {_found(node)}; write {key}: [..]")
            return None
        items = [self._text(f"{key}[{number}]", item) for number, item in enumerate(node.value, 1)]
        return tuple(item for item in items if item is not None)

    def _column(self, key: str, node: yaml.Node) -> str | None:
        # A header may well be a year or a number.
        if isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:int":
            return str(node.value)
        return self._text(key, node)

    def _choice(self, key: str, node: yaml.Node, allowed: tuple[str, ...]) -> str | None:
        value = node.value if isinstance(node, yaml.ScalarNode) else None
        if value in allowed:
            return str(value)
        near = get_close_matches(str(value), allowed, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; write {allowed[0]}, for example"
        self._report(node, key, f"expected one of {', '.join(allowed)}, found {_found(node)}{hint}")
        return None

    def _rewriter(self, key: str, node: yaml.Node) -> dict[str, str] | None:
        if not isinstance(node, yaml.MappingNode):
            what = "write 'rewriter:' and below it 'url: ..' and 'model: ..'"
            self._report(node, key, f"expected an endpoint, found {_found(node)}; {what}")
            return None
        known = ("url", "model", "key_env", "seconds")
        values: dict[str, str] = {}
        for name, (name_node, value) in self._items(key, node):
            number = name == "seconds" and isinstance(value, yaml.ScalarNode)
            text = str(value.value) if number else self._text(f"{key}.{name}", value)
            if name not in known:
                self._report(name_node, f"{key}.{name}", f"unknown key; use one of {', '.join(known)}")
            elif number and not _is_positive(text or ""):
                self._report(value, f"{key}.{name}", f"expected seconds, found {_found(value)}; write 8")
            elif text is not None:
                values[name] = text
        missing = [name for name in known[:2] if name not in values]
        if missing:
            self._report(node, key, f"{' and '.join(missing)} missing; add {missing[0]}")
            return None
        if not values["url"].startswith(("http://", "https://")):
            self._report(node, f"{key}.url", "expected an address; begin it with https://")
        return values

    def _industry(self, key: str, node: yaml.Node) -> str | None:
        name = self._text(key, node)
        if name and self._owns_lexicons:  # they may add industries; the checker knows
            return name
        try:
            return industry_id(name) if name else None
        except UnknownIndustryError as error:
            self._report(node, key, str(error))
            return None

    def _channel(self, key: str, node: yaml.Node) -> str | None:
        return self._choice(key, node, CHANNELS)

    def _level(self, key: str, node: yaml.Node) -> Level | None:
        value = self._choice(key, node, _LEVELS)
        return None if value is None else Level(value)

    def _rule(self, key: str, name: str, node: yaml.Node) -> bool:
        category = name.partition("/")[0]
        if category in _CATEGORIES:
            return True
        near = get_close_matches(category, _CATEGORIES, n=1)
        hint = f"did you mean {name.replace(category, near[0], 1)!r}?" if near else "see 'huashu rules'"
        self._report(node, key, f"expected a rule id or a category, found {name!r}; {hint}")
        return False

    def _rules(self, key: str, node: yaml.Node) -> tuple[str, ...] | None:
        names = self._texts(key, node)
        if names is None or not isinstance(node, yaml.SequenceNode):
            return None
        places = {item.value: item for item in node.value if isinstance(item, yaml.ScalarNode)}
        return tuple(name for name in names if self._rule(key, name, places[name]))

    def _level_map(self, key: str, node: yaml.Node) -> dict[str, Level] | None:
        if not isinstance(node, yaml.MappingNode):
            what = "write 'levels:' and below it lines such as '  absolute/best: review'"
            self._report(node, key, f"expected rules with their levels, found {_found(node)}; {what}")
            return None
        levels: dict[str, Level] = {}
        for name, (name_node, value) in self._items(key, node):
            level = self._level(f"{key}.{name}", value)
            if self._rule(f"{key}.{name}", name, name_node) and level is not None:
                levels[name] = level
        return levels

    def _column_map(self, key: str, node: yaml.Node) -> dict[str, str] | None:
        if not isinstance(node, yaml.MappingNode):
            what = "write 'columns:' and below it lines such as '  customer_number: 被叫号码'"
            self._report(node, key, f"expected fields with their column names, found {_found(node)}; {what}")
            return None
        columns: dict[str, str] = {}
        for name, (name_node, value) in self._items(key, node):
            column = self._column(f"{key}.{name}", value)
            if name not in CALL_FIELDS:
                near = get_close_matches(name, CALL_FIELDS, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(CALL_FIELDS)}"
                self._report(name_node, f"{key}.{name}", f"unknown field; {hint}")
            elif column is not None:
                columns[name] = column
        return columns

    def _file(self, key: str, node: yaml.Node) -> Path | None:
        name = self._text(key, node)
        return None if name is None else self.path.absolute().parent / name

    def _folders(self, key: str, node: yaml.Node) -> tuple[Path, ...] | None:
        names = self._texts(key, node)
        if names is None or not isinstance(node, yaml.SequenceNode):
            return None
        out = []
        places = {item.value: item for item in node.value if isinstance(item, yaml.ScalarNode)}
        for name in names:
            folder = self.path.absolute().parent / name
            if folder.is_dir():
                out.append(folder)
            else:
                what = f"expected a folder with lexicons, found none at {folder}; paths are relative to this file"
                self._report(places[name], key, what)
        return tuple(out)

    def _encoding(self, key: str, node: yaml.Node) -> str | None:
        name = self._text(key, node)
        if name is None:
            return None
        try:
            codecs.lookup(name)
        except (LookupError, ValueError):
            what = f"expected an encoding such as utf-8 or gb18030, found {name!r}; leave it out to detect it"
            self._report(node, key, what)
            return None
        return name


def _found(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    kind = node.tag.rsplit(":", 1)[-1]
    names = {"int": "the number", "float": "the number", "bool": "the truth value", "timestamp": "the date"}
    if kind == "null" or not node.value:
        return "nothing"
    return f"{names[kind]} {node.value}" if kind in names else repr(node.value)


def _is_positive(text: str) -> bool:
    try:
        return 0 < float(text) < 600
    except ValueError:
        return False
