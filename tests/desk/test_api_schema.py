"""Requests generated from the OpenAPI description: whatever comes, the server never fails.

``HUASHU_API_EXAMPLES`` sets how many requests each operation gets for each role (default 2).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from desk_office import CLEAN, DIRTY, hire, token_of
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from checker.desk.services import flow
from checker.web.app import create_app
from checker.web.settings import Settings

EXAMPLES = int(os.environ.get("HUASHU_API_EXAMPLES", "2"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, house: Path) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("site")
    app = create_app(
        Settings(
            lexicons=(house,),
            store=f"sqlite:///{folder}/desk.db",
            desk={"data": str(folder), "sweep_seconds": 3600},
        )
    )
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def test_generated_requests_meet_no_server_error(site: TestClient) -> None:
    desk = site.app.state.desk
    people = hire(desk)
    tokens = [token_of(desk, people[name]) for name in ("writer", "officer", "admin")]
    for text in (CLEAN, DIRTY, DIRTY):
        script = flow.create(desk, people["writer"], flow.ScriptFields("样本"), text)
        flow.submit(desk, people["writer"], script.id, 1)
    flow.approve(desk, people["officer"], 1, 1)
    schema = schemathesis.openapi.from_dict(site.app.openapi())
    failures: list[str] = []
    seen: Counter[int] = Counter()
    every = (result.ok() for result in schema.get_all_operations())
    operations = [operation for operation in every if operation.path.startswith("/api/v1/desk")]
    assert len(operations) > 40
    for operation in operations:

        @settings(
            max_examples=EXAMPLES * len(tokens),
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(), token=st.sampled_from(tokens))
        def attempt(case, token) -> None:
            case.headers = {**(case.headers or {}), "Authorization": f"Bearer {token}"}
            if case.method == "POST" and case.path.endswith("/tokens"):
                return  # would end in thousands of tokens
            sent = case.as_transport_kwargs(base_url="http://testserver")
            sent.pop("cookies", None)
            try:
                answer = site.request(**sent)
            except (UnicodeEncodeError, TypeError, ValueError):
                return  # such a request cannot be put on the wire
            seen[answer.status_code] += 1
            if answer.status_code >= 500:
                failures.append(f"{case.method} {case.path}: {answer.text[:200]}")

        attempt()
        print(f"{sum(seen.values())} requests so far: {dict(seen)}, {len(failures)} failed")
    assert failures == []
    assert seen[200] + seen[201] + seen[204] > 0
