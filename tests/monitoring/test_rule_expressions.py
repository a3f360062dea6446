"""What pint would say of the rules, as far as it can be read off an expression."""

import re

import yaml

from exporter.attention_settings import AttentionSettings
from exporter.exposition.family import IDENTITY
from exporter.exposition.metrics import JOB_FAMILIES, SOURCE_FAMILIES
from exporter.model import ProblemKind
from tests.monitoring import rules
from tests.monitoring.alerting_rules import ALERT_NAMES, BY_NAME, RULES
from tests.monitoring.rules import PROMETHEUS, RECORDING, Rule

TOLD = "job:streaming_job_problem_since_timestamp_seconds:told"


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


def test_no_gauge_of_ours_is_taken_for_a_counter() -> None:
    gauges = {family.name for family in (*JOB_FAMILIES, *SOURCE_FAMILIES)}
    for name, text, _ in expressions():
        for metric in re.findall(r"(?:rate|increase)\((streaming_\w+)", text):
            assert metric not in gauges, name


def test_no_rule_looks_at_every_job() -> None:
    """What rules cost must not grow with the jobs; problems are few, and so is what is absent.

    What the dashboards need is recorded every five minutes, and compares two numbers of each job.
    """
    families = {family.name for family in JOB_FAMILIES}
    for rule in rules.each(RULES):
        text = str(rule["expr"])
        assert not families & set(re.findall(r"\bstreaming_\w+", text)), rules.name_of(rule)
    (group,) = rules.read(RECORDING)["groups"]
    assert rules.seconds(group["interval"]) >= 300
    for rule in group["rules"]:
        assert "[" not in rule["expr"]


def test_what_is_recorded_every_few_minutes_looks_back_exactly_as_far() -> None:
    """Or what happened would be counted twice, or never."""
    (group,) = rules.read(RECORDING)["groups"]
    for rule in group["rules"]:
        assert re.findall(r"offset (\w+)", rule["expr"]) == [group["interval"]]


def test_no_rule_takes_a_series_for_a_number() -> None:
    """A ruler over several Prometheuses sees a series more than once: scalar() is NaN then."""
    for name, text, _ in expressions():
        assert "scalar(" not in text, name
        assert not re.search(r"(?<!max\()\bstreaming:threshold:", text), name


def test_windows_hold_at_least_four_scrapes() -> None:
    interval = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["global"]
    scrape = rules.seconds(interval["scrape_interval"])
    for name, text, _ in expressions():
        for window in re.findall(r"\[(\d+[smhd])\]", text):
            assert rules.seconds(window) >= 4 * scrape, name


def test_every_alert_waits_for_a_second_look_unless_the_exporter_has_waited() -> None:
    interval = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["global"]
    for name in ALERT_NAMES:
        rule = BY_NAME[name]
        if TOLD not in rule["expr"] and rule["expr"] != "vector(1)":
            assert rules.seconds(rule["for"]) >= 2 * rules.seconds(interval["scrape_interval"])


def test_alerts_about_jobs_outlast_a_restart_of_the_exporter() -> None:
    """What it counts anew takes half an hour, or three times ten minutes; what it dates, less."""
    limits = AttentionSettings()
    for name in ALERT_NAMES:
        rule = BY_NAME[name]
        if TOLD in rule["expr"]:
            kept = rules.seconds(rule["keep_firing_for"])
            if re.search("restarting_often|falling_behind|checkpoints_failing", rule["expr"]):
                assert kept == 1800, name
            elif re.search("stuck|unknown_state", rule["expr"]):
                assert kept == max(limits.stuck_after, limits.unknown_after) + 300, name
            elif "not_running" in rule["expr"]:
                assert kept == limits.not_running_after + 300, name
            else:
                assert kept == 300, name


def test_every_problem_has_an_alert() -> None:
    selector = re.compile(TOLD + r'\{problem="(\w+)"\}')
    found = (selector.fullmatch(BY_NAME[name]["expr"]) for name in ALERT_NAMES)
    assert sorted(match[1] for match in found if match) == sorted(ProblemKind)


def test_alerts_outlive_a_pod() -> None:
    """An alert with the labels of one pod would end and begin again when the pod is replaced."""
    for name in ALERT_NAMES:
        if "Exporter" not in name:
            assert re.search(
                rf"without \(instance, pod|{TOLD}|^vector\(1\)$", BY_NAME[name]["expr"]
            )


def test_exporters_of_another_namespace_or_cluster_are_others() -> None:
    """The operator of Prometheus calls a scrape job by its Service, which two teams may share."""
    apart = re.compile(r"cluster, namespace, job\b")
    for name, text, rule in expressions():
        for match in re.finditer(r"\b(?:on|by) \(([^)]+)\)", text):
            assert apart.match(match[1]), (name, match[0])
        for note in rule.get("annotations", {}).values():
            for query in re.findall(r"printf `\w+\{([^}]*)\}.*?query", note):
                assert query.startswith("cluster=%q,namespace=%q,job=%q,"), name


def test_nothing_is_aggregated_by_but_what_is_only_joined() -> None:
    """`by` would drop the labels that users have given their targets; a join drops them anyway."""
    exporters = r"\(cluster, namespace, job(?:, instance)?(?:, shard)?\)"
    joined = re.compile(rf"\b(?:group|max|count) by {exporters}|\btopk by {exporters}")
    for name, text, _ in expressions():
        assert " by (" not in joined.sub("", text), name
        if " by (" in text:
            assert re.search(r"group_(left|right) \(", text), name


def test_labels_in_selectors_are_labels_of_the_family() -> None:
    labels = {family.name: {*IDENTITY, *family.labels} for family in JOB_FAMILIES}
    labels |= {family.name: set(family.labels) for family in SOURCE_FAMILIES}
    for name, text, _ in expressions():
        for metric, selector in re.findall(r"(streaming_\w+)\{([^}]*)\}", text):
            used = set(re.findall(r"(\w+)\s*[!=]", selector))
            if metric in labels:
                assert used <= labels[metric], (name, metric)
