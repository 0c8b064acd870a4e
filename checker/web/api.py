"""Our own JSON API: check texts, dialogues and files, and look rules up.

An answer is the JSON of ``huashu check --format json`` (offsets are code points); the models here
describe it for the OpenAPI document and a test holds the two together. Personal data is starred out
unless the request asks for it; a rewrite that repeats some is then ``manual``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, File, Form, HTTPException, Path, Query, Response, UploadFile
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse

from checker import pages
from checker.document import Document
from checker.labels import UnknownIndustryError
from checker.lexicon import Lexicon, load
from checker.personal import masked_report
from checker.readers import ReaderError, read_bytes
from checker.report import FORMATS, RenderOptions
from checker.types import Report
from checker.web.limits import require_key, service_of
from checker.web.service import Service, TextTooLongError

router = APIRouter(prefix="/api/v1", tags=["huashu"], dependencies=[Depends(require_key)])

Channel = Literal["call_1to1", "call_ai", "call_broadcast", "sms", "im", "live", "page", "offline_event"]
_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


class TurnIn(BaseModel):
    """One speaker's words; ``begin`` and ``end`` are seconds."""

    model_config = ConfigDict(extra="forbid")

    speaker: str = Field(description="agent, customer, unknown, or a label such as 客服", max_length=100)
    text: str
    begin: float | None = None
    end: float | None = None
    words: list[tuple[str, float]] = Field(
        default_factory=list, description="words with how sure speech recognition was, from 0 to 1"
    )


class CheckIn(BaseModel):
    """A text (dialogue labels at line starts become turns), or the turns of a call."""

    model_config = ConfigDict(extra="forbid")

    text: str | None = None
    turns: list[TurnIn] | None = None
    path: str = Field(default="", description="name of the script, part of the fingerprints", max_length=1000)
    industry: str | None = Field(default=None, max_length=50)
    channel: Channel | None = None
    show_personal_data: bool = Field(default=False, description="do not star out numbers and addresses")

    @model_validator(mode="after")
    def _one(self) -> CheckIn:
        if (self.text is None) == (self.turns is None):
            raise ValueError("give either text or turns")
        return self

    def document(self) -> Document:
        """The document to check."""
        fields = {"path": self.path, "industry": self.industry, "channel": self.channel}
        if self.turns is not None:
            return Document.from_turns([turn.model_dump() for turn in self.turns], **fields)
        return Document.from_text(self.text or "", **fields)


class BasisOut(BaseModel):
    """An article, and when it governs the words."""

    id: str
    cite: str
    applies_when: str
    strength: str
    penalty: str
    verified: bool


class RewriteOut(BaseModel):
    """Replace the characters from ``start`` to ``end`` by ``text``; ``note`` is what to find out first."""

    start: int
    end: int
    text: str
    apply: Literal["safe", "suggest", "manual"]
    note: str


class FindingOut(BaseModel):
    """One finding; offsets count code points of the text, lines and columns from 1."""

    rule: str
    category: str
    level: Literal["block", "review", "hint"]
    state: Literal["violation", "needs-evidence", "excused"]
    start: int
    end: int
    line: int
    column: int
    end_line: int
    end_column: int
    place: str
    turn: int | None
    speaker: str | None
    text: str
    message: str
    why: str
    evidence: str
    basis: list[BasisOut]
    explanation: dict[str, Any]
    confidence: float
    rewrites: list[RewriteOut]
    fingerprint: str


class SuppressedOut(FindingOut):
    """A finding that a comment in the text accepts."""

    suppressed_by: str
    reason: str


class OpenOut(BaseModel):
    """A finding that stays in ``rewritten`` until somebody answers the question."""

    rule: str
    start: int
    end: int
    question: str


class DocumentOut(BaseModel):
    """The report of one document; ``guesses`` tells why an industry or channel was taken."""

    path: str
    verdict: Literal["pass", "review", "block"]
    industry: str | None
    industry_given: bool
    channel: str
    channel_given: bool
    guesses: dict[str, Any]
    findings: list[FindingOut]
    excused: list[FindingOut]
    suppressed: list[SuppressedOut]
    rewritten: str
    rewritten_open: list[OpenOut]


class ToolOut(BaseModel):
    """What judged."""

    name: str
    version: str
    lexicon: str
    model: str


