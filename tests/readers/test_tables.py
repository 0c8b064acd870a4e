"""CSV files and workbooks: which cells are words, whose they are, and where they stood."""

from __future__ import annotations

import csv
import datetime
import io

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reader_files import check_offsets, places, rewritten, saved, words, xlsx

from checker.readers import ReaderError, ReadOptions, read_bytes

SCRIPT = [["角色", "话术"], ["客服", "您好"], ["客户", "不需要"]]
TURNS = [("agent", "您好"), ("customer", "不需要")]


def comma(rows: list[list[str]], delimiter: str = ",") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue().encode()


@pytest.mark.parametrize(
    "rows",
    [
        SCRIPT,
        [["序号", "说话人", "内容"], ["1", "坐席", "您好"], ["2", "用户", "不需要"]],
        [["Text", "Role"], ["您好", "agent"], ["不需要", "customer"]],
        [["speaker_id", "utterance"], ["seller", "您好"], ["client", "不需要"]],
        [["角色*", "对话文本（必填）"], ["客服1", "您好"], ["客户", "不需要"]],
        [["角色", "回访内容"], ["A", "您好"], ["B", "不需要"]],
        [["客户", "客服"], ["", "您好"], ["不需要", ""]],
        [["客户异议", "应对话术"], ["", "您好"], ["不需要", ""]],
        [["问题", "回答"], ["", "您好"], ["不需要", ""]],
        [["某公司话术"], [], ["角色", "话术"], ["客服", "您好"], ["客户", "不需要"]],
        [["客服", "您好"], ["客户", "不需要"]],
        [["话术"], ["客服：您好"], ["客户：不需要"]],
        [["文本"], ["客服：您好\n客户：不需要"]],
        [["文本"], ["A：您好\nB：不需要"]],
        [["开场", "客服：您好\n客户：不需要"]],
    ],
)
def test_words_and_speakers_are_found(rows: list[list[str]]) -> None:
    for data, name in ((comma(rows), "a.csv"), (xlsx({"S": rows}), "a.xlsx")):
        [document] = read_bytes(data, name)
        assert [turn for turn in words(document) if turn[0] != "unknown"] == TURNS
        assert document.kind == "script"
        check_offsets(document)


@pytest.mark.parametrize(
    ("rows", "options"),
    [
        (
            [["甲方", "乙方"], ["客服", "您好"], ["客户", "不需要"]],
            {"text_column": "乙方", "role_column": "甲方"},
        ),
        ([["甲方", "乙方"], ["客服", "您好"], ["客户", "不需要"]], {"text_column": "B", "role_column": "a"}),
        ([["甲方", "乙方"], ["客服", "您好"], ["客户", "不需要"]], {"text_column": "2", "role_column": "1"}),
        ([["内容", "角色", "备注"], ["x", "客服", "您好"], ["y", "客户", "不需要"]], {"text_column": "备注"}),
        ([["谁", "内容"], ["客服", "您好"], ["客户", "不需要"]], {"role_column": "谁"}),
        ([["1", "2"], ["客服", "您好"], ["客户", "不需要"]], {"text_column": "2", "role_column": "1"}),
    ],
)
def test_columns_may_be_told(rows: list[list[str]], options: dict[str, str]) -> None:
    for data, name in ((comma(rows), "a.csv"), (xlsx({"S": rows}), "a.xlsx")):
        [document] = read_bytes(data, name, ReadOptions(**options))
        assert [turn for turn in words(document) if turn[1] not in ("乙方", "2")] == TURNS


@pytest.mark.parametrize("kind", ["text_column", "role_column", "id_column"])
def test_a_column_that_is_not_there_is_named_with_those_that_are(kind: str) -> None:
    for data, name in ((comma(SCRIPT), "a.csv"), (xlsx({"话术": SCRIPT}), "a.xlsx")):
        with pytest.raises(ReaderError, match="has no column '台词'; its columns are: 角色, 话术"):
            read_bytes(data, name, ReadOptions(**{kind: "台词"}))


