"""The HTTP server: LanguageTool's API, our own, limits, keys, settings."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlencode

import pytest
from fastapi.testclient import TestClient

from checker import check
from checker.config import ConfigError, load_config
from checker.types import Span
from checker.web import api
from checker.web.app import create_app
from checker.web.languagetool import Source
from checker.web.settings import Settings, load_settings

GUILTY = "😀𝒞这款理财稳赚不赔，收益全国第一。"


@pytest.fixture(scope="module")
def client():
    with TestClient(
        create_app(Settings(max_text=5000, max_body=100_000, cors_origins=("https://dialler.example",)))
    ) as made:
        yield made


def ask(client: TestClient, **form: str):
    return client.post("/v2/check", data={"language": "zh-CN", **form})


def utf16(text: str, match: dict) -> str:
    units = text.encode("utf-16-le")
    return units[2 * match["offset"] : 2 * (match["offset"] + match["length"])].decode("utf-16-le")


def test_offsets_are_utf16_units(client) -> None:
    answer = ask(client, text=GUILTY).json()
    for match, finding in zip(answer["matches"], check(GUILTY).findings, strict=True):
        assert finding.matched in utf16(GUILTY, match)
        assert utf16(match["context"]["text"], match["context"] | {}) == utf16(GUILTY, match)
        assert match["rule"]["id"] == finding.rule_id
        assert {"message", "shortMessage", "replacements", "sentence", "rule"} <= match.keys()
        assert match["sentence"] == GUILTY.rstrip("。") or match["sentence"] == GUILTY


def test_replacements_give_the_rewritten_text(client) -> None:
    (match, *_) = ask(client, text=GUILTY).json()["matches"]
    (finding, *_) = check(GUILTY).findings
    units = GUILTY.encode("utf-16-le")
    replaced = (
        units[: 2 * match["offset"]]
        + match["replacements"][0]["value"].encode("utf-16-le")
        + units[2 * (match["offset"] + match["length"]) :]
    ).decode("utf-16-le")
    rewritten = {GUILTY[: r.span.start] + r.text + GUILTY[r.span.end :] for r in finding.rewrites}
    assert replaced in rewritten


def test_a_missing_statement_covers_the_character_before_it(client) -> None:
    script = "客服：您好，请问是张先生吗？\n客户：是的\n客服：我这边是做选股软件的，想给您介绍一下\n客户：你说\n客服：我们有一个选股的功能\n"
    missing = [finding for finding in check(script).findings if not finding.matched]
    assert missing
    matches = {match["rule"]["id"]: match for match in ask(client, text=script).json()["matches"]}
    for finding in missing:
        match = matches[finding.rule_id]
        assert match["length"] == 1
        for value in match["replacements"]:
            assert value["value"].startswith(utf16(script, match))


def test_markup_counts_in_offsets_and_is_not_checked(client) -> None:
    data = {"annotation": [
        {"text": "😀 "}, {"markup": "<b>稳赚不赔</b>"}, {"markup": "<p>", "interpretAs": "\n\n"},
        {"text": "这款理财"}, {"markup": "<i>"}, {"text": "稳赚不赔"},
    ]}  # fmt: skip
    original = "😀 <b>稳赚不赔</b><p>这款理财<i>稳赚不赔"
    matches = ask(client, data=json.dumps(data)).json()["matches"]
    (match,) = matches
    assert utf16(original, match).endswith("稳赚不赔")
    assert match["offset"] > len("😀 <b>稳赚不赔</b><p>")


def test_interpreted_markup_alone_is_nobodys_words() -> None:
    source = Source.annotated('{"annotation":[{"markup":"<x>","interpretAs":"稳赚"},{"text":"不赔"}]}')
    assert source.text == "稳赚不赔"
    assert source.origin(Span(0, 2)) is None
    assert source.origin(Span(0, 4)) == Span(3, 5)


def test_a_body_that_libreoffice_did_not_encode(client) -> None:
    body = "text=年化15%收益&稳赚不赔+送礼&language=zh-CN".encode()
    answer = client.post(
        "/v2/check", content=body, headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert [utf16("年化15%收益&稳赚不赔+送礼", match) for match in answer.json()["matches"]].count(
        "稳赚不赔"
    ) == 1


@pytest.mark.parametrize(
    ("form", "status", "says"),
    [
        ({"language": "zh-CN"}, 400, "either 'text' or 'data'"),
        ({"language": "zh-CN", "text": "a", "data": "{}"}, 400, "not both"),
        ({"text": "a"}, 400, "Missing 'language'"),
        ({"language": "en-US", "text": "a"}, 400, "en-US"),
        ({"language": "zh-CN", "data": "{"}, 400, "Invalid 'data'"),
        ({"language": "zh-CN", "data": '{"annotation":[{"text":1}]}'}, 400, "Invalid 'data'"),
        ({"language": "zh-CN", "data": '{"annotation":[{"text":"a","markup":"b"}]}'}, 400, "either"),
        ({"language": "zh-CN", "text": "a", "enabledOnly": "true"}, 400, "enabledOnly"),
        ({"language": "zh-CN", "text": "好" * 5001}, 413, "5001"),
    ],
)
def test_bad_requests_are_plain_text_errors(client, form, status, says) -> None:
    answer = client.post("/v2/check", data=form)
    assert answer.status_code == status
    assert answer.text.startswith("Error: ")
    assert says in answer.text


def test_get_auto_and_filters(client) -> None:
    query = {"text": GUILTY, "language": "auto"}
    found = {m["rule"]["id"] for m in client.get(f"/v2/check?{urlencode(query)}").json()["matches"]}
    assert "guarantee/sure-profit" in found
    off = ask(client, text=GUILTY, disabledRules="guarantee/sure-profit").json()["matches"]
    assert {m["rule"]["id"] for m in off} == found - {"guarantee/sure-profit"}
    only = ask(client, text=GUILTY, enabledCategories="guarantee", enabledOnly="true").json()["matches"]
    assert {m["rule"]["category"]["id"] for m in only} == {"guarantee"}


def test_the_small_endpoints(client) -> None:
    assert {"name": "Chinese", "code": "zh", "longCode": "zh-CN"} in client.get("/v2/languages").json()
    assert client.get("/v2/healthcheck").text == "OK"
    assert client.get("/v2/maxtextlength").text == "5000"
    assert client.get("/v2/info").json()["software"]["name"] == "LanguageTool"
    rules = client.get("/v2/configinfo?language=zh-CN").json()["rules"]
    assert "guarantee/sure-profit" in {rule["ruleId"] for rule in rules}


def test_only_listed_origins_may_read(client) -> None:
    for origin, allowed in [
        ("https://dialler.example", "https://dialler.example"),
        ("https://evil.example", None),
    ]:
        answer = client.get("/v2/languages", headers={"origin": origin})
        assert answer.headers.get("access-control-allow-origin") == allowed


def test_words_are_the_allow_list_of_the_configuration(tmp_path: Path) -> None:
    config = tmp_path / "huashu.yaml"
    config.write_text("# ours\nallow: [甲]\n", encoding="utf-8")
    client = TestClient(create_app(Settings(config=config)))
    assert "guarantee/sure-profit" in ask(client, text=GUILTY).text
    assert client.post("/v2/words/add", data={"word": "稳赚不赔"}).json() == {"added": True}
    assert client.post("/v2/words/add", data={"word": "稳赚不赔"}).json() == {"added": False}
    assert load_config(config).allow == ("甲", "稳赚不赔")
    assert config.read_text(encoding="utf-8").startswith("# ours\n")
    assert client.get("/v2/words").json() == {"words": ["甲", "稳赚不赔"]}
    assert "guarantee/sure-profit" not in ask(client, text=GUILTY).text
    assert client.post("/v2/words/delete", data={"word": "稳赚不赔"}).json() == {"deleted": True}
    assert "guarantee/sure-profit" in ask(client, text=GUILTY).text
    assert (
        client.post(
            "/v2/words/add", data={"word": "x"}, headers={"origin": "https://evil.example"}
        ).status_code
        == 403
    )
    assert client.post("/v2/words/add", data={}).status_code == 400


def test_words_without_a_configuration_say_how_to_get_one(client) -> None:
    answer = client.post("/v2/words/add", data={"word": "甲"})
    assert answer.status_code == 400
    assert "--config" in answer.text


def test_keys_are_asked_for_where_there_are_some() -> None:
    client = TestClient(create_app(Settings(api_keys=("secret",))))
    assert ask(client, text="好").status_code == 401
    assert ask(client, text="好", apiKey="wrong").status_code == 401
    assert ask(client, text="好", apiKey="secret").status_code == 200
    assert client.post("/api/v1/check", json={"text": "好"}).status_code == 401
    for header in ({"authorization": "Bearer secret"}, {"x-api-key": "secret"}):
        assert client.post("/api/v1/check", json={"text": "好"}, headers=header).status_code == 200


def test_the_answer_is_the_json_of_the_command_line(client) -> None:
    answer = client.post("/api/v1/check", json={"text": GUILTY, "path": "a.txt"}).json()
    report = check(api.CheckIn(text=GUILTY, path="a.txt").document())
    assert answer["documents"] == [report.to_dict()]


def test_the_described_shape_is_the_real_one(client) -> None:
    script = (
        f"客服：{GUILTY}\n客户：嗯\n客服：广告法不许商家自称第一品牌\n"
        "<!-- huashu-disable-next-line guarantee/sure-profit -- 合同原文 -->\n客服：稳赚不赔\n"
    )
    answer = client.post("/api/v1/check", json={"text": script}).json()
    (document,) = answer["documents"]
    assert document["findings"]
    assert document["excused"]
    assert document["suppressed"]
    assert api.CheckOut.model_validate(answer).model_dump() == answer


def test_turns_and_files(client, tmp_path: Path) -> None:
    turns = [{"speaker": "agent", "text": "稳赚不赔"}, {"speaker": "customer", "text": "稳赚不赔"}]
    (document,) = client.post("/api/v1/check", json={"turns": turns}).json()["documents"]
    assert [finding["turn"] for finding in document["findings"] if finding["text"]] == [0]
    upload = {"file": ("话术.txt", "这款理财稳赚不赔".encode("gb18030"))}
    (document,) = client.post("/api/v1/check/file", files=upload).json()["documents"]
    assert document["findings"][0]["text"] == "稳赚不赔"
    broken = client.post("/api/v1/check/file", files={"file": ("a.docx", b"PK\x03\x04")})
    assert broken.status_code == 422
    assert "a.docx" in broken.json()["detail"]


def test_lone_surrogates_are_answered(client) -> None:
    body = b'{"text":"\\ud800\\u7a33\\u8d5a\\u4e0d\\u8d54"}'
    assert client.post("/api/v1/check", content=body).status_code == 422
    (match,) = ask(client, data=body.decode()).json()["matches"]
    assert match["offset"] + match["length"] == 5


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "body",
    [
        '{"text":NaN}',
        '{"text":-Infinity}',
        '{"text":1e999}',
        '{"text":"x","industry":"\\ud800"}',
        '{"text":"x","\\ud800":1}',
        '{"turns":[{"speaker":"agent","text":"保本","start":NaN}]}',
        '{"turns":[{"speaker":"\\udfff","text":"保本"}]}',
        '{"text":"x","more":' + '{"a":' * 500 + "NaN" + "}" * 501,
    ],
)
def test_values_that_json_cannot_write_are_refused_and_not_repeated(client, body: str) -> None:
    answer = client.post("/api/v1/check", content=body.encode(), headers=JSON)
    assert answer.status_code == 422
    assert all(problem.keys() == {"loc", "msg", "type"} for problem in answer.json()["detail"])
    assert len(answer.content) < 500


@pytest.mark.parametrize("begin", ["NaN", "Infinity", "-1e999", "1e308"])
def test_times_that_are_no_numbers_are_answered(client, begin: str) -> None:
    body = f'{{"turns":[{{"speaker":"agent","text":"稳赚不赔","begin":{begin},"words":[["稳赚",{begin}]]}}]}}'
    answer = client.post("/api/v1/check", content=body.encode(), headers=JSON)
    assert answer.status_code == 200
    assert answer.json()["documents"][0]["findings"]


def test_limits_answer_413(client) -> None:
    assert client.post("/api/v1/check", json={"text": "好" * 5001}).status_code == 413
    assert client.post("/api/v1/check", content=b"x" * 100_001).status_code == 413

    def parts():
        for _ in range(11):
            yield b"x" * 10_000

    assert client.post("/v2/check", content=parts()).status_code == 413


def test_a_check_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    app = create_app(Settings(timeout=0.01))
    never = threading.Event()
    monkeypatch.setattr(app.state.service.checker, "check", lambda document: never.wait(5))
    client = TestClient(app)
    assert client.post("/api/v1/check", json={"text": "好"}).status_code == 503
    answer = ask(client, text="好")
    assert answer.status_code == 200
    assert answer.json()["warnings"]["incompleteResults"] is True
    never.set()


def test_rules_can_be_looked_up(client) -> None:
    rules = client.get("/api/v1/rules?category=guarantee").json()
    assert {rule["category"] for rule in rules} == {"guarantee"}
    page = client.get("/api/v1/rules/guarantee/sure-profit/page")
    assert page.text.startswith("# guarantee/sure-profit")
    missing = client.get("/api/v1/rules/guarantee/sure-profits/page")
    assert missing.status_code == 404
    assert "guarantee/sure-profit" in missing.json()["detail"]


def test_settings_come_from_file_environment_and_arguments(tmp_path: Path) -> None:
    path = tmp_path / "serve.yaml"
    path.write_text("port: 9000\nhost: 0.0.0.0\ncors_origins: [https://a.example]\n", encoding="utf-8")
    environment = {"HUASHU_SERVER_PORT": "9001", "HUASHU_SERVER_API_KEYS": "a, b", "PATH": "x"}
    settings = load_settings(path, environment, host="127.0.0.1", store=None)
    assert (settings.port, settings.host, settings.api_keys) == (9001, "127.0.0.1", ("a", "b"))
    assert settings.cors_origins == ("https://a.example",)


def test_wrong_settings_name_file_line_and_key(tmp_path: Path) -> None:
    path = tmp_path / "serve.yaml"
    path.write_text("host: x\nport: many\nprot: 1\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_settings(path, {})
    text = str(caught.value)
    assert f"{path}:2: port:" in text
    assert f"{path}:3: prot:" in text
