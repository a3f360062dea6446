"""What is installed is whole: with the files that are no modules."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
RUNBOOKS = ROOT / "docs" / "runbooks"
BUILD = "from setuptools.build_meta import build_wheel; build_wheel('wheels')"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a wheel of what the image is built of, and unpack it as an installer does."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("installed")
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "exporter", source / "exporter", ignore=ignored)
    shutil.copytree(RUNBOOKS, source / "docs" / "runbooks")
    subprocess.run(
        [sys.executable, "-c", BUILD], cwd=source, check=True, timeout=120, capture_output=True
    )
    [wheel] = (source / "wheels").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    return target


def test_wheel_has_every_file_that_the_pages_need(installed: Path) -> None:
    pages = Path("exporter", "pages")
    for folder in ("templates", "static"):
        wanted = {path.name for path in (ROOT / pages / folder).iterdir()}
        assert {path.name for path in (installed / pages / folder).iterdir()} == wanted


def test_wheel_has_what_commands_print_and_write(installed: Path) -> None:
    for folder in ("starters", "completions"):
        place = Path("exporter", "commands", folder)
        wanted = {path.name for path in (ROOT / place).iterdir()}
        assert {path.name for path in (installed / place).iterdir()} == wanted


def test_runbooks_that_are_installed_are_those_of_the_documents(installed: Path) -> None:
    program = (
        "import exporter\n"
        "from exporter.pages.runbooks import runbooks\n"
        "print(exporter.__file__)\n"
        "print(*sorted(f'{language}/{name}' for language, name in runbooks()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=installed,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    place, names = done.stdout.splitlines()
    assert Path(place).is_relative_to(installed)
    english = {f"/{name}" for path in RUNBOOKS.glob("*.md") for name in (path.stem, path.name)}
    chinese = {f"zh/{name}" for path in RUNBOOKS.glob("zh/*.md") for name in (path.stem, path.name)}
    assert set(names.split()) == english | chinese


def test_image_is_built_of_what_the_wheel_is_built_of() -> None:
    """A file that the image lacks is missed only by those who run it."""
    image = (ROOT / "Dockerfile").read_text()
    assert "COPY docs/runbooks docs/runbooks\n" in image
    assert "COPY pyproject.toml setup.py README.md LICENSE ./\n" in image
    assert {"!docs/runbooks", "!setup.py"} <= set((ROOT / ".dockerignore").read_text().splitlines())
