"""Show what only Huawei Cloud tells: what nodes of DataArts move, how slow operators of DLI are."""

from grafana.source.board import Band, section
from grafana.source.panels import About, Json, curve, range_query, timeseries
from grafana.source.promql import LEGEND, NAMED, jobs

_NODE = f"{NAMED}, node, node_type"
_AT_NODE = "{{job_name}} / {{node}}"
_NO_NODES = "No node of the selected jobs counts anything"


def bands() -> list[Band]:
    """Return the bands about nodes and operators of the selected jobs."""
    latency = curve(
        "Operator latency",
        "How long records take from a source to the slowest operator of a DLI job, from Cloud Eye. "
        "What waits before the sources is not in it: it is not the input delay.",
        "Not told without cloud_eye",
        jobs("streaming_job_operator_latency_seconds", by=NAMED),
        LEGEND,
        unit="s",
    )
    return section(
        "Nodes of DataArts and operators of DLI",
        (8, [(_records(), 12), (_bytes(), 12)]),
        (8, [(_speed(), 12), (latency, 12)]),
    )


def _speed() -> Json:
    return curve(
        "Speed of nodes",
        "Records per second that a node of a DataArts job moves.",
        _NO_NODES,
        jobs("streaming_job_node_records_per_second", by=_NODE),
        _AT_NODE,
        unit="cps",
    )


def _records() -> Json:
    about = About(
        title="Records through nodes",
        description="Records that nodes of a DataArts job have read and written in their run, and "
        "that wait between.",
        nothing=_NO_NODES,
    )
    buffered = jobs("streaming_job_node_buffered_records", by=_NODE)
    return timeseries(
        about, *_moved("records"), range_query(buffered, f"{_AT_NODE}: waiting within")
    )


def _bytes() -> Json:
    about = About(
        title="Bytes through nodes",
        description="Bytes that nodes of a DataArts job have read and written in their run.",
        nothing=_NO_NODES,
        unit="bytes",
    )
    return timeseries(about, *_moved("bytes"))


def _moved(what: str) -> tuple[Json, Json]:
    return (
        range_query(jobs(f"streaming_job_node_read_{what}", by=_NODE), f"{_AT_NODE}: read"),
        range_query(jobs(f"streaming_job_node_written_{what}", by=_NODE), f"{_AT_NODE}: written"),
    )
