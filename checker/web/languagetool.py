"""The HTTP API of LanguageTool, version 2, answering with our findings.

Editors that can talk to a LanguageTool server (LibreOffice Writer, LTeX+, browser add-ons) become
checkers of sales scripts. Offsets are UTF-16 code units of the text the client sent, markup
included. What the API has no place for is translated: a finding without words (a missing statement)
covers the character before the place where the words should stand, and its replacement repeats it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request
from starlette.responses import PlainTextResponse, Response

from checker import __version__
from checker.config import ConfigError
from checker.document import Document
from checker.labels import CATEGORY_NAMES, LEVEL_NAMES, name_of
from checker.personal import mask, masked_report
from checker.report import advice, dump_json, edit_text
from checker.types import Apply, Finding, Report, Rewrite, Span
from checker.web.limits import service_of
from checker.web.service import Service, TextTooLongError

router = APIRouter(prefix="/v2", tags=["LanguageTool"])

_LANGUAGES = ("zh-CN", "zh-TW", "zh-HK")
_CONTEXT = 40
#: More are not shown by any client.
_MOST_REPLACEMENTS = 10


class _RefusalError(Exception):
    """A request that cannot be answered; becomes ``Error: …`` in plain text."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Source:
    """The text to check and where its characters stand in what the client sent.

    ``original`` is what the client's offsets count in. ``places[i]`` is the span in ``original`` of
    character ``i`` of ``text``, or None where a client's ``interpretAs`` stands for markup.
    """

    text: str
    original: str
    places: Sequence[Span | None] | None = None

    @classmethod
    def annotated(cls, data: str) -> Source:
        """From the ``data`` parameter. Raises ValueError for anything but the documented shape."""
        value = json.loads(data)
        if not isinstance(value, dict):
            raise ValueError("expected an object with 'annotation' or 'text'")
        if "annotation" not in value and isinstance(value.get("text"), str):
            return cls(value["text"], value["text"])
        parts: list[str] = []
        original: list[str] = []
        places: list[Span | None] = []
        offset = 0
        annotation = value.get("annotation")
        if not isinstance(annotation, list):
            raise ValueError("expected a list in 'annotation'")
        for item in annotation:
            if not isinstance(item, dict) or not all(isinstance(part, str) for part in item.values()):
                raise ValueError("expected objects with 'text', or 'markup' and 'interpretAs'")
            if ("text" in item) == ("markup" in item):
                raise ValueError("expected either 'text' or 'markup' in every object")
            if "text" in item:
                words = spoken = item["text"]
                places += [Span(offset + i, offset + i + 1) for i in range(len(words))]
            else:
                words, spoken = item["markup"], item.get("interpretAs", "")
                places += [None] * len(spoken)
            parts.append(spoken)
            original.append(words)
            offset += len(words)
        return cls("".join(parts), "".join(original), places)

    def origin(self, span: Span) -> Span | None:
        """The span in ``original``, or None when nothing of it is the client's own text."""
        if self.places is None:
            return span
        known = [place for place in self.places[span.start : span.end] if place is not None]
        return Span(known[0].start, known[-1].end) if known else None

    def masked(self) -> Source:
        """The same with personal data starred out in both texts; offsets stay."""
        hidden, original = mask(self.text), list(self.original)
        for at, (character, star) in enumerate(zip(self.text, hidden)):
            place = self.origin(Span(at, at + 1)) if character != star else None
            if place is not None:
                original[place.start : place.end] = "*" * (place.end - place.start)
        return Source(hidden, "".join(original), self.places)

    @cached_property
    def _astral(self) -> list[int]:
        return [match.start() for match in re.finditer("[\U00010000-\U0010ffff]", self.original)]

    def units(self, offset: int) -> int:
        """The UTF-16 offset of a code point of ``original``."""
        from bisect import bisect_left

        return offset + bisect_left(self._astral, offset)


