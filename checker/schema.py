"""The shape of a lexicon file, and errors that name file, line, rule and remedy.

Only loaded when lexicons are compiled (:mod:`checker.lexicon` caches the result), so that a
check never pays for the validation library. Every problem of every file is collected before
:class:`~checker.errors.LexiconError` is raised.
"""

from __future__ import annotations

import re
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from checker.document import CHANNELS
from checker.errors import Problem
from checker.yaml_text import YamlError, parse_yaml

CATEGORIES = (
    "absolute",
    "guarantee",
    "efficacy",
    "unsupported-data",
    "endorsement",
    "disparagement",
    "price",
    "pressure",
    "impersonation",
    "privacy",
    "nuisance",
    "disclosure",
    "morality",
    "prohibited",
    "exaggeration",
)
Words = list[str]
Within = Literal["clause", "sentence", "turn", "previous_turn", "earlier", "document"]
Speaker = Literal["agent", "customer"]
Channel = Literal[CHANNELS]  # type: ignore[valid-type]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class CuesSpec(_Strict):
    """Patterns that must, or must not, occur near a candidate."""

    cues: Words = Field(min_length=1)
    within: Within = "clause"


class SpokenSpec(_Strict):
    """Patterns that somebody says anywhere in the dialogue."""

    cues: Words = Field(min_length=1)
    by: Speaker = "agent"


class MomentSpec(SpokenSpec):
    """The first turn in which somebody says so; ``earlier``: what was said before it counts too."""

    earlier: bool = False


class WithinSpec(_Strict):
    """The time a duty has, counted from where it arises; the shortest of those given counts."""

    agent_turns: int | None = Field(default=None, ge=1)
    turns: int | None = Field(default=None, ge=1)
    seconds: float | int | None = None


class MissingSpec(_Strict):
    """A duty: something that must be said in a dialogue."""

    say: Words = Field(min_length=1)
    except_: Words = Field(default=[], alias="except")
    by: Speaker = "agent"
    within: WithinSpec = WithinSpec()
    when: SpokenSpec | list[SpokenSpec] = []
    unless: SpokenSpec | list[SpokenSpec] = []
    after: MomentSpec | None = None
    before: SpokenSpec | None = None
    until: SpokenSpec | None = None
    kinds: list[Literal["script", "transcript"]] = ["script", "transcript"]
    voices: Literal["any", "both", "agent"] = "any"
    min_agent_turns: int = 2
    wanted: bool = False

    @model_validator(mode="after")
    def _one_clock(self) -> MissingSpec:
        if self.after and self.before:
            raise ValueError("a duty is due after some words or before some words, not both")
        return self


class ReplySpec(_Strict):
    """What the agent does next when a customer has spoken: acts of ``acts.yaml``."""

    to: Words = Field(min_length=1)
    does: Words = Field(min_length=1)
    times: int = Field(1, ge=1)
    unless: SpokenSpec | list[SpokenSpec] = []


class TokensSpec(_Strict):
    """spaCy ``Matcher`` patterns, tried in sentences that hold an anchor."""

    anchors: Words = Field(min_length=1)
    pattern: list[list[dict[str, Any]]] = Field(min_length=1)


class MatchSpec(_Strict):
    """What wakes a rule and what keeps it silent."""

    terms: Words = []
    patterns: Words = []
    near: CuesSpec | list[CuesSpec] | None = None
    without: CuesSpec | list[CuesSpec] | None = None
    tokens: TokensSpec | None = None
    missing: MissingSpec | None = None
    model: bool = False
    reply: ReplySpec | None = None
    personal: list[Literal["id-card", "bank-card", "phone", "one-time-code", "address"]] = []
    unless: Words = []
    boundary: Literal["token", "any"] = "token"

    @model_validator(mode="after")
    def _one_kind(self) -> MatchSpec:
        kinds = [
            bool(self.terms or self.patterns),
            bool(self.tokens),
            bool(self.missing),
            bool(self.reply),
            bool(self.personal),
            self.model,
        ]
        if sum(kinds) != 1:
            known = "terms and/or patterns, or tokens, missing, reply, personal or model"
            raise ValueError(f"write {known}")
        return self


