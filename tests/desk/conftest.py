"""A desk on SQLite or on a real PostgreSQL, with a small house lexicon over ours."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="the desk's extra is not installed")

from argon2 import PasswordHasher
from desk_office import HOUSE, NEW_RULE, Office, make_office, new_database

from checker.desk.services import people
from checker.pipeline import Checker


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("house")
    (folder / "house.yaml").write_text(HOUSE, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def new_rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("new-rules")
    (folder / "house.yaml").write_text(HOUSE, encoding="utf-8")
    (folder / "new.yaml").write_text(NEW_RULE, encoding="utf-8")
    return folder


def _warm(folder: Path) -> Checker:
    made = Checker(lexicons=[folder])
    made.check("预热")
    return made


@pytest.fixture(scope="session")
def house_checker(house: Path) -> Checker:
    return _warm(house)


@pytest.fixture(scope="session")
def new_checker(new_rules: Path) -> Checker:
    return _warm(new_rules)


def _binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    return Path(initdb).parent if initdb else None


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a server of our own, on a free port, run by a user who is not root."""
    binaries = _binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    owner = None
    if os.geteuid() == 0:
        try:
            owner = pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("PostgreSQL refuses root, and there is no user postgres")
    folder = Path(tempfile.mkdtemp(prefix="huashu-pg-", dir="/tmp"))
    if owner is not None:
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    identity = {} if owner is None else {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}

    def run(*command: str) -> None:
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, **identity)

    run(
        str(binaries / "initdb"),
        "-D",
        f"{folder}/data",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
        "-A",
        "trust",
        "-U",
        "desk",
    )
    flags = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c max_connections=200 -c fsync=off"
    log = f"{folder}/log"
    run(str(binaries / "pg_ctl"), "-D", f"{folder}/data", "-l", log, "-o", flags, "-w", "start")
    yield f"postgresql+psycopg://desk@127.0.0.1:{port}/postgres"
    run(str(binaries / "pg_ctl"), "-D", f"{folder}/data", "-m", "immediate", "stop")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh, empty store."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/desk.db"
    return new_database(request.getfixturevalue("postgres"))


@pytest.fixture
def office(store_url: str, tmp_path: Path, house_checker: Checker) -> Iterator[Office]:
    made = make_office(store_url, tmp_path / "data", house_checker)
    yield made
    made.desk.database.close()


@pytest.fixture
def pdf() -> Callable[[str], bytes]:
    """Small files that begin like a PDF."""
    return lambda words: b"%PDF-1.4\n" + words.encode()


@pytest.fixture(autouse=True, scope="session")
def _quick_passwords() -> None:
    """The real parameters take 50 ms a hash by design."""
    people._HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
