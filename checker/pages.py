"""Pages about rules, for officers: what, why, which articles, what would cure it, examples.

The pages are Chinese Markdown made from the lexicons alone, so they cannot drift from the rules.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from checker.labels import CATEGORY_NAMES, CHANNEL_NAMES, LEVEL_NAMES, STATE_NAMES, STRENGTH_NAMES
from checker.lexicon import Exemption, Lexicon, Rule
from checker.types import Basis

_KINDS = {
    "terms": "词语",
    "pattern": "句式",
    "near": "词语加近旁线索",
    "tokens": "词序列",
    "missing": "应说未说",
    "model": "模型",
    "reply": "客户表态后的应对",
    "personal": "个人信息",
}


def page(lexicon: Lexicon, name: str, channel: str = "call_1to1") -> str | None:
    """The page of a rule or exemption, or None when there is none of that name."""
    rule = lexicon.rule_by_id.get(name)
    if rule is not None:
        return "\n".join(_rule_page(lexicon, rule, channel))
    exemption = next((item for item in lexicon.exemptions if item.id == name), None)
    return None if exemption is None else "\n".join(_exemption_page(lexicon, exemption))


def similar(lexicon: Lexicon, name: str) -> list[str]:
    """Up to three names of rules or exemptions that look like this one."""
    names = [*lexicon.rule_by_id, *(item.id for item in lexicon.exemptions)]
    return difflib.get_close_matches(name, names, n=3, cutoff=0.5)


def _basis_lines(bases: Iterable[Basis]) -> list[str]:
    lines = []
    for basis in bases:
        strength = STRENGTH_NAMES.get(basis.strength, basis.strength)
        lines.append(f"- {basis.cite}（{strength}）。适用：{basis.applies_when}。")
        if basis.penalty:
            lines.append(f"  罚则：{basis.penalty}")
    return lines


def _rule_page(lexicon: Lexicon, rule: Rule, channel: str) -> list[str]:
    kind = _KINDS[rule.kind]
    lines = [
        f"# {rule.id}",
        "",
        f"{CATEGORY_NAMES[rule.category]}｜{LEVEL_NAMES[str(rule.level)]}｜{STATE_NAMES[str(rule.state)]}｜按{kind}识别",
        "",
        f"**是什么**：{rule.message.replace('“{matched}”', '这类说法').replace('{matched}', '这类说法')}",
        "",
        f"**为什么**：{rule.why}",
    ]
    if rule.industries:
        lines.append(
            f"\n**行业**：{'、'.join(sorted(rule.industries))}（行业由系统推测时最高为“{LEVEL_NAMES['review']}”）"
        )
    if rule.channels:
        lines.append(f"\n**渠道**：{'、'.join(CHANNEL_NAMES[c] for c in sorted(rule.channels))}")
    lines += ["", "## 依据", "", *_basis_lines(lexicon.basis_for(rule, channel))]
    lines += ["", "## 怎样才可以", ""]
    cures = [f"- 备齐证明材料：{rule.evidence}"] if rule.evidence else []
    for option in rule.rewrites:
        if option["ask"]:
            cures.append(f"- 先回答：{option['ask']}")
        elif option["delete"]:
            cures.append("- 删去这几个字")
        elif option["insert"]:
            cures.append(f"- 补上：{option['insert']}")
        else:
            words = [f"{old}→{new}" for old, new in option["map"].items()]
            cures.append("- 改为：" + "；".join([*words, *([option["to"]] if option["to"] else [])]))
    excuses = [item for item in lexicon.exemptions if _tried(item, rule)]
    if excuses:
        cures.append("- 属于下列情形的不算：" + "、".join(f"{item.name}（{item.id}）" for item in excuses))
    lines += cures or ["- 没有可以保留的说法，请删去。"]
    return lines + _example_lines(rule.examples)


def _tried(exemption: Exemption, rule: Rule) -> bool:
    if rule.strict:
        return False
    return exemption.id in rule.exemptions if rule.exemptions is not None else exemption.covers(rule)


def _exemption_page(lexicon: Lexicon, exemption: Exemption) -> list[str]:
    basis = lexicon.bases[exemption.clause]
    scope = [CATEGORY_NAMES[name] for name in sorted(exemption.categories)] + list(exemption.rules)
    return [
        f"# {exemption.id}",
        "",
        f"豁免：{exemption.name}",
        "",
        f"**适用范围**：{'、'.join(scope) or '所有分类'}",
        "",
        "## 依据",
        "",
        *_basis_lines([basis]),
        *_example_lines(exemption.examples),
    ]


def _example_lines(examples: Sequence[object]) -> list[str]:
    groups: dict[str, list[str]] = {"flags": [], "excused": [], "passes": [], "known_miss": []}
    for example in examples:
        assert isinstance(example, dict)
        kind = next(name for name in groups if name in example)
        line = f"- {example[kind]}".replace("[[", "**").replace("]]", "**").replace("\n", " ／ ")
        if example.get("because"):
            line += f"（{example['because']}）"
        if example.get("becomes") is not None:
            line += f" → {example['becomes']}"
        groups[kind].append(line)
    titles = {
        "flags": "会指出",
        "excused": "指出后按豁免放行",
        "passes": "不会指出",
        "known_miss": "目前还漏掉",
    }
    lines: list[str] = []
    for kind, title in titles.items():
        if groups[kind]:
            lines += ["", f"## 例句：{title}", "", *groups[kind]]
    return lines


def listing(lexicon: Lexicon, names: Sequence[str] = ()) -> str:
    """One line a rule: id, level, state, kind, message."""
    lines = []
    for rule in sorted(lexicon.rules, key=lambda rule: (list(CATEGORY_NAMES).index(rule.category), rule.id)):
        if names and not any(n in (rule.id, rule.category) or rule.id.startswith(n) for n in names):
            continue
        industries = f" [{','.join(sorted(rule.industries))}]" if rule.industries else ""
        lines.append(f"{rule.id}  {rule.level}  {rule.state}  {rule.kind}{industries}  {rule.message}")
    return "\n".join(lines)


def statistics(lexicon: Lexicon) -> str:
    """A Markdown table of counts by category, and totals."""
    lines = [
        "| category | rules | block | review | hint | terms | patterns | flags | passes | known misses |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    total: Counter[str] = Counter()
    for category in CATEGORY_NAMES:
        rules = [rule for rule in lexicon.rules if rule.category == category]
        if not rules:
            continue
        counts = Counter(
            rules=len(rules),
            terms=sum(len(rule.terms) for rule in rules),
            patterns=sum(len(rule.patterns) for rule in rules),
        )
        counts.update(str(rule.level) for rule in rules)
        for rule in rules:
            for example in rule.examples:
                counts.update(k for k in ("flags", "passes", "excused", "known_miss") if k in example)
        counts["passes"] += counts["excused"]
        total += counts
        lines.append(_row(category, counts))
    lines.append(_row("**all**", total))
    industries = Counter(slug for rule in lexicon.rules for slug in rule.industries)
    lines += [
        "",
        "Rules of industry packs: " + ", ".join(f"{name} {n}" for name, n in sorted(industries.items())),
    ]
    examples = sum(len(item.examples) for item in lexicon.exemptions)
    lines.append(f"Exemptions: {len(lexicon.exemptions)}, with {examples} examples")
    lines.append(
        f"Legal bases: {len(lexicon.bases)}, of which {sum(not b.verified for b in lexicon.bases.values())} unverified"
    )
    return "\n".join(lines)


def _row(name: str, counts: Counter[str]) -> str:
    columns = ("rules", "block", "review", "hint", "terms", "patterns", "flags", "passes", "known_miss")
    return f"| {name} | " + " | ".join(str(counts[column]) for column in columns) + " |"


def write_pages(lexicon: Lexicon, folder: Path) -> int:
    """One Markdown file a category and one for the exemptions; returns the number of files."""
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for category, name in CATEGORY_NAMES.items():
        rules = sorted((r for r in lexicon.rules if r.category == category), key=lambda rule: rule.id)
        if not rules:
            continue
        parts = [f"# {name}（{category}）"]
        for rule in rules:
            parts.append(
                "\n".join(
                    f"#{line}" if line.startswith("#") else line for line in _rule_page(lexicon, rule, "page")
                )
            )
        (folder / f"{category}.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")
        count += 1
    parts = ["# 豁免"]
    for exemption in lexicon.exemptions:
        parts.append(
            "\n".join(
                f"#{line}" if line.startswith("#") else line for line in _exemption_page(lexicon, exemption)
            )
        )
    (folder / "exemptions.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return count + 1
