"""The identity of a finding across edits elsewhere."""

from __future__ import annotations

import hashlib


def fingerprint(rule_id: str, path: str, sentence: str, ordinal: int) -> str:
    """16 hexadecimal digits from the rule, the file, the normalised sentence and a counter.

    ``ordinal`` numbers equal (rule, sentence) pairs from 1, so that no line number is needed.
    """
    key = "\0".join((rule_id, path.replace("\\", "/"), sentence, str(ordinal)))
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:16]
