"""``Checker``: the one thing every door calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from pathlib import Path

from checker.classifier import Classifier
from checker.config import Config, load_config
from checker.detection import Detector
from checker.dialogue import Dialogues
from checker.document import CHANNELS, Document
from checker.engine import Engine
from checker.hearing import blanked, marked
from checker.labels import industry_id, known_industry
from checker.lexicon import Lexicon, load
from checker.rewrite import Endpoint, RemoteRewriter, Rewriter
from checker.rewrite.operations import Draft
from checker.scene import Scene, Setting
from checker.suppress import apply_suppressions, comment_spans, parse_suppressions
from checker.types import Finding, Guess, Level, Report, Span, Suppression

_MOST_TEXTS = 256
_MOST_CHARACTERS = 100_000


class Checker:
    """Checks texts and documents with one set of lexicons.

    ``industry`` and ``channel`` are used where a document names none. ``config`` is a
    :class:`Config` or the path of a ``huashu.yaml``; explicit arguments win over it. ``lexicons``
    are folders layered over ours. ``model`` is a file that ``huashu train`` wrote; without it ours
    is used. With ``rewrites=False`` no rewrite is made, which is faster.

    Raises LexiconError, ConfigError, ModelError or ValueError (unknown industry or channel) when made or first
    used; checking a text raises nothing.
    """

    def __init__(
        self,
        industry: str | None = None,
        channel: str | None = None,
        config: Config | str | Path | None = None,
        *,
        lexicons: Sequence[str | Path] = (),
        model: str | Path | None = None,
        rewrites: bool = True,
    ) -> None:
        self.config = config if isinstance(config, Config) else load_config(config) if config else Config()
        self._folders = (*self.config.lexicons, *lexicons)
        wanted = industry or self.config.industry
        self.industry = industry_id(wanted, self.own_industries(wanted)) if wanted else None
        self._channel = channel or self.config.channel
        if self._channel is not None and self._channel not in CHANNELS:
            raise ValueError(f"unknown channel {self._channel!r}; use one of {', '.join(CHANNELS)}")
        self.channel = self._channel or CHANNELS[0]
        self.rewrites = rewrites
        self._model = model or self.config.model

    def own_industries(self, name: str | None) -> frozenset[str]:
        """The industries that a user's own lexicons add; empty where ``name`` is one of ours."""
        if not self._folders or name is None or known_industry(name) is not None:
            return frozenset()
        return frozenset().union(*(rule.industries for rule in self.lexicon.rules))

    def industry_of(self, document: Document) -> str | None:
        """The industry a document names, or else this checker's; None where it is to be guessed.

        A name that nobody knows counts as none.
        """
        name = document.industry
        return known_industry(name, self.own_industries(name)) or self.industry

    @cached_property
    def lexicon(self) -> Lexicon:
        """Loaded when first needed."""
        return load(
            self._folders,
            disable=self.config.disable,
            levels=self.config.levels,
            allow=self.config.allow,
        )

    @cached_property
    def engine(self) -> Engine:
        """The compiled rules."""
        return Engine(self.lexicon, Classifier.load(self._model) if self._model else None)

    @cached_property
    def dialogues(self) -> Dialogues:
        """The duties and acts of calls."""
        return Dialogues(self.lexicon)

    def forget(self) -> None:
        """Drop what is remembered of sentences and turns; the next check takes as long as the first."""
        self.engine.forget()
        self.dialogues.forget()

    @property
    def model_version(self) -> str:
        """The version of the model in use; empty when no rule asks for one."""
        classifier = self.engine.classifier
        return classifier.version if classifier else ""

    @cached_property
    def _rewriter(self) -> Rewriter:
        given = self.config.rewriter
        remote = None
        if given:
            endpoint = Endpoint(
                given["url"], given["model"], given.get("key_env", ""), float(given.get("seconds", 8))
            )
            remote = RemoteRewriter(endpoint)
        return Rewriter(self.engine, self._judge_again, remote)

    @cached_property
    def _detector(self) -> Detector:
        return Detector((self.lexicon.industries, self.lexicon.channels), 3)

    def drafted(
        self, document: Document, setting: Setting, findings: Sequence[Finding]
    ) -> Iterator[tuple[str, Draft]]:
        """Every draft of a rewrite, before its proof, with the text it changes; for those who grade them."""
        return self._rewriter.drafted(document, setting, findings)

    def check(self, text: str | Document, *, ended: bool = True) -> Report:
        """The report of one text or document.

        ``ended`` is false for a call that goes on: what may still be said in time is not missed.
        """
        (report,) = self._check_together([text], ended=ended)
        return report

    def check_many(self, texts: Iterable[str | Document]) -> Iterator[Report]:
        """Reports in the order of the texts.

        Texts are taken and checked some at a time, which is much faster than one by one: up to
        256 texts or 100,000 characters are read ahead.
        """
        batch: list[str | Document] = []
        size = 0
        for text in texts:
            batch.append(text)
            size += len(text if isinstance(text, str) else text.text)
            if len(batch) >= _MOST_TEXTS or size >= _MOST_CHARACTERS:
                yield from self._check_together(batch)
                batch, size = [], 0
        if batch:
            yield from self._check_together(batch)

    def _check_together(self, texts: Sequence[str | Document], *, ended: bool = True) -> list[Report]:
        documents = [Document.from_text(text) if isinstance(text, str) else text for text in texts]
        directives = [
            parse_suppressions(document.text) if "huashu" in document.text else () for document in documents
        ]
        blanks = [
            comment_spans(document.text) if found else () for document, found in zip(documents, directives)
        ]
        scene = Scene(documents, blanks)
        guesses = self._guesses(scene)
        settings = [self._setting(document, *guess) for document, guess in zip(documents, guesses)]
        results = self._judge(scene, settings, ended=ended)
        judged = [found for found, _ in results]
        if self.rewrites:
            judged = self._rewriter.attach(documents, settings, judged)
        judged = self._heard(documents, blanks, settings, judged, ended=ended)
        reports = []
        for document, setting, guess, found, findings, (_, excused) in zip(
            documents, settings, guesses, directives, judged, results
        ):
            suppressed: tuple[Suppression, ...] = ()
            if found:
                kept, suppressed, problems = apply_suppressions(
                    document, findings, found, known_rules=set(self.lexicon.rule_by_id)
                )
                findings = tuple(sorted([*kept, *problems], key=lambda f: (f.span.start, f.rule_id)))
            reports.append(
                Report(
                    document=document,
                    findings=findings,
                    excused=excused,
                    suppressed=suppressed,
                    industry=setting.industry,
                    industry_given=setting.industry_given,
                    channel=setting.channel,
                    channel_given=setting.channel_given,
                    industry_guess=guess[0],
                    channel_guess=guess[1],
                    lexicon_version=self.lexicon.version,
                    model_version=self.model_version,
                    rewriter=self._rewriter.plan if self.rewrites else None,
                )
            )
        return reports

    def _heard(
        self,
        documents: Sequence[Document],
        blanks: Sequence[Sequence[Span]],
        settings: Sequence[Setting],
        judged: Sequence[tuple[Finding, ...]],
        *,
        ended: bool,
    ) -> list[tuple[Finding, ...]]:
        """The findings of each document, marked where they rest on words the recogniser was unsure of."""
        out = list(judged)
        parts = [
            part
            for part, found in enumerate(judged)
            if documents[part].unsure and any(finding.level is not Level.HINT for finding in found)
        ]
        if parts:
            scene = Scene([blanked(documents[part]) for part in parts], [blanks[part] for part in parts])
            without = self._judge(scene, [settings[part] for part in parts], ended=ended)
            for part, (found, _) in zip(parts, without):
                out[part] = marked(documents[part], out[part], found)
        return out

    def _judge(
        self, scene: Scene, settings: Sequence[Setting], *, ended: bool = True
    ) -> list[tuple[tuple[Finding, ...], tuple[Finding, ...]]]:
        """(findings, excused) of each document of a scene."""
        of_dialogues = self.dialogues.findings(scene, settings, ended=ended)
        return self.engine.findings(scene, settings, of_dialogues)

    def _judge_again(self, documents: Sequence[Document], settings: Sequence[Setting]) -> list[Counter[str]]:
        """The rules whose findings a check of changed documents gives, for the proof of rewrites.

        An industry that was guessed is guessed anew: a change of words may change the guess.
        """
        scene = Scene(documents)
        if not all(setting.industry_given and setting.channel_given for setting in settings):
            settings = [
                setting
                if setting.industry_given and setting.channel_given
                else self._setting(document, *guess)
                for document, setting, guess in zip(documents, settings, self._guesses(scene))
            ]
        return self.engine.rules(scene, settings, self.dialogues.findings(scene, settings))

    def _guesses(self, scene: Scene) -> list[tuple[Guess | None, Guess | None]]:
        """What the words of each document say of industry and channel; None where the user has said it."""
        out: list[tuple[Guess | None, Guess | None]] = []
        for part, document in enumerate(scene.documents):
            ask_industry = self.industry_of(document) is None
            ask_channel = not (document.channel in CHANNELS or self._channel)
            industry: Guess | None = None
            channel: Guess | None = None
            if ask_industry or ask_channel:
                industry, channel = self._detector.guesses(scene.text(part))
            out.append((industry if ask_industry else None, channel if ask_channel else None))
        return out

    def _setting(self, document: Document, industry: Guess | None, channel: Guess | None) -> Setting:
        said = document.channel if document.channel in CHANNELS else self._channel
        return Setting(
            industry.value if industry else self.industry_of(document),
            industry is None,
            (channel.value if channel else said) or CHANNELS[0],
            channel is None,
        )


@lru_cache(maxsize=1)
def default_checker() -> Checker:
    """The checker without configuration, built once in a process."""
    return Checker()


def check(text: str | Document) -> Report:
    """Check with the default checker."""
    return default_checker().check(text)
