"""Show what agents at the edge report, and what becomes of it."""

from grafana.source.board import Band, section
from grafana.source.palette import BAD, GOOD, NOTICE, Steps
from grafana.source.panels import curve
from grafana.source.promql import SCRAPED, age, per_second

_SOME: Steps = ((None, GOOD), (1, NOTICE))


def bands() -> list[Band]:
    """Return the bands about reports from the edge."""
    nothing = "No edge report is received"
    results = curve(
        "Edge reports",
        "Reports of agents at the edge, by what became of them.",
        nothing,
        per_second("streaming_edge_reports_total", SCRAPED, "project, result"),
        "{{project}}: {{result}}",
        unit="reqps",
        stacked=True,
    )
    silence = curve(
        "Time since the last report",
        "How long ago a report of each project was last accepted.",
        nothing,
        age("streaming_edge_report_timestamp_seconds", SCRAPED, "project"),
        "{{project}}",
        unit="s",
        steps=((None, GOOD), (300, NOTICE), (600, BAD)),
    )
    stale = curve(
        "Silent edge jobs",
        "Edge jobs that have not ended and were not reported for expire_after.",
        nothing,
        f"sum by (project) (max by (project, job_id) (streaming_edge_job_stale{{{SCRAPED}}}))",
        "{{project}}",
        unit="short",
        steps=_SOME,
    )
    pending = curve(
        "Reports to pass on",
        "Reports that wait to be passed on to DLI.",
        "Nothing is passed on",
        f"max by (project) (streaming_edge_relay_pending{{{SCRAPED}}})",
        "{{project}}",
        unit="short",
        steps=((None, GOOD), (100, NOTICE), (1000, BAD)),
    )
    failed = curve(
        "Failures to pass on",
        "Attempts to pass a report on that failed, by reason; refused and expired reports are "
        "given up.",
        "Nothing is passed on",
        f"sum by (project, reason) (increase(streaming_edge_relay_failures_total{{{SCRAPED}}}"
        "[$__rate_interval]))",
        "{{project}}: {{reason}}",
        unit="short",
        steps=_SOME,
    )
    commits = per_second(
        "streaming_edge_journal_commit_duration_seconds_bucket", SCRAPED, "instance, le"
    )
    journal = curve(
        "Writing reports to the disk",
        "95 of 100 commits to the journal are done within this time; a report is answered after.",
        nothing,
        f"histogram_quantile(0.95, {commits})",
        "{{instance}}",
        unit="s",
        steps=((None, GOOD), (0.1, NOTICE), (1, BAD)),
    )
    return section(
        "Edge reports",
        (8, [(results, 8), (silence, 8), (stale, 8)]),
        (8, [(pending, 8), (failed, 8), (journal, 8)]),
    )
