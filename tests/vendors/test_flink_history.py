"""The HistoryServer tells how a job ended, and is believed where nothing else can be meant."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx
import pytest

from exporter.auth.guard import GuardBook
from exporter.errors import FetchError, Reason
from exporter.model import Job, State
from exporter.simulator.apache_flink import history, service
from exporter.simulator.apache_flink.cluster import Cluster, FlinkJob
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet, Phase
from exporter.source import SourceSettings
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.client import ApiClient
from exporter.upstream.connector import Connector
from exporter.upstream.refusals import flink
from exporter.vendors.flink.history import HistoryServer
from tests.virtual_time import EPOCH, run, virtual_world

T = TypeVar("T")


class Transport(httpx.AsyncBaseTransport):
    """An application, or canned answers by path before it."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.canned: dict[str, httpx.Response | Exception] = {}
        self.paths: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.path)
        canned = self.canned.get(request.url.path)
        if isinstance(canned, Exception):
            raise canned
        if canned is not None:
            return canned
        return await httpx.ASGITransport(app=self.app).handle_async_request(request)


class Stage:
    """A fleet whose jobs end, and the HistoryServer that hears of it."""

    def __init__(self, *, killed: Callable[[FlinkJob], bool] = lambda job: False) -> None:
        self.fleet = Fleet(seed=1, started_at=EPOCH - 3600, jobs=3)
        self.cluster = Cluster(self.fleet)
        self.transport = Transport(None)
        self.runtime = virtual_world(self.transport)
        self.server = history.HistoryServer(
            self.cluster, clock=self.runtime.clock, refresh=10, killed=killed
        )
        self.transport.app = self.server.app()
        settings = SourceSettings(name="flink", platform="apache_flink", rate_limit=1000)
        self.connector = Connector(
            settings, runtime=self.runtime, telemetry=Telemetry(), guards=GuardBook()
        )
        api = self.connector.api("http://history:8082", read_refusal=flink.read_refusal)

        async def ready() -> ApiClient:
            return api

        self.witness = HistoryServer(ready, self.runtime.clock, close=self.connector.aclose)
        self.flink = next(job for job in self.cluster.jobs(EPOCH) if job.state == "RUNNING")

    def job(self) -> Job:
        """Return the job as it was known last."""
        return Job(
            project="orders",
            job_id=self.flink.jid,
            job_name=self.flink.run.name,
            state=State.RUNNING,
            native_status="RUNNING",
            start_timestamp=round((self.flink.run.submitted_at or 0.0) * 1000) / 1000,
            restart_times=3,
            input_delay_seconds=5.0,
            engine_version="2.3.0",
            observed_timestamp=EPOCH,
        )

    async def end(self, phase: Phase, after: float = 60.0) -> None:
        """End the job and let time pass."""
        self.fleet.set_phase(self.flink.run.name, phase, self.runtime.clock())
        await asyncio.sleep(after)


def staged(play: Callable[[Stage], Awaitable[T]], **options: Any) -> T:
    async def perform() -> T:
        stage = Stage(**options)
        try:
            return await play(stage)
        finally:
            await stage.witness.aclose()

    return run(perform())


@pytest.mark.parametrize(
    ("phase", "state", "native"),
    [
        (Phase.FINISHED, State.FINISHED, "FINISHED"),
        (Phase.FAILED, State.FAILED, "FAILED"),
        (Phase.STOPPED, State.STOPPED, "CANCELED"),
    ],
)
def test_end_is_told_with_its_time(phase: Phase, state: State, native: str) -> None:
    async def play(stage: Stage) -> None:
        ended_at = stage.runtime.clock()
        await stage.end(phase)
        told = await stage.witness.tell_end(stage.job())
        assert told is not None
        assert (told.project, told.state, told.native_status) == ("orders", state, native)
        assert told.end_timestamp == ended_at
        assert told.observed_timestamp == stage.runtime.clock()
        # A HistoryServer has no metrics: what was known stays, what held for a moment goes.
        assert (told.restart_times, told.engine_version) == (3, "2.3.0")
        assert told.input_delay_seconds is None
        assert bool(told.error_type) is (state is State.FAILED)

    staged(play)


def test_archive_comes_later() -> None:
    async def play(stage: Stage) -> None:
        assert await stage.witness.tell_end(stage.job()) is None
        await stage.end(Phase.FINISHED, after=5)
        assert await stage.witness.tell_end(stage.job()) is None
        await asyncio.sleep(10)
        assert await stage.witness.tell_end(stage.job()) is not None
        # It is asked for what it is once.
        assert stage.transport.paths.count("/config") == 1

    staged(play)


def test_empty_history_is_no_news() -> None:
    async def play(stage: Stage) -> None:
        await stage.end(Phase.FINISHED)
        stage.server.restart()
        assert await stage.witness.tell_end(stage.job()) is None

    staged(play)


def test_killed_job_has_no_archive() -> None:
    async def play(stage: Stage) -> None:
        await stage.end(Phase.FAILED)
        assert await stage.witness.tell_end(stage.job()) is None

    staged(play, killed=lambda job: True)


@pytest.mark.parametrize("start", [EPOCH - 7, None])
def test_archive_of_another_start_is_not_of_this_job(start: float | None) -> None:
    async def play(stage: Stage) -> None:
        await stage.end(Phase.FINISHED)
        assert await stage.witness.tell_end(stage.job()._replace(start_timestamp=start)) is None

    staged(play)


