"""A release is the same bytes each time, and whoever installs it gets the whole program."""

import hashlib
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import exporter
from tests.packaging.tools import ROOT, run

pytestmark = [pytest.mark.packaging, pytest.mark.timeout(900)]


def _build(dist: Path, *parts: str, umask: int = 0o022) -> Path:
    done = subprocess.run(
        [sys.executable, "scripts/make_release.py", *parts],
        cwd=ROOT,
        env={**os.environ, "DIST": str(dist), "TZ": f"UTC{umask % 7}"},
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return dist


@pytest.fixture(name="dist", scope="module")
def _dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _build(tmp_path_factory.mktemp("dist"), "python", "chart")


def test_whoever_builds_it_whenever_gets_the_same_bytes(dist: Path, tmp_path: Path) -> None:
    again = _build(tmp_path / "again", "python", "chart", umask=0o077)
    assert (again / "SHA256SUMS").read_text() == (dist / "SHA256SUMS").read_text()


def test_checksums_are_those_of_every_file(dist: Path) -> None:
    lines = (dist / "SHA256SUMS").read_text().splitlines()
    listed = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    found = {path.name: path for path in dist.iterdir() if path.name != "SHA256SUMS"}
    version = exporter.__version__
    assert (
        set(listed)
        == set(found)
        == {
            f"streaming_job_exporter-{version}-py3-none-any.whl",
            f"streaming_job_exporter-{version}.tar.gz",
            f"streaming-job-exporter-{version}.tgz",
        }
    )
    for name, path in found.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == listed[name]


def test_source_distribution_holds_what_builds_it_and_no_tests(dist: Path) -> None:
    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        names = {each.name.partition("/")[2] for each in archive.getmembers()}
    assert {"pyproject.toml", "setup.py", "README.md", "LICENSE"} <= names
    assert {str(path.relative_to(ROOT)) for path in (ROOT / "docs/runbooks").rglob("*.md")} <= names
    assert [name for name in names if name.startswith(("tests", ".", "deploy"))] == []


def test_wheel_holds_the_package_alone(dist: Path) -> None:
    with zipfile.ZipFile(next(dist.glob("*.whl"))) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
    assert tops == {"exporter", f"streaming_job_exporter-{exporter.__version__}.dist-info"}


def test_wheel_installed_into_an_environment_of_its_own_is_the_whole_program(
    dist: Path, tmp_path: Path
) -> None:
    """As pipx does it: an environment for it alone, and its command."""
    (wheel,) = dist.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    locked = ["--require-hashes", "--only-binary", ":all:", "-r", "requirements/run.txt"]
    subprocess.run([*pip, *locked], cwd=ROOT, check=True, capture_output=True)
    subprocess.run([*pip, "--no-index", "--no-deps", wheel], check=True, capture_output=True)
    command = str(python.with_name("streaming-job-exporter"))
    told = subprocess.run([command, "--version"], capture_output=True, text=True, cwd=tmp_path)
    assert told.stdout.strip() == exporter.__version__


def test_dockerfile_and_scripts_have_nothing_that_linters_find() -> None:
    done = run("hadolint", "--failure-threshold", "warning", "Dockerfile")
    assert done.returncode == 0, done.stdout
    candidates = [*ROOT.glob("scripts/*"), *ROOT.glob("packaging/*.sh"), ROOT / ".ci" / "run"]
    shells = (b"#!/bin/sh", b"#!/usr/bin/env bash")
    scripts = [
        str(path) for path in candidates if path.is_file() and path.read_bytes().startswith(shells)
    ]
    assert len(scripts) > 12
    done = run("shellcheck", "--severity", "warning", *scripts)
    assert done.returncode == 0, done.stdout


def test_workflows_have_nothing_that_actionlint_finds() -> None:
    workflows = sorted(map(str, (ROOT / ".github" / "workflows").glob("*.yml")))
    assert len(workflows) == 2
    path = os.pathsep.join([str(ROOT / ".venv-packaging" / "bin"), os.environ["PATH"]])
    done = subprocess.run(
        [str(ROOT / ".venv-packaging" / "bin" / "actionlint"), *workflows],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
