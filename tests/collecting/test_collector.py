"""One source polled for ever, in virtual time."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from exporter.collecting.collector import SourceCollector
from exporter.collecting.store import Store
from exporter.errors import FetchError, Reason
from exporter.fields import Flaws
from exporter.model import Job, Snapshot, State
from exporter.source import Details, Inventory, SourceSettings
from exporter.telemetry.telemetry import Telemetry
from tests.jobs import job
from tests.recording import RecordingLog
from tests.virtual_time import EPOCH, run, virtual_world


class ScriptedSource:
    """A source that answers what its script says, at the virtual time it is asked."""

    def __init__(
        self,
        listing: Callable[[float], list[Job] | Exception | Inventory],
        details: Callable[[Job, float], Job | Exception | Details] = lambda job, now: job,
        *,
        latency: float = 0.0,
    ) -> None:
        self._listing = listing
        self._details = details
        self._latency = latency
        self.listed_at: list[float] = []
        self.asked: list[tuple[str, float]] = []
        self.closed = False

    async def fetch_inventory(self) -> Inventory:
        await asyncio.sleep(self._latency)
        now = asyncio.get_running_loop().time()
        self.listed_at.append(now)
        answer = self._listing(now)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Inventory):
            return answer
        rows = tuple(row.at(EPOCH + now) for row in answer)
        return Inventory(jobs=rows, flaws=Flaws())

    async def fetch_details(self, job: Job) -> Details:
        await asyncio.sleep(self._latency)
        now = asyncio.get_running_loop().time()
        self.asked.append((job.job_name, now))
        answer = self._details(job, now)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Details):
            return answer
        return Details(job=answer.at(EPOCH + now), flaws=Flaws())

    async def aclose(self) -> None:
        self.closed = True


class Bench:
    """A collector with everything around it."""

    def __init__(
        self, source: ScriptedSource, *, store: Store | None = None, **settings: Any
    ) -> None:
        self.source = source
        self.store = store or Store()
        self.telemetry = Telemetry()
        self.log = RecordingLog()
        self.collector = SourceCollector(
            SourceSettings(name="s", platform="x", **settings),
            source,
            supersedes=False,
            store=self.store,
            telemetry=self.telemetry,
            runtime=virtual_world(),
            log=self.log,
        )

    async def run_for(self, seconds: float) -> None:
        self.collector.announce()
        task = asyncio.create_task(self.collector.run())
        await asyncio.sleep(seconds)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    def value(self, name: str, **labels: str) -> float | None:
        return self.telemetry.registry.get_sample_value(
            name, {"source": "s", "platform": "x", **labels}
        )

    @property
    def jobs(self) -> tuple[Job, ...]:
        return self.store.snapshots["s"].jobs


def test_first_poll_comes_soon_and_the_next_ones_at_the_interval() -> None:
    async def scenario() -> None:
        bench = Bench(ScriptedSource(lambda now: [job("a")]), poll_interval=30.0)
        await bench.run_for(100)
        first, *rest = bench.source.listed_at
        assert 0 <= first <= 3
        assert [round(at - first, 6) for at in rest] == [30, 60, 90]
        assert bench.value("streaming_source_polls_total") == 4

    run(scenario())


def test_source_is_not_up_nor_down_before_its_first_poll_has_ended() -> None:
    async def scenario() -> None:
        bench = Bench(ScriptedSource(lambda now: [job("a")], latency=5.0))
        await bench.run_for(4)
        assert bench.store.snapshots["s"].up is None

    run(scenario())


def test_states_are_published_before_details_arrive() -> None:
    async def scenario() -> None:
        bench = Bench(
            ScriptedSource(lambda now: [job("a")], lambda row, now: job("a", queue="q"), latency=4)
        )
        task = asyncio.create_task(bench.collector.poll())
        await asyncio.sleep(5)
        assert [(each.job_name, each.queue) for each in bench.jobs] == [("a", "")]
        await task
        assert [(each.job_name, each.queue) for each in bench.jobs] == [("a", "q")]

    run(scenario())


def test_failed_poll_keeps_every_value_and_counts_its_reason() -> None:
    error = FetchError(Reason.TIMEOUT, "ListJobs")

    async def scenario() -> None:
        bench = Bench(
            ScriptedSource(lambda now: [job("a")] if now < 10 else error), poll_interval=30.0
        )
        await bench.run_for(45)
        snapshot = bench.store.snapshots["s"]
        assert snapshot.up is False
        assert snapshot.failure == "ListJobs failed: timeout"
        assert [each.state for each in snapshot.jobs] == [State.RUNNING]
        assert snapshot.jobs[0].observed_timestamp < EPOCH + 10
        assert bench.value("streaming_source_poll_failures_total", reason="timeout")
        assert bench.value("streaming_source_poll_failures_total", reason="auth") == 0

    run(scenario())


def test_failing_source_is_asked_more_often_than_usual_but_not_all_the_time() -> None:
    error = FetchError(Reason.CONNECTION, "ListJobs")

    async def scenario() -> None:
        bench = Bench(ScriptedSource(lambda now: error), poll_interval=40.0)
        await bench.run_for(4000)
        pauses = [
            b - a for a, b in zip(bench.source.listed_at, bench.source.listed_at[1:], strict=False)
        ]
        assert all(5 <= pause <= 40 for pause in pauses)
        assert len({round(pause, 3) for pause in pauses}) > 20

    run(scenario())


def test_platform_that_asks_for_patience_gets_it() -> None:
    error = FetchError(Reason.THROTTLED, "ListJobs", retry_after=500.0)

    async def scenario() -> None:
        bench = Bench(ScriptedSource(lambda now: error), poll_interval=40.0)
        await bench.run_for(1400)
        first, second, third = bench.source.listed_at
        assert (second - first, third - second) == pytest.approx((500, 500))

    run(scenario())


def test_outage_is_logged_once_and_its_end_once() -> None:
    error = FetchError(Reason.CONNECTION, "ListJobs")

    async def scenario() -> None:
        bench = Bench(ScriptedSource(lambda now: error if 50 < now < 500 else [job("a")]))
        await bench.run_for(1000)
        assert bench.log.said() == [
            "poll failed, keeping the last good values",
            "poll succeeded again",
        ]

    run(scenario())


def test_fault_of_ours_fails_the_poll_and_not_the_task() -> None:
    async def scenario() -> None:
        bench = Bench(ScriptedSource(lambda now: KeyError("hunter2") if now < 50 else [job("a")]))
        await bench.run_for(100)
        assert bench.value("streaming_source_poll_failures_total", reason="invalid_response")
        assert bench.store.snapshots["s"].up is True
        assert "hunter2" not in repr(bench.log.lines)
        assert "KeyError at test_collector.py" in repr(bench.log.lines)

    run(scenario())


def test_bad_job_does_not_hurt_the_others() -> None:
    def details(row: Job, now: float) -> Job | Exception:
        if row.job_name == "bad":
            return FetchError(Reason.SERVER, "ShowJob", status=500)
        if row.job_name == "worse":
            return RuntimeError("boom")
        return job(row.job_name, queue="q")

    async def scenario() -> None:
        bench = Bench(ScriptedSource(lambda now: [job("bad"), job("good"), job("worse")], details))
        assert await bench.collector.poll() is None
        assert {each.job_name: each.queue for each in bench.jobs} == {
            "bad": "",
            "good": "q",
            "worse": "",
        }
        assert bench.store.snapshots["s"].up is True
        assert bench.value("streaming_source_detail_failures_total", reason="server") == 1
        assert bench.value("streaming_source_detail_failures_total", reason="invalid_response") == 1

    run(scenario())


@pytest.mark.parametrize("reason", [Reason.AUTH, Reason.THROTTLED, Reason.CONNECTION, Reason.TLS])
def test_refusal_that_concerns_all_ends_the_round_of_details(reason: Reason) -> None:
    async def scenario() -> None:
        bench = Bench(
            ScriptedSource(
                lambda now: [job(f"j{n}") for n in range(50)],
                lambda row, now: FetchError(reason, "ShowJob"),
            ),
            concurrency=4,
        )
        await bench.collector.poll()
        assert len(bench.source.asked) <= 4
        assert bench.store.snapshots["s"].up is True

    run(scenario())


def test_deleted_job_is_asked_about_by_id_and_let_go() -> None:
    def details(row: Job, now: float) -> Job | Exception:
        if now > 10:
            return FetchError(Reason.NOT_FOUND, "ShowJob", gone=True)
        return row

    async def scenario() -> None:
        bench = Bench(ScriptedSource(lambda now: [job("a")] if now < 10 else [], details))
        await bench.run_for(45)
        assert bench.jobs == ()
        assert len(bench.source.asked) == 2

    run(scenario())


def test_job_missing_once_stays_when_asking_for_it_fails() -> None:
    def details(row: Job, now: float) -> Job | Exception:
        return row if now < 10 else FetchError(Reason.TIMEOUT, "ShowJob")

    async def scenario() -> None:
        bench = Bench(ScriptedSource(lambda now: [] if 20 < now < 40 else [job("a")], details))
        await bench.run_for(45)
        assert [each.job_name for each in bench.jobs] == ["a"]

    run(scenario())


def test_details_give_way_to_the_next_listing_and_go_on_after_it() -> None:
    async def scenario() -> None:
        bench = Bench(
            ScriptedSource(lambda now: [job(f"j{n:02}") for n in range(40)], latency=1.0),
            poll_interval=10.0,
            concurrency=1,
            detail_interval=1000.0,
        )
        await bench.run_for(100)
        gaps = [
            b - a for a, b in zip(bench.source.listed_at, bench.source.listed_at[1:], strict=False)
        ]
        assert max(gaps) <= 11
        assert {name for name, _ in bench.source.asked} == {f"j{n:02}" for n in range(40)}
        assert bench.value("streaming_source_poll_overruns_total")

    run(scenario())


def behind(jobs: int, **settings: Any) -> Bench:
    """Return a collector of jobs whose details take a second each, one at a time."""

    def listing(now: float) -> list[Job]:
        # From the thousandth second on there is time enough.
        return [job(f"j{n:02}") for n in range(jobs if now < 1000 else 5)]

    return Bench(
        ScriptedSource(listing, latency=1.0), concurrency=1, stale_after=3600.0, **settings
    )


def test_details_that_come_late_are_said_once_and_so_is_their_end() -> None:
    async def scenario() -> None:
        bench = behind(60, poll_interval=10.0, detail_interval=20.0)
        await bench.run_for(2000)
        late = (
            "details come less often than detail_interval: raise rate_limit, concurrency, "
            "poll_interval or detail_interval, or add shards"
        )
        assert bench.log.said() == [late, "details come within detail_interval again"]

    run(scenario())


def test_age_of_the_oldest_details_grows_evenly_when_there_is_no_time_for_all() -> None:
    async def scenario() -> None:
        bench = behind(60, poll_interval=10.0, detail_interval=20.0)
        task = asyncio.create_task(bench.collector.run())
        await asyncio.sleep(300)
        ages = []
        for _ in range(60):
            await asyncio.sleep(10)
            ages.append(bench.store.snapshots["s"].detail_age_seconds or 0.0)
        # Sixty questions of a second each, and a listing for every nine of them.
        assert 55 <= min(ages) <= max(ages) <= 90
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(scenario())


def test_first_round_that_does_not_fit_is_not_called_late() -> None:
    async def scenario() -> None:
        bench = behind(60, poll_interval=10.0, detail_interval=900.0)
        await bench.run_for(700)
        assert bench.log.said() == []
        assert len({name for name, _ in bench.source.asked}) == 60

    run(scenario())


def test_details_have_their_turn_though_the_listing_takes_longer_than_the_interval() -> None:
    async def scenario() -> None:
        bench = Bench(
            ScriptedSource(lambda now: [job(f"j{n}") for n in range(4)], latency=60.0),
            poll_interval=20.0,
            detail_interval=30.0,
            stale_after=3600.0,
            concurrency=1,
        )
        await bench.run_for(3000)
        assert {name for name, _ in bench.source.asked} == {"j0", "j1", "j2", "j3"}
        assert len(bench.source.listed_at) >= 20

    run(scenario())


def test_long_round_of_details_is_published_once_for_all_who_ask() -> None:
    class Counting(Store):
        published = 0

        def put(self, snapshot: Snapshot) -> None:
            self.published += 1
            super().put(snapshot)

    async def scenario() -> None:
        store = Counting()
        source = ScriptedSource(lambda now: [job(f"j{n:03}") for n in range(400)], latency=1.0)
        bench = Bench(source, store=store, poll_interval=60.0, concurrency=8)
        await bench.collector.poll()
        # 50 s of questions: one publication in each five, one of the listing, one at the end.
        assert 10 <= store.published <= 12

    run(scenario())


def test_long_round_of_details_publishes_on_the_way() -> None:
    async def scenario() -> None:
        bench = Bench(
            ScriptedSource(
                lambda now: [job(f"j{n:02}") for n in range(20)],
                lambda row, now: job(row.job_name, queue="q"),
                latency=1.0,
            ),
            poll_interval=60.0,
            concurrency=1,
        )
        task = asyncio.create_task(bench.collector.poll())
        await asyncio.sleep(12)
        assert 3 <= sum(each.queue == "q" for each in bench.jobs) < 20
        await task

    run(scenario())


def test_poll_within_its_interval_is_no_overrun() -> None:
    async def scenario() -> None:
        bench = Bench(ScriptedSource(lambda now: [job("a")]))
        await bench.run_for(300)
        assert bench.value("streaming_source_poll_overruns_total") == 0

    run(scenario())


def test_project_that_cannot_be_listed_makes_the_source_fail_but_not_its_other_projects() -> None:
    def listing(now: float) -> Inventory:
        return Inventory(
            jobs=(job("a").at(EPOCH + now),),
            incomplete=(("q", FetchError(Reason.AUTH, "ListJobs")),),
            flaws=Flaws(),
        )

    async def scenario() -> None:
        bench = Bench(ScriptedSource(listing))
        failure = await bench.collector.poll()
        assert failure is not None
        assert bench.store.snapshots["s"].up is False
        assert [each.job_name for each in bench.jobs] == ["a"]
        assert bench.value("streaming_source_poll_failures_total", reason="auth") == 1

    run(scenario())


def test_flaws_are_counted_each_time_and_logged_once() -> None:
    def listing(now: float) -> Inventory:
        flaws = Flaws()
        flaws.note("jobs[3].start_time", "a number")
        flaws.note("jobs[7].start_time", "a number")
        flaws.note_state("job_dancing")
        return Inventory(jobs=(job("a").at(EPOCH + now),), flaws=flaws)

    async def scenario() -> None:
        bench = Bench(ScriptedSource(listing))
        await bench.run_for(65)
        assert bench.value("streaming_source_unreadable_fields_total") == 6
        assert bench.value("streaming_source_unknown_states_total") == 3
        assert [facts for level, _, facts in bench.log.lines if level == "warning"] == [
            {"field": "jobs[].start_time: expected a number"},
            {"word": "job_dancing"},
        ]

    run(scenario())


def test_part_of_the_details_that_failed_is_counted_and_the_rest_kept() -> None:
    def details(row: Job, now: float) -> Details:
        return Details(
            job=job("a", queue="q").at(EPOCH + now),
            flaws=Flaws(),
            failures=(FetchError(Reason.SERVER, "ShowGraph", status=500),),
        )

    async def scenario() -> None:
        bench = Bench(ScriptedSource(lambda now: [job("a")], details))
        await bench.collector.poll()
        assert bench.jobs[0].queue == "q"
        assert bench.value("streaming_source_detail_failures_total", reason="server") == 1

    run(scenario())


def test_jobs_known_before_a_change_of_settings_stay_through_a_failing_first_poll() -> None:
    error = FetchError(Reason.CONNECTION, "ListJobs")

    async def scenario() -> None:
        before = Bench(ScriptedSource(lambda now: [job("a")]))
        await before.collector.poll()
        after = Bench(ScriptedSource(lambda now: error), poll_interval=20.0)
        after.collector.adopt(before.collector.snapshot)
        await after.run_for(30)
        assert [each.job_name for each in after.jobs] == ["a"]
        assert after.store.snapshots["s"].last_success_timestamp == EPOCH

    run(scenario())
