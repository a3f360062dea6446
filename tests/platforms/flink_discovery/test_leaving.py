"""A cluster is gone only when that is certain, and no state is invented for its jobs."""

import asyncio
from dataclasses import replace

import httpx
import pytest

from exporter.discovery.clusters import Cluster, Clusters, EndedCluster
from exporter.errors import FetchError, Reason
from exporter.model import Job, State
from tests.platforms.flink_discovery.fleet import (
    FOR_EVER,
    FleetBench,
    JobManagers,
    Script,
    cluster,
    found,
)
from tests.virtual_time import EPOCH, run

FAILURE = FetchError(Reason.CONNECTION, "discovery", detail="refused")


@pytest.mark.parametrize(
    "look",
    [
        FAILURE,
        FOR_EVER,
        replace(found("a"), complete=False, failures=(FAILURE,)),
        replace(found(), complete=False),
    ],
    ids=["failed", "hangs", "partial", "nothing of it"],
)
def test_discovery_that_fails_or_tells_a_part_keeps_all_that_is_known(
    look: Clusters | FetchError | float,
) -> None:
    async def scenario() -> None:
        bench = FleetBench(Script(found("a", "b"), look), JobManagers())
        await bench.run_for(25)
        assert set(bench.jobs) == {"a", "b"}
        await bench.run_for(1000)
        assert set(bench.jobs) == {"a", "b"}
        assert bench.clusters.reached == 2
        assert bench.snapshot.up is isinstance(look, Clusters)
        await bench.stop()

    run(scenario())


def test_cluster_that_two_complete_looks_lack_takes_its_jobs_with_it() -> None:
    async def scenario() -> None:
        managers = JobManagers()
        bench = FleetBench(Script(found("a", "b"), found("a")), managers)
        await bench.run_for(25)
        managers.answers["b", "*"] = httpx.ConnectError("")
        await bench.run_for(20)
        # One look lacks it: a headless service whose JobManager restarts is not there either.
        assert bench.script.made == 2
        assert set(bench.jobs) == {"a", "b"}
        await bench.run_for(30)
        assert bench.script.made == 3
        assert set(bench.jobs) == {"a"}
        assert bench.clusters.unreached == 0
        assert bench.snapshot.up is True
        await bench.stop()

    run(scenario())


def test_cluster_that_one_look_lacked_and_the_next_has_again_stays() -> None:
    async def scenario() -> None:
        looks = [found("a", "b"), *(found("a"), found("a", "b")) * 10]
        bench = FleetBench(Script(*looks), JobManagers())
        for _ in range(20):
            await bench.run_for(29)
            assert set(bench.jobs) == {"a", "b"}
        await bench.stop()

    run(scenario())


def test_jobs_known_before_a_reload_stay_until_two_looks_were_complete() -> None:
    async def scenario() -> None:
        partial = replace(found("a"), complete=False)
        bench = FleetBench(Script(partial), JobManagers())
        job = Job(
            project="b",
            job_id="1" * 32,
            job_name="before",
            state=State.RUNNING,
            native_status="RUNNING",
            observed_timestamp=EPOCH,
        )
        bench.collector.adopt(replace(bench.collector.snapshot, jobs=(job,)))
        await bench.run_for(250)
        assert set(bench.jobs) == {"a", "b"}
        bench.script.looks = [found("a")]
        await bench.run_for(70)
        assert set(bench.jobs) == {"a"}
        await bench.stop()

    run(scenario())


class Archive:
    """A witness that tells of a job after so many questions."""

    def __init__(self, *, after: int, fails: bool = False) -> None:
        self.after = after
        self.fails = fails
        self.asked: list[str] = []
        self.closed = False

    async def check(self) -> None:
        """Answer."""

    async def tell_end(self, job: Job) -> Job | None:
        self.asked.append(job.project)
        if self.fails:
            raise FetchError(Reason.TIMEOUT, "/jobs/:jobid")
        if len(self.asked) <= self.after:
            return None
        return job._replace(
            state=State.FAILED, native_status="FAILED", end_timestamp=job.observed_timestamp
        )

    async def aclose(self) -> None:
        self.closed = True


