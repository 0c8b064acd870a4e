"""Everything that is found in the course of a dialogue and not by the scan of sentences."""

from __future__ import annotations

from collections.abc import Sequence

from checker.duties import missing_statements
from checker.lexicon import Lexicon
from checker.readout import read_out
from checker.refusals import bad_replies
from checker.scene import Scene, Setting
from checker.types import Finding


def dialogue_findings(
    scene: Scene, lexicon: Lexicon, settings: Sequence[Setting], *, ended: bool = True
) -> list[list[Finding]]:
    """By document: duties not fulfilled, replies that may not be, numbers read out.

    ``ended`` is false for calls that go on. Fingerprint fields wait for their numbers.
    """
    return [
        [
            *missing_statements(scene, part, lexicon, setting, ended=ended),
            *bad_replies(scene, part, lexicon, setting),
            *read_out(scene.documents[part], lexicon, setting),
        ]
        for part, setting in enumerate(settings)
    ]
