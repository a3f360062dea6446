"""What the exporter needs at run time is known, and so are its licences."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def _check(*arguments: str, also_in: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "scripts/check_licences.py", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(also_in or "")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def _package(folder: Path, name: str, *fields: str) -> None:
    """Install nothing but what says of a package what it is."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    lines = ["Metadata-Version: 2.4", f"Name: {name}", "Version: 1.0", *fields]
    (info / "METADATA").write_text("\n".join(lines) + "\n")


def test_licences_of_everything_needed_are_allowed() -> None:
    done = _check()
    assert done.returncode == 0, done.stdout
    names = {line.split()[0].casefold() for line in done.stdout.splitlines()}
    # Needed by the exporter, and by what it needs; the tools of its tests are not.
    assert {"httpx", "idna"} <= names
    assert not names & {"pytest", "ruff", "atheris"}


@pytest.mark.parametrize(
    ("fields", "returncode", "said"),
    [
        (("License-Expression: MIT OR Apache-2.0",), 0, "MIT OR Apache-2.0"),
        (("License-Expression: (MIT AND ISC)",), 0, "(MIT AND ISC)"),
        (("License: Apache 2.0",), 0, "Apache-2.0"),
        (("Classifier: License :: OSI Approved :: MIT License",), 0, "MIT"),
        (("License-Expression: GPL-3.0-only",), 1, "GPL-3.0-only  NOT ALLOWED"),
        (("License-Expression: MIT AND GPL-2.0-only",), 1, "MIT AND GPL-2.0-only  NOT ALLOWED"),
        (("License: as you please",), 1, "as you please  NOT ALLOWED"),
        ((), 1, "says none  NOT ALLOWED"),
    ],
)
def test_licence_is_judged_by_what_the_package_says(
    tmp_path: Path, fields: tuple[str, ...], returncode: int, said: str
) -> None:
    _package(tmp_path, "needy", "Requires-Dist: needed", 'Requires-Dist: absent; extra == "more"')
    _package(tmp_path, "needed", *fields)
    done = _check("--packages", "needy", also_in=tmp_path)
    assert done.returncode == returncode
    assert re.split(r"\s{2,}", done.stdout.strip(), maxsplit=2) == ["needed", "1.0", said]


def test_package_that_is_needed_and_not_there_is_named(tmp_path: Path) -> None:
    _package(tmp_path, "needy", "Requires-Dist: nowhere-to-be-found")
    done = _check("--packages", "needy", also_in=tmp_path)
    assert done.returncode == 1
    assert "nowhere-to-be-found" in done.stderr


def test_licence_file_is_what_the_metadata_says() -> None:
    metadata = (ROOT / "pyproject.toml").read_text()
    assert 'license = "Apache-2.0"' in metadata
    assert "Apache License" in (ROOT / "LICENSE").read_text()[:200]


def test_security_page_names_every_direct_dependency_and_only_files_that_exist() -> None:
    page = (ROOT / "SECURITY.md").read_text()
    listed = re.search(r"^dependencies = \[(.*?)^\]", _pyproject(), re.DOTALL | re.MULTILINE)
    assert listed is not None
    direct = re.findall(r'"([A-Za-z-]+)', listed[1])
    table = page[page.index("## Dependencies of run time") :].casefold()
    assert [name for name in direct if name.casefold() not in table] == []
    named = re.findall(r"`((?:exporter|tests|fuzz|systemd)/[\w/.*]*)`", page)
    assert len(named) > 30
    assert [name for name in named if not list(ROOT.glob(name.rstrip("/")))] == []


def _pyproject() -> str:
    return (ROOT / "pyproject.toml").read_text()
