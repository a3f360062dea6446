"""Test the rig that runs a real Flink, and that its recorded answers still hold."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.flink_cluster import (
    FlinkCluster,
    FlinkClusterError,
    FlinkDistribution,
    FlinkUnavailableError,
    JobSpec,
    SubmissionError,
)
from tests.flink_cluster.recorder import record_samples

_TESTS = Path(__file__).parents[1]
_RECORDED = _TESTS / "fixtures" / "apache_flink" / "recorded"

_ORPHAN = """
import os, pathlib, signal, sys
from tests.flink_cluster.process import GuardedProcess
child = GuardedProcess(["sleep", "600"], log=pathlib.Path(sys.argv[1]), environ=os.environ)
print(child.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("real")]


def _alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    # An orphan that nobody has reaped yet, as happens in containers, is dead all the same.
    return stat.rpartition(")")[2].split()[0] != "Z"


def _paths(body: Any, at: str = "") -> Iterator[str]:
    """Name every place of a JSON document, the elements of a list being one place."""
    if isinstance(body, dict):
        for key, value in body.items():
            yield from _paths(value, f"{at}/{key}")
    elif isinstance(body, list):
        for value in body:
            yield from _paths(value, f"{at}/[]")
    else:
        yield at


def _statuses(index: dict[str, dict[str, Any]]) -> dict[str, int]:
    # Whether Flink still knows a vertex' metric of a job that lived for a moment is chance.
    return {
        name: asked["status"]
        for name, asked in index.items()
        if not re.search(r"vertex_\d_metrics\.json$", name)
    }


def test_a_child_dies_with_its_killed_parent(tmp_path: Path) -> None:
    """A test run that is killed leaves no JVM behind."""
    done = subprocess.run(
        [sys.executable, "-c", _ORPHAN, str(tmp_path / "log")],
        env={**os.environ, "PYTHONPATH": str(_TESTS.parent)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 10
    while _alive(int(done.stdout)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(int(done.stdout))


def test_a_missing_distribution_names_the_remedy(tmp_path: Path) -> None:
    """Whoever lacks Flink is told which command brings it."""
    with pytest.raises(FlinkUnavailableError, match="run scripts/fetch-flink"):
        FlinkDistribution.locate(tmp_path)


def test_fetching_again_leaves_the_distribution_alone() -> None:
    """The second run of the script finds everything there."""
    lib = FlinkDistribution.locate().home / "lib"
    before = lib.stat()
    subprocess.run([_TESTS.parent / "scripts" / "fetch-flink"], check=True)
    assert lib.stat() == before


def test_a_cluster_that_cannot_start_shows_its_log(tmp_path: Path) -> None:
    """A bad setting ends the test at once, with Flink's own words and without processes."""
    cluster = FlinkCluster(FlinkDistribution.locate(), tmp_path, settings={"rest.port": "many"})
    with pytest.raises(FlinkClusterError, match="Could not parse value 'many'"), cluster:
        pass
    assert cluster.pids == {}


def test_a_refused_job_does_not_end_the_submitter(flink_cluster: FlinkCluster) -> None:
    """The planner's reason reaches the test, and the next job is submitted all the same."""
    refused = JobSpec(name="refused", settings={"parallelism.default": "several"})
    with pytest.raises(SubmissionError, match=r'refused: .*"several"'):
        flink_cluster.submit([refused])
    jid = flink_cluster.submit([JobSpec(name="accepted")])["accepted"]
    flink_cluster.wait_for(jid, "RUNNING")
    flink_cluster.cancel(jid)
    flink_cluster.wait_for(jid, "CANCELED")


def test_recorded_answers_still_hold(flink_cluster: FlinkCluster, tmp_path: Path) -> None:
    """A Flink of today answers in the shapes the parser's samples were recorded in."""
    record_samples(flink_cluster, tmp_path)
    flink_cluster.cancel_all()

    def read(folder: Path, name: str) -> Any:
        return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))

    assert _statuses(read(tmp_path, "index")) == _statuses(read(_RECORDED, "index"))
    for name, part in (
        ("jobs_overview", ""),
        ("running/job", ""),
        ("crash_looping/job", ""),
        ("initializing/job", ""),
        ("failed/exceptions", ""),
        ("crash_looping/exceptions", ""),
        ("running/checkpoints", "/counts"),
        ("running/checkpoints", "/latest/completed"),
        ("unknown/job", ""),
    ):
        seen = {path for path in _paths(read(tmp_path, name)) if path.startswith(part)}
        known = {path for path in _paths(read(_RECORDED, name)) if path.startswith(part)}
        assert (name, seen) == (name, known)
    for name in ("running/metrics", "late_sql/vertex_1_watermarks", "late_stream/vertex_0_metrics"):
        seen = {metric["id"].rpartition(".")[2] for metric in read(tmp_path, name)}
        known = {metric["id"].rpartition(".")[2] for metric in read(_RECORDED, name)}
        assert (name, seen) == (name, known)


def test_a_restarted_jobmanager_forgets_its_jobs(flink_cluster: FlinkCluster) -> None:
    """A session cluster without high availability starts empty, at the same address."""
    before = flink_cluster.pids["jobmanager"]
    ended = flink_cluster.submit([JobSpec(name="ended", kind="finishing")])["ended"]
    flink_cluster.wait_for(ended, "FINISHED")
    flink_cluster.restart_jobmanager()
    assert flink_cluster.get("/jobs/overview") == {"jobs": []}
    assert not _alive(before)
    again = flink_cluster.submit([JobSpec(name="ended", kind="finishing")])["ended"]
    flink_cluster.wait_for(again, "FINISHED")
    assert again != ended