@router.get("/check", summary="Check a text", operation_id="check_by_query")
@router.post("/check", summary="Check a text", operation_id="check_by_form")
async def check(request: Request, service: Annotated[Service, Depends(service_of)]) -> Response:
    """Findings in the shape of LanguageTool.

    Parameters come in the query or as a form: ``text`` or ``data`` (one of them), ``language``,
    ``enabledRules``, ``disabledRules``, ``enabledCategories``, ``disabledCategories`` (names of our
    rules and categories, separated by commas), ``enabledOnly``, ``apiKey``. Others are ignored.
    Messages and the words around them come without personal data, and a replacement that would
    repeat some is left out, unless ``showPersonalData`` is ``true``.
    """
    form = await _parameters(request, service)
    source = shown = _source(form)
    _language(form)
    keep = _filter(form)
    incomplete = ""
    findings: list[tuple[Finding, Finding]] = []
    report: Report | None = None
    try:
        report = await service.check(Document.from_text(source.text))
        shows = form.get("showPersonalData", "").lower() in ("true", "yes")
        shown = source if shows else source.masked()
        printed = report if shows else masked_report(report)
        findings = [pair for pair in zip(report.findings, printed.findings) if keep(pair[0])]
    except TextTooLongError as error:
        raise _RefusalError(413, str(error)) from None
    except TimeoutError as error:
        incomplete = str(error)
    everything = report.findings if report else ()
    matches = [made for pair in findings if (made := _match(*pair, source, shown, service, everything))]
    answer = {
        "software": _software(),
        "warnings": {"incompleteResults": bool(incomplete)}
        | ({"incompleteResultsReason": incomplete} if incomplete else {}),
        "language": _language(form),
        "matches": matches,
        "sentenceRanges": [[0, source.units(len(source.original))]],
    }
    return Response(dump_json(answer, indent=None), media_type="application/json")


@router.get("/languages")
async def languages() -> list[dict[str, str]]:
    """The languages a client may ask for."""
    return [{"name": "Chinese", "code": "zh", "longCode": code} for code in _LANGUAGES]


@router.get("/healthcheck", response_class=PlainTextResponse)
async def healthcheck() -> str:
    """``OK``."""
    return "OK"


@router.get("/maxtextlength", response_class=PlainTextResponse)
async def maxtextlength(service: Annotated[Service, Depends(service_of)]) -> str:
    """The longest text, in characters."""
    return str(service.settings.max_text)


@router.get("/info")
async def info() -> dict[str, Any]:
    """Name and version of the server."""
    return {"software": _software()}


@router.get("/configinfo")
async def configinfo(service: Annotated[Service, Depends(service_of)]) -> dict[str, Any]:
    """The rules, as clients list them."""
    return {
        "software": _software(),
        "parameter": {"maxTextLength": service.settings.max_text},
        "rules": [
            {
                "ruleId": rule.id,
                "description": _description(rule.category, rule.message),
                "categoryId": rule.category,
                "categoryName": name_of(CATEGORY_NAMES, rule.category),
                "locQualityIssueType": "legal",
            }
            for rule in service.checker.lexicon.rules
        ],
    }


@router.get("/words")
async def words(request: Request, service: Annotated[Service, Depends(service_of)]) -> dict[str, Any]:
    """The phrases of the allow list."""
    await _parameters(request, service)
    return {"words": list(service.checker.config.allow)}


@router.post("/words/add")
async def add_word(request: Request, service: Annotated[Service, Depends(service_of)]) -> dict[str, bool]:
    """Allow a phrase (``word``): nothing is found inside it from now on."""
    return {"added": await _change(request, service, add=True)}


@router.post("/words/delete")
async def delete_word(request: Request, service: Annotated[Service, Depends(service_of)]) -> dict[str, bool]:
    """Take a phrase (``word``) out of the allow list."""
    return {"deleted": await _change(request, service, add=False)}


