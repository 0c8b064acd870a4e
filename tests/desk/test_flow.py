from __future__ import annotations

from datetime import date, timedelta

import pytest
from desk_office import CLEAN, DIRTY, Office
from sqlalchemy import select

from checker.desk.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from checker.desk.services import audit, evidence, flow, impact, learning, policy, reading, stats, waivers
from checker.desk.services.waivers import WaiverFields
from checker.desk.store.models import Approval, Script, now

FIELDS = flow.ScriptFields("看房邀约", "realestate", product="云栖苑")


def finding(office: Office, script_id: int, rule: str):
    found = reading.detail(office.desk, office.officer, script_id)
    return next(row for row in found.findings if row.rule_id == rule and row.status != "rewritten")


def submitted(office: Office, text: str = CLEAN, fields: flow.ScriptFields = FIELDS) -> Script:
    script = flow.create(office.desk, office.writer, fields, text)
    return flow.submit(office.desk, office.writer, script.id, script.current)


def approved(office: Office, text: str = CLEAN) -> Script:
    script = submitted(office, text)
    return flow.approve(office.desk, office.officer, script.id, script.current)


def proof(office: Office, data: bytes = b"%PDF-1.4 table", **fields: object):
    known = {
        "number": "TJ-2026-014",
        "issuer": "统计事务所",
        "valid_from": date.today() - timedelta(days=10),
        "valid_to": date.today() + timedelta(days=100),
        "product": "云栖苑",
    }
    return evidence.add(
        office.desk, office.writer, data, "续约.pdf", evidence.EvidenceFields(**(known | fields))
    )


def waived(office: Office, script: Script, **fields: object):
    row = finding(office, script.id, "exaggeration/house-renewal")
    known = {"kind": "evidence", "reason": "有统计表", "product": "云栖苑"}
    if "evidence_id" not in fields and fields.get("kind") != "false-alarm":
        known["evidence_id"] = proof(office).id
    given = WaiverFields(**(known | fields))
    return waivers.waive(office.desk, office.officer, script.id, row.id, script.current, given)


def test_a_script_goes_from_draft_to_a_signed_approval(office: Office) -> None:
    script = flow.create(office.desk, office.writer, FIELDS, DIRTY)
    assert (script.status, script.verdict, script.blocks) == ("draft", "block", 1)
    script = flow.submit(office.desk, office.writer, script.id, 1)
    with pytest.raises(ConflictError, match="未处理"):
        flow.approve(office.desk, office.officer, script.id, 1)
    for rule in ("exaggeration/house-palace", "exaggeration/house-river"):
        row = finding(office, script.id, rule)
        script = flow.accept_rewrite(office.desk, office.officer, script.id, row.id, script.current)
    waived(office, script)
    script = flow.approve(office.desk, office.officer, script.id, script.current, "可以用")
    assert (script.status, script.current) == ("approved", 3)
    with office.desk.database.reading() as session:
        approval = session.scalars(select(Approval)).one()
    text = approval.record["script"]["text"]
    assert text == reading.detail(office.desk, office.officer, script.id).version.text
    assert "神仙宫殿" not in text
    assert "醉美河湾景" not in text
    assert text.endswith("我们小区九成业主续约，有独立电梯。")
    assert approval.record["findings"][0]["waiver"]["evidence"]["number"] == "TJ-2026-014"
    assert office.desk.signer.verify(approval.record, approval.signature)
    assert audit.verify(office.desk).problems == ()


def test_an_edit_ends_the_approval(office: Office) -> None:
    script = approved(office)
    again = flow.edit(office.desk, office.writer, script.id, CLEAN + "\n客服：好的。", script.current)
    assert again.status == "draft"
    found = reading.detail(office.desk, office.writer, script.id)
    assert found.approval is None
    assert found.approvals[0].status == "ended"
    assert found.decisions[0].action == "void"


def test_the_same_text_again_keeps_the_approval(office: Office) -> None:
    script = approved(office)
    same = flow.edit(office.desk, office.writer, script.id, CLEAN.replace("\n", "\r\n"), script.current)
    assert (same.status, same.current) == ("approved", 1)


def test_a_decision_on_an_older_version_is_refused(office: Office) -> None:
    script = submitted(office, DIRTY)
    row = finding(office, script.id, "exaggeration/house-palace")
    flow.accept_rewrite(office.desk, office.officer, script.id, row.id, 1)
    for step in (flow.approve, flow.reject, flow.ask_changes):
        with pytest.raises(ConflictError, match="第 2 版"):
            step(office.desk, office.second, script.id, 1, "理由")


