"""Alert and recording rules: real promtool runs their tests, and no rule could be other than it is.

A rule nobody can break without a test noticing is a rule that is tested. So each alert is dropped,
each `for` and each threshold is moved a little, each recording is left out, and each time a test
of promtool must fail.
"""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.edge.metrics import EdgeMetrics
from exporter.exposition.metrics import IDENTITY, JOB_FAMILIES, SOURCE_FAMILIES
from exporter.telemetry.telemetry import Telemetry
from tests.monitoring import rules
from tests.monitoring.rules import ALERTS, PROMETHEUS, RECORDING, Needs, Rule, RuleFile

DOCS = PROMETHEUS.parent / "docs"
RUNBOOKS = DOCS / "runbooks"
RULES = rules.read(ALERTS)
NEEDS = Needs(RULES)
BY_NAME = {rules.name_of(rule): rule for rule in rules.each(RULES)}
ALERT_NAMES = [name for name, rule in BY_NAME.items() if "alert" in rule]
THRESHOLDS = [name for name in BY_NAME if name.startswith("streaming:threshold:")]
TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))
STEP = 30
"""Seconds between two evaluations in the tests of promtool."""

_REMEMBERS = re.compile("outage|does not answer|outlives|keeps|believes|withdrawn|waits")

# Whole numbers are compared with >=, so the next one is the nearest change.
COUNTS = {
    "streaming:threshold:restarts",
    "streaming:threshold:rejections",
    "streaming:threshold:detail_failures",
}


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)