async def refuse(request: Request, error: Exception) -> Response:
    """Exception handler: what LanguageTool answers to a request it cannot serve."""
    status = error.status if isinstance(error, _RefusalError) else 500
    return PlainTextResponse(f"Error: {error}", status)


#: For the application: exceptions of this router and their handler.
HANDLERS = {_RefusalError: refuse}


async def _change(request: Request, service: Service, *, add: bool) -> bool:
    form = await _parameters(request, service)
    origin = request.headers.get("origin")
    if origin and origin not in service.settings.cors_origins:
        # A form on any web page can be sent here; the allow list is not its business.
        raise _RefusalError(403, f"requests from {origin} may not change the allow list")
    word = form.get("word", "").strip()
    if not word:
        raise _RefusalError(400, "Missing 'word' parameter")
    try:
        return service.change_allowed(word, add=add)
    except ConfigError as error:
        raise _RefusalError(400, str(error)) from None


async def _parameters(request: Request, service: Service) -> dict[str, str]:
    """The parameters of query and form; raises _RefusalError without a valid key."""
    form = dict(request.query_params)
    if request.method == "POST":
        form |= _form(await request.body())
    _, _, bearer = request.headers.get("authorization", "").partition(" ")
    if not service.knows(form.get("apiKey") or request.headers.get("x-api-key") or bearer):
        raise _RefusalError(401, "Missing or wrong 'apiKey'")
    return form


def _form(body: bytes) -> dict[str, str]:
    """A form; LibreOffice 7.4 sends its text without percent-encoding, which is undone here.

    Such a body begins with ``text=``, holds raw bytes above 127, and goes on with ``&language=``.
    """
    text: dict[str, str] = {}
    if body.startswith(b"text=") and not body.isascii():
        raw, mark, rest = body[5:].rpartition(b"&language=")
        if mark:
            text = {"text": raw.decode("utf-8", "replace")}
            body = b"language=" + rest
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)) | text


def _source(form: Mapping[str, str]) -> Source:
    if ("text" in form) == ("data" in form):
        raise _RefusalError(400, "Set either 'text' or 'data', and not both")
    if "text" in form:
        return Source(form["text"], form["text"])
    try:
        return Source.annotated(form["data"])
    except (ValueError, RecursionError) as error:
        raise _RefusalError(400, f"Invalid 'data': {error}") from None


def _language(form: Mapping[str, str]) -> dict[str, Any]:
    code = form.get("language", "")
    if not code:
        raise _RefusalError(400, "Missing 'language' parameter, e.g. 'language=zh-CN'")
    if code != "auto" and code.lower().replace("_", "-").split("-")[0] != "zh":
        raise _RefusalError(
            400, f"'{code}' is not a language checked here; use {', '.join(_LANGUAGES)} or auto"
        )
    code = _LANGUAGES[0] if code == "auto" else code
    detected = {"name": "Chinese", "code": code, "confidence": 1.0, "source": "huashu"}
    return {"name": "Chinese", "code": code, "detectedLanguage": detected}


def _filter(form: Mapping[str, str]) -> Any:
    """Which findings the client wants; as in LanguageTool, what is disabled wins."""

    def names(*keys: str) -> set[str]:
        return {name.strip() for key in keys for name in form.get(key, "").split(",") if name.strip()}

    disabled = names("disabledRules", "disabledCategories")
    enabled = names("enabledRules", "enabledCategories")
    only = form.get("enabledOnly", "").lower() in ("true", "yes")
    if only and not enabled:
        raise _RefusalError(400, "'enabledOnly' needs 'enabledRules' or 'enabledCategories'")

    def keep(finding: Finding) -> bool:
        own = {finding.rule_id, finding.category}
        return not own & disabled and (not only or bool(own & enabled))

    return keep


