"""The page about alerts lists those there are, and its configurations do what it says."""

import io
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter import cli
from exporter.attention_settings import AttentionSettings
from exporter.commands.arguments import build_parser
from exporter.configuration.config import parse
from exporter.runtime import Runtime
from tests.docs.blocks import DOCS, LANGUAGES, fenced, printed, read, rows, section
from tests.monitoring import rules
from tests.monitoring.alerting_rules import (
    ALERT_NAMES,
    BY_NAME,
    THRESHOLDS,
    promtool,
    severity_of,
)
from tests.monitoring.rules import PROMETHEUS

PAGE = "alerts.md"
ROOT = DOCS.parent
_TABLE = {"": "Which there are", "zh": "有哪些"}


def _blocks(language: str, beginning: str) -> list[str]:
    found = fenced(read(PAGE, language), "yaml")
    return [block for block in found if block.startswith(beginning)]


def _table(language: str) -> dict[str, list[str]]:
    found = {}
    for alert, *cells in rows(section(read(PAGE, language), _TABLE[language])):
        match = re.match(r"\[(\w+)\]\((.+)\)", alert)
        assert match is not None, alert
        assert (DOCS / language / match[2]).exists()
        found[match[1]] = cells
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_table_has_every_alert_as_it_is(language: str) -> None:
    table = _table(language)
    assert list(table) == ALERT_NAMES
    for name, (severity, problem, _, waits) in table.items():
        rule = BY_NAME[name]
        assert severity == severity_of(rule)
        selected = re.search(r'problem="(\w+)"', rule["expr"])
        assert problem == (f"`{selected[1]}`" if selected else "-")
        assert waits == f"`{rule['for']}`"


@pytest.mark.parametrize("language", LANGUAGES)
def test_limits_in_the_table_are_the_defaults_and_none_is_missing(language: str) -> None:
    limits: dict[str, str] = {}
    for cells in _table(language).values():
        limits |= dict(re.findall(r"`([\w.:]{7,})` `([\w.]+)`", cells[2]))
    thresholds = {name: f"{rules.limit(BY_NAME[name]):g}" for name in THRESHOLDS}
    assert {name: value for name, value in limits.items() if ":" in name} == thresholds
    given: dict[str, Any] = {}
    for name, value in limits.items():
        if name.startswith("attention."):
            *sections, last = name.removeprefix("attention.").split(".")
            place = given
            for each in sections:
                place = place.setdefault(each, {})
            place[last] = yaml.safe_load(value)
    assert AttentionSettings.model_validate(given) == AttentionSettings()
    settings = AttentionSettings.model_validate(given)
    assert settings.model_fields_set == set(AttentionSettings.model_fields)


@pytest.mark.parametrize("language", LANGUAGES)
def test_configurations_of_the_exporter_are_accepted(language: str, tmp_path: Path) -> None:
    for block in _blocks(language, "sources:"):
        assert parse(block, environ={}, directory=tmp_path).sources[0].settings.expect


@pytest.mark.parametrize("language", LANGUAGES)
def test_changed_limits_are_printed_as_the_page_shows(language: str, tmp_path: Path) -> None:
    (block,) = _blocks(language, "attention:")
    path = tmp_path / "exporter.yml"
    path.write_text(block)
    out = io.StringIO()
    arguments = ["check-config", f"--config.file={path}"]
    assert cli.main(arguments, runtime=Runtime(environ={}, home=tmp_path), out=out) == 0
    shown = printed(read(PAGE, language), "streaming-job-exporter check-config")
    assert out.getvalue().replace(f"{tmp_path}/", "") == shown


@pytest.mark.parametrize("language", LANGUAGES)
def test_commands_of_the_exporter_exist(language: str) -> None:
    text = read(PAGE, language)
    for line in re.findall(r"^\$ streaming-job-exporter (.*)$", text, re.MULTILINE):
        build_parser().parse_args(shlex.split(line))


@pytest.mark.parametrize("language", LANGUAGES)
def test_component_of_the_overlays_is_there(language: str) -> None:
    (block,) = _blocks(language, "components:")
    overlays = [path for path in (ROOT / "deploy/kubernetes/overlays").iterdir() if path.is_dir()]
    for path in overlays:
        for component in yaml.safe_load(block)["components"]:
            assert (path / component / "kustomization.yml").exists()


@pytest.mark.real
@pytest.mark.parametrize("language", LANGUAGES)
def test_prometheus_takes_what_loads_the_rules(language: str, tmp_path: Path) -> None:
    (block,) = _blocks(language, "global:")
    path = tmp_path / "prometheus.yml"
    path.write_text(block.replace("/etc/prometheus/rules", str(PROMETHEUS / "rules")))
    done = promtool("check", "config", path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.real
@pytest.mark.parametrize("language", LANGUAGES)
def test_alertmanager_takes_the_routes_and_tells_whom_the_page_says(
    language: str, tmp_path: Path
) -> None:
    """Also with the inhibit rules of the example, which the page says to add."""
    (block,) = _blocks(language, "route:")
    example = yaml.safe_load((PROMETHEUS / "alertmanager.yml").read_text(encoding="utf-8"))
    whole = yaml.safe_load(block) | {"inhibit_rules": example["inhibit_rules"]}
    (tmp_path / "alertmanager.yml").write_text(yaml.safe_dump(whole), encoding="utf-8")
    command = "amtool check-config alertmanager.yml"
    done = subprocess.run(
        shlex.split(command), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for severity in ("critical", "warning", "info", "none"):
        command = f"amtool config routes test --config.file=alertmanager.yml severity={severity}"
        done = subprocess.run(
            shlex.split(command), cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert done.stdout == printed(read(PAGE, language), command)


@pytest.mark.real
@pytest.mark.parametrize("language", LANGUAGES)
def test_amtool_knows_the_commands_of_the_page(language: str) -> None:
    text = read(PAGE, language)
    asked = re.findall(r"^\$ (amtool (?:alert|silence) .*)$", text, re.MULTILINE)
    assert len(asked) == 3
    for command in asked:
        # Nobody listens there: what is wrong with the command is told before that.
        quiet = command.replace("http://localhost:9093", "http://127.0.0.1:9")
        done = subprocess.run(shlex.split(quiet), capture_output=True, text=True, check=False)
        assert "connection refused" in done.stderr, done.stderr
