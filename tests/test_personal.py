"""Personal data is told from other numbers, and no output shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.cli import main
from checker.document import Document
from checker.personal import Veil, find_personal_data, mask, masked_report
from checker.pipeline import Checker

ID, CARD, PHONE = "11010519491231002X", "6222021234567890128", "13800138000"


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (f"身份证号{ID}", ["id-card"]),
        ("身份证号110105194912310021", []),  # wrong check digit
        ("身份证号110105194913310024", []),  # no such month
        (f"卡号{CARD}", ["bank-card"]),
        ("订单号6222021234567890123", []),  # fails Luhn's check
        ("卡号6222 0212 3456 7890 128", ["bank-card"]),
        ("电话一三八零零一三八零零零", ["phone"]),
        ("电话幺三八零零幺三八零零零", ["phone"]),
        ("电话１３８００１３８０００", ["phone"]),
        ("座机0571-88886666", ["phone"]),
        ("验证码是384756", ["one-time-code"]),
        ("验证码三八四七五六", ["one-time-code"]),
        ("价格是384756元", []),
        ("送到朝阳区幸福路12号院3号楼2单元501室", ["address"]),
        ("北京市朝阳区建国路88号3单元502", ["address"]),
        ("我们在人民路附近", []),
        ("邮箱li.na+1@mail.example.com", ["mail"]),
        ("我的QQ是12345678", ["account"]),
        ("加微信号：zhangwei_88", ["account"]),
        ("支付宝10000元红包，微信支付更快，加微信领100", []),
        ("2026年11月28日12点30分", []),
    ],
)
def test_kind_of_number(text: str, kinds: list[str]) -> None:
    assert [datum.kind for datum in find_personal_data(text)] == kinds


@pytest.mark.parametrize("secret", [ID, CARD, PHONE])
def test_mask_keeps_the_length_and_hides_the_number(secret: str) -> None:
    text = f"好的，{secret}对吧"
    assert len(mask(text)) == len(text)
    assert secret not in mask(text)
    assert secret[4:12] not in mask(text)


@pytest.mark.parametrize(
    ("text", "veiled"),
    [
        ("张先生您好，王总说小李会找您", "〔1〕先生您好，〔2〕总说〔3〕会找您"),
        ("我叫欧阳娜娜，免贵姓欧阳", "我叫〔1〕，免贵姓〔2〕"),
        ("我是平安保险的张伟，张伟祝您生活愉快", "我是平安保险的〔1〕，〔1〕祝您生活愉快"),
        ("联系人：陈小明，电话13800138000", "联系人：〔1〕，电话〔2〕"),
        ("卡号6222021234567890123，编号一二三四五六七八", "卡号〔1〕，编号〔2〕"),
        ("金额很高，马上办理，全程陪同，24小时在线", "金额很高，马上办理，全程陪同，24小时在线"),
    ],
)
def test_what_leaves_the_machine_names_nobody_and_comes_back(text: str, veiled: str) -> None:
    veil = Veil(text)
    assert veil.text == veiled
    assert veil.lift(veil.text) == text


def test_masked_report_keeps_spans_true() -> None:
    document = Document.from_turns([("agent", f"身份证号是{ID}对吧，稳赚不赔"), ("customer", PHONE)])
    report = masked_report(Checker().check(document))
    assert report.findings
    for finding in report.findings:
        assert finding.matched == report.document.text[finding.span.start : finding.span.end]
    assert ID not in repr(report.to_dict())
    assert PHONE not in report.rewritten


@pytest.mark.parametrize("form", ["console", "concise", "json", "html", "sarif", "markdown", "csv", "junit"])
def test_command_line_masks_by_default(form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "script.txt"
    script.write_text(f"客服：身份证号是{ID}吧，打{PHONE}，稳赚不赔\n", encoding="utf-8")
    main(["check", str(script), "--format", form, "--no-config"])
    shown = capsys.readouterr().out
    assert "reads-out" in shown
    assert ID[3:17] not in shown
    assert PHONE not in shown
    main(["check", str(script), "--format", form, "--no-config", "--show-personal-data"])
    assert ID[:17] in capsys.readouterr().out