def test_places_are_sheet_and_cell_or_line_and_column() -> None:
    rows = [["角色", "话术"], ["客服", "您好，\n我是小李"], ["", ""], ["客户", "不需要"]]
    [document] = read_bytes(xlsx({"话术": rows}), "a.xlsx")
    assert places(document) == [("话术!B2", "您好，"), ("话术!B4", "不需要")]
    [document] = read_bytes(comma(rows), "a.csv")
    assert places(document) == [("第 2 行第 2 列", "您好，"), ("第 5 行第 2 列", "不需要")]


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_delimiters_and_encodings_of_csv(delimiter: str, encoding: str) -> None:
    rows = [["角色", "话术"], ["客服", "您好，请问；在吗, 嗯"], ["客户", "不需要"]]
    [document] = read_bytes(comma(rows, delimiter).decode().encode(encoding), "a.csv")
    assert words(document) == [("agent", "您好，请问；在吗, 嗯"), ("customer", "不需要")]


@pytest.mark.parametrize(
    ("text", "turns"),
    [
        ("sep=;\n角色;话术\n客服;您好\n客户;不需要", TURNS),
        ("角色,话术\r客服,您好\r客户,不需要\r", TURNS),
        ("角色,话术,备注\n客服,您好\n客户,不需要,x,,\n\n", TURNS),
        ("角色,话术,备注\n客服,您好, 最佳,x\n", [("agent", "您好, 最佳")]),
        ("角色,话术\n客服,您好,最佳,选择\n", [("agent", "您好,最佳,选择")]),
        ("话术\n您好,最佳\n", [("agent", "您好,最佳")]),
        ('角色,话术\n客服,"您好，""最佳""\n选择"\n', [("agent", '您好，"最佳"\n选择')]),
        ('角色,话术\n客服,"您好\n客户,不需要\n', [("agent", '"您好'), ("customer", "不需要")]),
        ('角色,话术\n客服,"您"好\n客户,"不\n要"\n', [("agent", "您好"), ("customer", "不\n要")]),
        ("角色,话术\n客服,=最佳()\n", [("agent", "=最佳()")]),
        ("角色,话术\n客服,{姓名}您好XX\n", [("agent", "{姓名}您好XX")]),
    ],
)
def test_crooked_csv_is_read_straight(text: str, turns: list[tuple[str, str]]) -> None:
    [document] = read_bytes(text.encode(), "a.csv")
    assert words(document) == turns


def test_a_quote_that_nothing_closes_is_reported() -> None:
    [document] = read_bytes('角色,话术\n客服,"您好\n'.encode(), "a.csv")
    assert "有引号没有配对，引号按普通字符读取" in document.notes


CALLS = [
    ["通话ID", "坐席工号", "通话时间", "行业", "渠道", "角色", "开始时间", "文本", "质检员"],
    ["c1", "007", "2026-01-02 21:30", "loan", "call_ai", "客服", "0:01", "您好", "张"],
    ["c1", "007", "2026-01-02 21:30", "loan", "call_ai", "客户", "0:03.5", "不需要", "李"],
    ["c2", "008", "2026-01-03 09:00", "", "电话", "客服", "0:01", "在吗", "张"],
    ["c1", "007", "", "loan", "call_ai", "客服", "0:05", "好的", ""],
]


def test_rows_are_gathered_by_call_with_their_metadata() -> None:
    for data, name in ((comma(CALLS), "a.csv"), (xlsx({"S": CALLS}), "a.xlsx")):
        first, second = read_bytes(data, name)
        assert words(first) == [*TURNS, ("agent", "好的")]
        assert [turn.begin for turn in first.turns] == [1.0, 3.5, 5.0]
        assert first.kind == second.kind == "transcript"
        assert {k: v for k, v in first.metadata.items() if k != "sheet"} == {
            "call_id": "c1",
            "agent_id": "007",
            "start_time": "2026-01-02 21:30",
            "industry": "loan",
            "channel": "call_ai",
        }
        assert (first.industry, first.channel) == ("loan", "call_ai")
        assert words(second) == [("agent", "在吗")]
        assert (second.industry, second.channel) == (None, None)
        assert second.metadata["channel"] == "电话"
        assert second.metadata["质检员"] == "张"


@pytest.mark.parametrize(
    ("rows", "texts"),
    [
        # Without speakers an id on every row names a text; a repeated one a call.
        ([["id", "text"], ["1", "甲"], ["2", "乙"]], ["甲", "乙"]),
        ([["id", "text"], ["1", "甲"], ["1", "乙"], ["2", "丙"]], ["甲\n乙", "丙"]),
        # Beside speakers it names a turn.
        ([["id", "role", "text"], ["1", "客服", "甲"], ["2", "客户", "乙"]], ["甲\n乙"]),
        # An empty id goes on with the call above, as in a sheet that names each call once.
        ([["call_id", "text"], ["1", "甲"], ["", "乙"], ["2", "丙"]], ["甲\n乙", "丙"]),
        ([["序号", "text"], ["1", "甲"], ["2", "乙"]], ["甲\n乙"]),
    ],
)
def test_ids_divide_a_table_into_documents(rows: list[list[str]], texts: list[str]) -> None:
    assert [document.text for document in read_bytes(comma(rows), "a.csv")] == texts


