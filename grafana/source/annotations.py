"""Mark alerts and changes of state on every curve."""

from grafana.source.palette import BAD, PLAIN
from grafana.source.panels import DATASOURCE, Json
from grafana.source.promql import NAMED, WHERE, jobs

_STEP = "60s"


def alerts(*, of_jobs: bool) -> Json:
    """Mark the time in which an alert of this project fires.

    Alerts about sources have no job, and one about the exporter has no source: an empty value is
    chosen as well. The watchdog, which always fires, would mark all of every curve.
    """
    which = 'alertname=~"Streaming.+", alertstate="firing", severity!="none", source=~"$source|"'
    which += f", {WHERE}"
    if of_jobs:
        which += ', job_name=~"$job_name|"'
    return _annotation(
        name="Alerts",
        colour=BAD,
        expr=f"max by (alertname, severity, source, job_name) (ALERTS{{{which}}})",
        title="{{alertname}}",
        text="{{source}} {{job_name}}",
        tags="severity",
        shown=True,
    )


def state_changes() -> Json:
    """Mark when a job came into a state, at the time its platform says."""
    since = jobs("streaming_job_state_since_timestamp_seconds", by=NAMED)
    state = jobs("streaming_job_state", by=f"{NAMED}, state", test="== 1")
    changes = _annotation(
        name="State changes",
        colour=PLAIN,
        expr=f"1000 * {since} * on ({NAMED}) group_right () {state}",
        title="{{job_name}}: {{state}}",
        text="{{source}}",
        tags="state",
        shown=True,
    )
    return {**changes, "useValueForTime": True}


def problems() -> Json:
    """Mark when a problem of a job began; jobs without one cost nothing."""
    began = jobs("streaming_job_problem_since_timestamp_seconds", by=f"{NAMED}, problem")
    beginnings = _annotation(
        name="Problems",
        colour=BAD,
        expr=f"1000 * {began}",
        title="{{job_name}}: {{problem}}",
        text="{{source}}",
        tags="problem",
        shown=False,
    )
    return {**beginnings, "useValueForTime": True}


def _annotation(
    *, name: str, colour: str, expr: str, title: str, text: str, tags: str, shown: bool
) -> Json:
    return {
        "datasource": DATASOURCE,
        "enable": shown,
        "hide": False,
        "iconColor": colour,
        "name": name,
        # Grafana 10 reads the query here,
        "expr": expr,
        "step": _STEP,
        # and later ones read it there.
        "target": {"expr": expr, "interval": _STEP, "refId": "Anno"},
        "titleFormat": title,
        "textFormat": text,
        "tagKeys": tags,
    }
