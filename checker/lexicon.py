"""Lexicons: YAML files compiled to rules, exemptions and legal bases.

Compiling folds terms as the plain view shows them, expands word classes and macros in patterns
and finds, for every pattern, a small set of literals one of which every match contains: the scan
looks for these and wakes the rule. The result is plain data, cached as JSON under the user's
cache folder by the digest of all files, so a check does not parse YAML. The cache is never
executed and may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checker import __version__
from checker.data import folder
from checker.errors import LexiconError, Problem
from checker.late import late
from checker.normalize import SLOT, fold
from checker.stored import cached_json
from checker.types import Basis, Level, State

if TYPE_CHECKING:
    pass

#: In a marked sentence this character stands for the candidate: ``{term}`` of a pattern.
MARK = "\ue0ff"
_GAP = r"[^，。！？；：…\n]"
_NUMBER = (
    r"(?:[0-9][0-9.,]*[万亿千百]?|[零〇一二两三四五六七八九十百千万亿半几数]+(?:点[零一二三四五六七八九]+)?)"
)
_PERCENT = rf"(?:{_NUMBER}(?:%|个点|个百分点)|百分之{_NUMBER}|[一二三四五六七八九]成[一二三四五六七八九半]?)"
_FORMAT = 41
#: Word classes that hold names of public bodies and words that the dictionary lacks, and what is one word of them.
_NAMES = ("agency", "new_word", "organ", "state_organ")
_NAME = late(r"[\u4e00-\u9fff]{2,6}")
_CALL_SIGNS = ("outbound", "answered", "service", "errand", "question", "rhetorical", "inquiry")
Rate = Callable[[frozenset[str]], float]


@dataclass(frozen=True, slots=True)
class Cues:
    """Patterns and the stretch of text in which one of them must occur."""

    patterns: tuple[str, ...]
    within: str
    by: str = "agent"


@dataclass(frozen=True, slots=True)
class Missing:
    """A duty, as ``missing`` in a rule; see ``lexicons/README.md``.

    ``earlier``: words said before those of ``after`` fulfil the duty too.
    """

    say: tuple[str, ...]
    excepted: tuple[str, ...]
    by: str
    agent_turns: int | None
    turns: int | None
    seconds: float | None
    when: tuple[Cues, ...]
    unless: tuple[Cues, ...]
    after: Cues | None
    earlier: bool
    before: Cues | None
    until: Cues | None
    kinds: tuple[str, ...]
    voices: str
    min_agent_turns: int
    wanted: bool


@dataclass(frozen=True, slots=True)
class Reply:
    """What must not follow a customer's words, as ``reply`` in a rule; names of acts."""

    to: frozenset[str]
    does: frozenset[str]
    times: int
    unless: tuple[Cues, ...]


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody does by saying something (``acts.yaml``): refuse, ask, close, push on."""

    id: str
    name: str
    advice: str
    cues: tuple[str, ...]
    unless: tuple[str, ...]
    answers: tuple[tuple[str, str], ...]
    examples: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Acts:
    """The acts of both sides, in the order in which they are tried, and signs of the call's kind."""

    customer: tuple[Act, ...]
    agent: tuple[Act, ...]
    outbound: tuple[str, ...]
    answered: tuple[str, ...]
    service: tuple[str, ...]
    errand: tuple[str, ...]
    question: tuple[str, ...]
    rhetorical: tuple[str, ...]
    inquiry: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """One compiled rule. Patterns are RE2 syntax over the plain view; terms are folded."""

    id: str
    category: str
    status: str
    level: Level
    state: State
    evidence: str
    kind: str
    terms: tuple[str, ...]
    patterns: tuple[str, ...]
    near: tuple[Cues, ...]
    without: tuple[Cues, ...]
    unless: tuple[str, ...]
    boundary: str
    tokens: tuple[tuple[dict[str, Any], ...], ...]
    missing: Missing | None
    reply: Reply | None
    personal: frozenset[str]
    industries: frozenset[str]
    channels: frozenset[str]
    exemptions: tuple[str, ...] | None
    strict: bool
    message: str
    why: str
    basis: tuple[str, ...]
    rewrites: tuple[Mapping[str, Any], ...]
    examples: tuple[Mapping[str, Any], ...]
    file: str
    line: int

    @property
    def is_ours(self) -> bool:
        """True for a rule of our lexicons, False for one of a user's folder."""
        return self.file.startswith("lexicons/")


@dataclass(frozen=True, slots=True)
class Exemption:
    """One compiled exemption; ``any`` and ``unless`` are alternatives of named conditions.

    ``needs[i]`` are groups of literals: alternative ``any[i]`` can hold only in a sentence that has
    a word of each group. ``signs`` says in Chinese what the exemption looks for, ``says[i]`` what
    each condition of ``any[i]`` does.
    """

    id: str
    name: str
    clause: str
    signs: str
    categories: frozenset[str]
    rules: tuple[str, ...]
    not_rules: tuple[str, ...]
    any: tuple[Mapping[str, str], ...]
    needs: tuple[tuple[tuple[str, ...], ...], ...]
    says: tuple[Mapping[str, str], ...]
    unless: tuple[Mapping[str, str], ...]
    examples: tuple[Mapping[str, Any], ...]
    file: str
    line: int

    def covers(self, rule: Rule) -> bool:
        """True when this exemption may excuse findings of the rule."""
        if self.not_rules and any(fits(rule.id, pattern) for pattern in self.not_rules):
            return False
        if rule.category in self.categories or not (self.categories or self.rules):
            return True
        return any(fits(rule.id, pattern) for pattern in self.rules)


