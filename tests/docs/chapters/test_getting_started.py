"""What the first hour shows is so: its examples are tried, and print what stands beside them."""

import io
import re
import shlex
from pathlib import Path

import pytest
import yaml

from exporter import cli, platforms
from exporter.commands.arguments import build_parser
from exporter.configuration.config import parse
from exporter.runtime import Runtime
from tests.docs.blocks import LANGUAGES, fenced, printed, read, section
from tests.docs.chapters.example_clouds import ENVIRON, Internet, put_secrets, service_account
from tests.monitoring.alerting_rules import promtool
from tests.monitoring.rules import PROMETHEUS
from tests.virtual_time import EPOCH

PAGE = "getting-started.md"


def _sources(language: str) -> list[str]:
    blocks = fenced(read(PAGE, language), "yaml")
    return [block for block in blocks if block.startswith("sources:")]


def _run(command: str, text: str, folder: Path) -> str:
    """Run a command over a configuration, in the folder where that lies."""
    (folder / "exporter.yml").write_text(put_secrets(text, folder))
    internet = Internet(clock=lambda: EPOCH)
    runtime = Runtime(
        clock=lambda: EPOCH,
        environ=ENVIRON,
        home=folder,
        transport=lambda: internet,
        service_account=service_account(folder / "account"),
    )
    out, err = io.StringIO(), io.StringIO()
    arguments = [*shlex.split(command)[1:], f"--config.file={folder / 'exporter.yml'}"]
    code = cli.main(arguments, runtime=runtime, out=out, err=err)
    assert (code, err.getvalue()) == (0, "")
    return out.getvalue().replace(f"{folder}/", "")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_platform_has_a_section_with_its_configuration(language: str) -> None:
    for name in platforms.names():
        assert f"    platform: {name}\n" in section(read(PAGE, language), name)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_configuration_logs_in_lists_and_asks(language: str, tmp_path: Path) -> None:
    blocks = [block for block in _sources(language) if "discovery:" not in block]
    sources = [source for block in blocks for source in yaml.safe_load(block)["sources"]]
    text = yaml.safe_dump({"sources": sources}, sort_keys=False)
    table = _run("streaming-job-exporter check-config --online", text, tmp_path).splitlines()
    rows = [line.split() for line in table if ": warning: " not in line]
    assert {row[1] for row in rows[1:]} == set(platforms.names())
    assert [row[2] for row in rows[1:]] == ["ok"] * len(sources)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_block_of_the_configuration_is_accepted(language: str, tmp_path: Path) -> None:
    edge = next(block for block in fenced(read(PAGE, language), "yaml") if block[:5] == "edge:")
    for block in _sources(language):
        text = put_secrets(block + edge, tmp_path)
        assert parse(text, environ=ENVIRON, directory=tmp_path).edge is not None


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("command", ["check-config", "check-config --online", "plan --online"])
def test_commands_print_what_the_page_shows(command: str, language: str, tmp_path: Path) -> None:
    text = read(PAGE, language)
    command = f"streaming-job-exporter {command}"
    assert printed(text, command) == _run(command, _sources(language)[0], tmp_path)


@pytest.mark.parametrize("language", LANGUAGES)
def test_commands_of_the_page_exist(language: str) -> None:
    for block in fenced(read(PAGE, language), "console"):
        for line in re.findall(r"^\$ streaming-job-exporter(.*)$", block, re.MULTILINE):
            arguments = shlex.split(line, comments=True)
            if arguments != ["--version"]:
                build_parser().parse_args(arguments)


@pytest.mark.real
@pytest.mark.parametrize("language", LANGUAGES)
def test_prometheus_accepts_what_scrapes_the_exporter(language: str, tmp_path: Path) -> None:
    blocks = fenced(read(PAGE, language), "yaml")
    block = next(each for each in blocks if "\nscrape_configs:" in each)
    path = tmp_path / "prometheus.yml"
    path.write_text(block.replace("/etc/prometheus/rules", str(PROMETHEUS / "rules")))
    done = promtool("check", "config", path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("rules found") == 2
