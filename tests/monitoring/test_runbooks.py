"""Alerts say what they must, and each leads to a runbook that does."""

import re
from pathlib import Path

import pytest

from exporter import platforms
from exporter.pages.runbooks import runbooks
from grafana.source.addresses import EXPORTER
from tests.monitoring import rules
from tests.monitoring.alerting_rules import (
    ALERT_NAMES,
    BY_NAME,
    RUNBOOKS,
    THRESHOLDS,
    promtool,
    severity_of,
)

MISSING = "StreamingExporterShardMissing"


@pytest.mark.parametrize("name", ALERT_NAMES)
def test_alert_says_what_it_must(name: str) -> None:
    """A severity, a summary that a phone can show, a description that names the very thing."""
    rule = BY_NAME[name]
    notes = rule["annotations"]
    assert re.fullmatch(r"Streaming(Watchdog|(Job|EdgeJob|Source|Exporter)[A-Z]\w+)", name)
    assert rule["labels"] == {"severity": rule["labels"]["severity"]}
    assert severity_of(rule) in ("critical", "warning", "info", "none")
    assert set(notes) == {"summary", "description", "runbook_url", "dashboard_url"}
    assert re.fullmatch(r"[A-Z{].+\.", notes["summary"])
    assert len(re.sub(r"{{.*?}}", "", notes["summary"])) < 80
    assert notes["description"].endswith(".")
    told = _told(name)
    for label in told:
        assert f"$labels.{label}" in notes["description"], label
    # A phone shows the summary, and nothing else.
    assert not told or f"$labels.{told[-1]}" in notes["summary"] or name == MISSING


def _told(name: str) -> tuple[str, ...]:
    if name == "StreamingJobAbsent":
        return ("source", "expect")
    if name == "StreamingWatchdog":
        return ()
    if name == MISSING:
        # Whoever is missing has no instance.
        return ("job",)
    if name == "StreamingSourceJobsFailing":
        return ("platform", "source")
    if "Job" in name:
        return ("source", "platform", "job_name")
    return ("source",) if "Source" in name else ("instance",)


@pytest.mark.parametrize("name", ALERT_NAMES)
def test_alert_leads_to_its_runbook_and_its_dashboard(name: str) -> None:
    notes = BY_NAME[name]["annotations"]
    # The exporter itself serves it, in English under its name alone.
    assert notes["runbook_url"] == f"{EXPORTER}/runbooks/{name}"
    assert ("", name) in runbooks()
    assert ("zh", name) in runbooks()
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
    assert rows == [(name, severity_of(BY_NAME[name])) for name in ALERT_NAMES]


@pytest.mark.parametrize("language", ["", "zh"])
def test_list_of_thresholds_is_that_of_the_rules(language: str) -> None:
    text = (RUNBOOKS / language / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(streaming:threshold:\w+)` \| ([0-9.]+) \|", text, re.MULTILINE)
    assert rows == [(name, f"{rules.limit(BY_NAME[name]):g}") for name in THRESHOLDS]


@pytest.mark.real
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


@pytest.mark.parametrize("path", [RUNBOOKS / "README.md", RUNBOOKS / "zh" / "README.md"], ids=str)
def test_every_platform_has_a_row_that_says_where_to_look(path: Path) -> None:
    rows = re.findall(r"^\| `(\w+)` \|", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(rows) >= {*platforms.names(), "edge"}