def test_witness_is_asked_a_few_times_how_the_jobs_of_a_cluster_ended() -> None:
    """The archive of a job comes after its JobManager has gone."""

    async def scenario() -> None:
        witness = Archive(after=2)
        bench = FleetBench(
            Script(found("a", "b"), found("a")), JobManagers(), witness=witness, ended_retention=900
        )
        await bench.run_for(100)
        assert bench.state("b") is State.RUNNING
        await bench.run_for(100)
        assert bench.state("b") is State.FAILED
        asked = len(witness.asked)
        await bench.run_for(600)
        assert bench.state("b") is State.FAILED
        assert len(witness.asked) == asked == 3
        await bench.run_for(600)
        assert set(bench.jobs) == {"a"}
        assert bench.clusters.unreached == 0
        await bench.stop()
        assert witness.closed

    run(scenario())


@pytest.mark.parametrize("fails", [False, True])
def test_job_of_which_the_witness_never_tells_leaves_without_a_state(fails: bool) -> None:
    async def scenario() -> None:
        witness = Archive(after=1000, fails=fails)
        bench = FleetBench(
            Script(found("a", "b"), found("a")), JobManagers(), witness=witness, stale_after=200
        )
        for _ in range(60):
            await bench.run_for(10)
            assert {job.state for job in bench.jobs.values()} <= {State.RUNNING}
        assert set(bench.jobs) == {"a"}
        assert 3 <= len(witness.asked) <= 12
        assert (
            bench.value("streaming_source_detail_failures_total", reason="timeout") > 0
        ) is fails
        await bench.stop()

    run(scenario())


def _ended(state: State, **fields: str) -> EndedCluster:
    return EndedCluster(
        **{"name": "b", "incarnation": "app_1", **fields},
        state=state,
        native_status="SUCCEEDED",
        end_timestamp=EPOCH + 29,
        error_text="",
    )


def test_discovery_that_knows_how_a_cluster_ended_is_believed_at_once() -> None:
    async def scenario() -> None:
        before = Clusters(living=(cluster("a"), cluster("b", incarnation="app_1")))
        after = Clusters(living=(cluster("a"),), ended=(_ended(State.FINISHED),))
        bench = FleetBench(Script(before, after), JobManagers())
        await bench.run_for(25)
        assert bench.state("b") is State.RUNNING
        await bench.run_for(15)
        assert bench.state("b") is State.FINISHED
        assert bench.jobs["b"].end_timestamp == EPOCH + 29
        await bench.run_for(600)
        assert bench.state("b") is State.FINISHED
        await bench.stop()

    run(scenario())


@pytest.mark.parametrize(
    "ended",
    [_ended(State.UNKNOWN), _ended(State.FINISHED, incarnation="app_0")],
    ids=["unknown end", "another life"],
)
def test_end_that_nobody_knows_is_not_invented(ended: EndedCluster) -> None:
    async def scenario() -> None:
        before = Clusters(living=(cluster("a"), cluster("b", incarnation="app_1")))
        after = Clusters(living=(cluster("a"),), ended=(ended,))
        bench = FleetBench(Script(before, after), JobManagers())
        for _ in range(30):
            await bench.run_for(10)
            assert {job.state for job in bench.jobs.values()} <= {State.RUNNING}
        assert set(bench.jobs) == {"a"}
        await bench.stop()

    run(scenario())


def test_end_of_a_session_cluster_tells_nothing_of_its_jobs() -> None:
    async def scenario() -> None:
        managers = JobManagers()
        rows = [{**managers.job("b"), "jid": each * 32} for each in "12"]
        managers.answers["b", "/jobs/overview"] = {"jobs": rows}
        before = Clusters(living=(cluster("a"), cluster("b", incarnation="app_1")))
        after = Clusters(living=(cluster("a"),), ended=(_ended(State.FAILED),))
        bench = FleetBench(Script(before, after), managers)
        await bench.run_for(100)
        assert set(bench.jobs) == {"a"}
        await bench.stop()

    run(scenario())


