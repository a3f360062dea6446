"""The page about states and problems has every problem, and the limits and retentions there are."""

import re
from typing import Any

import pytest
import yaml

from exporter.attention_settings import AttentionSettings
from exporter.edge.settings import EdgeSettings
from exporter.model import ProblemKind
from exporter.settings import Section
from exporter.source import SourceSettings
from tests.docs.blocks import LANGUAGES, read, rows, section

PAGE = "how-states-are-decided.md"
_PROBLEMS = {"": "Problems", "zh": "问题"}
_RETENTIONS = {"": "How long things stay", "zh": "各样东西保留多久"}
_UNITS = {"m": 60, "h": 3600, "d": 86400}
_SECTIONS: dict[str, type[Section]] = {"edge": EdgeSettings, "attention": AttentionSettings}


def _seconds(text: str) -> float:
    """Return what a value in a table means: a duration, else a number."""
    if text[-1] in _UNITS:
        return float(text[:-1]) * _UNITS[text[-1]]
    return float(yaml.safe_load(text))


def _default(name: str) -> Any:
    """Return the default of a setting, by its whole name."""
    first, *rest = name.split(".")
    if first not in _SECTIONS:
        return SourceSettings.model_fields[name].default
    *sections, last = rest
    model = _SECTIONS[first]
    for each in sections:
        model = type(model.model_fields[each].default)
    return model.model_fields[last].default


@pytest.mark.parametrize("language", LANGUAGES)
def test_table_has_every_problem_the_worst_first(language: str) -> None:
    table = rows(section(read(PAGE, language), _PROBLEMS[language]))
    assert [cells[0].strip("`") for cells in table] == [kind.value for kind in ProblemKind]
    for _, limit, *told in table:
        assert all(told), limit
        limits = re.findall(r"`([\w.]{7,})` `([\w.]+)`", limit)
        assert limits or limit == "-"
        for name, value in limits:
            assert _seconds(value) == _default(name), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_limit_of_attention_is_in_the_table(language: str) -> None:
    text = section(read(PAGE, language), _PROBLEMS[language])
    named = set(re.findall(r"`attention\.([a-z_]+)", text))
    assert named == set(AttentionSettings.model_fields)


@pytest.mark.parametrize("language", LANGUAGES)
def test_retentions_are_the_defaults(language: str) -> None:
    table = rows(section(read(PAGE, language), _RETENTIONS[language]))
    assert {cells[0].strip("`") for cells in table} >= {"stale_after", "ended_retention"}
    for name, value, _ in table:
        assert _seconds(value.strip("`")) == _default(name.strip("`"))