class RewriteSpec(_Strict):
    """One way out of a finding."""

    to: str | None = None
    words: str | None = None
    map: dict[str, str] = {}
    scope: Literal["clause", "turn"] = "clause"
    delete: bool = False
    insert: str | None = None
    ask: str | None = None
    apply: Literal["safe", "suggest", "manual"] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> RewriteSpec:
        words = self.words is not None or bool(self.map)
        ways = [self.to is not None, words, self.delete, self.insert is not None]
        if sum(ways) > 1 or (sum(ways) == 0 and self.ask is None):
            raise ValueError("write one of to, words/map, delete, insert or ask")
        return self


class ExampleSpec(_Strict):
    """A line that proves the rule."""

    flags: str | None = None
    passes: str | None = None
    excused: str | None = None
    known_miss: str | None = None
    becomes: str | None = None
    because: str | None = None
    by: str | None = None
    industry: str | None = None
    channel: Channel | None = None
    seconds: list[float] | None = None

    @model_validator(mode="after")
    def _one_outcome(self) -> ExampleSpec:
        outcomes = [self.flags, self.passes, self.excused, self.known_miss]
        if sum(outcome is not None for outcome in outcomes) != 1:
            raise ValueError("write exactly one of flags, passes, excused, known_miss")
        if self.passes is not None and not self.because:
            raise ValueError("a passes example needs because: why is it innocent?")
        marked = self.flags if self.flags is not None else self.excused
        if marked is not None and "[[" not in marked:
            raise ValueError("mark the words that are found with [[ ]]")
        return self


class RuleSpec(_Strict):
    """One rule."""

    id: str
    status: Literal["stable", "preview"] = "stable"
    level: Literal["block", "review", "hint"]
    state: Literal["violation", "needs-evidence"] = "violation"
    evidence: str = ""
    match: MatchSpec
    industries: Words = []
    channels: list[Channel] = []
    exemptions: Words | None = None
    strict: bool = False
    message: str = Field(min_length=4)
    why: str = Field(min_length=4)
    basis: Words = Field(min_length=1)
    rewrite: RewriteSpec | list[RewriteSpec] | None = None
    examples: list[ExampleSpec]

    @model_validator(mode="after")
    def _complete(self) -> RuleSpec:
        if not re.fullmatch(r"[a-z-]+/[a-z0-9-]+", self.id):
            raise ValueError("an id is category/what-is-found in lower case")
        if self.id.split("/")[0] not in CATEGORIES:
            raise ValueError(f"the id starts with a category, one of {', '.join(CATEGORIES)}")
        if not any(example.flags for example in self.examples):
            raise ValueError("add at least one flags example")
        if not any(example.passes or example.excused for example in self.examples):
            raise ValueError("add at least one passes example")
        if self.state == "needs-evidence":
            if not self.evidence:
                raise ValueError("needs-evidence names the document in evidence")
            if self.level == "block":
                raise ValueError("what evidence can cure is at most review")
        return self


class CoversSpec(_Strict):
    """Which rules an exemption may excuse."""

    categories: Words = []
    rules: Words = []
    not_rules: Words = []


class ConditionSpec(_Strict):
    """All given conditions must hold; ``says`` names in Chinese what each looks for."""

    says: dict[str, str] = {}
    before: str | None = None
    after: str | None = None
    around: str | None = None
    inside: str | None = None
    clause: str | None = None
    sentence: str | None = None
    sentence_before: str | None = None
    sentence_after: str | None = None
    turn: str | None = None
    document: str | None = None
    token: str | None = None
    not_before: str | None = None
    not_after: str | None = None
    not_around: str | None = None
    not_inside: str | None = None
    not_clause: str | None = None
    not_sentence: str | None = None
    not_sentence_before: str | None = None
    not_sentence_after: str | None = None
    not_turn: str | None = None
    not_document: str | None = None
    not_token: str | None = None

    @model_validator(mode="after")
    def _something(self) -> ConditionSpec:
        given = self.model_dump(exclude_none=True, exclude={"says"})
        if not given:
            raise ValueError("an alternative needs a condition")
        if unknown := sorted(set(self.says) - set(given)):
            raise ValueError(f"says names {unknown[0]}, which is no condition of this alternative")
        return self


