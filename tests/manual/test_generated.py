"""What is made of the command line and the settings is what would be made of them now."""

import io
import shutil
import subprocess
from pathlib import Path

import pytest

from exporter import cli
from exporter.commands.arguments import SHELLS
from exporter.runtime import Runtime
from manual.command_line import commands, program
from manual.generate import COMPLETIONS, EXAMPLES, ROOT, generated


@pytest.mark.parametrize(("path", "text"), [(str(path), text) for path, text in generated()])
def test_file_is_what_would_be_written_now(path: str, text: str) -> None:
    assert Path(path).read_text() == text, "run: python -m manual.generate"


def test_nothing_is_left_over_of_what_was_written_once() -> None:
    written = {path for path, _ in generated()}
    assert set(COMPLETIONS.iterdir()) <= written
    assert set((ROOT / "man").iterdir()) <= written
    assert any(path.parent == EXAMPLES for path in written)


@pytest.mark.parametrize("shell", SHELLS)
def test_script_of_a_shell_is_printed(shell: str) -> None:
    out = io.StringIO()
    code = cli.main(["completion", shell], runtime=Runtime(environ={}), out=out, err=io.StringIO())
    assert code == 0
    assert out.getvalue() == (COMPLETIONS / shell).read_text()


@pytest.mark.parametrize("shell", SHELLS)
def test_script_knows_every_command_and_flag_of_the_help(shell: str) -> None:
    text = (COMPLETIONS / shell).read_text()
    for command in (program(), *commands()):
        assert command.name in text
        for flag in command.flags:
            for name in flag.names:
                assert name.lstrip("-") in text


def completed(*words: str) -> list[str]:
    """Return what bash offers after these words, the last of which is being typed."""
    bash = shutil.which("bash")
    assert bash is not None
    quoted = " ".join(f"'{word}'" for word in words)
    program = (
        f"source {COMPLETIONS / 'bash'}\n"
        f"COMP_WORDS=(streaming-job-exporter {quoted})\n"
        f"COMP_CWORD={len(words)}\n"
        "_streaming_job_exporter 2>/dev/null\n"
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        [bash, "--norc", "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["ch"], ["check-config"]),
        (["--log.l"], ["--log.level"]),
        (["--log.level", ""], ["debug", "info", "warning", "error"]),
        (["--log.level", "="], ["debug", "info", "warning", "error"]),
        (["--log.level", "=", "w"], ["warning"]),
        (["init", "--platform", "=", "huawei_dl"], ["huawei_dli"]),
        (["healthy", "--"], ["--pid", "--web.listen-address", "--web.config.file", "--help"]),
        (["--log.level", "=", "info", "plan", "--j"], ["--jobs"]),
        (["completion", ""], ["bash", "zsh", "fish", "-h", "--help"]),
        (["--shard", ""], []),
        (["check-config", "--config.file", "=", "pyproj"], ["pyproject.toml"]),
    ],
)
def test_bash_offers_what_fits(words: list[str], offered: list[str]) -> None:
    assert completed(*words) == offered