def test_the_id_column_told_divides_whatever_it_holds() -> None:
    rows = [["编", "role", "text"], ["1", "客服", "甲"], ["2", "客户", "乙"]]
    found = read_bytes(comma(rows), "a.csv", ReadOptions(id_column="编"))
    assert [document.metadata["call_id"] for document in found] == ["1", "2"]
    assert all(document.kind == "transcript" for document in found)


def test_a_call_in_one_cell_is_divided_into_turns() -> None:
    rows = [["call_id", "通话内容"], ["a", "客服：您好\n客户：不需要"], ["b", "客服：在吗\r\n客户：在"]]
    first, second = read_bytes(xlsx({"S": rows}), "a.xlsx")
    assert words(first) == TURNS
    assert words(second) == [("agent", "在吗"), ("customer", "在")]
    assert places(second) == [("S!B3", "客服：在吗" + second.text[5:].split("\n")[0])]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("12.5", 12.5),
        ("0:01:02,500", 62.5),
        ("1:02", 62.0),
        ("0", 0.0),
        ("晚上", None),
        ("20260102093000", None),
    ],
)
def test_times_of_turns(value: str, seconds: float | None) -> None:
    rows = [["开始时间", "话术"], [value, "您好"]]
    [document] = read_bytes(comma(rows), "a.csv")
    assert document.turns[0].begin == seconds
    assert document.kind == ("script" if seconds is None else "transcript")
    assert document.metadata.get("start_time") == (value if seconds is None else None)


def test_milliseconds_are_known_by_name() -> None:
    for rows in (
        [["begin_ms", "text"], ["1500", "您好"]],
        [["begin", "role", "words"], ["1500", "客服", "您好"]],
    ):
        [document] = read_bytes(comma(rows), "a.csv")
        assert document.turns[0].begin == 1.5


def test_what_is_not_checked_is_said() -> None:
    rows = [["平安话术 2026"], ["环节", "话术", "备注", "n"], ["开场", "您好", "微笑", "1"]]
    [document] = read_bytes(comma(rows), "a.csv")
    assert document.notes == ("表格只检查“话术”列，未检查：环节、备注", "表格表头以上的 1 行未检查")


def test_a_table_without_known_columns_is_read_cell_by_cell() -> None:
    rows = [["开场", "您好，这里是平安"], ["", "我们最好"]]
    [document] = read_bytes(xlsx({"杂": rows}), "a.xlsx")
    assert document.text == "开场\n您好，这里是平安\n我们最好"
    assert (document.kind, document.turns) == ("text", ())
    assert [label for label, _ in places(document)] == ["杂!A1", "杂!B1", "杂!B2"]
    assert document.notes == ("工作表“杂”没有找到话术列，按全部文字单元格检查",)


def test_every_sheet_is_a_document_and_empty_ones_are_skipped() -> None:
    data = xlsx({"甲": SCRIPT, "Sheet2": [], "乙": [["话术"], ["在吗"]]})
    first, second = read_bytes(data, "a.xlsx")
    assert (first.metadata["sheet"], second.metadata["sheet"]) == ("甲", "乙")
    assert first.notes == ("跳过空表“Sheet2”",)
    for wanted in ("乙", "3"):
        [document] = read_bytes(data, "a.xlsx", ReadOptions(sheet=wanted))
        assert document.text == "在吗"
    with pytest.raises(ReaderError, match="has no sheet '丙'; its sheets are: 甲, Sheet2, 乙"):
        read_bytes(data, "a.xlsx", ReadOptions(sheet="丙"))
    [empty] = read_bytes(xlsx({"S": []}), "a.xlsx")
    assert (empty.text, empty.notes) == ("", ("跳过空表“S”",))


def test_a_sheet_without_the_column_told_is_skipped_with_a_note() -> None:
    data = xlsx({"说明": [["填写说明"]], "甲": [["台词"], ["您好"]]})
    [document] = read_bytes(data, "a.xlsx", ReadOptions(text_column="台词"))
    assert document.text == "您好"
    assert document.notes == ("跳过工作表“说明”：没有“台词”列",)


