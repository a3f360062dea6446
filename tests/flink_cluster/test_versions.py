"""What differs between versions of Flink, found out by asking, is told as a table.

`make test-flink VERSION=...` prints it: one row a fact, for a note that puts versions side by side.
"""

import sys
from collections.abc import Iterator
from functools import partial

import pytest

from tests.flink_cluster import FlinkCluster, JobSpec
from tests.flink_cluster.facts import Facts

_FACTS = 27
_JOBS = (
    JobSpec(name="running"),
    JobSpec(name="failing", kind="failing"),
    JobSpec(name="looping", kind="crash_looping"),
    JobSpec(name="late_sql", kind="late_sql"),
    JobSpec(name="late_stream", kind="late_stream"),
)

pytestmark = pytest.mark.xdist_group("real")


@pytest.fixture(scope="module")
def facts(flink_cluster: FlinkCluster) -> Iterator[Facts]:
    """Jobs that have run for long enough to tell everything."""
    jobs = flink_cluster.submit(_JOBS)
    flink_cluster.wait_for(jobs["failing"], "FAILED")
    for name in ("running", "late_sql", "late_stream"):
        flink_cluster.wait_for(jobs[name], "RUNNING")
    checkpoints = f"/jobs/{jobs['running']}/checkpoints"
    flink_cluster.wait_until(
        lambda: flink_cluster.get(checkpoints)["latest"]["completed"] is not None,
        what="a completed checkpoint",
    )
    for name in ("late_sql", "late_stream"):
        vertex = flink_cluster.get(f"/jobs/{jobs[name]}")["vertices"][0]["id"]
        metrics = f"/jobs/{jobs[name]}/vertices/{vertex}/subtasks/metrics"
        flink_cluster.wait_until(
            partial(_has_watermarks, flink_cluster, metrics), what="the metrics of a vertex"
        )
    yield Facts(flink_cluster, jobs)
    for name in jobs.keys() - {"failing"}:
        flink_cluster.cancel(jobs[name])


def _has_watermarks(cluster: FlinkCluster, metrics: str) -> bool:
    """Operators register their metrics one by one."""
    return any(each["id"].endswith("Watermark") for each in cluster.get(metrics))


def test_facts_of_a_version(
    flink_cluster: FlinkCluster, facts: Facts, capsys: pytest.CaptureFixture[str]
) -> None:
    """All are found out; what matters to the exporter holds in every version."""
    found = {name: find() for name, find in facts.all()}
    version = flink_cluster.version
    with capsys.disabled():
        sys.stdout.write(f"\n\n| fact | {version} |\n|---|---|\n")
        for name, value in found.items():
            told = {True: "yes", False: "no", None: "no"}.get(value, value)  # type: ignore[call-overload]
            sys.stdout.write(f"| {name} | {told} |\n")
    assert len(found) == _FACTS
    assert found["version told by /config"] == version
    for name in ("metric uptime", "job object has now", "plan tells inputs", "exceptionHistory"):
        assert found[name] is True, name
    assert found["metric numRestarts"] or found["metric fullRestarts"]
    assert found["uptime fits timestamps.RUNNING"] == "yes"
    assert found["attempts follow restarts"] == "yes"
    assert found["unknown job"] == "404"