def test_job_that_was_seen_to_end_stays_ended_when_its_cluster_leaves() -> None:
    async def scenario() -> None:
        managers = JobManagers()
        bench = FleetBench(Script(found("a", "b"), found("a")), managers)
        managers.jobs["b"] = {"state": "FINISHED", "end-time": (EPOCH + 1) * 1000}
        await bench.run_for(900)
        assert bench.state("b") is State.FINISHED
        await bench.stop()

    run(scenario())


def test_cluster_made_anew_under_its_name_supersedes_the_one_that_ended() -> None:
    """With high availability the jobs of both have one id, of zeros."""

    async def scenario() -> None:
        managers = JobManagers()
        first = Clusters(living=(cluster("b", incarnation="app_1"),))
        over = Clusters(living=(cluster("a"),), ended=(_ended(State.FINISHED),))
        again = Clusters(
            living=(cluster("b", incarnation="app_2"),), ended=(_ended(State.FINISHED),)
        )
        bench = FleetBench(Script(first, over, again), managers, detail_interval=30)
        await bench.run_for(55)
        assert bench.state("b") is State.FINISHED
        managers.jobs["b"] = {"start-time": (EPOCH + 60) * 1000}
        await bench.run_for(70)
        assert bench.state("b") is State.RUNNING
        assert bench.jobs["b"].start_timestamp == EPOCH + 60
        assert bench.jobs["b"].end_timestamp is None
        await bench.stop()

    run(scenario())


def test_clusters_whose_jobs_have_one_id_are_told_apart() -> None:
    async def scenario() -> None:
        bench = FleetBench(Script(found("a", "b", "c")), JobManagers())
        await bench.run_for(40)
        assert {job.job_id for job in bench.snapshot.jobs} == {"0" * 32}
        assert {name: job.job_name for name, job in bench.jobs.items()} == {
            each: f"job of {each}" for each in "abc"
        }
        await bench.stop()

    run(scenario())


def test_cluster_that_answers_elsewhere_keeps_its_jobs() -> None:
    async def scenario() -> None:
        moved = Clusters(living=(Cluster(name="b", addresses=("http://new:8081",)),))
        managers = JobManagers()
        managers.jobs["new"] = {"name": "job of b"}
        bench = FleetBench(Script(found("b"), moved), managers)
        for _ in range(20):
            await bench.run_for(9)
            assert set(bench.jobs) <= {"b"}
        assert managers.listings_of("new")
        assert bench.clusters.reached == 1
        await bench.stop()

    run(scenario())


def test_more_clusters_than_allowed_are_an_error_and_none_is_cut() -> None:
    async def scenario() -> None:
        bench = FleetBench(
            Script(found("a", "b"), found("a", "b", "c")),
            JobManagers(),
            discovery={"max_clusters": 2},
        )
        await bench.run_for(100)
        assert bench.snapshot.up is False
        assert "3 clusters were found, more than 2 (max_clusters)" in bench.snapshot.failure
        assert set(bench.jobs) == {"a", "b"}
        await bench.stop()

    run(scenario())


def test_expected_job_is_not_absent_before_every_cluster_was_listed_or_is_stale() -> None:
    async def scenario() -> None:
        managers = JobManagers()
        managers.slow["b"] = FOR_EVER
        bench = FleetBench(Script(found("a", "b")), managers, expect=["job of b", "no such"])
        await bench.run_for(200)
        assert bench.absent() == ()
        await bench.run_for(200)
        assert bench.absent() == ("job of b", "no such")
        await bench.stop()

    run(scenario())


def test_everything_ends_while_questions_are_under_way() -> None:
    async def scenario() -> None:
        managers = JobManagers()
        managers.slow["b"] = FOR_EVER
        bench = FleetBench(Script(found("a", "b"), FOR_EVER), managers)
        await bench.run_for(40)
        await bench.stop()
        assert bench.script.closed
        assert len(asyncio.all_tasks()) == 1

    run(scenario())
