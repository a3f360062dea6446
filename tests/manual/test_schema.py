"""The schema takes what the exporter takes, and refuses what is misspelt where that does."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from exporter import platforms
from exporter.configuration.config import parse
from exporter.errors import ConfigError
from tests.configuration.test_harm import KEYS, _as_yaml, yaml_values
from tests.manual.configurations import ROOT, good

SCHEMA = json.loads((ROOT / "docs" / "exporter.schema.json").read_text())
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)
GOOD = dict(good())
MINIMAL = {"name": "f", "platform": "apache_flink", "endpoint": "http://h"}


def wrong(document: object) -> list[str]:
    """Return what the schema finds wrong with a document."""
    return [f"{each.json_path}: {each.message}" for each in VALIDATOR.iter_errors(document)]


def accepted(text: str) -> bool:
    """Say whether the exporter takes a text."""
    try:
        parse(text, environ={"X": "1"}, directory=Path("/nowhere"))
    except ConfigError:
        return False
    return True


def test_schema_is_one() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", GOOD)
def test_schema_takes_what_is_good(name: str) -> None:
    assert wrong(GOOD[name]) == []


def _changed(value: Any) -> Iterator[Any]:
    """Yield a document once for each of its keys, with this key misspelt."""
    if isinstance(value, dict):
        for key in value:
            yield {(f"{each}x" if each == key else each): value[each] for each in value}
            for inner in _changed(value[key]):
                yield {**value, key: inner}
    elif isinstance(value, list):
        for index, each in enumerate(value):
            for inner in _changed(each):
                yield [*value[:index], inner, *value[index + 1 :]]


@pytest.mark.parametrize(
    "name",
    ["two_accounts.yml", "private_cloud.yml", "kubernetes_discovery.yml", "clouds", "fuzz 0"],
)
def test_key_that_is_misspelt_is_refused_where_the_exporter_refuses_it(
    name: str, tmp_path: Path
) -> None:
    refused = 0
    for document in _changed(GOOD[name]):
        try:
            parse(json.dumps(document), environ={}, directory=tmp_path)
        except ConfigError as exc:
            if any("unknown key" in problem.message for problem in exc.problems):
                refused += 1
                assert wrong(document) != [], document
    assert refused > 5


def _paths(model: type[BaseModel], place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the place of every section that a model may hold."""
    yield place
    for name, field in model.model_fields.items():
        for each in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(each, type) and issubclass(each, BaseModel):
                yield from _paths(each, (*place, name))


SECTIONS = [
    (name, path) for name in platforms.names() for path in _paths(platforms.load(name).settings)
]


@pytest.mark.parametrize(("platform", "path"), SECTIONS)
def test_every_section_of_every_platform_refuses_a_key_that_is_none(
    platform: str, path: tuple[str, ...]
) -> None:
    source: dict[str, Any] = {"name": "a", "platform": platform}
    section = source
    for each in path:
        section = section.setdefault(each, {})
    section["nonsense"] = 1
    assert any("'nonsense' was unexpected" in line for line in _all_of(source))


def _all_of(source: object) -> list[str]:
    """Return what is found wrong at any depth."""
    found, waiting = [], list(VALIDATOR.iter_errors({"sources": [source]}))
    while waiting:
        error = waiting.pop()
        found.append(error.message)
        waiting += error.context or ()
    return found


def test_section_of_edge_and_the_top_refuse_a_key_that_is_none() -> None:
    edge = GOOD["edge_only.yml"]["edge"]
    assert wrong({"edge": {**edge, "nonsense": 1}})
    assert wrong({"edge": edge, "nonsense": 1})
    assert wrong({"edge": edge, "defaults": {"nonsense": 1}})
    assert wrong({"edge": edge, "defaults": {"name": "a"}})
    assert wrong({"edge": edge, "attention": {"restarts": {"nonsense": 1}}})
    assert wrong({}) != []


@given(key=st.sampled_from(KEYS), value=yaml_values | st.sampled_from(["${X}", "7", "yes", "1m"]))
def test_schema_takes_any_value_that_the_exporter_takes(key: str, value: object) -> None:
    text = f"sources: [{_as_yaml({**MINIMAL, key: value})}]"
    if accepted(text):
        assert wrong(yaml.safe_load(text)) == []


@pytest.mark.parametrize(
    ("setting", "right"),
    [
        ("timeout: 1h30m", True),
        ("timeout: 1.5s", True),
        ("timeout: 7", True),
        ("timeout: '7'", False),
        ("timeout: soon", False),
        ("timeout: ''", False),
        ("timeout: '${X}'", True),
        ("rate_limit: '5'", True),
        ("rate_limit: '${X}'", True),
        ("rate_limit: 0", False),
        ("rate_limit: many", False),
        ("busy: yes", True),
        ("busy: 'off'", True),
        ("busy: '${X}'", True),
        ("busy: 7", False),
        ("state_series: some", False),
        ("state_series: '${X:-all}'", True),
        ("jobs: {ids: [1234]}", True),
        ("expect: a", False),
        ("labels: {a: 1}", False),
        ("auth: {basic: {username: u, password: p, password_file: f}}", False),
        ("auth: {basic: {username: u, password: 17}}", True),
        ("auth: null", True),
        ("tls: null", False),
        ("platform: apache_flnk", False),
        ("platform: '${X}'", True),
    ],
)
def test_schema_knows_what_each_kind_of_value_may_be(setting: str, right: bool) -> None:
    source = {**MINIMAL, **yaml.safe_load(f"{{{setting}}}")}
    assert (wrong({"sources": [source]}) == []) == right


def test_editors_show_what_each_setting_means_and_its_default() -> None:
    flink = SCHEMA["$defs"]["apache_flink"]["properties"]
    assert flink["busy"]["description"].startswith("tell how busy the busiest vertex is")
    assert flink["poll_interval"]["default"] == "30s"
    assert flink["rate_limit"]["default"] == 50
    lacking = [
        f"{name}.{key}"
        for name in platforms.names()
        for key, each in SCHEMA["$defs"][name]["properties"].items()
        if "description" not in each and "properties" not in each
    ]
    sections = ("auth", "tls", "jobs", "attention", "discovery", "history_auth", "job_managers")
    assert [each for each in lacking if each.split(".")[1] not in (*sections, "tenancy")] == []