def test_nobody_decides_on_an_own_script(office: Office) -> None:
    script = flow.create(office.desk, office.officer, FIELDS, CLEAN)
    flow.submit(office.desk, office.officer, script.id, 1)
    for step in (flow.approve, flow.reject, flow.ask_changes):
        with pytest.raises(ForbiddenError, match="自己"):
            step(office.desk, office.officer, script.id, 1, "理由")
    assert flow.approve(office.desk, office.second, script.id, 1).status == "approved"


def test_an_officer_who_wrote_the_words_does_not_approve_them(office: Office) -> None:
    script = submitted(office)
    script = flow.edit(office.desk, office.officer, script.id, CLEAN + "\n客服：谢谢。", 1)
    assert script.status == "submitted"
    with pytest.raises(ForbiddenError, match="另一位"):
        flow.approve(office.desk, office.officer, script.id, 2)
    assert flow.approve(office.desk, office.second, script.id, 2).status == "approved"


def test_two_stages_need_two_officers(office: Office) -> None:
    policy.change(office.desk, office.admin, policy.Policy(stages=2))
    script = submitted(office)
    script = flow.approve(office.desk, office.officer, script.id, 1)
    assert (script.status, script.stage) == ("submitted", 2)
    with pytest.raises(ForbiddenError, match="不同的人"):
        flow.approve(office.desk, office.officer, script.id, 1)
    assert flow.approve(office.desk, office.second, script.id, 1).status == "approved"


def test_after_changes_the_stages_begin_anew(office: Office) -> None:
    policy.change(office.desk, office.admin, policy.Policy(stages=2))
    script = submitted(office)
    flow.approve(office.desk, office.officer, script.id, 1)
    flow.ask_changes(office.desk, office.second, script.id, 1, "请改")
    flow.submit(office.desk, office.writer, script.id, 1)
    script = flow.approve(office.desk, office.officer, script.id, 1)
    assert (script.status, script.stage) == ("submitted", 2)


def test_a_clean_script_is_approved_at_once_where_the_policy_says_so(office: Office) -> None:
    policy.change(office.desk, office.admin, policy.Policy(auto_approve=True))
    assert submitted(office).status == "approved"
    assert submitted(office, DIRTY).status == "submitted"


def test_a_manual_rewrite_needs_its_facts(office: Office) -> None:
    text = "客服：历史年化收益4.5%。\n客户：哦。\n客服：您考虑一下。"
    script = submitted(office, text, flow.ScriptFields("理财", "finance"))
    found = reading.detail(office.desk, office.officer, script.id)
    row, number = next(
        (row, n)
        for row in found.findings
        for n, item in enumerate(row.data["rewrites"])
        if item["apply"] == "manual"
    )
    with pytest.raises(InvalidError, match="填入"):
        flow.accept_rewrite(office.desk, office.officer, script.id, row.id, 1, number)
    script = flow.accept_rewrite(
        office.desk, office.officer, script.id, row.id, 1, number, "不确定，有R2级风险"
    )
    with pytest.raises(ForbiddenError, match="另一位"):
        flow.approve(office.desk, office.officer, script.id, script.current)


def test_approvals_expire(office: Office) -> None:
    policy.change(office.desk, office.admin, policy.Policy(valid_days=1))
    script = approved(office)
    assert flow.expire(office.desk) == 0
    with office.desk.database.writing() as session:
        row = session.scalars(select(Approval)).one()
        before = row.snapshot()
        row.expires_at = now() - timedelta(seconds=1)
        audit.record(session, office.desk, None, "test.time", row, before)
    assert flow.expire(office.desk) == 1
    found = reading.detail(office.desk, office.writer, script.id)
    assert (found.script.status, found.approvals[0].status) == ("expired", "ended")
    assert flow.submit(office.desk, office.writer, script.id, 1).status == "submitted"


