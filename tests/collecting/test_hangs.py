"""A platform that hangs is noticed soon, and nothing waits for questions that it hangs on."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from exporter.app import App
from exporter.configuration.config import parse
from exporter.errors import FetchError, Reason
from exporter.model import Job, State
from tests.collecting.scripted_source import Bench, ScriptedSource
from tests.jobs import job
from tests.recording import RecordingLog
from tests.virtual_time import run, virtual_world

FOR_EVER = 10.0**6
IDS = tuple(f"{number:032x}" for number in range(40))


def _document(path: str) -> Any:
    parts = path.strip("/").split("/")
    if path == "/config":
        return {"flink-version": "1.17.0"}
    if parts == ["jobs", "overview"]:
        return {"jobs": [{"jid": each, "name": each, "state": "RUNNING"} for each in IDS]}
    if len(parts) == 2:
        return {"jid": parts[1], "name": parts[1], "state": "RUNNING", "vertices": []}
    return [] if parts[-1] == "metrics" else {}


class Cluster:
    """A Flink cluster that hangs from a moment on, `after` seconds behind its fourth listing."""

    def __init__(self, *, after: float, latency: float) -> None:
        self.begins = float("inf")
        self.ends = float("inf")
        self.listed: list[float] = []
        self._after = after
        self._latency = latency

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        listing = request.url.path == "/jobs/overview"
        if listing:
            self.listed.append(self._now())
            if len(self.listed) == 4:
                self.begins = self._now() + self._after
        await self._hang()
        await asyncio.sleep(0.0 if listing else self._latency)
        await self._hang()
        return httpx.Response(200, json=_document(request.url.path))

    async def _hang(self) -> None:
        if self.begins <= self._now() < self.ends:
            await asyncio.sleep(FOR_EVER)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def exporter(cluster: Cluster, more: str = "") -> App:
    text = f"sources: [{{name: f, platform: apache_flink, endpoint: 'http://f'{more}}}]"
    return App(
        lambda: parse(text, environ={}, directory=Path()),
        runtime=virtual_world(httpx.MockTransport(cluster)),
        log=RecordingLog(),
    )


async def seconds_until_told(cluster: Cluster, more: str = "") -> float:
    """Return the seconds from the beginning of the hang until the source is down."""
    app, loop = exporter(cluster, more), asyncio.get_running_loop()
    await app.start()
    while app.store.snapshots["f"].up is not False:  # noqa: ASYNC110 (nothing tells)
        await asyncio.sleep(0.01)
    told = loop.time() - cluster.begins
    await app.stop()
    return told


@pytest.mark.parametrize("latency", [0.05, 1.0, 3.0, 9.0])
@pytest.mark.parametrize("after", [0.001, 0.01, 1.0, 5.0, 12.0, 20.0, 28.0, 29.99])
def test_hang_is_told_within_two_timeouts_of_the_next_poll(after: float, latency: float) -> None:
    """At the defaults: thirty seconds until the next poll, and twice ten."""
    told = run(seconds_until_told(Cluster(after=after, latency=latency)))
    assert told <= 30 - after + 20 + 0.1


@pytest.mark.parametrize("interval", [1, 5, 10])
def test_hang_is_told_within_two_timeouts_where_polls_are_shorter_than_they(interval: int) -> None:
    more = f", poll_interval: {interval}s"
    told = run(seconds_until_told(Cluster(after=0.3, latency=0.05), more))
    assert told <= interval + 20 + 0.1


def test_source_comes_back_with_the_first_poll_after_the_hang() -> None:
    async def scenario() -> None:
        cluster = Cluster(after=3.0, latency=0.05)
        app = exporter(cluster)
        await app.start()
        await asyncio.sleep(300)
        snapshot = app.store.snapshots["f"]
        assert (snapshot.up, {each.state for each in snapshot.jobs}) == (False, {State.RUNNING})
        cluster.ends = asyncio.get_running_loop().time()
        await asyncio.sleep(60)
        assert app.store.snapshots["f"].up is True
        await app.stop()

    run(scenario())


def waiting(seconds: float, *names: str) -> Any:
    """Return a source whose questions about some jobs take long, and about others no time."""

    class Waiting(ScriptedSource):
        begun: list[str]
        cancelled: list[str]

        async def fetch_details(self, job: Job) -> Any:
            self.begun.append(job.job_name)
            try:
                if job.job_name in names or not names:
                    await asyncio.sleep(seconds)
            except asyncio.CancelledError:
                self.cancelled.append(job.job_name)
                raise
            return await super().fetch_details(job)

    source = Waiting(lambda now: [job(f"j{n:02}") for n in range(30)])
    source.begun, source.cancelled = [], []
    return source


@pytest.mark.parametrize("interval", [5.0, 10.0, 30.0, 60.0])
def test_no_listing_waits_for_questions_that_hang(interval: float) -> None:
    async def scenario() -> None:
        source = waiting(FOR_EVER)
        bench = Bench(source, poll_interval=interval)
        await bench.run_for(20 * interval)
        gaps = [b - a for a, b in zip(source.listed_at, source.listed_at[1:], strict=False)]
        assert gaps == pytest.approx([interval] * len(gaps))
        # As many connections as there may be at a time, in each poll: no more.
        assert len(source.cancelled) == len(source.begun) <= 8 * 20
        # It is the question that has no answer, and not the job that failed.
        assert bench.value("streaming_source_detail_failures_total", reason="timeout") == 0
        assert bench.value("streaming_source_poll_overruns_total") == len(source.listed_at) - 1
        # Every job had its turn.
        assert len(set(source.begun)) == 30

    run(scenario())


def test_jobs_that_hang_leave_time_for_all_others() -> None:
    async def scenario() -> None:
        source = waiting(FOR_EVER, *(f"j{n:02}" for n in range(10)))
        bench = Bench(source, poll_interval=10.0, detail_interval=30.0, concurrency=4)
        await bench.run_for(400)
        counts = {name: sum(asked == name for asked, _ in source.asked) for name in source.begun}
        assert all(counts[f"j{n:02}"] >= 3 for n in range(10, 30)), counts

    run(scenario())


def test_question_that_could_not_be_answered_in_time_is_not_begun() -> None:
    async def scenario() -> None:
        source = waiting(7.0)
        bench = Bench(source, poll_interval=10.0, concurrency=2)
        await bench.collector.poll()
        assert (source.begun, source.cancelled) == (["j00", "j01"], [])
        await bench.collector.poll()
        assert (source.begun[2:], source.cancelled) == (["j02", "j03"], [])

    run(scenario())


def test_question_that_had_little_time_is_the_first_of_the_next_round() -> None:
    async def scenario() -> None:
        source = waiting(7.0, *(f"j{n:02}" for n in range(1, 30)))
        bench = Bench(source, poll_interval=10.0, concurrency=1)
        await bench.collector.poll()
        assert (source.begun[-1], source.cancelled) == ("j02", ["j02"])
        await bench.collector.poll()
        assert source.begun[3] == "j02"

    run(scenario())


@pytest.mark.parametrize("takes", [12.0, 25.0, 45.0])
def test_answers_that_take_longer_than_a_poll_come_all_the_same(takes: float) -> None:
    """As long as the platform answers something on the way."""

    async def scenario() -> None:
        class Slow(ScriptedSource):
            async def fetch_details(self, job: Job) -> Any:
                for _ in range(5):
                    await asyncio.sleep(takes / 5)
                    bench.collector._stall.heard()
                return await super().fetch_details(job)

        source = Slow(lambda now: [job(f"j{n}") for n in range(12)])
        bench = Bench(source, poll_interval=10.0, concurrency=4)
        await bench.run_for(2000)
        assert {name for name, _ in source.asked} == {f"j{n}" for n in range(12)}

    run(scenario())


def test_failure_within_the_round_is_still_a_failure() -> None:
    async def scenario() -> None:
        error = FetchError(Reason.TIMEOUT, "ShowJob")
        bench = Bench(ScriptedSource(lambda now: [job("a")], lambda row, now: error))
        await bench.collector.poll()
        assert bench.value("streaming_source_detail_failures_total", reason="timeout") == 1

    run(scenario())
