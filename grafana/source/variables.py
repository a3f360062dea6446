"""Define the variables at the top of the dashboards.

Several values can be chosen of each. The Prometheus data source of Grafana escapes them for use in
`=~`, so that a job named `a.b|c` selects itself and nothing else.
"""

from typing import Any

from grafana.source.addresses import EXPORTER, FLINK
from grafana.source.panels import DATASOURCE, Json
from grafana.source.promql import SCRAPED, SOURCE, WHERE

_SHOWN, _HIDDEN = 0, 2
_ON_TIME_CHANGE = 2
_ALPHABETICALLY = 1
_JOBS = f'streaming_job_info{{{SOURCE}, platform=~"$platform", project=~"$project"}}'


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
    """Let people choose streaming jobs; `.+` would have Prometheus look up each name there is."""
    return _labels("job_name", "Streaming job", _JOBS, every=".*")


def one_job() -> Json:
    """Let people choose one streaming job, or a few; the first there is when nobody has chosen."""
    variable = _labels("job_name", "Streaming job", _JOBS)
    del variable["allValue"]
    nobody_yet = {"selected": False, "text": [], "value": []}
    return {**variable, "current": nobody_yet, "includeAll": False}


def job_names(name: str, found: str) -> Json:
    """Have Grafana ask for the names of some jobs, for panels that show no others.

    `found` is a query for ten of them. What is drawn over time is then ten curves, and not all of
    which ten were ever the first: Prometheus would look at every job, at every point.
    """
    return {
        **_variable(name, "", f"query_result({found})"),
        "hide": _HIDDEN,
        "regex": r'/^\{job_name="(.*)"\} /',
    }


def status_page() -> Json:
    """Let people say where they reach the status page of the exporter."""
    return _address("status_page", "Status page", EXPORTER)


def flink() -> Json:
    """Let people say where they reach the web pages of their Flink clusters."""
    return _address("flink", "Flink", FLINK)


def cluster() -> Json:
    """Let people choose where exporters run; targets may well have no such label."""
    return _labels("cluster", "Kubernetes", "streaming_exporter_build_info", every=".*")


def namespace() -> Json:
    """Let people choose among exporters of one name, such as those of two teams."""
    chosen = 'streaming_exporter_build_info{cluster=~"$cluster"}'
    return _labels("namespace", "Namespace", chosen, every=".*")


def job(*, hidden: bool) -> Json:
    """Let people choose the scrape job of the exporter."""
    return _labels("job", "Job", f"streaming_exporter_build_info{{{WHERE}}}", hidden=hidden)


def instance(*, hidden: bool) -> Json:
    """Let people choose among several exporters."""
    chosen = f'streaming_exporter_build_info{{{WHERE}, job=~"$job"}}'
    return _labels("instance", "Instance", chosen, hidden=hidden)


def _labels(
    name: str, label: str, series: str, *, every: str = ".+", hidden: bool = False
) -> dict[str, Any]:
    return {
        **_variable(name, label, f"label_values({series}, {name})"),
        "allValue": every,
        "hide": _HIDDEN if hidden else _SHOWN,
    }


def _variable(name: str, label: str, query: str) -> dict[str, Any]:
    return {
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "datasource": DATASOURCE,
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


def _address(name: str, label: str, address: str) -> Json:
    chosen = {"selected": True, "text": address, "value": address}
    return {
        "current": chosen,
        "hide": _SHOWN,
        "label": label,
        "name": name,
        "options": [chosen],
        "query": address,
        "skipUrlSync": False,
        "type": "textbox",
    }