@pytest.mark.parametrize(
    ("status", "steps"),
    [
        ("draft", ("withdraw", "approve", "reject", "ask_changes", "retire")),
        ("submitted", ("submit", "retire")),
        ("approved", ("submit", "withdraw", "approve", "reject", "ask_changes")),
        ("rejected", ("withdraw", "approve", "reject", "ask_changes", "retire")),
        ("retired", ("submit", "withdraw", "approve", "reject", "ask_changes", "retire")),
    ],
)
def test_steps_that_a_state_does_not_allow(office: Office, status: str, steps: tuple[str, ...]) -> None:
    script = flow.create(office.desk, office.writer, FIELDS, CLEAN)
    if status != "draft":
        flow.submit(office.desk, office.writer, script.id, 1)
    if status in ("approved", "retired"):
        flow.approve(office.desk, office.officer, script.id, 1)
    if status == "retired":
        flow.retire(office.desk, office.officer, script.id, 1)
    if status == "rejected":
        flow.reject(office.desk, office.officer, script.id, 1, "不行")
    for step in steps:
        who = office.writer if step in ("submit", "withdraw") else office.officer
        with pytest.raises(ConflictError):
            getattr(flow, step)(office.desk, who, script.id, 1, "理由")


def test_writers_see_their_own_and_what_is_approved(office: Office) -> None:
    script = submitted(office)
    with pytest.raises(NotFoundError):
        reading.detail(office.desk, office.other, script.id)
    assert stats.search(office.desk, office.other, stats.Filter()).total == 0
    flow.approve(office.desk, office.officer, script.id, 1)
    assert reading.detail(office.desk, office.other, script.id).script.id == script.id
    with pytest.raises(ForbiddenError):
        flow.edit(office.desk, office.other, script.id, CLEAN, 1)


def test_a_waiver_covers_the_same_claim_elsewhere_within_its_scope(office: Office) -> None:
    waived(office, submitted(office, DIRTY))
    same = submitted(office, DIRTY + "\n客户：好。")
    assert finding(office, same.id, "exaggeration/house-renewal").status == "waived"
    elsewhere = submitted(office, DIRTY, flow.ScriptFields("别处", "realestate", product="江畔"))
    assert finding(office, elsewhere.id, "exaggeration/house-renewal").status == "open"
    other = submitted(office, DIRTY.replace("我们小区九成", "整个城区九成"))
    assert finding(office, other.id, "exaggeration/house-renewal").status == "open"


def test_a_waiver_reopens_when_its_evidence_goes(office: Office) -> None:
    script = submitted(office, "客服：我们小区九成业主续约。\n客户：哦。")
    waived(office, script)
    script = flow.approve(office.desk, office.officer, script.id, 1)
    evidence.revoke(office.desk, office.writer, 1)
    assert waivers.sweep(office.desk) == 1
    found = reading.detail(office.desk, office.officer, script.id)
    assert found.findings[0].status == "open"
    assert "重新打开" in found.script.attention
    assert audit.verify(office.desk).problems == ()


def test_a_waiver_reopens_when_its_rule_changes(office: Office, tmp_path) -> None:
    from desk_office import HOUSE

    from checker.pipeline import Checker

    script = submitted(office, DIRTY)
    waived(office, script)
    (tmp_path / "changed.yaml").write_text(HOUSE.replace("需要统计表", "需要审计报告"), encoding="utf-8")
    office.use(Checker(lexicons=[tmp_path]))
    assert waivers.sweep(office.desk) == 1
    assert finding(office, script.id, "exaggeration/house-renewal").status == "open"
    assert "规则已修改" in waivers.listing(office.desk, office.officer)[0].ended_because


def test_a_waiver_ends_on_its_day(office: Office) -> None:
    script = submitted(office, DIRTY)
    waiver = waived(office, script, kind="false-alarm", expires_on=date.today())
    assert finding(office, script.id, "exaggeration/house-renewal").status == "waived"
    with office.desk.database.reading() as session:
        from checker.desk.services.findings import Waivers

        judge = Waivers(session, office.desk.checker(), [waiver.claim], date.today() + timedelta(days=1))
        assert "到期" in judge.ended(waiver)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"reason": " "}, "理由"),
        ({"evidence_id": None}, "选择证明材料"),
        ({"evidence_id": 99}, "选择证明材料"),
        ({"product": ""}, "范围不能更大"),
        ({"product": "江畔"}, "范围不能更大"),
        ({"region": "杭州"}, "不包括"),
        ({"expires_on": date(2020, 1, 1)}, "已过"),
    ],
)
def test_waivers_that_prove_nothing_are_refused(office: Office, fields: dict, says: str) -> None:
    script = submitted(office, DIRTY)
    if "evidence_id" not in fields:
        fields = fields | {"evidence_id": proof(office).id}
    with pytest.raises(InvalidError, match=says):
        waived(office, script, **fields)


def test_a_waiver_with_expired_evidence_is_refused(office: Office) -> None:
    script = submitted(office, DIRTY)
    old = proof(office, valid_from=date(2020, 1, 1), valid_to=date(2020, 12, 31))
    with pytest.raises(InvalidError, match="有效期"):
        waived(office, script, evidence_id=old.id)


