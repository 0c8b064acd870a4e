"""What others do with the same text: tokenisers, and matchers over the same terms. Those installed are measured.

``pip install '.[bench]'`` installs them. A matcher finds terms and nothing else: no rule, no exemption,
no disguise; it is the limit to approach, not a rival.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

Contender = Callable[[list[str]], object]


def tokenisers() -> dict[str, Contender]:
    """Plain tokenising."""
    out: dict[str, Contender] = {}
    if spacy := _module("spacy"):
        nlp = spacy.blank("zh", config={"nlp": {"tokenizer": {"segmenter": "jieba"}}})
        out["spaCy zh with jieba (tokenising)"] = lambda texts: [nlp.make_doc(text) for text in texts]
    return out


def matchers(terms: Sequence[str], what: str) -> dict[str, Contender]:
    """All places of the terms; every one gives characters' offsets but where said."""
    listed = sorted(set(terms))
    out: dict[str, Contender] = {}
    if daachorse := _module("daachorse"):
        automaton = daachorse.CharwiseDoubleArrayAhoCorasick(listed)
        out[f"daachorse, {what}"] = lambda texts: [automaton.find_overlapping(text) for text in texts]
    if ahocorasick_rs := _module("ahocorasick_rs"):
        dense = ahocorasick_rs.AhoCorasick(listed)
        out[f"ahocorasick_rs, {what}"] = lambda texts: [
            dense.find_matches_as_indexes(text, overlapping=True) for text in texts
        ]
    if pyahocorasick := _module("ahocorasick"):
        trie = pyahocorasick.Automaton()
        for term in listed:
            trie.add_word(term, term)
        trie.make_automaton()
        out[f"pyahocorasick, {what}"] = lambda texts: [list(trie.iter(text)) for text in texts]
    if hyperscan := _module("hyperscan"):
        database = hyperscan.Database()
        expressions = [term.encode() for term in listed]
        database.compile(expressions=expressions, ids=list(range(len(listed))), literal=True)
        out[f"hyperscan, {what} (offsets of bytes)"] = lambda texts: [_scan(database, text) for text in texts]
    if flashtext := _module("flashtext"):
        keywords = flashtext.KeywordProcessor()
        keywords.add_keywords_from_list(listed)
        out[f"flashtext, {what}"] = lambda texts: [
            keywords.extract_keywords(text, span_info=True) for text in texts
        ]
    if len(listed) < 5000:
        out[f"[t for t in terms if t in text], {what}"] = lambda texts: [
            [term for term in listed if term in text] for text in texts
        ]
    if (spacy := _module("spacy")) and len(listed) < 5000:
        nlp = spacy.blank("zh", config={"nlp": {"tokenizer": {"segmenter": "jieba"}}})
        matcher = import_module("spacy.matcher").PhraseMatcher(nlp.vocab)
        matcher.add("terms", [nlp.make_doc(term) for term in listed])
        out[f"spaCy PhraseMatcher with jieba, {what}"] = lambda texts: [
            matcher(nlp.make_doc(text)) for text in texts
        ]
    return out


def _scan(database: Any, text: str) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    database.scan(
        text.encode(), match_event_handler=lambda number, start, end, *_: found.append((number, end))
    )
    return found


def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        return None
