"""Workbooks as archives: values as typed, and memory that does not grow with the rows."""

from __future__ import annotations

import tracemalloc
from datetime import datetime, timedelta
from pathlib import Path

import openpyxl
import pytest

xlsxwriter = pytest.importorskip("xlsxwriter")

from checker.batch.records import raw_calls  # noqa: E402
from checker.batch.sheet import sheet_rows  # noqa: E402
from checker.readers import ReaderError  # noqa: E402


def written(place: Path, rows: int, *, shared: bool) -> Path:
    """Two rows a call; strings are shared as spreadsheets write them, or inline."""
    book = xlsxwriter.Workbook(str(place), {"constant_memory": not shared})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["通话编号", "角色", "内容"])
    for number in range(rows):
        text = f"第{number}句话，" + "您好，给您介绍一下我们的产品" * 3
        sheet.write_row(number + 1, 0, [f"c{number // 2}", ("坐席", "客户")[number % 2], text])
    book.close()
    return place


@pytest.mark.parametrize("shared", [True, False], ids=["shared", "inline"])
def test_memory_does_not_grow_with_the_rows(shared: bool, tmp_path: Path) -> None:
    peaks = []
    list(raw_calls(written(tmp_path / "first.xlsx", 2, shared=shared), {}))
    for rows in (2000, 12_000):
        place = written(tmp_path / f"{rows}.xlsx", rows, shared=shared)
        tracemalloc.start()
        assert sum(1 for _ in raw_calls(place, {})) == rows // 2
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # 10,000 more rows hold 1.7 MB of words; each costs eight bytes, and lists grow in steps.
    assert peaks[1] - peaks[0] < 600_000


def test_values_are_as_typed(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["甲", 8001, 13912345678, 1.5, True, datetime(2026, 11, 2, 22, 15), None, "尾"])
    sheet["A3"] = "第三行"
    sheet["D3"] = timedelta(seconds=95)
    sheet["D3"].number_format = "[h]:mm:ss"
    book.save(tmp_path / "a.xlsx")
    rows = [row for row, _ in sheet_rows(tmp_path / "a.xlsx")]
    assert rows[0] == ["甲", 8001, 13912345678, 1.5, True, datetime(2026, 11, 2, 22, 15), "", "尾"]
    assert rows[-1] == ["第三行", "", "", timedelta(seconds=95)]


def test_runs_of_a_string_are_joined_without_the_readings_above(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "a.xlsx"))
    sheet, bold = book.add_worksheet(), book.add_format({"bold": True})
    sheet.write_rich_string(0, 0, "稳", bold, "赚", "不赔")
    sheet.write(0, 1, "两行\n_x0041_")
    book.close()
    assert next(sheet_rows(tmp_path / "a.xlsx"))[0] == ["稳赚不赔", "两行\n_x0041_"]


@pytest.mark.parametrize("data", [b"PK\x03\x04 broken", b"no workbook at all", b""])
def test_what_is_no_workbook_is_told(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(data)
    with pytest.raises(ReaderError, match="is no sheet"):
        list(sheet_rows(tmp_path / "a.xlsx"))


@pytest.mark.parametrize("form", ["csv", "parquet", "xlsx"])
def test_progress_moves_with_the_rows(form: str, tmp_path: Path) -> None:
    pl = pytest.importorskip("polars")
    table = pl.DataFrame(
        {"通话编号": [f"c{n}" for n in range(9000)], "角色": "坐席", "内容": "您好，给您介绍一下"}
    )
    place = tmp_path / f"calls.{form}"
    {"csv": table.write_csv, "parquet": table.write_parquet, "xlsx": table.write_excel}[form](place)
    size = place.stat().st_size
    done = [raw.done / size for raw in raw_calls(place, {})]
    assert done == sorted(done)
    assert len(set(done)) >= 4
    assert done[-1] == 1.0
