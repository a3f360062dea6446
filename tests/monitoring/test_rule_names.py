"""Rules and runbooks name only metrics that exist and series that are recorded."""

import re
from pathlib import Path

import pytest

from exporter.edge.metrics import EdgeMetrics
from exporter.exposition.metrics import JOB_FAMILIES, SOURCE_FAMILIES
from exporter.telemetry.telemetry import Telemetry
from tests.monitoring import rules
from tests.monitoring.alerting_rules import BY_NAME, RULES, RUNBOOKS, THRESHOLDS
from tests.monitoring.rules import ALERTS, PROMETHEUS, RECORDING


def _exported() -> set[str]:
    """Return the names of all series the exporter can have."""
    names = {family.name for family in (*JOB_FAMILIES, *SOURCE_FAMILIES)}
    registry = Telemetry().registry
    EdgeMetrics(Path("/nonexistent/edge.db")).register(registry)
    for family in registry.collect():
        suffixes = {
            "counter": ("_total",),
            "info": ("_info",),
            "histogram": ("_bucket", "_sum", "_count"),
        }.get(family.type, ("",))
        names |= {family.name + suffix for suffix in suffixes}
    return names


def _named(text: str) -> set[str]:
    """Return the metrics named in a text, without series that rules record."""
    return {
        name
        for name in re.findall(r"[a-zA-Z_][a-zA-Z0-9_:]*", text)
        if name.startswith("streaming_") and ":" not in name
    }


@pytest.mark.parametrize("path", sorted(PROMETHEUS.rglob("*.yml")), ids=lambda path: path.name)
def test_every_metric_named_exists(path: Path) -> None:
    assert _named(path.read_text(encoding="utf-8")) <= _exported()


@pytest.mark.parametrize("path", sorted(RUNBOOKS.rglob("*.md")), ids=lambda path: path.name)
def test_every_metric_and_threshold_named_in_a_runbook_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert _named(text) <= _exported()
    recorded = {rules.name_of(rule) for rule in rules.each(rules.read(RECORDING))} | BY_NAME.keys()
    assert set(re.findall(r"\w+:streaming_\w+:\w+|streaming:threshold:\w+", text)) <= recorded


def test_every_recorded_series_that_is_used_is_recorded_before() -> None:
    """Rules of one group are evaluated in order; those of other groups whenever it comes."""
    constant = set(THRESHOLDS)
    for group in RULES["groups"]:
        recorded: set[str] = set()
        for rule in group["rules"]:
            used = set(re.findall(r"\b[a-z_]+:[a-z_:0-9]+", rule["expr"]))
            used = {name for name in used if name in BY_NAME}
            assert used <= recorded | constant | {rules.name_of(rule)}, rules.name_of(rule)
            recorded.add(rules.name_of(rule))


@pytest.mark.parametrize("path", [ALERTS, RECORDING], ids=lambda path: path.name)
def test_recorded_names_tell_level_metric_and_operation(path: Path) -> None:
    for rule in rules.each(rules.read(path)):
        if "record" in rule:
            assert re.fullmatch(r"[a-z_]+:[a-z_]+:[a-z0-9_]+", rule["record"])
