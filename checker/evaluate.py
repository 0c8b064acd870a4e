"""Scores of the checker and the model on labelled sentences, as Markdown or HTML.

A sentence counts as found when it has a finding of level review or higher; its category is right
when one of those findings has a label of the sentence. The model alone is scored by its calibrated
probability, whatever rules say. Every share comes with its 95 % Wilson interval.
"""

from __future__ import annotations

import html
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from checker.labels import CATEGORY_NAMES, INDUSTRY_NAMES, name_of
from checker.pipeline import Checker
from checker.train import (
    Example,
    average_precision,
    data_digest,
    recall_at_precision,
    reliability,
    wilson,
)
from checker.types import Level

WORST = 20


@dataclass
class Counts:
    """How often something was rightly found, found by mistake, and missed."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    @property
    def precision(self) -> float | None:
        """Share of the found that is right, None when nothing was found."""
        found = self.right + self.wrong
        return self.right / found if found else None

    @property
    def recall(self) -> float | None:
        """Share of what was to find that was found, None when there was nothing."""
        wanted = self.right + self.missed
        return self.right / wanted if wanted else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall."""
        total = 2 * self.right + self.wrong + self.missed
        return 2 * self.right / total if total else None


@dataclass
class Evaluation:
    """Everything the reports show; see :func:`evaluate`."""

    sentences: int
    violations: int
    digest: str
    whole: Counts
    rules: Counts
    innocent: int
    flagged: int
    by_category: dict[str, Counts]
    by_industry: dict[str, Counts]
    confusions: Counter[tuple[str, str]]
    errors: list[dict[str, Any]]
    probabilities: list[float]
    guilty: list[bool]
    untouched: list[bool]
    curve: Sequence[Mapping[str, float]] = ()
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def model(self) -> dict[str, float]:
        """Average precision and recalls of the model alone."""
        return _model_figures(self.probabilities, self.guilty)

    @property
    def model_beyond_rules(self) -> dict[str, float]:
        """The same on innocent sentences and the violations that no rule touches."""
        chosen = [i for i, guilty in enumerate(self.guilty) if not guilty or self.untouched[i]]
        return _model_figures([self.probabilities[i] for i in chosen], [self.guilty[i] for i in chosen])


def _model_figures(probabilities: Sequence[float], guilty: Sequence[bool]) -> dict[str, float]:
    import numpy as np

    truth, scores = np.array(guilty, dtype=bool), np.array(probabilities, dtype=np.float64)
    if not truth.any() or truth.all():
        return {"violations": int(truth.sum())}
    return {
        "violations": int(truth.sum()),
        "average_precision": average_precision(scores, truth),
        "recall_at_precision_0.85": recall_at_precision(scores, truth, 0.85),
        "recall_at_precision_0.9": recall_at_precision(scores, truth, 0.9),
    }


def evaluate(examples: Sequence[Example], checker: Checker) -> Evaluation:
    """Check every sentence and count."""
    import numpy as np

    classifier = checker.engine.classifier
    texts = [example.text for example in examples]
    scores = classifier.score_texts(texts) if classifier else np.zeros(len(texts))
    probabilities = classifier.probability(scores) if classifier else scores
    whole, rules = Counts(), Counts()
    by_category: dict[str, Counts] = defaultdict(Counts)
    by_industry: dict[str, Counts] = defaultdict(Counts)
    confusions: Counter[tuple[str, str]] = Counter()
    errors: list[dict[str, Any]] = []
    untouched, flagged = [], 0
    for example, probability, report in zip(examples, probabilities.tolist(), checker.check_many(texts)):
        findings = [finding for finding in report.findings if finding.level is not Level.HINT]
        by_rules = [finding for finding in findings if finding.explanation.source != "model"]
        guilty, wanted = bool(example.labels), set(example.labels)
        got = {finding.category for finding in findings}
        _count(whole, guilty, bool(findings))
        _count(rules, guilty, bool(by_rules))
        _count(by_industry[example.industry or "-"], guilty, bool(findings))
        untouched.append(not by_rules)
        flagged += bool(findings) and not guilty
        for category in wanted | got:
            _count(by_category[category], category in wanted, category in got)
        if guilty and got and not wanted & got:
            confusions.update((label, other) for label in wanted for other in got)
        if guilty != bool(findings):
            errors.append(
                {
                    "text": example.text,
                    "labels": list(example.labels),
                    "found": [f"{finding.rule_id} {finding.matched}" for finding in findings],
                    "probability": round(probability, 3),
                    "distance": probability if not guilty else 1 - probability,
                }
            )
    errors.sort(key=lambda error: -error["distance"])
    return Evaluation(
        sentences=len(examples),
        violations=sum(bool(example.labels) for example in examples),
        digest=data_digest(examples),
        whole=whole,
        rules=rules,
        innocent=sum(not example.labels for example in examples),
        flagged=flagged,
        by_category=dict(by_category),
        by_industry=dict(by_industry),
        confusions=confusions,
        errors=errors,
        probabilities=probabilities.tolist(),
        guilty=[bool(example.labels) for example in examples],
        untouched=untouched,
        curve=classifier.header["learning_curve"] if classifier else (),
        versions={
            "lexicon": checker.lexicon.version,
            "model": classifier.version if classifier else "none",
        },
    )