def _match(
    finding: Finding,
    printed: Finding,
    source: Source,
    shown: Source,
    service: Service,
    everything: Sequence[Finding],
) -> dict[str, Any] | None:
    """A finding for the client; ``printed`` and ``shown`` are finding and source as they may be repeated."""
    others = [other.span for other in everything if other is not finding]
    printed_as = dict(zip(finding.rewrites, printed.rewrites))
    span, values = replacements(finding, source.text, others, printed_as)
    if shown is not source:
        values = [value for value in values if mask(value["value"]) == value["value"]]
    place = source.origin(span)
    if place is None:
        return None
    start, length = source.units(place.start), source.units(place.end) - source.units(place.start)
    left = max(place.start - _CONTEXT, 0)
    right = min(place.end + _CONTEXT, len(source.original))
    url = service.settings.public_url.rstrip("/")
    return {
        "message": advice(printed),
        "shortMessage": _description(finding.category, name_of(LEVEL_NAMES, finding.level)),
        "replacements": values,
        "offset": start,
        "length": length,
        "context": {
            "text": shown.original[left:right],
            "offset": start - source.units(left),
            "length": length,
        },
        "sentence": _sentence(shown.original, place),
        "type": {"typeName": "Other"},
        "rule": {
            "id": finding.rule_id,
            "description": name_of(CATEGORY_NAMES, finding.category),
            "issueType": "legal",
            "category": {"id": finding.category, "name": name_of(CATEGORY_NAMES, finding.category)},
        }
        | ({"urls": [{"value": f"{url}/api/v1/rules/{finding.rule_id}/page"}]} if url else {}),
        "ignoreForIncompleteSentence": False,
        "contextForSureMatch": 0,
    }


def replacements(
    finding: Finding,
    text: str,
    others: Sequence[Span] = (),
    printed_as: Mapping[Rewrite, Rewrite] | None = None,
) -> tuple[Span, list[dict[str, str]]]:
    """The span a match covers, and what may stand there instead.

    A rewrite may reach further than its finding. The span is the finding's while some rewrite fits
    into it; else it grows to what the best rewrite needs that does not touch ``others``, the spans
    of the other findings. Left out are rewrites that do not fit, and those whose words may not be
    printed as they are (``printed_as``).
    """
    usable = [item for item in finding.rewrites if (item.span, item.text) != (finding.span, finding.matched)]
    usable.sort(key=lambda item: item.apply is Apply.MANUAL)
    start, end = finding.span
    if start == end and usable and usable[0].span.start == usable[0].span.end:
        # What is missing is shown where it is to be said.
        start, end = usable[0].span
    if start == end and text:
        start, end = (start - 1, end) if start else (start, end + 1)
    span = Span(start, end)
    if not any(span.covers(item.span) for item in usable):
        wider = (Span(min(start, item.span.start), max(end, item.span.end)) for item in usable)
        free = (reach for reach in wider if not any(reach.overlaps(other) for other in others))
        span = next(free, span)
    values = []
    for item in usable:
        printed = (printed_as or {}).get(item, item)
        if span.covers(item.span) and printed.text == item.text:
            value = (
                text[span.start : item.span.start] + edit_text(item, text) + text[item.span.end : span.end]
            )
            values.append({"value": value, "shortDescription": printed.note})
    return span, values[:_MOST_REPLACEMENTS]


def _sentence(text: str, place: Span) -> str:
    marks = "。！？!?\r\n"
    start, end = place
    while start > 0 and text[start - 1] not in marks:
        start -= 1
    while end < len(text) and text[end - 1 : end] not in tuple(marks):
        end += 1
    return text[start:end].strip()


def _description(category: str, words: str) -> str:
    return f"{name_of(CATEGORY_NAMES, category)}（{words}）"


def _software() -> dict[str, Any]:
    return {
        "name": "LanguageTool",
        "version": "6.5",
        "buildDate": "2026-01-01 00:00:00 +0000",
        "apiVersion": 1,
        "premium": False,
        "premiumHint": "",
        "status": f"huashu {__version__}",
    }