def in_parallel(work: Callable[[Any], str], items: list[Any]) -> list[str]:
    """Do it for all, on all processors, and return what went wrong."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [failure for failure in pool.map(work, items) if failure]


@pytest.mark.parametrize("path", [ALERTS, RECORDING], ids=lambda path: path.name)
def test_promtool_finds_no_fault_with_the_rules(path: Path) -> None:
    done = promtool("check", "rules", "--lint=all", "--lint-fatal", path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_tests_succeed() -> None:
    def run(path: Path) -> str:
        done = promtool("test", "rules", path)
        return "" if done.returncode == 0 else done.stdout + done.stderr

    assert in_parallel(run, TESTS) == []


def test_every_alert_has_tests_of_its_own() -> None:
    assert {path.stem for path in TESTS} == {*ALERT_NAMES, "recording"}


# Mutants: (what was done, the rules then, the alerts whose tests may notice).
Mutant = tuple[str, RuleFile, list[str]]


def _dropped(names: list[str]) -> Iterator[Mutant]:
    for name in names:
        yield f"{name} left out", rules.only(RULES, frozenset(BY_NAME) - {name}), [name]


def _moved_for() -> Iterator[Mutant]:
    for name in ALERT_NAMES:
        held = rules.seconds(BY_NAME[name]["for"])
        for moved in (held - STEP, held + STEP):
            text = f"{moved}s"
            yield f"{name} for {text}", rules.changed(RULES, name, **{"for": text}), [name]


def _moved_thresholds() -> Iterator[Mutant]:
    for name in THRESHOLDS:
        value = rules.limit(BY_NAME[name])
        moved = (value - 1, value + 1) if name in COUNTS else (value * 0.95, value * 1.05)
        for number in moved:
            users = [alert for alert in ALERT_NAMES if name in NEEDS.of(alert)]
            yield (
                f"{name} {number:g}",
                rules.changed(RULES, name, expr=f"vector({number:g})"),
                sorted(users, key=lambda user: name not in BY_NAME[user]["expr"]),
            )


def _without_recordings() -> Iterator[Mutant]:
    for name in BY_NAME.keys() - {*ALERT_NAMES, *THRESHOLDS}:
        users = [alert for alert in ALERT_NAMES if name in NEEDS.of(alert)]
        yield f"{name} left out", rules.only(RULES, frozenset(BY_NAME) - {name}), users


def _without_memory() -> Iterator[Mutant]:
    """Yield alerts that end in an outage, and rules that look at what was true before it."""
    for name, rule in BY_NAME.items():
        text = str(rule["expr"])
        for what, pattern in (
            ("holding", r"\s*or ignoring \(alertname, severity\)\s*alert:streaming_alerts:held\S+"),
            ("blindness", r"\s*unless on \(job, instance, source\) instance_source:\S+"),
        ):
            without = re.sub(pattern, "", text)
            if without != text:
                users = [alert for alert in ALERT_NAMES if name in NEEDS.of(alert)]
                yield f"{name} without {what}", rules.changed(RULES, name, expr=without), users


def _without_parts() -> Iterator[Mutant]:
    """Yield what is remembered, each time without one of the reasons to remember."""
    for name in ("instance_source:streaming_source_up:blind", "alert:streaming_alerts:held"):
        text = str(BY_NAME[name]["expr"])
        users = [alert for alert in ALERT_NAMES if name in NEEDS.of(alert)]
        match = re.fullmatch(r"(\(\n)?(.*?)(\n\)\nunless.*)?", text, re.DOTALL)
        assert match is not None
        parts = re.split(r"\n *or\n", match[2])
        for number, part in enumerate(parts):
            left = "\nor\n".join(parts[:number] + parts[number + 1 :])
            yield (
                f"{name} without part {number}",
                rules.changed(RULES, name, expr=f"{match[1] or ''}{left}{match[3] or ''}"),
                # Those it is about are the first to notice.
                [
                    *(user for user in users if user in part),
                    *(("StreamingJobAbsent",) if 'job_id=""' in part else ()),
                    *users,
                ],
            )


def _survives(mutant: Mutant, folder: Path) -> bool:
    """Say whether no test notices; each case runs alone, so that the first that does ends it."""
    what, document, alerts = mutant
    for alert in alerts:
        needed = rules.only(document, NEEDS.of(alert))
        if not needed["groups"]:
            return False
        rules.write(needed, folder / "rules.yml")
        suite = yaml.safe_load((PROMETHEUS / "tests" / f"{alert}.yml").read_text(encoding="utf-8"))
        cases = suite["tests"]
        if " without " in what:
            # Those that are about memory stand behind the others, and notice this first.
            cases = sorted(cases, key=lambda case: _REMEMBERS.search(case["name"]) is None)
        for case in cases:
            # JSON is YAML, and quicker to write.
            text = json.dumps({**suite, "rule_files": ["rules.yml"], "tests": [case]})
            (folder / "case.yml").write_text(text, encoding="utf-8")
            if promtool("test", "rules", folder / "case.yml").returncode != 0:
                return False
    return True


@pytest.mark.parametrize(
    "mutants",
    [
        lambda: _dropped(ALERT_NAMES),
        _moved_for,
        _moved_thresholds,
        _without_recordings,
        _without_memory,
        _without_parts,
    ],
    ids=["alert", "for", "threshold", "recording", "memory", "reason"],
)
def test_no_rule_can_change_unnoticed(
    mutants: Callable[[], Iterator[Mutant]], tmp_path: Path
) -> None:
    def run(numbered: tuple[int, Mutant]) -> str:
        number, mutant = numbered
        folder = tmp_path / str(number)
        folder.mkdir()
        return mutant[0] if _survives(mutant, folder) else ""

    assert in_parallel(run, list(enumerate(mutants()))) == []


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


@pytest.mark.parametrize("name", ALERT_NAMES)
def test_alert_says_what_it_must(name: str) -> None:
    """A severity, a summary that is the same for all, a description that names the very thing."""
    rule = BY_NAME[name]
    notes = rule["annotations"]
    assert re.fullmatch(r"Streaming(Job|EdgeJob|Source|Exporter)[A-Z]\w+", name)
    assert rule["labels"] == {"severity": rule["labels"]["severity"]}
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert set(notes) == {"summary", "description", "runbook_url", "dashboard_url"}
    assert re.fullmatch(r"[A-Z][^{}]+\.", notes["summary"])
    assert notes["description"].endswith(".")
    for label in _told(name):
        assert f"$labels.{label}" in notes["description"], label


def _told(name: str) -> tuple[str, ...]:
    if name == "StreamingJobAbsent":
        return ("source", "expect")
    if name == "StreamingExporterShardMissing":
        # Whoever is missing has no instance.
        return ("job",)
    if "Job" in name:
        return ("source", "platform", "job_name")
    return ("source",) if "Source" in name else ("instance",)


@pytest.mark.parametrize("name", ALERT_NAMES)
def test_alert_leads_to_its_runbook_and_its_dashboard(name: str) -> None:
    notes = BY_NAME[name]["annotations"]
    base = BY_NAME["StreamingJobFailed"]["annotations"]["runbook_url"].rpartition("/")[0]
    assert notes["runbook_url"] == f"{base}/{name}.md"
    assert base.endswith("/docs/runbooks")
    assert re.match(r"/d/streaming-(overview|job|exporter)(\?|$)", notes["dashboard_url"])
    for variable, label in re.findall(r"var-(\w+)=\{\{ \$labels\.(\w+)", notes["dashboard_url"]):
        assert variable == label
    assert notes["dashboard_url"].count("{{") == notes["dashboard_url"].count("| urlquery }}")


def test_every_alert_has_a_runbook_in_both_languages_and_there_are_no_others() -> None:
    for folder in (RUNBOOKS, RUNBOOKS / "zh"):
        assert {path.stem for path in folder.glob("*.md")} == {*ALERT_NAMES, "README"}


@pytest.mark.parametrize("name", ALERT_NAMES)
@pytest.mark.parametrize("language", ["", "zh"])
def test_runbook_says_what_it_must(language: str, name: str) -> None:
    """The title is the alert, and there are meaning, ways to see why, and what to do."""
    text = (RUNBOOKS / language / f"{name}.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {name}\n")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    expected = ["含义", "查明原因", "处理办法"] if language else ["Meaning", "Why", "What to do"]
    assert headings == expected
    assert "```promql" in text
    other = f"../{name}.md" if language else f"zh/{name}.md"
    assert f"]({other})" in text
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (RUNBOOKS / language / target).exists(), target


@pytest.mark.parametrize("language", ["", "zh"])
def test_list_of_runbooks_names_every_alert_with_its_severity(language: str) -> None:
    text = (RUNBOOKS / language / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[(\w+)\]\(\1\.md\) \| (\w+) \|", text, re.MULTILINE)
    assert rows == [(name, BY_NAME[name]["labels"]["severity"]) for name in ALERT_NAMES]


@pytest.mark.parametrize("language", ["", "zh"])
def test_list_of_thresholds_is_that_of_the_rules(language: str) -> None:
    text = (RUNBOOKS / language / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(streaming:threshold:\w+)` \| ([0-9.]+) \|", text, re.MULTILINE)
    assert rows == [(name, f"{rules.limit(BY_NAME[name]):g}") for name in THRESHOLDS]


@pytest.mark.parametrize("path", sorted(RUNBOOKS.rglob("*.md")), ids=lambda path: path.name)
def test_every_query_of_a_runbook_is_promql(path: Path, tmp_path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    queries = [
        line
        for block in re.findall(r"```promql\n(.*?)```", text, re.DOTALL)
        for line in block.splitlines()
        if line.strip() and not line.startswith("#")
    ]
    document = {
        "groups": [
            {"name": "a", "rules": [{"record": f"q{i}", "expr": q} for i, q in enumerate(queries)]}
        ]
    }
    done = promtool("check", "rules", rules.write(document, tmp_path / "queries.yml"))
    assert done.returncode == 0, done.stdout + done.stderr


# What pint would say, as far as it can be read off an expression.


def _expressions() -> list[tuple[str, str, Rule]]:
    found = [*rules.each(RULES), *rules.each(rules.read(RECORDING))]
    return [(rules.name_of(rule), str(rule["expr"]), rule) for rule in found]


def test_counters_are_only_looked_at_over_time() -> None:
    for name, text, _ in _expressions():
        for match in re.finditer(r"streaming_\w+_total\b", text):
            before = text[: match.start()]
            assert re.search(r"(rate|increase)\(\s*$", before), (name, match[0])


def test_rates_come_before_sums() -> None:
    for name, text, _ in _expressions():
        assert not re.search(r"(rate|increase|deriv|changes)\(\s*(sum|max|min|avg)\b", text), name


def test_no_gauge_of_ours_is_taken_for_a_counter_but_the_restarts() -> None:
    gauges = {family.name for family in (*JOB_FAMILIES, *SOURCE_FAMILIES)}
    for name, text, _ in _expressions():
        for metric in re.findall(r"(?:rate|increase)\((streaming_\w+)", text):
            assert metric not in gauges - {"streaming_job_restart_times"}, name


def test_windows_hold_at_least_four_scrapes() -> None:
    interval = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["global"]
    scrape = rules.seconds(interval["scrape_interval"])
    for name, text, _ in _expressions():
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
    for name, text, rule in _expressions():
        if "alert" in rule or ALERTS.name in name:
            assert " by (" not in text, name


def test_labels_in_selectors_are_labels_of_the_family() -> None:
    labels = {family.name: {*IDENTITY, *family.labels} for family in JOB_FAMILIES}
    labels |= {family.name: set(family.labels) for family in SOURCE_FAMILIES}
    for name, text, _ in _expressions():
        for metric, selector in re.findall(r"(streaming_\w+)\{([^}]*)\}", text):
            used = set(re.findall(r"(\w+)\s*[!=]", selector))
            if metric in labels:
                assert used <= labels[metric], (name, metric)


# The examples.


def test_promtool_accepts_the_example_of_prometheus() -> None:
    done = promtool("check", "config", PROMETHEUS / "prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("rules found") == 2


def test_amtool_accepts_the_example_of_alertmanager() -> None:
    command = ["amtool", "check-config", str(PROMETHEUS / "alertmanager.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("severity", "receivers"),
    [("critical", "mail,webhook"), ("warning", "dingtalk"), ("info", "nobody")],
)
def test_example_tells_the_right_people(severity: str, receivers: str) -> None:
    config = f"--config.file={PROMETHEUS / 'alertmanager.yml'}"
    command = ["amtool", "config", "routes", "test", config, f"severity={severity}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == receivers


def test_example_has_a_receiver_for_every_medium() -> None:
    config = yaml.safe_load((PROMETHEUS / "alertmanager.yml").read_text(encoding="utf-8"))
    kinds = {
        receiver["name"]: [key for key in receiver if key.endswith("_configs")]
        for receiver in config["receivers"]
    }
    assert kinds == {
        "nobody": [],
        "mail": ["email_configs"],
        "webhook": ["webhook_configs"],
        "dingtalk": ["webhook_configs"],
        "feishu": ["webhook_configs"],
        "wecom": ["wechat_configs"],
        "wecom-robot": ["webhook_configs"],
    }


def test_scrape_job_of_the_example_is_the_one_whose_end_is_noticed() -> None:
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))
    jobs = [job["job_name"] for job in config["scrape_configs"]]
    named = set(re.findall(r'job="([^"]+)"', BY_NAME["StreamingExporterDown"]["expr"]))
    assert named == set(jobs)
    assert "job_name: streaming-jobs" in (PROMETHEUS.parent / "README.md").read_text()
