"""The example unit is one that systemd takes, and fits what the program does and needs."""

import re
import subprocess
from pathlib import Path

import pytest

from exporter.commands.arguments import build_parser

UNIT = Path(__file__).parents[2] / "systemd" / "streaming-job-exporter.service"
MOST_EXPOSED = 20
"""Of a hundred, as systemd counts; what it counts as medium begins at 50."""


def settings() -> dict[str, list[str]]:
    """Return the values of each setting, in their order."""
    text = UNIT.read_text().replace("\\\n", " ")
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


@pytest.fixture(name="installed")
def _installed(tmp_path: Path) -> Path:
    """Return the unit with a program that exists here."""
    command = settings()["ExecStart"][0].split()[0]
    path = tmp_path / UNIT.name
    path.write_text(UNIT.read_text().replace(command, "/bin/true"))
    return path


def test_systemd_finds_nothing_wrong_with_the_unit(installed: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(installed)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    ours = [line for line in done.stderr.splitlines() if installed.name in line]
    assert (done.returncode, ours) == (0, [])


def test_systemd_counts_little_that_the_program_could_be_used_for(installed: Path) -> None:
    done = subprocess.run(
        [
            *("systemd-analyze", "security", "--offline=true", "--no-pager"),
            f"--threshold={MOST_EXPOSED}",
            str(installed),
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout[-300:] + done.stderr


def test_command_of_the_unit_is_one_the_program_understands() -> None:
    command = settings()["ExecStart"][0].split()
    options = build_parser().parse_args(command[1:])
    assert options.web_config_file.startswith("/etc/")
    assert {flag.split("=")[0] for flag in command[1:]} == {
        *("--config.file", "--web.config.file", "--web.listen-address"),
    }


def test_unit_is_told_what_the_program_tells() -> None:
    unit = settings()
    assert (unit["Type"], unit["NotifyAccess"]) == (["notify"], ["main"])
    assert re.fullmatch(r"\d+s", unit["WatchdogSec"][0])
    assert unit["ExecReload"] == ["/bin/kill -HUP $MAINPID"]
    # The line to systemd, and nothing else that is not the network.
    assert unit["RestrictAddressFamilies"] == ["AF_INET AF_INET6 AF_UNIX"]
