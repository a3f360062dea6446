"""The whole exporter over a real Flink cluster, through a cancel, a crash and a resubmission."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exporter.app import App
from exporter.configuration.config import parse
from exporter.model import Job, State
from exporter.runtime import Runtime
from exporter.vendors.flink.graph import FLINK_STATES
from tests.flink_cluster import FlinkCluster, JobSpec
from tests.recording import RecordingLog

POLL_SECONDS = 1.0
TWO_POLLS = 2 * POLL_SECONDS + 1.5
"""Two polls, and what Flink itself caches of its jobs (one second in this cluster)."""

pytestmark = pytest.mark.xdist_group("real")


class Watch:
    """An exporter that watches the cluster, and the cluster itself."""

    def __init__(self, cluster: FlinkCluster) -> None:
        self.cluster = cluster
        text = (
            f"sources: [{{name: flink, platform: apache_flink, endpoint: '{cluster.url}', "
            f"poll_interval: {POLL_SECONDS}s, detail_interval: {POLL_SECONDS}s}}]"
        )
        config = parse(text, environ={}, directory=Path())
        self.app = App(
            lambda: config, runtime=Runtime(environ={}, home=Path("/none")), log=RecordingLog()
        )

    def jobs(self) -> dict[str, Job]:
        """Return what is exported, by job id."""
        return {job.job_id: job for job in self.app.store.snapshots["flink"].jobs}

    async def do(self, work: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Run something that blocks without stopping the exporter."""
        return await asyncio.to_thread(work, *arguments, **named)

    async def truth(self) -> dict[str, State]:
        """Return the states that the cluster tells, by job id."""
        rows = (await self.do(self.cluster.get, "/jobs/overview"))["jobs"]
        return {row["jid"]: FLINK_STATES[row["state"].casefold()] for row in rows}

    async def until(
        self, agreed: Callable[[], bool], what: str, seconds: float = TWO_POLLS
    ) -> None:
        """Wait for the exporter to say what it should, as long as two polls may take."""
        deadline = time.monotonic() + seconds
        while not agreed():
            assert time.monotonic() < deadline, f"{what}: {self.jobs()}"
            await asyncio.sleep(0.05)


def test_exported_states_follow_the_cluster(flink_cluster: FlinkCluster) -> None:
    async def scenario() -> None:
        watch = Watch(flink_cluster)
        await watch.app.start()
        try:
            await _follow(watch)
        finally:
            await watch.app.stop()

    asyncio.run(scenario())


async def _follow(watch: Watch) -> None:
    specs = [
        JobSpec(name="e2e steady"),
        JobSpec(name="e2e looping", kind="crash_looping"),
        JobSpec(name="e2e doomed", kind="failing"),
        JobSpec(name="e2e brief", kind="finishing"),
        JobSpec(name="e2e cancelled"),
    ]
    ids = await watch.do(watch.cluster.submit, specs)
    await watch.do(watch.cluster.wait_for, ids["e2e doomed"], "FAILED")
    await watch.do(watch.cluster.wait_for, ids["e2e brief"], "FINISHED")
    await watch.do(watch.cluster.wait_for, ids["e2e steady"], "RUNNING")
    await watch.until(lambda: set(ids.values()) <= set(watch.jobs()), "all jobs are shown")

    await watch.do(watch.cluster.wait_for, ids["e2e cancelled"], "RUNNING")
    await watch.do(watch.cluster.cancel, ids["e2e cancelled"])
    await watch.do(watch.cluster.wait_for, ids["e2e cancelled"], "CANCELED")
    expected = {
        "e2e steady": State.RUNNING,
        "e2e doomed": State.FAILED,
        "e2e brief": State.FINISHED,
        "e2e cancelled": State.STOPPED,
    }
    await watch.until(
        lambda: all(watch.jobs()[ids[name]].state is state for name, state in expected.items()),
        "each state is that of the cluster",
    )
    truth = await watch.truth()
    assert {name: truth[ids[name]] for name in expected} == expected
    assert watch.jobs()[ids["e2e looping"]].state in (State.RUNNING, State.RESTARTING)

    await _restarts_are_counted(watch, ids["e2e looping"])
    await _checkpoints_are_those_of_the_cluster(watch, ids["e2e steady"])
    # Flink answers from a cache for a while, and knows of no error meanwhile.
    await watch.until(
        lambda: watch.jobs()[ids["e2e doomed"]].error_type == "java.lang.ArithmeticException",
        "the error is told",
    )

    again = await watch.do(watch.cluster.submit, [JobSpec(name="e2e doomed")])
    await watch.do(watch.cluster.wait_for, again["e2e doomed"], "RUNNING")
    await watch.until(
        lambda: (
            ids["e2e doomed"] not in watch.jobs()
            and again["e2e doomed"] in watch.jobs()
            and watch.jobs()[again["e2e doomed"]].state is State.RUNNING
        ),
        "the fixed job has taken the place of the failed one",
    )
    for jid in (again["e2e doomed"], ids["e2e steady"], ids["e2e looping"]):
        await watch.do(watch.cluster.cancel, jid)


async def _restarts_are_counted(watch: Watch, jid: str) -> None:
    def told() -> int:
        metrics = watch.cluster.get(f"/jobs/{jid}/metrics", get="numRestarts")
        return int(metrics[0]["value"])

    before = await watch.do(told)
    await watch.until(
        lambda: (watch.jobs()[jid].restart_times or 0) > before, "restarts rise", seconds=10.0
    )
    exported = watch.jobs()[jid].restart_times
    assert exported is not None
    assert before < exported
    # Tasks tell of a restart before the metrics do, which are gathered once in a while.
    end = time.monotonic() + 15.0
    while await watch.do(told) < exported:
        assert time.monotonic() < end, f"more restarts than there were: {exported}"
        await asyncio.sleep(0.2)


async def _checkpoints_are_those_of_the_cluster(watch: Watch, jid: str) -> None:
    def completed() -> list[float]:
        history = watch.cluster.get(f"/jobs/{jid}/checkpoints")["history"]
        return [each["latest_ack_timestamp"] / 1000 for each in history]

    await watch.until(
        lambda: watch.jobs()[jid].last_checkpoint_completed_timestamp is not None,
        "a checkpoint is told",
        seconds=10.0,
    )
    assert watch.jobs()[jid].last_checkpoint_completed_timestamp in await watch.do(completed)
