"""Draw snapshots of any content, with the label values that are hardest to print."""

from typing import Any

from hypothesis import strategies as st

from exporter.model import Job, Node, Snapshot, State
from tests.virtual_time import EPOCH

HOSTILE = [
    *('"', "\\", "\n", "\\n", '\\"', "\r", "\t", "\0", "\x85", "\u2028", "\u2029", "\ufeff"),
    *(
        "%",
        "%s",
        "%%",
        "%(x)d",
        "{0}",
        "😀",
        "任务",
        "{}",
        "a=b,c",
        "# EOF",
        "# HELP x",
        " ",
        "",
        "\u202e",
        "\U0010ffff",
    ),
]
texts = st.one_of(
    st.sampled_from(HOSTILE),
    st.lists(st.sampled_from(HOSTILE), max_size=4).map("".join),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)
numbers = st.none() | st.floats() | st.sampled_from([0.0, -0.0, 1e6, 123456789.0, 1e300, 5e-324])
counts = st.none() | st.integers(0, 10**12)
nodes = st.builds(
    Node,
    name=texts,
    node_type=texts,
    state=st.sampled_from(State),
    native_status=texts,
    run_id=texts,
)


def _facts() -> dict[str, st.SearchStrategy[Any]]:
    """Return a strategy for each field of a job that the table could show."""
    by_type: dict[object, st.SearchStrategy[Any]] = {
        str: texts,
        float | None: numbers,
        int | None: counts,
        bool | None: st.none() | st.booleans(),
    }
    named: dict[str, st.SearchStrategy[Any]] = {
        "state": st.sampled_from(State),
        "tasks": st.lists(st.tuples(texts, st.integers(0, 10**6)), max_size=3).map(tuple),
        "nodes": st.lists(nodes, max_size=3).map(tuple),
        "observed_timestamp": st.floats(EPOCH - 400, EPOCH),
    }
    return named | {
        name: by_type[kind]
        for name, kind in Job.__annotations__.items()
        if kind in by_type and name not in named
    }


jobs = st.builds(Job, **_facts())
label_names = st.sampled_from(["team", "stage", "_x", "z", "aa", "platform_x"])
snapshots = st.builds(
    Snapshot,
    source=st.sampled_from(["a", "b", "c"]),
    platform=st.sampled_from(["huawei_dli", "apache_flink"]),
    labels=st.dictionaries(label_names, texts, max_size=3).map(lambda each: tuple(each.items())),
    up=st.none() | st.booleans(),
    last_success_timestamp=st.none() | st.floats(EPOCH - 400, EPOCH),
    poll_duration_seconds=numbers,
    detail_age_seconds=numbers,
    stale_after=st.just(300.0),
    all_states=st.booleans(),
    jobs=st.lists(jobs, max_size=3).map(tuple),
    absent=st.lists(texts, max_size=3).map(tuple),
)
