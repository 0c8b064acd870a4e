"""Patterns: what lies below RE2's own methods answers as they do."""

import pytest
import re2

from checker import matching
from checker.matching import Pattern

CASES = [
    ("最(?P<hit>好)的?", "最好的，最好"),
    ("(?:^|，)", "一，二，，三"),
    ("x*", "axxb"),
    ("保本", ""),
    ("$", "完"),
    ("没有", "这里有"),
    ("(一)|(二)", "一二三"),
]


@pytest.mark.parametrize(("pattern", "text"), CASES)
def test_patterns_match_as_the_package_says(pattern: str, text: str) -> None:
    encoded = text.encode()
    compiled = re2.compile(pattern.encode())
    group = compiled.groupindex.get(b"hit", 0)
    ours = Pattern(pattern)
    assert ours.found(encoded) == bool(compiled.search(encoded))
    assert ours.starts(encoded) == bool(compiled.match(encoded))
    assert ours.is_all(encoded) == bool(compiled.fullmatch(encoded))
    assert list(ours.pieces(encoded)) == [match.group() for match in compiled.finditer(encoded)]
    spans = [match.span(group) for match in compiled.finditer(encoded)]
    assert ours.byte_spans(encoded) == [(start, end) for start, end in spans if end > start >= 0]
    found = [encoded[start:end].decode() for start, end in ours.byte_spans(encoded)]
    assert [text[start:end] for start, end in ours.spans(encoded)] == found


@pytest.mark.parametrize(("pattern", "text"), CASES)
def test_a_package_with_other_inner_names_gives_the_same(
    pattern: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = text.encode()
    ours = Pattern(pattern)
    methods = ("search", "match", "fullmatch")
    monkeypatch.setattr(matching, "_matcher", lambda compiled: (matching._by_methods(compiled), *methods))
    other = Pattern(pattern)
    assert other.byte_spans(encoded) == ours.byte_spans(encoded)
    assert (other.found(encoded), other.starts(encoded), other.is_all(encoded)) == (
        ours.found(encoded),
        ours.starts(encoded),
        ours.is_all(encoded),
    )