def test_another_model_alone_asks_for_a_new_comparison(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    approved(office)
    assert not impact.due(office.desk)
    monkeypatch.setattr(type(office.desk.checker()), "model_version", "another")
    assert impact.due(office.desk)
    impact.run(office.desk)
    assert not impact.due(office.desk)


def test_a_rule_update_flags_approved_scripts_and_says_why(office: Office, new_checker) -> None:
    script = approved(office)
    assert not impact.due(office.desk)
    office.use(new_checker)
    assert impact.due(office.desk)
    run = impact.run(office.desk)
    assert (run.checked, run.changed) == (1, 1)
    _, (found,) = impact.latest(office.desk, office.officer)
    assert (found.script_id, found.before, found.after) == (script.id, "pass", "block")
    assert found.changes["added"][0]["rule"] == "exaggeration/house-lift"
    assert reading.detail(office.desk, office.writer, script.id).script.attention
    assert not impact.due(office.desk)
    assert audit.verify(office.desk).problems == ()


def test_rules_that_change_while_a_script_waits_are_looked_at_before_the_approval(
    office: Office, new_checker
) -> None:
    script = submitted(office)
    office.use(new_checker)
    with pytest.raises(ConflictError, match="词库已更新"):
        flow.approve(office.desk, office.officer, script.id, 1)
    assert reading.detail(office.desk, office.officer, script.id).script.blocks == 1


def test_confirmed_findings_stay_confirmed_in_the_next_version(office: Office) -> None:
    script = submitted(office, DIRTY)
    row = finding(office, script.id, "exaggeration/house-palace")
    flow.mark(office.desk, office.officer, script.id, row.id, "confirmed")
    other = finding(office, script.id, "exaggeration/house-river")
    flow.accept_rewrite(office.desk, office.officer, script.id, other.id, 1)
    assert finding(office, script.id, "exaggeration/house-palace").status == "confirmed"


def test_decisions_become_labelled_sentences_and_precision(office: Office) -> None:
    script = submitted(office, DIRTY)
    row = finding(office, script.id, "exaggeration/house-palace")
    flow.accept_rewrite(office.desk, office.officer, script.id, row.id, 1)
    script = reading.detail(office.desk, office.officer, script.id).script
    waived(office, script, kind="false-alarm", reason="就是统计口径")
    import json

    lines = [json.loads(line) for line in learning.sentences(office.desk, office.officer)]
    labels = {line["text"]: line["labels"] for line in lines}
    assert labels["这套是神仙宫殿"] == ["exaggeration"]
    assert labels["我们小区九成业主续约，有独立电梯"] == []
    table = {row["rule"]: row for row in learning.precision(office.desk, office.officer)}
    assert table["exaggeration/house-renewal"]["false_alarm_rate"] == 1
    assert table["exaggeration/house-palace"]["false_alarm_rate"] == 0


def test_search_takes_signs_literally(office: Office) -> None:
    flow.create(office.desk, office.writer, flow.ScriptFields("满100%减"), CLEAN)
    flow.create(office.desk, office.writer, flow.ScriptFields("普通"), CLEAN)
    for words, number in (("100%", 1), ("%", 1), ("_", 0), ("独立电梯", 2), ("'; DROP TABLE scripts; --", 0)):
        assert stats.search(office.desk, office.writer, stats.Filter(text=words)).total == number, words


def test_the_own_queue_holds_what_waits_for_this_person(office: Office) -> None:
    submitted(office)
    draft = flow.create(office.desk, office.writer, FIELDS, CLEAN)
    mine = stats.search(office.desk, office.writer, stats.Filter(mine=True))
    assert [item.script.id for item in mine.rows] == [draft.id]
    queue = stats.search(office.desk, office.officer, stats.Filter(mine=True))
    assert [item.script.status for item in queue.rows] == ["submitted"]
    assert queue.rows[0].waiting is not None


def test_the_overview_counts(office: Office) -> None:
    approved(office)
    submitted(office, DIRTY)
    found = stats.overview(office.desk, office.officer)
    assert found.by_status == {"approved": 1, "submitted": 1}
    assert (found.weeks[-1]["submit"], found.weeks[-1]["approve"]) == (2, 1)
    assert sum(bar["number"] for bar in found.waiting) == 1
    assert {rule["rule"] for rule in found.rules} >= {"exaggeration/house-palace"}