def _count(counts: Counts, wanted: bool, got: bool) -> None:
    counts.right += wanted and got
    counts.wrong += got and not wanted
    counts.missed += wanted and not got


# --- Markdown ------------------------------------------------------------------------------------------


def _share(count: int, total: int) -> str:
    if not total:
        return "–"
    low, high = wilson(count, total)
    return f"{count / total:.3f} [{low:.3f}, {high:.3f}]"


def _row(name: str, counts: Counts) -> list[str]:
    f1 = counts.f1
    return [
        name,
        str(counts.right + counts.missed),
        _share(counts.right, counts.right + counts.wrong),
        _share(counts.right, counts.right + counts.missed),
        "–" if f1 is None else f"{f1:.3f}",
    ]


Table = tuple[str, list[str], list[list[str]]]


def tables(result: Evaluation) -> list[Table]:
    """(title, columns, rows) of every table, in order."""
    columns = ["", "violations", "precision", "recall", "F1"]
    out: list[Table] = [
        (
            "Whole",
            columns,
            [_row("rules and model", result.whole), _row("rules alone", result.rules)],
        ),
        (
            "False alarms",
            ["innocent sentences", "flagged", "per 1,000"],
            [
                [
                    str(result.innocent),
                    _share(result.flagged, result.innocent),
                    f"{1000 * result.flagged / result.innocent:.1f}" if result.innocent else "–",
                ]
            ],
        ),
        ("By category", columns, _by(result.by_category, CATEGORY_NAMES)),
        ("By industry", columns, _by(result.by_industry, INDUSTRY_NAMES)),
        (
            "Model alone",
            ["", "violations", "average precision", "recall at precision 0.85", "recall at precision 0.9"],
            [
                _figures("all sentences", result.model),
                _figures("violations no rule touches", result.model_beyond_rules),
            ],
        ),
        (
            "Reliability of the model's probability",
            ["probability", "sentences", "mean said", "share true"],
            [
                [
                    f"{row['from']:.1f}–{row['from'] + 0.1:.1f}",
                    f"{row['sentences']:.0f}",
                    f"{row['said']:.3f}",
                    _share(round(row["true"] * row["sentences"]), int(row["sentences"])),
                ]
                for row in _reliability(result)
            ],
        ),
        (
            "Confusions (labelled, found instead)",
            ["labelled", "found", "sentences"],
            [[a, b, str(count)] for (a, b), count in result.confusions.most_common(20)],
        ),
        (
            "Worst errors",
            ["labels", "probability", "text", "found"],
            [
                [
                    ", ".join(error["labels"]) or "innocent",
                    f"{error['probability']:.2f}",
                    error["text"],
                    "; ".join(error["found"]) or "nothing",
                ]
                for error in result.errors[:WORST]
            ],
        ),
    ]
    return [table for table in out if table[2]]


def _by(counts: Mapping[str, Counts], names: Mapping[str, str]) -> list[list[str]]:
    return [
        _row(f"{slug} {name_of(names, slug)}".strip() if slug in names else slug, counts[slug])
        for slug in sorted(counts)
    ]


def _figures(name: str, figures: Mapping[str, float]) -> list[str]:
    keys = ("average_precision", "recall_at_precision_0.85", "recall_at_precision_0.9")
    return [name, str(figures["violations"]), *(f"{figures[k]:.3f}" if k in figures else "–" for k in keys)]


def _reliability(result: Evaluation) -> list[dict[str, float]]:
    import numpy as np

    return reliability(np.array(result.probabilities), np.array(result.guilty, dtype=bool))


def _heading(result: Evaluation) -> str:
    return (
        f"{result.sentences} sentences, {result.violations} of them violations; data {result.digest}, "
        f"lexicon {result.versions['lexicon']}, model {result.versions['model']}. "
        "Intervals are 95 % (Wilson)."
    )