class ExemptionSpec(_Strict):
    """One named exemption."""

    id: str = Field(pattern=r"^[a-z0-9-]+$")
    name: str
    clause: str
    signs: str = ""
    covers: CoversSpec = CoversSpec()
    any: list[ConditionSpec] = Field(min_length=1)
    unless: list[ConditionSpec] = []
    examples: list[ExampleSpec]

    @model_validator(mode="after")
    def _proven(self) -> ExemptionSpec:
        if any(example.passes for example in self.examples):
            raise ValueError(
                "an exemption's innocent example is found and excused by it: write excused, not passes"
            )
        return self


class FileSpec(_Strict):
    """A file with rules or exemptions; user files may also change our rules."""

    category: Literal[CATEGORIES] | None = None  # type: ignore[valid-type]
    industries: Words = []
    rules: list[RuleSpec] = []
    exemptions: list[ExemptionSpec] = []
    classes: dict[str, Words] = {}
    disable: Words = []
    levels: dict[str, Literal["block", "review", "hint"]] = {}
    allow: Words = []


def parse_file(name: str, text: str) -> tuple[dict[str, Any], list[Problem]]:
    """The validated content of one file as plain data, and its problems.

    Every rule and exemption gets a ``line`` key. With problems the data is empty.
    """
    try:
        node, data = parse_yaml(text)
    except YamlError as error:
        return {}, [Problem(name, error.line, "", error.what)]
    if node is None:
        return {}, []
    duplicates = _duplicate_keys(name, node)
    if duplicates:
        return {}, duplicates
    if not isinstance(data, dict):
        return {}, [Problem(name, 1, "", "a lexicon file is a mapping with a key such as rules:")]
    try:
        spec = FileSpec.model_validate(data)
    except ValidationError as error:
        return {}, [_problem(name, node, data, detail) for detail in error.errors()]
    plain = spec.model_dump()
    problems: list[Problem] = []
    for kind in ("rules", "exemptions"):
        items = _child(node, kind)
        for position, item in enumerate(plain[kind]):
            item["line"] = items.value[position].start_mark.line + 1 if items is not None else 1
            item["file"] = name
    for rule in plain["rules"]:
        if spec.category and not rule["id"].startswith(f"{spec.category}/"):
            what = f"the file's category is {spec.category}: the id must start with {spec.category}/"
            problems.append(Problem(name, rule["line"], rule["id"], what))
        rule["industries"] = rule["industries"] or list(spec.industries)
    return plain, problems


def _child(node: Any, key: Any) -> Any:
    if isinstance(node, yaml.MappingNode):
        return next((value for name, value in node.value if name.value == str(key)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key]
    return None


def _duplicate_keys(name: str, node: Any) -> list[Problem]:
    problems: list[Problem] = []
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                what = f"the key {key.value!r} stands twice; keep one"
                problems.append(Problem(name, key.start_mark.line + 1, "", what))
            seen.add(key.value)
            problems += _duplicate_keys(name, value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            problems += _duplicate_keys(name, value)
    return problems


def _problem(name: str, node: Any, data: Any, detail: Any) -> Problem:
    line, rule = 1, ""
    path: list[str] = []
    for key in detail["loc"]:
        if isinstance(data, dict) and key == "RewriteSpec":
            continue
        child = _child(node, key)
        if child is None:
            if isinstance(key, str) and not key.startswith("list["):
                path.append(key)
            continue
        node = child
        line = node.start_mark.line + 1
        path.append(f"[{key + 1}]" if isinstance(key, int) else str(key))
        try:
            data = data[key]
        except (KeyError, IndexError, TypeError):
            data = None
        if isinstance(data, dict) and isinstance(data.get("id"), str):
            rule, path = data["id"], []
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "extra_forbidden":
        message = "unknown key; remove it or correct its name"
    elif detail["type"] == "missing":
        message = "missing; add it"
    place = ".".join(path).replace(".[", "[")
    return Problem(name, line, rule, f"{place}: {message}" if place else message)