def test_cells_that_are_no_strings_are_written_out() -> None:
    day = datetime.datetime(2026, 1, 2, 3, 4, 5)
    rows = [["话术", "call_time"], [100, day], [3.5, day], [True, day], [None, day], ["您好", day]]
    [document] = read_bytes(xlsx({"S": rows}), "a.xlsx")
    assert document.text == "100\n3.5\nTRUE\n您好"
    assert document.metadata["start_time"] == "2026-01-02 03:04:05"


def test_formulas_are_text_where_they_have_no_result() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "话术"
    for row in (["角色", "话术"], ["客服", "=最佳"], ["客服", "您好"]):
        sheet.append(row)
    sheet["B3"].data_type = "s"
    sheet["B5"] = "=最末行"
    [document] = read_bytes(saved(book), "a.xlsx")
    assert words(document) == [("agent", "=最佳"), ("agent", "您好"), ("agent", "=最末行")]
    [document] = read_bytes(xlsx({"S": [["话术"], ["=第一"], ["+86"], ["@x"]]}), "a.xlsx")
    assert document.text == "=第一\n+86\n@x"


def test_a_merged_speaker_holds_for_all_its_rows() -> None:
    rows = [["角色", "话术"], ["客户", "不"], [None, "需要"], ["客服", "好"]]
    [document] = read_bytes(xlsx({"S": rows}, merged=["A2:A3"]), "a.xlsx")
    assert words(document) == [("customer", "不"), ("customer", "需要"), ("agent", "好")]


def test_hidden_sheets_are_read_and_said() -> None:
    book = openpyxl.load_workbook(io.BytesIO(xlsx({"甲": SCRIPT, "乙": [["话术"], ["在吗"]]})))
    book["乙"].sheet_state = "hidden"
    found = read_bytes(saved(book), "a.xlsx")
    assert len(found) == 2
    assert found[0].notes == ("工作表“乙”是隐藏的，也已读取",)


def test_a_stray_cell_at_the_end_of_the_sheet_is_refused_before_it_costs_memory() -> None:
    data = xlsx({"S": [["话术"], ["您好"]]})
    far = rewritten(data, "xl/worksheets/sheet1.xml", b'r="A2"', b'r="XFD1048576"')
    with pytest.raises(ReaderError, match="1048576 rows and 16384 columns; delete the stray cells"):
        read_bytes(far, "a.xlsx")


def test_twenty_thousand_rows_are_read_at_once() -> None:
    rows = [["角色", "话术"], *([["客服", "您好，请问方便吗"], ["客户", "不需要，谢谢"]] * 10_000)]
    for data, name in ((comma(rows), "a.csv"), (xlsx({"S": rows}), "a.xlsx")):
        [document] = read_bytes(data, name)
        assert len(document.turns) == 20_000


cells = st.text(
    alphabet=st.one_of(
        st.sampled_from(["😊", "最", "佳", "\r", "\n", "\u200b", ",", '"', ";", "\t", " "]),
        st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"),
    ),
    max_size=12,
)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["客服", "客户", ""]), cells), min_size=1, max_size=8))
def test_csv_turns_are_the_cells_as_given(rows: list[tuple[str, str]]) -> None:
    speakers = {"客服": "agent", "客户": "customer", "": "unknown"}
    data = comma([["角色", "话术"], *map(list, rows)])
    [document] = read_bytes(data, "a.csv")
    spoken = [(speakers[role] if role else "agent", text) for role, text in rows if text.strip()]
    assert words(document) == spoken
    check_offsets(document)
    assert len(document.anchors) == len(spoken)


# What XML can hold; openpyxl writes a carriage return as a line feed.
sheet_cells = cells.map(lambda text: text.replace("\r", ""))


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["客服", "客户"]), sheet_cells), min_size=1, max_size=6))
def test_xlsx_turns_are_the_cells_as_given(rows: list[tuple[str, str]]) -> None:
    speakers = {"客服": "agent", "客户": "customer"}
    [document] = read_bytes(xlsx({"S": [["角色", "话术"], *rows]}), "a.xlsx")
    assert words(document) == [(speakers[role], text) for role, text in rows if text.strip()]
    assert [label for label, _ in places(document)] == [
        f"S!B{row}" for row, (_, text) in enumerate(rows, 2) if text.strip()
    ]