class CheckOut(BaseModel):
    """The answer to a check."""

    version: Literal[1]
    tool: ToolOut
    documents: list[DocumentOut]


class RuleOut(BaseModel):
    """A rule in short."""

    id: str
    category: str
    level: Literal["block", "review", "hint"]
    state: Literal["violation", "needs-evidence"]
    industries: list[str]
    channels: list[str]
    message: str
    why: str


class ErrorOut(BaseModel):
    """What went wrong."""

    detail: str


_ERRORS: dict[int | str, dict[str, Any]] = {
    401: {"model": ErrorOut, "description": "no valid API key"},
    413: {"model": ErrorOut, "description": "the text or the request is too long"},
    503: {"model": ErrorOut, "description": "the check took too long"},
}
_Service = Annotated[Service, Depends(service_of)]


@router.post("/check", responses={200: {"model": CheckOut}, **_ERRORS})
async def check(body: CheckIn, service: _Service) -> Response:
    """Check a text or the turns of a call."""
    return _answer([await _checked(body.document(), service)], show_personal_data=body.show_personal_data)


@router.post("/check/file", responses={200: {"model": CheckOut}, 422: {"model": ErrorOut}, **_ERRORS})
async def check_file(
    file: Annotated[UploadFile, File(description="txt, md, docx, xlsx, csv, jsonl, srt or vtt")],
    service: _Service,
    industry: Annotated[str | None, Form(max_length=50)] = None,
    channel: Annotated[Channel | None, Form()] = None,
    show_personal_data: Annotated[bool, Form()] = False,
) -> Response:
    """Check a file; one document for each call in it."""
    name = file.filename or "upload"
    try:
        documents = await run_in_threadpool(read_bytes, await file.read(), name)
    except ReaderError as error:
        raise HTTPException(422, str(error)) from None
    reports = [
        await _checked(document.with_fields(industry=industry, channel=channel), service)
        for document in documents
    ]
    return _answer(reports, show_personal_data=show_personal_data)


@router.get("/rules", response_model=list[RuleOut], responses={401: _ERRORS[401]})
async def rules(
    service: _Service, category: Annotated[str | None, Query(max_length=50)] = None
) -> list[RuleOut]:
    """The rules that judge, of one category or all."""
    return [
        RuleOut(
            id=rule.id,
            category=rule.category,
            level=str(rule.level),  # type: ignore[arg-type]
            state=str(rule.state),  # type: ignore[arg-type]
            industries=sorted(rule.industries),
            channels=sorted(rule.channels),
            message=rule.message,
            why=rule.why,
        )
        for rule in service.checker.lexicon.rules
        if category in (None, rule.category)
    ]


@router.get(
    "/rules/{category}/{name}/page",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/markdown": {}}}, 401: _ERRORS[401], 404: {"model": ErrorOut}},
)
async def rule_page(
    category: Annotated[str, Path(max_length=50)],
    name: Annotated[str, Path(max_length=100)],
    service: _Service,
    channel: Channel = "call_1to1",
) -> Response:
    """The page of a rule in Chinese Markdown: what, why, articles, cure, examples."""
    lexicon = await run_in_threadpool(_with_examples, service)
    page = pages.page(lexicon, f"{category}/{name}", channel)
    if page is None:
        near = pages.similar(lexicon, f"{category}/{name}")
        raise HTTPException(404, "没有这条规则" + (f"，是否想找 {'、'.join(near)}" if near else ""))
    return PlainTextResponse(page, media_type="text/markdown; charset=utf-8")


def _with_examples(service: Service) -> Lexicon:
    checker = service.checker
    return load((*checker.config.lexicons, *service.settings.lexicons), examples=True)


async def _checked(document: Document, service: Service) -> Report:
    try:
        return await service.check(document)
    except UnknownIndustryError as error:
        raise HTTPException(422, str(error)) from None
    except TextTooLongError as error:
        raise HTTPException(413, f"文本有 {error.length} 字，上限是 {error.limit} 字") from None
    except TimeoutError:
        raise HTTPException(503, "检查超时，请缩短文本或稍后再试", {"Retry-After": "5"}) from None


def _answer(reports: list[Report], *, show_personal_data: bool) -> Response:
    shown = reports if show_personal_data else list(map(masked_report, reports))
    return Response(FORMATS["json"].render(shown, options=RenderOptions()), media_type="application/json")
