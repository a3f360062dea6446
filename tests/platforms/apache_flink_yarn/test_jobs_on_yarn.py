"""What is published of the jobs that YARN runs is what became of them."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from exporter.model import State
from exporter.platforms.apache_flink import Settings
from exporter.simulator.yarn.access import YarnAccess
from exporter.simulator.yarn.resource_manager import Yarn, build
from tests.discovery.yarn_stage import CLUSTER_ID, RM1, application, identity
from tests.platforms.apache_flink_yarn.yarn_bench import (
    ZERO,
    Manager,
    YarnBench,
    flink_job,
    with_job,
)
from tests.virtual_time import EPOCH, run


def polled(play: Callable[[YarnBench], Awaitable[None]], *args: Any, **options: Any) -> None:
    """Play something before a source that watches a YARN."""

    async def perform() -> None:
        bench = YarnBench(*args, **options)
        try:
            await play(bench)
        finally:
            await bench.stop()

    run(perform())


def test_jobs_are_asked_for_through_the_proxy_by_the_names_of_their_applications() -> None:
    async def play(bench: YarnBench) -> None:
        await bench.run_for(20)
        assert {name: job.state for name, job in bench.jobs.items()} == {
            "orders": State.RUNNING,
            "payments": State.RUNNING,
        }
        assert bench.jobs["orders"].job_name == "orders job"
        assert bench.jobs["orders"].engine_version == "2.3.0"
        assert bench.snapshot.up

    polled(play, with_job(1), with_job(2, "payments"))


@pytest.mark.parametrize(
    ("state", "final_status", "told"),
    [
        ("FINISHED", "SUCCEEDED", State.FINISHED),
        ("FINISHED", "FAILED", State.FAILED),
        ("FINISHED", "KILLED", State.STOPPED),
        ("FAILED", "FAILED", State.FAILED),
        ("KILLED", "KILLED", State.STOPPED),
    ],
)
def test_end_is_what_yarn_says_and_nothing_else_before(
    state: str, final_status: str, told: State
) -> None:
    async def play(bench: YarnBench) -> None:
        await bench.run_for(40)
        bench.listed.change(
            1,
            state=state,
            final_status=final_status,
            finished_at=bench.runtime.clock(),
            master="N/A",
            job_manager=None,
            diagnostics="why it ended",
        )
        ended_at = bench.runtime.clock()
        await bench.run_for(200)
        job = bench.jobs["orders"]
        assert (job.state, job.end_timestamp) == (told, ended_at)
        assert {each for _, each in bench.seen} <= {"starting", "running", told.value}
        assert ("why it ended" in job.error_text) is (told is not State.FINISHED)
        # It stays for as long as ended jobs do, and no longer.
        await bench.run_for(700)
        assert not bench.jobs

    polled(play, with_job(1), ended_retention=600)


def test_end_that_yarn_does_not_know_is_none() -> None:
    async def play(bench: YarnBench) -> None:
        await bench.run_for(40)
        bench.listed.change(
            1, state="FINISHED", finished_at=bench.runtime.clock(), job_manager=None, master="N/A"
        )
        await bench.run_for(200)
        assert not bench.jobs
        assert {each for _, each in bench.seen} <= {"starting", "running"}

    polled(play, with_job(1))


def test_end_of_a_cluster_with_several_jobs_is_none_of_them() -> None:
    async def play(bench: YarnBench) -> None:
        await bench.run_for(40)
        bench.listed.change(
            1,
            state="FINISHED",
            final_status="SUCCEEDED",
            finished_at=bench.runtime.clock(),
            job_manager=None,
            master="N/A",
        )
        await bench.run_for(200)
        assert ("shared", "finished") not in bench.seen
        assert {job.state for job in bench.snapshot.jobs} <= {State.STOPPED}

    jobs = [
        flink_job("1" * 32, name="a"),
        flink_job("2" * 32, name="b", state="CANCELED", **{"end-time": EPOCH * 1000}),
    ]
    polled(play, with_job(1, "shared", *jobs))


def test_session_cluster_takes_its_one_job_along_without_a_state() -> None:
    async def play(bench: YarnBench) -> None:
        await bench.run_for(40)
        bench.listed.change(
            1, state="KILLED", final_status="KILLED", job_manager=None, master="N/A"
        )
        await bench.run_for(200)
        assert not bench.jobs
        assert {each for _, each in bench.seen} == {"running"}

    polled(play, with_job(1, "Flink session cluster"))


def test_application_that_waits_in_its_queue_is_starting_until_its_job_is_seen() -> None:
    async def play(bench: YarnBench) -> None:
        await bench.run_for(90)
        job = bench.jobs["orders"]
        assert (job.state, job.native_status) == (State.STARTING, "ACCEPTED")
        assert (job.job_id, job.job_name) == (identity(1), "orders")
        assert bench.snapshot.up
        # A master has registered, and nobody has seen its job yet.
        bench.listed.change(1, state="RUNNING", master="10.0.0.1:1")
        await bench.run_for(60)
        job = bench.jobs["orders"]
        assert (job.state, job.native_status) == (State.STARTING, "RUNNING")
        manager = Manager([flink_job("1" * 32)])
        bench.listed.change(1, job_manager=manager.app())
        both = 0
        for _ in range(90):
            await bench.run_for(1)
            both += len(bench.snapshot.jobs) > 1
        assert [(job.job_id, job.state) for job in bench.snapshot.jobs] == [
            ("1" * 32, State.RUNNING)
        ]
        # One stands for the other, and neither was lost.
        assert both == 0
        assert not bench.snapshot.gone

    polled(play, application(1, state="ACCEPTED", master="N/A"))


def test_application_that_never_came_to_run_has_failed() -> None:
    async def play(bench: YarnBench) -> None:
        await bench.run_for(60)
        bench.listed.change(
            1, state="FAILED", final_status="FAILED", finished_at=bench.runtime.clock()
        )
        await bench.run_for(60)
        assert bench.jobs["orders"].state is State.FAILED
        assert bench.jobs["orders"].native_status == "FAILED"

    polled(play, application(1, state="ACCEPTED", master="N/A"))


def test_failover_between_any_two_requests_loses_no_job() -> None:
    async def play(bench: YarnBench) -> None:
        await bench.run_for(40)
        assert len(bench.jobs) == 3
        count = 0

        def fail_over(request: httpx.Request) -> None:
            nonlocal count
            count += 1
            if count % 3 == 0:
                active = bench.availability.active
                bench.availability.active = "rm2" if active == "rm1" else "rm1"

        bench.router.before = fail_over
        for _ in range(30):
            await bench.run_for(10)
            assert {name: job.state for name, job in bench.jobs.items()} == dict.fromkeys(
                ("a", "b", "c"), State.RUNNING
            )
        # Nobody is active for a while.
        bench.router.before = lambda request: None
        bench.availability.active = None
        await bench.run_for(120)
        assert set(bench.jobs) == {"a", "b", "c"}
        assert bench.snapshot.up is False
        bench.availability.active = "rm2"
        await bench.run_for(60)
        assert bench.snapshot.up
        assert set(bench.jobs) == {"a", "b", "c"}

    # Whoever is unlucky for so long would be stale; this is about who leaves.
    polled(play, with_job(1, "a"), with_job(2, "b"), with_job(3, "c"), stale_after=3600)


@pytest.mark.parametrize(
    "body", [b"<html></html>", b"{}", b'{"apps": []}', b"There is no active RM right now."]
)
def test_answer_of_somebody_else_takes_no_job_away(body: bytes) -> None:
    async def play(bench: YarnBench) -> None:
        await bench.run_for(40)
        bench.router.hosts["rm1"] = lambda request: httpx.Response(200, content=body)
        bench.router.hosts["rm2"] = lambda request: httpx.Response(200, content=body)
        await bench.run_for(200)
        assert bench.jobs["orders"].state is State.RUNNING
        assert bench.snapshot.up is False

    polled(play, with_job(1))


def test_warning_page_of_the_proxy_is_no_empty_list() -> None:
    """Where security is on, a proxy warns whoever is not the owner, with status 200."""

    async def play(bench: YarnBench) -> None:
        await bench.run_for(100)
        assert [job.state for job in bench.snapshot.jobs] == [State.STARTING]
        assert "a web page" in bench.reasons["orders"]
        page = bench.router.hosts["rm1"]
        bench.router.hosts["rm1"] = _without_warning(bench)
        # Whoever does not answer is asked less and less often.
        await bench.run_for(250)
        assert [job.state for job in bench.snapshot.jobs] == [State.RUNNING]
        bench.router.hosts["rm1"] = page
        await bench.run_for(100)
        assert [job.state for job in bench.snapshot.jobs] == [State.RUNNING]

    polled(play, with_job(1, user="somebody"), access=YarnAccess(secure=True))


def _without_warning(bench: YarnBench) -> Any:
    yarn = Yarn(
        applications=bench.listed,
        clock=bench.runtime.clock,
        availability=bench.availability,
        cluster_id=CLUSTER_ID,
    )
    return build(yarn)


def test_new_run_under_the_name_of_one_that_failed() -> None:
    async def play(bench: YarnBench) -> None:
        await bench.run_for(40)
        failed_at = bench.runtime.clock()
        bench.listed.change(
            1,
            state="FINISHED",
            final_status="FAILED",
            finished_at=failed_at,
            job_manager=None,
            master="N/A",
        )
        later = flink_job("2" * 32, **{"start-time": (failed_at + 5) * 1000})
        bench.listed.put(with_job(2, "orders", later))
        await bench.run_for(100)
        (job,) = bench.snapshot.jobs
        assert (job.project, job.job_id, job.state) == ("orders", "2" * 32, State.RUNNING)
        # Nobody ever saw the run that failed in another state than its own.
        assert {state for name, state in bench.seen} <= {"starting", "running", "failed"}

    polled(play, with_job(1))


def test_equal_ids_of_jobs_in_two_applications_are_two_jobs() -> None:
    async def play(bench: YarnBench) -> None:
        await bench.run_for(40)
        assert {(job.project, job.job_id) for job in bench.snapshot.jobs} == {
            ("a", ZERO),
            ("b", ZERO),
        }

    polled(play, with_job(1, "a", flink_job()), with_job(2, "b", flink_job()))


def test_credentials_of_yarn_do_not_reach_a_job_manager_nor_the_reverse() -> None:
    async def play(bench: YarnBench) -> None:
        await bench.run_for(40)
        assert bench.jobs["orders"].state is State.RUNNING
        sent = {
            (request.url.path.startswith("/proxy"), request.headers.get("authorization", ""))
            for request in bench.router.requests
        }
        assert sent == {(True, "Bearer of-flink"), (False, "Bearer of-yarn")}

    polled(
        play,
        with_job(1),
        yarn={"auth": {"bearer": {"token": "of-yarn"}}},
        auth={"bearer": {"token": "of-flink"}},
        discovery={"hosts": ["rm[12]"]},
    )


def _archive(bench: YarnBench, state: str, start: float = EPOCH) -> None:
    jid = f"{1:032x}"
    end = bench.runtime.clock()
    bench.archive[f"/jobs/{jid}"] = {
        "jid": jid,
        "name": "orders job",
        "state": state,
        "start-time": start * 1000,
        "end-time": end * 1000,
        "timestamps": {state: end * 1000},
    }


def test_history_tells_what_yarn_does_not_know() -> None:
    async def play(bench: YarnBench) -> None:
        await bench.run_for(40)
        bench.listed.change(
            1, state="FINISHED", finished_at=bench.runtime.clock(), job_manager=None, master="N/A"
        )
        await bench.run_for(45)
        # The archive comes later.
        _archive(bench, "FINISHED")
        await bench.run_for(90)
        assert bench.jobs["orders"].state is State.FINISHED
        assert {state for _, state in bench.seen} == {"running", "finished"}

    polled(play, with_job(1), history=True)


def test_history_of_another_start_is_not_believed() -> None:
    async def play(bench: YarnBench) -> None:
        await bench.run_for(40)
        bench.listed.change(
            1, state="FINISHED", finished_at=bench.runtime.clock(), job_manager=None, master="N/A"
        )
        _archive(bench, "FAILED", start=EPOCH - 86400)
        await bench.run_for(500)
        assert not bench.jobs
        assert {state for _, state in bench.seen} == {"running"}

    polled(play, with_job(1), history=True)


def test_job_manager_as_history_is_told_and_hurts_nobody() -> None:
    async def play(bench: YarnBench) -> None:
        bench.archive["/config"] = {"features": {"web-history": False}}
        await bench.run_for(40)
        bench.listed.change(
            1, state="FINISHED", finished_at=bench.runtime.clock(), job_manager=None, master="N/A"
        )
        await bench.run_for(100)
        assert bench.jobs["payments"].state is State.RUNNING
        assert bench.snapshot.up
        told = " ".join(str(facts) for _, _, facts in bench.log.lines)
        assert "history_endpoint leads to a JobManager" in told

    polled(play, with_job(1), with_job(2, "payments"), history=True)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"endpoint": "http://f:8081", "history_endpoint": "http://h:8082"},
            "for discovery only",
        ),
        (
            {
                "discovery": {"yarn": {"endpoints": [RM1]}},
                "history_auth": {"bearer": {"token": "t"}},
            },
            "only with history_endpoint",
        ),
        ({"discovery": {"yarn": {"endpoints": []}}}, "at least 1 item"),
    ],
)
def test_settings_that_make_no_sense_say_so(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Settings.model_validate({"name": "f", "platform": "apache_flink", **settings})
