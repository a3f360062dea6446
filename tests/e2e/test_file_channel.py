"""Files that are exchanged underneath the real program hold nothing up."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from tests.e2e.exporter_process import ROOT
from tests.e2e.exporter_streams import Exporter, configured, flink, until

PROJECT = "330e068af1334c9782f4226acc00a2e2"
REPORT = f"/v1/{PROJECT}/edgesrv/job-report"


class Folder:
    """A configuration with a token, a web file and the log of who uses them."""

    def __init__(self, folder: Path, address: str) -> None:
        self.token = folder / "token"
        self.token.write_text("right\n")
        self.web = folder / "web.yml"
        self.web.write_text("rate_limit: {interval: 1ms, burst: 1000}\n")
        self.log = folder / "log"
        projects = f"{PROJECT}: {{token_file: token}}"
        self.config = configured(
            folder, address, f"edge: {{database: edge.db, projects: {{{projects}}}}}\n"
        )

    def run(self, stream: IO[bytes]) -> Exporter:
        return Exporter(self.config, f"--web.config.file={self.web}", stderr=stream)

    def said(self, text: str) -> bool:
        return text in self.log.read_text()


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Iterator[Folder]:
    with flink() as address:
        yield Folder(tmp_path, address)


def _report(exporter: Exporter, token: str) -> int:
    """Return whether a report came past the check of its token: 400, for it is none, or 401."""
    return exporter.ask(REPORT, "POST", b"{}", X_Auth_Token=token)[0]


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _huge(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(2 * 1024**3)


def _folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def _loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


SPOILS = [_pipe, _huge, _folder_instead, _device, _loop]


@pytest.mark.parametrize("spoil", SPOILS)
def test_files_that_became_something_else_hold_nothing_up(
    folder: Folder, spoil: Callable[[Path], None]
) -> None:
    with folder.log.open("wb") as stream, folder.run(stream) as exporter:
        exporter.until_ready(folder.log.read_text)
        assert _report(exporter, "right") == 400
        for path in (folder.config, folder.web, folder.token):
            spoil(path)
        exporter.reload()
        until(lambda: folder.said('event="configuration not loaded"'), folder.log.read_text)
        until(lambda: folder.said('event="web configuration not loaded"'), folder.log.read_text)
        until(lambda: folder.said('event="a secret file cannot be used'), folder.log.read_text)
        assert exporter.ask("/-/reload", "POST")[0] == 400
        assert _report(exporter, "right") == 400
        assert _report(exporter, "wrong") == 401
        exporter.polls_go_on()
        assert exporter.value("process_resident_memory_bytes") < 500e6
        assert exporter.ends() < 5


def test_secret_that_is_emptied_stays_until_there_is_another(folder: Folder) -> None:
    with folder.log.open("wb") as stream, folder.run(stream) as exporter:
        exporter.until_ready(folder.log.read_text)
        for content in (b"", b"\n", bytes(6), b"\xff\xfe"):
            folder.token.write_bytes(content)
            until(lambda: folder.said("a secret file cannot be used"), folder.log.read_text)
            assert _report(exporter, "right") == 400
            assert _report(exporter, "") == 401
        folder.token.write_text("next\n")
        until(lambda: _report(exporter, "next") == 400, folder.log.read_text)
        until(lambda: _report(exporter, "right") == 401, folder.log.read_text)
        assert folder.log.read_text().count("a secret file cannot be used") <= 4
        assert folder.said("can be used again")
        assert "next" not in folder.log.read_text()


def _checked(config: Path, *arguments: str, shell: str = '"$@"') -> tuple[int, str]:
    command = [sys.executable, "-m", "exporter", *arguments, f"--config.file={config}"]
    if not arguments:
        # Another test may have the default port.
        command.append("--web.listen-address=127.0.0.1:0")
    done = subprocess.run(
        ["bash", "-c", shell, "bash", *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    return done.returncode, done.stderr


def _problems(told: str) -> list[str]:
    """Return the lines that are not of the log, which has them too."""
    return [line for line in told.splitlines() if not line.startswith("time=")]


@pytest.mark.parametrize("spoil", SPOILS)
def test_program_does_not_start_with_a_file_that_is_none(
    folder: Folder, spoil: Callable[[Path], None]
) -> None:
    before = folder.token.read_text()
    spoil(folder.token)
    code, told = _checked(folder.config)
    (problem,) = _problems(told)
    assert code == 2
    assert f": edge.projects.{PROJECT}.token_file: " in problem
    if folder.token.is_dir():
        folder.token.rmdir()
    else:
        folder.token.unlink()
    folder.token.write_text(before)
    spoil(folder.config)
    code, told = _checked(folder.config)
    assert (code, told.count("error:")) == (2, 1)
    assert str(folder.config) in told


def test_empty_secret_at_the_start_is_an_error_that_names_its_file(folder: Folder) -> None:
    folder.token.write_text("\n")
    code, told = _checked(folder.config, "check-config")
    assert code == 2
    assert told == (
        f"{folder.config}:3:85: edge.projects.{PROJECT}.token_file: cannot read {folder.token}: "
        "the file is empty\n"
    )


def test_check_reads_what_another_command_writes(folder: Folder) -> None:
    """As with a template that is rendered: waiting for it is what was asked for."""
    text = "sources: [{name: a, platform: apache_flink, endpoint: 'http://127.0.0.1:1'}]"
    rendered = Path("/dev/stdin")
    shell = f'(sleep 1; echo "{text}") | "$@"'
    assert _checked(rendered, "check-config", shell=shell) == (0, "")