def fits(rule_id: str, pattern: str) -> bool:
    """``absolute/best``, ``absolute/*`` or ``absolute`` name rules."""
    if pattern.endswith("*"):
        return rule_id.startswith(pattern[:-1])
    return rule_id == pattern or rule_id.startswith(pattern + "/")


@dataclass(frozen=True)
class Lexicon:
    """Everything the engine executes. ``version`` is the digest of the files behind it.

    ``names`` are names of public bodies and new words: words of the language like those of the dictionary.
    """

    rules: tuple[Rule, ...]
    exemptions: tuple[Exemption, ...]
    bases: Mapping[str, Basis]
    penalty_channels: Mapping[str, frozenset[str]]
    basis_industries: Mapping[str, frozenset[str]]
    allow: tuple[str, ...]
    industries: Mapping[str, Mapping[str, Any]]
    rewriting: Mapping[str, Any]
    channels: Mapping[str, Mapping[str, Any]]
    measured: Mapping[str, Any]
    acts: Acts
    names: tuple[str, ...]
    version: str
    rule_by_id: Mapping[str, Rule] = field(default_factory=dict)
    load_anchors: Callable[[], Mapping[str, Any]] = field(default=dict, repr=False, compare=False)

    @cached_property
    def anchors(self) -> Mapping[str, Sequence[Sequence[Sequence[Sequence[str]]]]]:
        """What wakes a rule, by its id: for each pattern alternatives of groups of literals.

        A pattern can match only a sentence that holds a literal of each group of an alternative.
        Read when a scanner is built, and of no use afterwards.
        """
        return self.load_anchors()

    @cached_property
    def duties(self) -> tuple[Rule, ...]:
        """The rules with ``missing``."""
        return tuple(rule for rule in self.rules if rule.missing)

    @cached_property
    def replies(self) -> tuple[Rule, ...]:
        """The rules with ``reply``."""
        return tuple(rule for rule in self.rules if rule.reply)

    @cached_property
    def personal(self) -> tuple[Rule, ...]:
        """The rules with ``personal``."""
        return tuple(rule for rule in self.rules if rule.personal)

    def basis_for(self, rule: Rule, channel: str, industry: str | None = None) -> tuple[Basis, ...]:
        """The bases of a rule, the most relevant first; a penalty is kept only where its law governs the channel.

        First come the articles of the industry at hand, then those that bind everybody, last those
        that do not govern the channel. Articles that bind other industries only are left out of a
        rule for every industry.
        """
        ranked = []
        for name in rule.basis:
            basis, bound = self.bases[name], self.basis_industries[name]
            channels = self.penalty_channels[name]
            governs = not channels or channel in channels
            if not governs:
                basis = replace(basis, penalty="")
            if rule.industries or not bound:
                rank = 1
            elif industry is None:
                rank = 2
            else:
                rank = 0 if industry in bound else 4
            ranked.append((rank if governs or rank in (0, 4) else 3, basis))
        ranked.sort(key=lambda pair: pair[0])
        kept = [basis for rank, basis in ranked if rank < 4]
        return tuple(kept or [basis for _, basis in ranked])

    def confidence(self, rule: Rule, view: str = "plain") -> float:
        """How likely a finding of a rule in a reading of the text calls an officer rightly, in (0, 1).

        From the counts of ``confidence.yaml``: a rule's own, drawn towards its family (category and
        level) as if the family had been met ten times; a reading lowers it by how much less often
        than the plain one it was right. Additive smoothing, so no count is ever certainty.
        """
        families = self.measured.get("families", {})
        family = _smooth(families.get(f"{rule.category}/{rule.level}", (0, 0)))
        right, found = self.measured.get("rules", {}).get(rule.id, (0, 0))
        own = (right + _FAMILY_WEIGHT * family) / (found + _FAMILY_WEIGHT)
        views = self.measured.get("views", {})
        reading = _smooth(views.get(view, (0, 0))) / _smooth(views.get("plain", (0, 0)))
        return float(own * min(1.0, reading))


_FAMILY_WEIGHT = 10


def _smooth(counts: Sequence[int]) -> float:
    right, found = counts
    return (right + 1) / (found + 2)


