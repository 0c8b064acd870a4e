"""Lists what is installed with us, with licences: ``python .ci/third_party.py`` writes ``THIRD_PARTY.md``.

Packages are those that ``huashu[all]`` asks for, and what they ask for, on this interpreter; licences
are what the packages say of themselves.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = ("lsp", "mcp", "batch", "spark", "desk", "postgres", "pdf", "rewriter", "spacy", "train")
HEAD = """# Third-party software

What `pip install huashu` and its extras install, with the licence each package states. Written by
`python .ci/third_party.py`, held current by `tests/test_supply_chain.py`; versions are in `constraints.txt`.
None is part of our own files.

| package | licence | comes with |
|---|---|---|
"""


@cache
def _project() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def requirements(extra: str | None = None) -> list[str]:
    """What pyproject asks for: the base (""), an extra, or (None) base and all extras together."""
    base, extras = _project()["dependencies"], _project()["optional-dependencies"]
    assert isinstance(base, list)
    assert isinstance(extras, dict)
    if extra == "":
        return base
    wanted = [extra] if extra else EXTRAS
    lines = [line for name in wanted for line in extras[name]]
    own = [Requirement(line) for line in lines if canonicalize_name(Requirement(line).name) == "huashu"]
    lines = [line for line in lines if canonicalize_name(Requirement(line).name) != "huashu"]
    nested = [line for one in own for name in one.extras for line in requirements(name)]
    return [*(base if extra is None else ()), *lines, *nested]


@cache
def closure(extra: str) -> frozenset[str]:
    """Packages (canonical names) of the base and an extra, with what they need themselves."""
    waiting = [*requirements(""), *(requirements(extra) if extra else ())]
    found: dict[str, set[str]] = {}
    while waiting:
        wanted = Requirement(waiting.pop())
        name = canonicalize_name(wanted.name)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        new = {"", *wanted.extras} - found.get(name, set())
        if not new:
            continue
        found.setdefault(name, set()).update(new)
        if is_installed(name):
            for line in distribution(name).requires or ():
                needed = Requirement(line)
                if needed.marker is None or any(needed.marker.evaluate({"extra": option}) for option in new):
                    waiting.append(str(needed).partition(";")[0])
    return frozenset(found)


def is_installed(name: str) -> bool:
    """True when the package is there."""
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def licence(name: str) -> str:
    """What a package says of its licence. Raises PackageNotFoundError."""
    metadata = distribution(name).metadata
    if metadata.get("License-Expression"):
        return str(metadata["License-Expression"])
    said = [
        value.rpartition(" :: ")[2].removesuffix(" License")
        for value in metadata.get_all("Classifier") or ()
        if value.startswith("License :: ") and value != "License :: OSI Approved"
    ]
    line = str(metadata.get("License") or "").strip().split("\n")[0].strip()
    short = line if line and len(line) < 60 else ""
    return re.sub(r"\s*\|\s*", "/", ", ".join(said) or short or "see its files")


def table() -> str:
    """The page."""
    lines = []
    for name in sorted(closure("all")):
        if is_installed(name):
            with_ = [extra or "base" for extra in ("", *EXTRAS) if name in closure(extra)]
            lines.append(f"| {name} | {licence(name)} | {'base' if 'base' in with_ else ', '.join(with_)} |")
    return HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    (ROOT / "THIRD_PARTY.md").write_text(table(), encoding="utf-8")
