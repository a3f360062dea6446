"""Define the variables at the top of the dashboards.

Several values can be chosen of each. The Prometheus data source of Grafana escapes them for use in
`=~`, so that a job named `a.b|c` selects itself and nothing else.
"""

from typing import Any

from grafana.source.panels import DATASOURCE, Json
from grafana.source.promql import SCRAPED, SOURCE

_SHOWN, _HIDDEN = 0, 2
_ON_TIME_CHANGE = 2
_ALPHABETICALLY = 1


def datasource() -> Json:
    """Let people choose the Prometheus; Grafana's default one is chosen at first."""
    return {
        "current": {"selected": True, "text": "default", "value": "default"},
        "hide": _SHOWN,
        "label": "Data source",
        "name": "datasource",
        "options": [],
        "query": "prometheus",
        "refresh": 1,
        "skipUrlSync": False,
        "type": "datasource",
    }


def platform() -> Json:
    """Let people choose platforms."""
    return _labels("platform", "Platform", f"streaming_source_info{{{SCRAPED}}}")


def source() -> Json:
    """Let people choose configured sources."""
    chosen = f'{SCRAPED}, platform=~"$platform"'
    return _labels("source", "Source", f"streaming_source_info{{{chosen}}}")


def project() -> Json:
    """Let people choose projects; jobs of Flink have none, which `.+` would leave out."""
    chosen = f'{SOURCE}, platform=~"$platform"'
    return _labels("project", "Project", f"streaming_job_info{{{chosen}}}", every=".*")


def job_name() -> Json:
    """Let people choose streaming jobs."""
    chosen = f'{SOURCE}, platform=~"$platform", project=~"$project"'
    return _labels("job_name", "Streaming job", f"streaming_job_info{{{chosen}}}")


def status_page() -> Json:
    """Let people say where they reach the status page of the exporter."""
    address = "http://localhost:10370"
    chosen = {"selected": True, "text": address, "value": address}
    return {
        "current": chosen,
        "hide": _SHOWN,
        "label": "Status page",
        "name": "status_page",
        "options": [chosen],
        "query": address,
        "skipUrlSync": False,
        "type": "textbox",
    }


def job(*, hidden: bool) -> Json:
    """Let people choose the scrape job of the exporter."""
    return _labels("job", "Job", "streaming_exporter_build_info", hidden=hidden)


def instance(*, hidden: bool) -> Json:
    """Let people choose among several exporters."""
    chosen = 'streaming_exporter_build_info{job=~"$job"}'
    return _labels("instance", "Instance", chosen, hidden=hidden)


def _labels(
    name: str, label: str, series: str, *, every: str = ".+", hidden: bool = False
) -> dict[str, Any]:
    query = f"label_values({series}, {name})"
    return {
        "allValue": every,
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "datasource": DATASOURCE,
        "hide": _HIDDEN if hidden else _SHOWN,
        "includeAll": True,
        "label": label,
        "multi": True,
        "name": name,
        "options": [],
        "query": {"query": query, "refId": name},
        "refresh": _ON_TIME_CHANGE,
        "regex": "",
        "skipUrlSync": False,
        "sort": _ALPHABETICALLY,
        "type": "query",
    }
