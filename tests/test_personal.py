"""Personal data is told from other numbers, and no output shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.cli import main
from checker.document import Document
from checker.personal import find_personal_data, mask, masked_report
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
        ("我们在人民路附近", []),
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
