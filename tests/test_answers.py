"""The answer model: what is said instead of a sentence, and what of it stays."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import pytest

from checker import Checker
from checker.data import folder
from checker.document import Document
from checker.rewrite.answers import (
    ARTIFACT,
    DROP,
    NOTHING,
    SOFTER,
    Answerer,
    AnswerModel,
    sentence_of,
)
from checker.rewrite.grammar import Grammar
from checker.rewrite.ranking import GRADED, GRADED_BASE
from checker.rewrite.train import answered
from checker.scene import EVERYWHERE, Scene, Setting
from checker.types import Apply, Span

CHECKER = Checker()
STATEMENTS = CHECKER.lexicon.rewriting["answers"]
GRAMMAR = Grammar(CHECKER.engine.tokenizer.tags, CHECKER.lexicon.rewriting)
MODEL = AnswerModel.load()


def doubts(texts: Sequence[str]) -> list[float]:
    model = CHECKER.engine.classifier
    assert model is not None
    return model.probability(model.score_texts(texts)).tolist()


ANSWERER = Answerer(MODEL, GRAMMAR, doubts, STATEMENTS)


def test_the_file_is_small_and_plain_and_answers_only_what_the_lexicon_has() -> None:
    data = (folder("models") / ARTIFACT).read_bytes()
    assert len(data) < 6_000_000
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        assert {stored[name].dtype.kind for name in stored.files} <= set("uif")
    assert MODEL.classes[-3:] == (NOTHING, SOFTER, DROP)
    assert set(MODEL.classes[:-3]) == set(STATEMENTS)


def test_every_statement_is_clean_in_every_trade() -> None:
    documents = [Document.from_text(text) for text in STATEMENTS]
    settings = [Setting(EVERYWHERE, True)] * len(documents)
    found = CHECKER.engine.rules(Scene(documents), settings, [()] * len(documents))
    assert not [(text, dict(rules)) for text, rules in zip(STATEMENTS, found) if rules]


def test_the_answers_we_wrote_keep_only_what_was_said_and_say_only_what_the_lexicon_has() -> None:
    rows = answered()
    assert len(rows) >= 19_000
    assert len({row.text for row in rows}) == len(rows)
    allowed = {*STATEMENTS, NOTHING}
    assert all(set(row.say) <= allowed for row in rows)
    assert not any(row.keep or row.say for row in rows if row.kind == "drop")
    said = {statement for row in rows for statement in row.say}
    assert set(STATEMENTS) <= said, "a statement that answers nothing cannot be learned"


def test_the_stored_weights_belong_to_the_features() -> None:
    rows = [row for row in answered() if row.kind == "answer" and row.say][::60]
    known = {"other", *CHECKER.lexicon.industries}
    right = 0
    for row in rows:
        shares = MODEL.choices(row.text, row.trade if row.trade in known else "other")
        assert abs(sum(shares) - 1) < 1e-3
        right += MODEL.classes[int(np.argmax(shares))] in row.say
    assert right / len(rows) > 0.7


@pytest.mark.parametrize(
    ("text", "trade", "wanted"),
    [
        ("喝了咱家这个羊肚菌汤，爷爷的肺结节都没了", "food", "不能代替药物"),
        ("这只股票下周准翻番，闭眼满仓", "finance", "风险"),
        ("三百分的娃来我们班也上了重点", "education", "因人而异"),
        ("再不签这套房就归隔壁的了", "realestate", "考虑好"),
        ("把收到的短信数字念给我", "finance", "验证码"),
    ],
)
def test_the_statement_speaks_to_the_matter(text: str, trade: str, wanted: str) -> None:
    first, *_ = ANSWERER.likely(text, trade, text)
    assert wanted in first[0]
    assert first[1] > 0.2


def test_the_goods_stay_and_the_claim_goes() -> None:
    text = "羊奶皂，三天祛痘"
    stretches = ANSWERER.stretches(text, (Span(4, 8),))
    assert "羊奶皂" in stretches
    assert not any("祛痘" in stretch for stretch in stretches)
    seen = sentence_of(text, [Span(4, 8)], GRAMMAR, doubts)
    odds = MODEL.stays(seen)
    assert len(odds) == len(seen.words)
    assert odds[0] > odds[-1]


def test_instead_of_what_may_not_be_offered_nothing_is_said() -> None:
    text = "出售某省车主名单，二十万条打包"
    assert ANSWERER.is_hopeless(text, "other")
    assert ANSWERER.answers(text, (), "other", text) == []


def test_where_nothing_lawful_can_be_said_a_person_is_asked_to_drop_it() -> None:
    report = Checker(industry="ecommerce").check("隐形针孔摄像头，放卧室都发现不了")
    assert report.rewritten == report.document.text
    for finding in report.findings:
        assert [item.apply for item in finding.rewrites] == [Apply.MANUAL]


def test_a_statement_that_the_lexicon_takes_out_is_not_offered() -> None:
    text = "喝了这个汤，爷爷的肺结节都没了"
    usual = ANSWERER.likely(text, "food", text)[0][0]
    fewer = Answerer(MODEL, GRAMMAR, doubts, [one for one in STATEMENTS if one != usual])
    assert usual not in [name for name, _ in fewer.likely(text, "food", text)]


@pytest.mark.parametrize(
    ("kept", "statement", "wanted"),
    [
        ("五宝茶", "是日常食品，不能代替药物", "五宝茶是日常食品，不能代替药物"),
        ("大哥", "您可以考虑好再定", "大哥，您可以考虑好再定"),
        ("这个理财,欢迎来", "收益不保证", "这个理财，收益不保证,欢迎来"),
        ("", "是日常食品，不能代替药物", ""),
        ("今天六瓶199", "", "今天六瓶199"),
    ],
)
def test_what_stays_and_what_is_said_make_one_sentence(kept: str, statement: str, wanted: str) -> None:
    assert ANSWERER.composed(kept, statement) == wanted


def test_the_ranker_weighs_as_readers_graded() -> None:
    pytest.importorskip("sklearn", reason="learning needs scikit-learn: pip install 'huashu[train]'")
    from checker.rewrite.train import graded, weigh

    data = graded()
    found = weigh(data)
    assert len(data.grades) > 1500
    assert np.allclose((*found.weights, found.base), (*GRADED, GRADED_BASE), atol=0.1)
    # The best of what was graded would do in 0.85 of the sentences.
    assert found.held_out > 0.64
    assert found.chosen > 0.64