def test_archive_without_a_start_is_of_nobody() -> None:
    async def play(stage: Stage) -> None:
        body = {"jid": stage.flink.jid, "state": "FINISHED", "end-time": EPOCH * 1000}
        stage.transport.canned[f"/jobs/{stage.flink.jid}"] = httpx.Response(200, json=body)
        assert await stage.witness.tell_end(stage.job()) is None

    staged(play)


def test_job_that_lives_has_not_ended() -> None:
    async def play(stage: Stage) -> None:
        start = round((stage.job().start_timestamp or 0) * 1000)
        for state in ("RUNNING", "SUSPENDED", "WHATEVER", ""):
            body = {"jid": stage.flink.jid, "state": state, "start-time": start}
            stage.transport.canned[f"/jobs/{stage.flink.jid}"] = httpx.Response(200, json=body)
            assert await stage.witness.tell_end(stage.job()) is None

    staged(play)


@pytest.mark.parametrize("part", ["exceptions", "checkpoints"])
@pytest.mark.parametrize(
    "answer",
    [
        httpx.ConnectError("refused"),
        httpx.Response(404, json={"errors": ["File not found."]}),
        httpx.Response(200, json={"errors": ["Checkpointing has not been enabled."]}),
        httpx.Response(200, json={}),
    ],
)
def test_part_that_is_not_there_hides_no_end(part: str, answer: Any) -> None:
    async def play(stage: Stage) -> None:
        await stage.end(Phase.FAILED)
        stage.transport.canned[f"/jobs/{stage.flink.jid}/{part}"] = answer
        told = await stage.witness.tell_end(stage.job())
        assert told is not None
        assert told.state is State.FAILED
        if part == "exceptions":
            assert told.error_type == ""
        else:
            assert told.last_checkpoint_completed_timestamp is None

    staged(play)


def test_checkpoints_are_those_of_the_end() -> None:
    async def play(stage: Stage) -> None:
        await stage.end(Phase.FINISHED)
        body = {
            "counts": {"failed": 2},
            "latest": {"completed": {"latest_ack_timestamp": EPOCH * 1000, "state_size": 7}},
        }
        path = f"/jobs/{stage.flink.jid}/checkpoints"
        stage.transport.canned[path] = httpx.Response(200, json=body)
        told = await stage.witness.tell_end(stage.job())
        assert told is not None
        assert told.checkpoints_failed == 2
        assert told.last_checkpoint_completed_timestamp == EPOCH
        assert told.last_checkpoint_size_bytes == 7

    staged(play)


def test_answer_about_another_job_is_an_error() -> None:
    async def play(stage: Stage) -> None:
        bodies: list[Any] = [[], {"jid": "f" * 32}, 3]
        for body in bodies:
            answer = httpx.Response(200, json=body)
            stage.transport.canned[f"/jobs/{stage.flink.jid}"] = answer
            with pytest.raises(FetchError, match="expected the job that was asked for"):
                await stage.witness.tell_end(stage.job())

    staged(play)


def test_job_manager_in_its_place_is_a_clear_error() -> None:
    async def play(stage: Stage) -> None:
        stage.transport.app = service.build(
            fleet=stage.fleet, faults=FaultInjection(), clock=stage.runtime.clock
        )
        await stage.end(Phase.FINISHED)
        for _ in range(2):
            with pytest.raises(FetchError, match="leads to a JobManager") as caught:
                await stage.witness.tell_end(stage.job())
            assert caught.value.reason is Reason.INVALID_RESPONSE
        # Where the endpoint is put right, it is believed.
        stage.transport.app = stage.server.app()
        assert await stage.witness.tell_end(stage.job()) is not None

    staged(play)


def test_older_version_that_does_not_name_its_features_is_known_by_what_it_lacks() -> None:
    async def play(stage: Stage) -> None:
        await stage.end(Phase.FINISHED)
        stage.transport.canned["/config"] = httpx.Response(200, json={"features": {}})
        stage.transport.canned["/overview"] = httpx.Response(200, json={"taskmanagers": 1})
        with pytest.raises(FetchError, match="leads to a JobManager"):
            await stage.witness.check()
        stage.transport.canned["/overview"] = httpx.Response(503, json={"errors": ["x"]})
        with pytest.raises(FetchError, match="503"):
            await stage.witness.check()
        del stage.transport.canned["/overview"]
        assert await stage.witness.tell_end(stage.job()) is not None

    staged(play)


@pytest.mark.parametrize("body", [[], {}, {"features": 3}, {"version": "9"}])
def test_stranger_in_its_place_is_a_clear_error(body: Any) -> None:
    async def play(stage: Stage) -> None:
        stage.transport.canned["/config"] = httpx.Response(200, json=body)
        with pytest.raises(FetchError, match="leads to another service"):
            await stage.witness.tell_end(stage.job())

    staged(play)


def test_silent_one_is_told() -> None:
    async def play(stage: Stage) -> None:
        await stage.end(Phase.FINISHED)
        await stage.witness.check()
        path = f"/jobs/{stage.flink.jid}"
        stage.transport.canned[path] = httpx.ConnectError("refused")
        with pytest.raises(FetchError) as caught:
            await stage.witness.tell_end(stage.job())
        assert caught.value.reason is Reason.CONNECTION

    staged(play)
