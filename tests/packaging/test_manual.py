"""What packages bring for shells and for `man` is read by shells and mandoc without a word."""

import subprocess

import pytest

from manual.generate import COMPLETIONS, ROOT
from tests.packaging.tools import run

pytestmark = [pytest.mark.packaging, pytest.mark.timeout(120)]

PAGE = ROOT / "man" / "streaming-job-exporter.1"


def _said(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_manual_page_has_nothing_that_mandoc_finds() -> None:
    assert _said("mandoc", "-T", "lint", "-W", "all", str(PAGE)) == ""


def test_manual_page_shows_every_command_and_its_flags() -> None:
    text = _said("mandoc", "-T", "utf8", "-O", "width=200", str(PAGE))
    # What is bold is struck twice.
    plain = "".join(
        letter for index, letter in enumerate(text) if "\b" not in text[index : index + 2]
    )
    for words in ("check-config", "--project-id=ID", "EXIT STATUS", "--shard=N"):
        assert words in plain


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_understands_its_script(shell: str) -> None:
    assert _said(shell, "-n", str(COMPLETIONS / shell)) == ""


def test_script_of_bash_has_nothing_that_shellcheck_finds() -> None:
    done = run("shellcheck", str(COMPLETIONS / "bash"))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("ch", ["check-config"]),
        ("--log.level ", ["debug", "error", "info", "warning"]),
        ("init --platform huawei", ["huawei_dataarts", "huawei_dli"]),
        ("completion ", ["bash", "fish", "zsh"]),
        ("healthy --p", ["--pid"]),
    ],
)
def test_fish_offers_what_fits(line: str, offered: list[str]) -> None:
    program = f"source {COMPLETIONS / 'fish'}; complete -C 'streaming-job-exporter {line}'"
    told = _said("fish", "--no-config", "--command", program)
    assert [each.partition("\t")[0] for each in told.splitlines()] == offered
