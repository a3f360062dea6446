"""Every setting is documented with its default, in both languages, and nothing else is."""

import re
from typing import Any

import pytest
import yaml

from exporter import platforms
from exporter.attention_settings import AttentionSettings
from exporter.source import SourceSettings
from tests.docs import facts
from tests.docs.markdown import Cell, sections
from tests.docs.pages import LANGUAGES, page, part

CONFIGURATION = "docs/configuration.md"


def _rows(language: str) -> list[tuple[Cell, ...]]:
    """Return the rows of all tables of settings: a setting, its default, what it means."""
    return [
        row
        for section in sections(page(CONFIGURATION, language))
        for table in section.tables
        if len(table[0]) == 3
        for row in table[1:]
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_setting_is_documented_and_nothing_else_is(language: str) -> None:
    documented = {name for row in _rows(language) for name in row[0].codes}
    # The star stands for the id of a project.
    documented = {name.replace(".*", "") for name in documented} - {"edge.projects"}
    assert documented == facts.settings()


@pytest.mark.parametrize("language", LANGUAGES)
def test_documented_limits_are_the_defaults(language: str) -> None:
    told: dict[str, str] = {}
    for row in part(CONFIGURATION, "attention", language).rows:
        told |= dict(zip(row[0].codes, row[1].codes, strict=True))
    given: dict[str, Any] = {}
    for name, value in told.items():
        *sections, last = name.removeprefix("attention.").split(".")
        section = given
        for each in sections:
            section = section.setdefault(each, {})
        section[last] = yaml.safe_load(value)
    assert len(told) == len(facts.settings_of(AttentionSettings))
    assert AttentionSettings.model_validate(given) == AttentionSettings()


@pytest.mark.parametrize("language", LANGUAGES)
def test_documented_defaults_are_the_defaults(language: str) -> None:
    rows = {row[0].codes[0]: row for row in part(CONFIGURATION, "Every source", language).rows}
    fields = platforms.load("huawei_dli").settings.model_fields
    units = {"s": 1, "m": 60, "h": 3600}
    for name in ("poll_interval", "detail_interval", "timeout", "stale_after", "ended_retention"):
        text = rows[name][1].codes[0]
        assert fields[name].default == int(text[:-1]) * units[text[-1]]
    for name in ("rate_limit", "concurrency"):
        assert fields[name].default == float(rows[name][1].codes[0])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", [CONFIGURATION, "docs/api-cost.md"])
def test_platforms_of_another_rate_limit_are_named_with_theirs(path: str, language: str) -> None:
    defaults = {
        name: platforms.load(name).settings.model_fields["rate_limit"].default
        for name in platforms.names()
    }
    usual = SourceSettings.model_fields["rate_limit"].default
    lines = page(path, language).read_text().splitlines()
    (row,) = (line for line in lines if line.startswith("| `rate_limit` |"))
    for name, rate in defaults.items():
        assert (f"`{name}`" in row) == (rate != usual), name
        assert rate == usual or re.search(rf"\b{rate:.0f}\b", row), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_platform_can_be_chosen_from_the_table(language: str) -> None:
    rows = {row[0].codes[0]: row for row in part(CONFIGURATION, "Every source", language).rows}
    assert set(rows["platform"][2].codes) == set(platforms.names())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_flag_is_documented_and_nothing_else_is(language: str) -> None:
    codes = part(CONFIGURATION, "Commands and flags", language).codes
    assert set(re.findall(r"--[a-z.-]*[a-z]", " ".join(codes))) == facts.flags()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_is_documented(language: str) -> None:
    rows = part(CONFIGURATION, "Commands and flags", language).rows
    first = [code for row in rows for code in row[0].codes]
    told = {code.partition(" ")[0] for code in first if not code.startswith("--")}
    assert told - {"streaming-job-exporter"} == set(facts.commands())


@pytest.mark.parametrize("language", LANGUAGES)
def test_flags_named_in_the_page_about_scaling_exist(language: str) -> None:
    text = page("docs/scaling.md", language).read_text()
    named = set(re.findall(r"--[a-z-]*[a-z]", text))
    assert {"--shard", "--total-shards", "--jobs"} <= named <= facts.flags()
