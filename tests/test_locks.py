"""What is installed is locked by version and hash, and the locks fit each other and the ranges."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent
while not (ROOT / "pyproject.toml").exists():
    ROOT = ROOT.parent
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PACKAGE_LOCKS = sorted(
    path for path in (ROOT / "tests").rglob("package-lock.json") if "node_modules" not in path.parts
)
_PIN = re.compile(r"([a-z0-9-]+)==([^ ]+)((?: \\\n    --hash=sha256:[0-9a-f]{64})+)")


def _pins(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    return {match[1]: match[2] for match in _PIN.finditer(text)}


def _project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return project


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_every_line_of_a_lock_is_a_version_with_its_hashes(path: Path) -> None:
    rest = _PIN.sub("", path.read_text())
    assert [line for line in rest.splitlines() if line and not line.lstrip().startswith("#")] == []
    assert _pins(path.stem)


@pytest.mark.parametrize("path", [*LOCKS, *PACKAGE_LOCKS], ids=lambda path: path.parent.name)
def test_lock_says_nothing_of_where_it_was_made(path: Path) -> None:
    """Whoever installs from it has a registry of their own."""
    text = path.read_text()
    assert '"resolved"' not in text
    assert path in PACKAGE_LOCKS or not re.search(r"://|^--|-(index-url|links)|\s/\w", text, re.M)


def test_npm_packages_are_locked_with_their_hashes() -> None:
    for path in PACKAGE_LOCKS:
        packages = json.loads(path.read_text())["packages"]
        without = [name for name, each in packages.items() if name and "integrity" not in each]
        assert without == []


def test_tests_run_with_what_is_installed_for_run_time() -> None:
    assert _pins("run").items() <= _pins("test").items()


@pytest.mark.parametrize(("lock", "extra"), [("run", None), ("test", None), ("test", "test")])
def test_locked_versions_are_within_the_ranges_of_the_project(lock: str, extra: str | None) -> None:
    project = _project()["project"]
    texts = project["optional-dependencies"][extra] if extra else project["dependencies"]
    pins = _pins(lock)
    for wanted in map(Requirement, texts):
        assert wanted.specifier.contains(pins[canonicalize_name(wanted.name)]), wanted


def test_what_builds_the_project_is_locked() -> None:
    pins = _pins("build")
    for wanted in map(Requirement, _project()["build-system"]["requires"]):
        assert wanted.specifier.contains(pins[wanted.name])


def test_oldest_versions_are_the_lower_ends_of_the_ranges() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "oldest.py"], capture_output=True, text=True, check=True
    )
    assert (ROOT / "requirements" / "oldest.in").read_text() == done.stdout
    wanted = [line.partition("==") for line in done.stdout.splitlines() if "==" in line]
    pins = _pins("oldest")
    assert len(wanted) > 5
    for name, _, version in wanted:
        assert Version(pins[canonicalize_name(name)]) == Version(version)
