"""The example unit is one that systemd takes, and fits what the program does and needs."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from exporter.commands.arguments import build_parser
from exporter.commands.console import EXIT_USAGE
from exporter.configuration.config import parse

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "systemd" / "streaming-job-exporter.service"
PACKAGING = ROOT / "packaging"
MOST_EXPOSED = 20
"""Of a hundred, as systemd counts; what it counts as medium begins at 50."""


def test_commands_to_install_it_by_hand_work_where_no_folder_is_there_yet(tmp_path: Path) -> None:
    """Debian has no /etc/sysusers.d, and `cp` makes none."""
    head = UNIT.read_text().partition("[Unit]")[0]
    commands = re.findall(r"^#   (install [^&\n]+)", head, re.MULTILINE)
    assert len(commands) == len(list(UNIT.parent.iterdir()))
    for command in commands:
        words = shlex.split(command.replace(" /etc/", f" {tmp_path}/etc/"))
        subprocess.run(words, cwd=UNIT.parent, check=True)
    made = [path for path in (tmp_path / "etc").rglob("*") if path.is_file()]
    assert {path.read_text() for path in made} == {
        path.read_text() for path in UNIT.parent.iterdir()
    }
    assert {path.stat().st_mode & 0o777 for path in made} == {0o644}


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
    *command, more = settings()["ExecStart"][0].split()
    options = build_parser().parse_args(command[1:])
    assert (options.command, options.web_config_file) == ("serve", "")
    assert options.config_file == "/etc/streaming-job-exporter/exporter.yml"
    # Empty unless the file with the environment says otherwise.
    assert more == "$ARGS"
    assert settings()["EnvironmentFile"] == ["-/etc/streaming-job-exporter/environment"]


def test_more_flags_that_the_environment_shows_are_understood() -> None:
    shown = re.search(r"^#ARGS=(.*)$", (PACKAGING / "environment").read_text(), re.MULTILINE)
    assert shown is not None
    assert build_parser().parse_args(shown[1].split()).web_config_file.startswith("/etc/")


def test_wrong_configuration_ends_it_and_anything_else_starts_it_again() -> None:
    unit = settings()
    assert unit["Restart"] == ["always"]
    assert unit["RestartPreventExitStatus"] == [str(EXIT_USAGE)]


def test_configuration_that_is_installed_loads_as_it_is() -> None:
    config = parse((PACKAGING / "exporter.yml").read_text(), environ={}, directory=Path())
    assert [source.settings.platform for source in config.sources] == ["apache_flink"]


def test_configuration_that_is_shown_finds_the_secrets_that_systemd_hands_over(
    tmp_path: Path,
) -> None:
    """A file of a folder is named after the credential, an underscore, and itself."""
    lines = (PACKAGING / "exporter.yml").read_text().splitlines()
    shown = [line[1:] for line in lines if line.startswith("#  ")]
    shown = [line for line in shown if not line.startswith("   streaming")]
    start = next(place for place, line in enumerate(shown) if "name: dli-prod" in line)
    (credential,) = settings()["LoadCredential"]
    name, _, folder = credential.partition(":")
    assert folder == "/etc/streaming-job-exporter/secrets"
    (tmp_path / f"{name}_dli-sk").write_text("secret")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path), "HUAWEICLOUD_SDK_AK": "key"}
    text = "\n".join(["sources:", *shown[start:]])
    (source,) = parse(text, environ=environ, directory=tmp_path).sources
    assert source.settings.name == "dli-prod"


def test_folders_are_there_before_the_unit_needs_them() -> None:
    made = (UNIT.parent / "tmpfiles.conf").read_text()
    entries = [line.split() for line in made.splitlines() if line and line[0] in "dz"]
    owners = {path: (mode, user, group) for _, path, mode, user, group, _ in entries}
    name = settings()["User"][0]
    assert settings()["Group"] == [name]
    assert owners["/etc/streaming-job-exporter/secrets"] == ("0700", "root", "root")
    for path in ("", "/exporter.yml", "/environment"):
        mode, user, group = owners[f"/etc/streaming-job-exporter{path}"]
        assert (mode[-1], user, group) == ("0", "root", name)
    users = (UNIT.parent / "sysusers.conf").read_text()
    assert re.findall(r"^u (\S+) - ", users, re.MULTILINE) == [name]


def test_unit_is_told_what_the_program_tells() -> None:
    unit = settings()
    assert (unit["Type"], unit["NotifyAccess"]) == (["notify"], ["main"])
    assert re.fullmatch(r"\d+s", unit["WatchdogSec"][0])
    assert unit["ExecReload"] == ['/bin/sh -c "kill -HUP ${MAINPID}"']
    # The line to systemd, and nothing else that is not the network.
    assert unit["RestrictAddressFamilies"] == ["AF_INET AF_INET6 AF_UNIX"]
