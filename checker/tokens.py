"""Rules of kind ``tokens``: spaCy's ``Matcher`` over a ``Doc`` built from our own tokens.

spaCy is imported when the first such rule wakes, never before.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from checker.lexicon import Rule


@lru_cache(maxsize=1)
def _vocabulary() -> Any:
    try:
        import spacy
    except ImportError as error:  # pragma: no cover - depends on the installation
        raise RuntimeError("rules of kind tokens need spaCy: pip install 'huashu[spacy]'") from error
    return spacy.blank("xx").vocab


_MATCHERS: dict[str, Any] = {}


def token_hits(rule: Rule, sentence: str, tokens: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """(start, end) of the longest matches in the sentence."""
    from spacy.matcher import Matcher
    from spacy.tokens import Doc
    from spacy.util import filter_spans

    vocabulary = _vocabulary()
    matcher = _MATCHERS.get(rule.id)
    if matcher is None:
        matcher = _MATCHERS[rule.id] = Matcher(vocabulary)
        matcher.add(rule.id, [list(pattern) for pattern in rule.tokens])
    words = [sentence[start:end] for start, end in tokens]
    doc = Doc(vocabulary, words=words, spaces=[False] * len(words))
    spans = filter_spans([doc[start:end] for _, start, end in matcher(doc)])
    return [(span.start_char, span.end_char) for span in spans]
