"""What pint would say of the rules, as far as it can be read off an expression."""

import re

import yaml

from exporter.exposition.metrics import IDENTITY, JOB_FAMILIES, SOURCE_FAMILIES
from tests.monitoring import rules
from tests.monitoring.alerting_rules import ALERT_NAMES, BY_NAME, RULES
from tests.monitoring.rules import ALERTS, PROMETHEUS, RECORDING, Rule


def expressions() -> list[tuple[str, str, Rule]]:
    found = [*rules.each(RULES), *rules.each(rules.read(RECORDING))]
    return [(rules.name_of(rule), str(rule["expr"]), rule) for rule in found]


def test_counters_are_only_looked_at_over_time() -> None:
    for name, text, _ in expressions():
        for match in re.finditer(r"streaming_\w+_total\b", text):
            before = text[: match.start()]
            assert re.search(r"(rate|increase)\(\s*$", before), (name, match[0])


def test_rates_come_before_sums() -> None:
    for name, text, _ in expressions():
        assert not re.search(r"(rate|increase|deriv|changes)\(\s*(sum|max|min|avg)\b", text), name


def test_no_gauge_of_ours_is_taken_for_a_counter_but_the_restarts() -> None:
    gauges = {family.name for family in (*JOB_FAMILIES, *SOURCE_FAMILIES)}
    for name, text, _ in expressions():
        for metric in re.findall(r"(?:rate|increase)\((streaming_\w+)", text):
            assert metric not in gauges - {"streaming_job_restart_times"}, name


def test_windows_hold_at_least_four_scrapes() -> None:
    interval = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["global"]
    scrape = rules.seconds(interval["scrape_interval"])
    for name, text, _ in expressions():
        for window in re.findall(r"\[(\d+[smhd])\]", text):
            assert rules.seconds(window) >= 4 * scrape, name


def test_every_alert_waits_for_a_second_look_at_least() -> None:
    """`absent()` in particular is true for a moment whenever Prometheus starts."""
    interval = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["global"]
    for name in ALERT_NAMES:
        assert rules.seconds(BY_NAME[name]["for"]) >= 2 * rules.seconds(interval["scrape_interval"])
        if "absent(" in BY_NAME[name]["expr"]:
            assert rules.seconds(BY_NAME[name]["for"]) >= 180


def test_alerts_outlive_a_pod() -> None:
    """An alert with the labels of one pod would end and begin again when the pod is replaced."""
    for name in ALERT_NAMES:
        if "Exporter" not in name:
            assert re.search(
                r"without \(instance, pod|job:streaming_|alert:streaming", BY_NAME[name]["expr"]
            )


def test_nothing_is_aggregated_by_but_what_is_shown_as_such() -> None:
    """`by` would drop the labels that users have given their targets."""
    for name, text, rule in expressions():
        if "alert" in rule or ALERTS.name in name:
            assert " by (" not in text, name


def test_labels_in_selectors_are_labels_of_the_family() -> None:
    labels = {family.name: {*IDENTITY, *family.labels} for family in JOB_FAMILIES}
    labels |= {family.name: set(family.labels) for family in SOURCE_FAMILIES}
    for name, text, _ in expressions():
        for metric, selector in re.findall(r"(streaming_\w+)\{([^}]*)\}", text):
            used = set(re.findall(r"(\w+)\s*[!=]", selector))
            if metric in labels:
                assert used <= labels[metric], (name, metric)