def to_markdown(result: Evaluation) -> str:
    """The report as Markdown."""
    lines = ["# Evaluation", "", _heading(result)]
    for title, columns, rows in tables(result):
        lines += ["", f"## {title}", "", "| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
        lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


# --- HTML ----------------------------------------------------------------------------------------------


def to_html(result: Evaluation) -> str:
    """The report as one page with plots, no script and nothing from elsewhere."""
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>huashu evaluation</title>",
        "<meta name=viewport content='width=device-width,initial-scale=1'>",
        f"<style>{_STYLE}</style><main><h1>Evaluation</h1><p>{html.escape(_heading(result))}</p>",
        "<div class=plots>",
        *_plots(result),
        "</div>",
    ]
    for title, columns, rows in tables(result):
        head = "".join(f"<th scope=col>{html.escape(column)}" for column in columns)
        body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}" for cell in row) for row in rows)
        parts.append(f"<h2>{html.escape(title)}</h2><div class=wide><table><tr>{head}{body}</table></div>")
    return "".join(parts) + "</main></html>\n"


_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:0;color:#1b1f24;background:#fff}"
    "main{max-width:70rem;margin:auto;padding:1rem}h2{margin-top:2rem}.wide{overflow-x:auto}"
    "table{border-collapse:collapse}td,th{padding:.25rem .6rem;border-bottom:1px solid #d0d7de;text-align:left;"
    "vertical-align:top}.plots{display:flex;flex-wrap:wrap;gap:1rem}figure{margin:0}"
    "svg{width:22rem;max-width:100%;height:auto}"
    "@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}td,th{border-color:#30363d}}"
)
_SIZE, _EDGE = 320, 40


def _plots(result: Evaluation) -> Iterable[str]:
    import numpy as np

    truth = np.array(result.guilty, dtype=bool)
    if truth.any():
        order = np.argsort(-np.array(result.probabilities), kind="stable")
        found = np.cumsum(truth[order])
        precision, recall = found / np.arange(1, len(order) + 1), found / truth.sum()
        step = max(1, len(order) // 400)
        points = list(zip(recall[::step].tolist(), precision[::step].tolist()))
        yield _plot("Precision and recall of the model alone", "recall", "precision", points)
    reliable = [(row["said"], row["true"]) for row in _reliability(result)]
    yield _plot("Reliability", "probability said", "share true", reliable, diagonal=True, dots=True)
    if result.curve:
        most = max(row["sentences"] for row in result.curve)
        curve = [(row["sentences"] / most, row["average_precision"]) for row in result.curve]
        yield _plot(
            "Learning curve of the model (cross-validated)",
            f"share of {most:.0f} sentences learned from",
            "average precision",
            curve,
            dots=True,
        )


def _plot(
    title: str,
    across: str,
    up: str,
    points: Sequence[tuple[float, float]],
    *,
    diagonal: bool = False,
    dots: bool = False,
) -> str:
    """An SVG of points in the unit square; a line joins them."""

    def at(point: tuple[float, float]) -> str:
        return f"{_EDGE + point[0] * _SIZE:.1f},{_EDGE + (1 - point[1]) * _SIZE:.1f}"

    whole = _SIZE + 2 * _EDGE
    ticks = "".join(
        f"<text x='{_EDGE + share * _SIZE}' y='{_EDGE + _SIZE + 14}' text-anchor='middle'>{share}</text>"
        f"<text x='{_EDGE - 6}' y='{_EDGE + (1 - share) * _SIZE + 4}' text-anchor='end'>{share}</text>"
        for share in (0, 0.5, 1)
    )
    marks = "".join(f"<circle cx='{a}' cy='{b}' r='3.5'/>" for a, b in (at(p).split(",") for p in points))
    line = " ".join(map(at, points))
    return (
        f"<figure><svg viewBox='0 0 {whole} {whole}' role='img' aria-label='{html.escape(title)}' "
        "font-size='11' fill='currentColor'>"
        f"<text x='{whole / 2}' y='18' text-anchor='middle' font-size='13'>{html.escape(title)}</text>"
        f"<rect x='{_EDGE}' y='{_EDGE}' width='{_SIZE}' height='{_SIZE}' fill='none' stroke='currentColor' "
        f"opacity='.4'/>{ticks}"
        f"<text x='{whole / 2}' y='{whole - 8}' text-anchor='middle'>{html.escape(across)}</text>"
        f"<text transform='translate(12 {whole / 2}) rotate(-90)' text-anchor='middle'>{html.escape(up)}</text>"
        + (
            f"<polyline points='{at((0, 0))} {at((1, 1))}' stroke='currentColor' opacity='.3'/>"
            if diagonal
            else ""
        )
        + f"<polyline points='{line}' fill='none' stroke='#0969da' stroke-width='2'/>"
        + (f"<g fill='#0969da'>{marks}</g>" if dots else "")
        + "</svg></figure>"
    )


FORMATS: Mapping[str, Callable[[Evaluation], str]] = {"markdown": to_markdown, "html": to_html}