def load(
    extra: Sequence[str | Path] = (),
    *,
    disable: Iterable[str] = (),
    levels: Mapping[str, str] | None = None,
    allow: Iterable[str] = (),
    cache: bool = True,
    examples: bool = False,
) -> Lexicon:
    """Our lexicons with the user's folders layered over them.

    ``extra`` are folders with YAML files of the same schema; a rule with the id of ours replaces
    it. ``disable`` takes rule ids or categories, ``levels`` maps them to levels, ``allow`` are
    phrases inside which nothing is found. The examples of rules are most of a lexicon and of no
    use to a check: they are left out unless asked for. Raises LexiconError with every problem of
    every file.
    """
    sources = _sources(extra)
    digest = _digest(sources)
    compile_once = lru_cache(maxsize=1)(lambda: compile_sources(sources))

    def keep(name: str, make: Callable[[], Any]) -> Any:
        return cached_json(f"{name}-{digest}", make) if cache else make()

    def load_anchors() -> Mapping[str, Any]:
        anchors: Mapping[str, Any] = keep(
            "anchors", lambda: {rule["id"]: rule["anchors"] for rule in compile_once()["rules"]}
        )
        compile_once.cache_clear()
        return anchors

    name = "lexicon-examples" if examples else "lexicon"
    compiled = keep(name, lambda: _lean(compile_once(), examples=examples))
    return _assemble(compiled, digest, tuple(disable), dict(levels or {}), tuple(allow), load_anchors)


def _sources(extra: Sequence[str | Path]) -> list[tuple[str, str]]:
    """(display name, text) of every YAML file, ours first."""
    found: list[tuple[str, str]] = []
    own = folder("lexicons")
    for base, prefix in ((own, "lexicons"), (own / "packs", "lexicons/packs")):
        for entry in sorted(base.iterdir(), key=lambda item: item.name):
            if entry.name.endswith(".yaml"):
                found.append((f"{prefix}/{entry.name}", entry.read_text(encoding="utf-8")))
    for directory in extra:
        path = Path(directory)
        if not path.is_dir():
            what = "no such lexicon folder; give a folder that holds .yaml files"
            raise LexiconError([Problem(str(path), 1, "", what)])
        for file in sorted(path.rglob("*.y*ml")):
            try:
                found.append((str(file), file.read_text(encoding="utf-8-sig")))
            except (OSError, UnicodeDecodeError) as error:
                what = f"cannot be read as UTF-8 text ({error.__class__.__name__}); save it as UTF-8"
                raise LexiconError([Problem(str(file), 1, "", what)]) from error
    return found


def _digest(sources: Sequence[tuple[str, str]]) -> str:
    digest = hashlib.sha256(f"{__version__}/{_FORMAT}".encode())
    for name, text in sources:
        digest.update(f"\0{name}\0{text}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:16]


def _lean(compiled: dict[str, Any], *, examples: bool) -> dict[str, Any]:
    """What a check needs: no anchors, and the examples only if wanted."""
    dropped: dict[str, Any] = {} if examples else {"examples": []}
    return compiled | {
        "rules": [{**rule, **dropped, "anchors": []} for rule in compiled["rules"]],
        "exemptions": [{**exemption, **dropped} for exemption in compiled["exemptions"]],
    }


# --- compiling -----------------------------------------------------------------------------------

_TABLES = (
    "acts",
    "records",
    "law",
    "classes",
    "industries",
    "channels",
    "script",
    "confusions",
    "confidence",
    "rewrites",
)


def compile_sources(sources: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Validated plain data of all files. Raises LexiconError with every problem."""
    import yaml

    from checker.schema import parse_file
    from checker.yaml_text import Loader

    tables: dict[str, Any] = {}
    parsed: list[dict[str, Any]] = []
    problems: list[Problem] = []
    for name, text in sources:
        stem = name.rsplit("/", 1)[-1].removesuffix(".yaml")
        if name.startswith("lexicons/") and stem in _TABLES:
            tables[stem] = yaml.load(text, Loader=Loader)
            continue
        data, found = parse_file(name, text)
        problems += found
        if data:
            parsed.append(data)
    classes: dict[str, list[str]] = {key: list(words) for key, words in tables["classes"].items()}
    for data in parsed:
        for key, words in data["classes"].items():
            classes[key] = [*classes.get(key, []), *words]
    expander = _Expander(classes)
    bases, channels, bound = _compile_law(tables["law"])
    rules: dict[str, dict[str, Any]] = {}
    exemptions: dict[str, dict[str, Any]] = {}
    compiled: dict[str, Any] = {
        "bases": bases,
        "penalty_channels": channels,
        "basis_industries": bound,
        "disable": [],
        "levels": {},
        "allow": [],
        "industries": (tables.get("industries") or {}).get("industries", {}),
        "rewriting": _compile_rewrites(tables["rewrites"], expander, problems),
        "names": sorted({word for key in _NAMES for word in classes.get(key, ()) if _NAME.fullmatch(word)}),
        "channels": (tables.get("channels") or {}).get("channels", {}),
        "measured": tables.get("confidence") or {},
    }
    confusions = tables.get("confusions") or {}
    rarity = Rarity(confusions.get("common", ""), confusions.get("frequent_in_sales", ""))
    acts = tables.get("acts") or {}
    compiled["acts"] = _compile_acts(acts, expander, problems)
    for data in parsed:
        for exemption in data["exemptions"]:
            exemptions[exemption["id"]] = _compile_exemption(exemption, expander, bases, rarity, problems)
    for data in parsed:
        for rule in data["rules"]:
            if rule["id"] in rules and rules[rule["id"]]["file"].startswith("lexicons/") == rule[
                "file"
            ].startswith("lexicons/"):
                other = rules[rule["id"]]
                what = f"the id is taken by {other['file']}:{other['line']}; choose another"
                problems.append(Problem(rule["file"], rule["line"], rule["id"], what))
            rules[rule["id"]] = _compile_rule(rule, expander, bases, exemptions, rarity, problems)
            problems += _unknown_acts(rule, compiled["acts"])
        compiled["disable"] += data["disable"]
        compiled["levels"] |= data["levels"]
        compiled["allow"] += data["allow"]
    for entry in (*tables["rewrites"]["statements"], *tables["rewrites"].get("trades", ())):
        for name in entry.get("industries", ()):
            if name not in tables["industries"]["industries"]:
                what = f"statements: no industry is called {name!r}; correct or remove it"
                problems.append(Problem("lexicons/rewrites.yaml", 1, "", what))
        for pattern in entry.get("covers", {}).get("rules", ()):
            if not any(fits(name, pattern) for name in rules):
                what = f"statements: no rule fits {pattern!r}; correct the id or remove the line"
                problems.append(Problem("lexicons/rewrites.yaml", 1, "", what))
    if problems:
        raise LexiconError(sorted(problems, key=lambda problem: (problem.file, problem.line)))
    return compiled | {"rules": list(rules.values()), "exemptions": list(exemptions.values())}


def _compile_rewrites(
    table: Mapping[str, Any], expander: _Expander, problems: list[Problem]
) -> dict[str, Any]:
    """The table of ``rewrites.yaml`` with the word classes in its patterns written out."""

    def expand(pattern: str) -> str:
        try:
            return expander.expand(pattern)
        except ValueError as error:
            problems.append(Problem("lexicons/rewrites.yaml", 1, "", str(error)))
            return pattern

    statements = [
        {**entry, **{key: expand(entry[key]) for key in ("when", "about") if key in entry}}
        for entry in table["statements"]
    ]
    names = ("wares", "counted", "ills", "unsellable", "unsayable", "offers", "plain", "boasts", "strangers")
    for name in names:
        if not isinstance(table.get(name), str):
            problems.append(Problem("lexicons/rewrites.yaml", 1, "", f"{name} is missing; give a pattern"))
    patterns = {name: expand(str(table.get(name, ""))) for name in names}
    trades = [{**entry, "or": expand(entry.get("or", ""))} for entry in table.get("trades", ())]
    return {**table, **patterns, "statements": statements, "trades": trades}


def _compile_law(
    table: Mapping[str, Any],
) -> tuple[dict[str, Any], dict[str, list[str]], dict[str, list[str]]]:
    """The bases, the channels in which each carries a penalty, and the industries that each binds."""
    bases: dict[str, Any] = {}
    channels: dict[str, list[str]] = {}
    bound: dict[str, list[str]] = {}
    for law in table["laws"]:
        for article in law["articles"]:
            track = table["tracks"][article["track"]]
            penalties = [table["penalties"][code] for code in article["penalties"]]
            bases[article["id"]] = {
                "id": article["id"],
                # A group of several laws: each article names its own.
                "law": "" if "《" in article["article"] else law["law"],
                "article": article["article"],
                "applies_when": track["applies_when"],
                "strength": article.get("strength", law["strength"]),
                "penalty": "；".join(f"{p['basis']}：{p['range']}" for p in penalties),
                "verified": article["verified"],
            }
            channels[article["id"]] = track.get("channels", [])
            bound[article["id"]] = article.get("industries", law.get("industries", []))
    return bases, channels, bound


def _compile_acts(table: Mapping[str, Any], expander: _Expander, problems: list[Problem]) -> dict[str, Any]:
    """Acts with their patterns expanded; ``^`` and ``$`` are the ends of a sentence in them."""

    def expand(owner: str, patterns: Iterable[str]) -> list[str]:
        out = []
        for pattern in patterns:
            try:
                out.append(checked(f"(?m:{expander.expand(pattern)})"))
            except ValueError as error:
                problems.append(Problem("lexicons/acts.yaml", 1, owner, f"pattern {pattern!r}: {error}"))
        return out

    compiled: dict[str, Any] = {key: expand(key, table.get(key, ())) for key in _CALL_SIGNS}
    for side in ("customer", "agent"):
        compiled[side] = [
            {
                "id": act["id"],
                "name": act["name"],
                "advice": act.get("advice", ""),
                "cues": expand(act["id"], act["cues"]),
                "unless": expand(act["id"], act.get("unless", ())),
                "answers": [
                    expand(act["id"], (pair["asked"], pair["said"])) for pair in act.get("answers", ())
                ],
                "examples": act.get("examples", {}),
            }
            for act in table.get(side, ())
        ]
    return compiled


def _unknown_acts(rule: Mapping[str, Any], acts: Mapping[str, Any]) -> list[Problem]:
    reply = rule["match"]["reply"]
    if not reply:
        return []
    known = {side: {act["id"] for act in acts[side]} for side in ("customer", "agent")}
    wrong = [*sorted(set(reply["to"]) - known["customer"]), *sorted(set(reply["does"]) - known["agent"])]
    what = "reply names the act {!r}, which acts.yaml does not have; add it or correct the name"
    return [Problem(rule["file"], rule["line"], rule["id"], what.format(name)) for name in wrong]


class _Expander:
    """Macros and word classes in patterns."""

    def __init__(self, classes: Mapping[str, Sequence[str]]) -> None:
        self._classes = classes
        self._bodies: dict[str, str] = {}
        self._busy: set[str] = set()

    def expand(self, pattern: str, *, mark: bool = False) -> str:
        """The pattern with macros replaced. Raises ValueError for an unknown name."""

        def replace(match: re.Match[str]) -> str:
            name, width = match["name"], match["width"]
            if name == "term":
                if not mark:
                    raise ValueError("{term} has a meaning only in unless and around")
                return MARK
            if name == "gap":
                return f"{_GAP}{{0,{width or 6}}}"
            if name == "slot":
                return SLOT
            if name == "num":
                return _NUMBER
            if name == "percent":
                return _PERCENT
            return self._body(name)

        return re.sub(r"\{(?P<name>[a-z_]+)(?::(?P<width>\d+))?\}", replace, pattern)

    def _body(self, name: str) -> str:
        if name not in self._bodies:
            if name not in self._classes:
                raise ValueError(f"unknown word class or macro {{{name}}}; classes.yaml lists them")
            if name in self._busy:
                raise ValueError(f"the word class {name} includes itself")
            self._busy.add(name)
            parts = []
            for word in sorted(set(self._classes[name]), key=lambda item: (-len(item), item)):
                inner = re.fullmatch(r"\{([a-z_]+)\}", word)
                parts.append(self._body(inner[1]) if inner else re.escape(fold(word)))
            self._busy.discard(name)
            self._bodies[name] = f"(?:{'|'.join(parts)})"
        return self._bodies[name]


def _compile_rule(
    rule: dict[str, Any],
    expander: _Expander,
    bases: Mapping[str, Any],
    exemptions: Mapping[str, Any],
    rarity: Rarity,
    problems: list[Any],
) -> dict[str, Any]:
    def complain(what: str) -> None:
        problems.append(Problem(rule["file"], rule["line"], rule["id"], what))

    def expand(patterns: Iterable[str], *, mark: bool = False) -> list[str]:
        out = []
        for pattern in patterns:
            try:
                out.append(checked(expander.expand(pattern, mark=mark)))
            except ValueError as error:
                complain(f"pattern {pattern!r}: {error}")
        return out

    match = rule["match"]
    for key in ("terms", "patterns", "unless"):
        for entry in sorted({entry for entry in match[key] if match[key].count(entry) > 1}):
            complain(f"{key}: {entry!r} stands more than once; keep one")
    for name in rule["basis"]:
        if name not in bases:
            complain(f"basis {name!r} is not in law.yaml; add the article or correct the id")
    for name in rule["exemptions"] or ():
        if name not in exemptions:
            complain(f"exemption {name!r} is not in exemptions.yaml; correct the name")
    patterns = expand(match["patterns"])
    anchors = []
    for original, pattern in zip(match["patterns"], patterns):
        found = literals(pattern, rarity)
        if not found:
            complain(f"pattern {original!r} has no literal part that could wake it; add one")
        anchors.append([[sorted(group) for group in groups] for groups in found])
    if match["tokens"]:
        anchors = [[[[fold(anchor) for anchor in match["tokens"]["anchors"]]]]]
    names = ("missing", "reply", "personal", "tokens", "model")
    kind = next((name for name in names if match[name]), "")
    kind = kind or ("near" if match["near"] else "terms" if not patterns else "pattern")

    def blocks(given: Any) -> list[dict[str, Any]]:
        listed = given if isinstance(given, list) else [given] if given else []
        return [block | {"cues": expand(block["cues"])} for block in listed]

    missing = match["missing"]
    if missing:
        missing = missing | {"say": expand(missing["say"]), "except": expand(missing.pop("except_"))}
        missing |= {key: blocks(missing[key]) for key in ("when", "unless", "after", "before", "until")}
    reply = match["reply"]
    if reply:
        reply = reply | {"unless": blocks(reply["unless"])}
    cues = {key: blocks(match[key]) for key in ("near", "without")}
    rewrites = rule["rewrite"] or []
    return {
        key: rule[key]
        for key in (
            "id",
            "status",
            "level",
            "state",
            "evidence",
            "industries",
            "channels",
            "exemptions",
            "strict",
            "message",
            "why",
            "basis",
            "file",
            "line",
        )
    } | {
        "category": rule["id"].split("/")[0],
        "kind": kind,
        "terms": sorted({fold(term) for term in match["terms"]} - {""}),
        "patterns": patterns,
        "anchors": anchors,
        "near": cues["near"],
        "without": cues["without"],
        "unless": expand(match["unless"], mark=True),
        "boundary": match["boundary"],
        "tokens": match["tokens"]["pattern"] if match["tokens"] else [],
        "missing": missing,
        "reply": reply,
        "personal": match["personal"],
        "rewrites": rewrites if isinstance(rewrites, list) else [rewrites],
        "examples": [_stated(example) for example in rule["examples"]],
    }


def _needs(alternative: Mapping[str, str], rarity: Rarity) -> list[list[str]]:
    """Groups of literals that a sentence must hold for all conditions of an alternative to hold."""
    groups = []
    for name, pattern in alternative.items():
        if name.startswith("not_") or name in ("turn", "document"):
            continue
        alternatives = literals(pattern, rarity)
        if alternatives:
            union = frozenset().union(*(sets[0] for sets in alternatives))
            words = {max(word.split(MARK), key=len) for word in union}
            if "" not in words:
                groups.append(sorted(words))
    return groups


def _compile_exemption(
    exemption: dict[str, Any],
    expander: _Expander,
    bases: Mapping[str, Any],
    rarity: Rarity,
    problems: list[Any],
) -> dict[str, Any]:
    from checker.schema import CATEGORIES

    def complain(what: str) -> None:
        problems.append(Problem(exemption["file"], exemption["line"], exemption["id"], what))

    if exemption["clause"] not in bases:
        complain(f"clause {exemption['clause']!r} is not in law.yaml; add it or correct the id")
    for category in exemption["covers"]["categories"]:
        if category not in CATEGORIES:
            complain(f"covers.categories: {category!r} is no category")
    out = {key: exemption[key] for key in ("id", "name", "clause", "signs", "covers", "file", "line")}
    for key in ("any", "unless"):
        alternatives = []
        for alternative in exemption[key]:
            conditions = {}
            for name, pattern in alternative.items():
                if pattern is None or name == "says":
                    continue
                try:
                    conditions[name] = checked(expander.expand(pattern, mark="around" in name))
                except ValueError as error:
                    complain(f"{key}.{name} {pattern!r}: {error}")
            alternatives.append(conditions)
        out[key] = alternatives
    out["needs"] = [_needs(alternative, rarity) for alternative in out["any"]]
    out["says"] = [alternative["says"] for alternative in exemption["any"]]
    out["examples"] = [_stated(example) for example in exemption["examples"]]
    return out


def _stated(example: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in example.items() if value is not None}


def checked(pattern: str) -> str:
    """The pattern itself, if RE2 accepts it; else ValueError with RE2's reason."""
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 26
    try:
        re2.compile(pattern, options=options)
    except re2.error as error:
        reason = error.args[0]
        text = reason.decode() if isinstance(reason, bytes) else str(reason)
        raise ValueError(f"RE2 refuses it: {text}; look-around and back-references do not exist") from None
    return pattern


# --- literals of a pattern -------------------------------------------------------------------------

_MOST_PRODUCTS = 40
_MOST_LITERALS = 80
MOST_GROUPS = 2
_MOST_ALTERNATIVES = 48
_COMMON = 0.004


class Rarity:
    """How often a group of literals is met in ordinary text, estimated character by character.

    ``common`` lists characters by frequency (``lexicons/confusions.yaml``); the rate of the
    character at rank r is taken as 0.04 / r ** 0.65, which fits published counts of modern
    Chinese within a factor of two. ``sales`` lists those that sales talk uses much more often, at
    a rate of 0.05 / r ** 1.1, as counted in our own sentences. Others count as rare.
    """

    def __init__(self, common: str = "", sales: str = "") -> None:
        self._rates = {character: 0.04 / (rank + 1) ** 0.65 for rank, character in enumerate(common)}
        self._rates |= {character: 0.05 / (rank + 1) ** 1.1 for rank, character in enumerate(sales)}
        self._known: dict[frozenset[str], float] = {}
        self._words: dict[str, float] = {}

    def rate(self, words: frozenset[str]) -> float:
        """Expected occurrences of any of the words at one place of a text."""
        known = self._known.get(words)
        if known is None:
            known = self._known[words] = math.fsum(map(self.of, words))
        return known

    def of(self, word: str) -> float:
        """Expected occurrences of one word."""
        known = self._words.get(word)
        if known is None:
            known = self._words[word] = math.prod(self._rates.get(character, 2e-4) for character in word)
        return known


def literals(pattern: str, rarity: Rarity | None = None) -> list[list[frozenset[str]]]:
    """What a sentence must hold for the pattern to match: alternatives of groups of literals.

    For at least one alternative a match contains one literal of every group. The rarest group
    comes first; an empty list means that nothing is required. ``我们.{0,9}(?:最(?:好|佳)的|首选)``
    gives the alternatives {最好的, 最佳的} with {我们}, and {首选} with {我们}.

    >>> [[sorted(group) for group in groups] for groups in literals("我们.{0,9}(?:最(?:好|佳)的|首选)")]
    [[['最佳的', '最好的'], ['我们']], [['首选'], ['我们']]]
    >>> literals("[^，]{0,4}")
    []
    """
    try:
        from re import _constants, _parser  # type: ignore[attr-defined]
    except ImportError:  # Python 3.10
        import sre_constants as _constants
        import sre_parse as _parser
    # RE2's \p{Han} is unknown to the parser of the standard library.
    pattern = re.sub(r"(\[[^\]\\]*)\\p\{Han\}", "\\1\u4e00-\u9fff", pattern)
    pattern = pattern.replace(r"\p{Han}", "[\u4e00-\u9fff]")
    try:
        tree = _parser.parse(pattern)
    except re.error:
        return []
    rarity = rarity or Rarity()
    parsed = _Parsed(_constants, rarity.rate)
    out: list[list[frozenset[str]]] = []
    for nodes in parsed.alternatives(list(tree), _MOST_ALTERNATIVES):
        groups = sorted(parsed.required(nodes), key=rarity.rate)
        if not groups:
            return []
        # A further group pays only when a sentence often lacks it.
        further = [group for group in groups[1:] if max(map(rarity.of, group)) < _COMMON]
        chosen = groups[:1] + further[: MOST_GROUPS - 1]
        if chosen not in out:
            out.append(chosen)
    return out


def _product(left: frozenset[str], right: frozenset[str]) -> frozenset[str] | None:
    size = len(left) * len(right)
    if size == len(right) <= _MOST_LITERALS and "" in left:
        return right
    if size > _MOST_LITERALS or (size > _MOST_PRODUCTS and min(len(left), len(right)) > 4):
        return None
    return frozenset([a + b for a in left for b in right])


class _Parsed:
    """What is known of the nodes of one pattern; each is looked at once, however many alternatives hold it.

    Nodes are known by their identity: the tree they belong to must outlive this.
    """

    def __init__(self, constants: Any, rate: Rate) -> None:
        self._names = constants
        self._rate = rate
        self._exact: dict[int, frozenset[str] | None] = {}
        self._inside: dict[int, list[frozenset[str]]] = {}

    def alternatives(self, nodes: list[Any], most: int) -> list[list[Any]]:
        """The sequence of nodes with its branches multiplied out, as far as ``most`` allows.

        Branches that are mere lists of words stay: they make one group.
        """
        names = self._names
        for place, node in enumerate(nodes):
            operation, argument = node
            if operation is names.SUBPATTERN:
                inner = list(argument[3])
            elif operation is names.BRANCH:
                inner = [node]
            else:
                continue
            if self._sequence(inner) is not None:
                continue
            if len(inner) == 1 and inner[0][0] is names.BRANCH:
                branches = [list(branch) for branch in inner[0][1][1]]
            elif operation is names.SUBPATTERN:
                branches = [inner]
            else:
                continue
            if len(branches) > most:
                continue
            out = []
            for branch in branches:
                sequence = nodes[:place] + branch + nodes[place + 1 :]
                out += self.alternatives(sequence, most // len(branches))
            return out
        return [nodes]

    def required(self, nodes: Any) -> list[frozenset[str]]:
        """The required sets of a sequence of nodes, in order of appearance."""
        found: list[frozenset[str]] = []
        run: frozenset[str] = frozenset({""})
        for node in nodes:
            strings = self.exact(node)
            grown = None if strings is None else _product(run, strings)
            if grown is not None:
                run = grown
                continue
            if "" not in run:
                found.append(run)
            run = frozenset({""})
            if strings is not None:
                run = strings
                continue
            found += self._required_inside(node)
        if "" not in run:
            found.append(run)
        return found

    def exact(self, node: Any) -> frozenset[str] | None:
        """All strings a node matches, or None when they are too many."""
        if id(node) not in self._exact:
            self._exact[id(node)] = self._find_exact(*node)
        return self._exact[id(node)]

    def _find_exact(self, operation: Any, argument: Any) -> frozenset[str] | None:
        names = self._names
        if operation is names.LITERAL:
            return frozenset({chr(argument)})
        if operation is names.IN:
            characters = set()
            for item, value in argument:
                if item is names.LITERAL:
                    characters.add(chr(value))
                elif item is names.RANGE and value[1] - value[0] < 32:
                    characters |= {chr(code) for code in range(value[0], value[1] + 1)}
                else:
                    return None
            return frozenset(characters) if len(characters) <= 32 else None
        if operation is names.SUBPATTERN:
            return self._sequence(argument[3])
        if operation is names.BRANCH:
            union: set[str] = set()
            for branch in argument[1]:
                strings = self._sequence(branch)
                if strings is None:
                    return None
                union |= strings
            return frozenset(union) if len(union) <= _MOST_LITERALS else None
        if operation in (names.MAX_REPEAT, names.MIN_REPEAT) and argument[:2] == (0, 1):
            strings = self._sequence(argument[2])
            return None if strings is None else strings | {""}
        if operation is names.AT:
            return frozenset({""})
        return None

    def _sequence(self, nodes: Any) -> frozenset[str] | None:
        strings: frozenset[str] | None = frozenset({""})
        for node in nodes:
            more = self.exact(node)
            strings = None if more is None or strings is None else _product(strings, more)
            if strings is None:
                return None
        return strings

    def _required_inside(self, node: Any) -> list[frozenset[str]]:
        if id(node) not in self._inside:
            self._inside[id(node)] = self._find_required(*node)
        return self._inside[id(node)]

    def _find_required(self, operation: Any, argument: Any) -> list[frozenset[str]]:
        names = self._names
        if operation is names.SUBPATTERN:
            return self.required(argument[3])
        if operation in (names.MAX_REPEAT, names.MIN_REPEAT) and argument[0] >= 1:
            return self.required(argument[2])
        if operation is names.BRANCH:
            branches = [self.required(branch) for branch in argument[1]]
            if not all(branches):
                return []
            rarest = frozenset().union(*(min(sets, key=self._rate) for sets in branches))
            if len(rarest) <= _MOST_LITERALS:
                return [rarest]
            return [frozenset().union(*(min(sets, key=len) for sets in branches))]
        return []


# --- assembling ------------------------------------------------------------------------------------


def _cues(data: Mapping[str, Any]) -> Cues:
    return Cues(tuple(data["cues"]), data.get("within", "document"), data.get("by", "agent"))


def _missing(data: Mapping[str, Any]) -> Missing:
    moments = {key: _cues(data[key][0]) if data[key] else None for key in ("after", "before", "until")}
    return Missing(
        say=tuple(data["say"]),
        excepted=tuple(data["except"]),
        by=data["by"],
        agent_turns=data["within"]["agent_turns"],
        turns=data["within"]["turns"],
        seconds=data["within"]["seconds"],
        when=tuple(map(_cues, data["when"])),
        unless=tuple(map(_cues, data["unless"])),
        earlier=bool(data["after"]) and data["after"][0]["earlier"],
        kinds=tuple(data["kinds"]),
        voices=data["voices"],
        min_agent_turns=data["min_agent_turns"],
        wanted=data["wanted"],
        **moments,
    )


def _acts(data: Mapping[str, Any]) -> Acts:
    def side(acts: Iterable[Mapping[str, Any]]) -> tuple[Act, ...]:
        return tuple(
            Act(
                id=act["id"],
                name=act["name"],
                advice=act["advice"],
                cues=tuple(act["cues"]),
                unless=tuple(act["unless"]),
                answers=tuple((asked, said) for asked, said in act["answers"]),
                examples=act["examples"],
            )
            for act in acts
        )

    return Acts(
        side(data["customer"]),
        side(data["agent"]),
        *(tuple(data[key]) for key in _CALL_SIGNS),
    )


def _rule(data: Mapping[str, Any], level: str | None) -> Rule:
    missing, reply = data["missing"], data["reply"]
    return Rule(
        id=data["id"],
        category=data["category"],
        status=data["status"],
        level=Level(level or data["level"]),
        state=State(data["state"]),
        evidence=data["evidence"],
        kind=data["kind"],
        terms=tuple(data["terms"]),
        patterns=tuple(data["patterns"]),
        near=tuple(map(_cues, data["near"])),
        without=tuple(map(_cues, data["without"])),
        unless=tuple(data["unless"]),
        boundary=data["boundary"],
        tokens=tuple(tuple(pattern) for pattern in data["tokens"]),
        missing=missing and _missing(missing),
        reply=reply
        and Reply(
            frozenset(reply["to"]),
            frozenset(reply["does"]),
            reply["times"],
            tuple(map(_cues, reply["unless"])),
        ),
        personal=frozenset(data["personal"]),
        industries=frozenset(data["industries"]),
        channels=frozenset(data["channels"]),
        exemptions=None if data["exemptions"] is None else tuple(data["exemptions"]),
        strict=data["strict"],
        message=data["message"],
        why=data["why"],
        basis=tuple(data["basis"]),
        rewrites=tuple(data["rewrites"]),
        examples=tuple(data["examples"]),
        file=data["file"],
        line=data["line"],
    )


def _assemble(
    compiled: Mapping[str, Any],
    digest: str,
    disable: tuple[str, ...],
    levels: Mapping[str, str],
    allow: tuple[str, ...],
    load_anchors: Callable[[], Mapping[str, Any]],
) -> Lexicon:
    off = (*compiled["disable"], *disable)
    changed = compiled["levels"] | dict(levels)
    if off or changed or allow:
        settings = json.dumps([sorted(off), sorted(changed.items()), sorted(allow)])
        digest = hashlib.sha256(f"{digest}{settings}".encode()).hexdigest()[:16]
    rules = []
    for data in compiled["rules"]:
        if any(fits(data["id"], pattern) for pattern in off):
            continue
        level = next((lv for name, lv in changed.items() if fits(data["id"], name)), None)
        rules.append(_rule(data, level))
    exemptions = tuple(
        Exemption(
            data["id"],
            data["name"],
            data["clause"],
            data["signs"],
            frozenset(data["covers"]["categories"]),
            tuple(data["covers"]["rules"]),
            tuple(data["covers"]["not_rules"]),
            tuple(data["any"]),
            tuple(tuple(map(tuple, groups)) for groups in data["needs"]),
            tuple(data["says"]),
            tuple(data["unless"]),
            tuple(data["examples"]),
            data["file"],
            data["line"],
        )
        for data in compiled["exemptions"]
    )
    return Lexicon(
        rules=tuple(rules),
        exemptions=exemptions,
        bases={name: Basis(**data) for name, data in compiled["bases"].items()},
        penalty_channels={name: frozenset(c) for name, c in compiled["penalty_channels"].items()},
        basis_industries={name: frozenset(i) for name, i in compiled["basis_industries"].items()},
        allow=tuple(fold(phrase) for phrase in (*compiled["allow"], *allow)),
        industries=compiled["industries"],
        rewriting=compiled["rewriting"],
        channels=compiled["channels"],
        measured=compiled["measured"],
        acts=_acts(compiled["acts"]),
        names=tuple(compiled["names"]),
        version=digest,
        rule_by_id={rule.id: rule for rule in rules},
        load_anchors=load_anchors,
    )


@lru_cache(maxsize=1)
def default() -> Lexicon:
    """Our lexicons with their examples, loaded once in a process."""
    return load(examples=True)
