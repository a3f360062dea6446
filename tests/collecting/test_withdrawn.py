"""What nobody knows any more is not shown, though other parts of the details go on to arrive."""

import pytest

from exporter.fields import Flaws
from exporter.model import Job
from exporter.source import Details
from tests.collecting.job_trackers import job_tracker, listing
from tests.collecting.scripted_source import Bench, ScriptedSource
from tests.jobs import job
from tests.virtual_time import EPOCH, run

TASKS = (("running", 2),)


def test_fact_that_is_withdrawn_goes_at_once_and_others_stay() -> None:
    tracker = job_tracker()
    tracker.note_inventory(listing(job("a")), EPOCH)
    tracker.note_details(job("a", input_delay_seconds=3.0, restart_times=7, queue="q"), EPOCH)
    tracker.note_details(job("a", tasks=TASKS), EPOCH + 30, withdrawn=("input_delay_seconds",))
    [shown] = tracker.jobs(EPOCH + 30)
    assert (shown.input_delay_seconds, shown.restart_times, shown.queue) == (None, 7, "q")
    tracker.note_details(job("a", restart_times=8), EPOCH + 60, withdrawn=("queue",))
    [shown] = tracker.jobs(EPOCH + 60)
    assert (shown.restart_times, shown.queue) == (8, "")


def test_first_details_may_withdraw_as_well() -> None:
    tracker = job_tracker()
    tracker.note_inventory(listing(job("a")), EPOCH)
    tracker.note_details(job("a"), EPOCH, withdrawn=("input_delay_seconds",))
    assert tracker.jobs(EPOCH)[0].input_delay_seconds is None


def test_collector_hands_on_what_a_source_withdraws() -> None:
    def details(row: Job, now: float) -> Details:
        if now < 100:
            told = job("a", input_delay_seconds=3.0).at(EPOCH + now)
            return Details(job=told, flaws=Flaws())
        told = job("a").at(EPOCH + now)
        return Details(job=told, flaws=Flaws(), withdrawn=("input_delay_seconds",))

    async def scenario() -> None:
        source = ScriptedSource(lambda now: [job("a")], details=details)
        bench = Bench(source, poll_interval=10.0, detail_interval=10.0, stale_after=3600.0)
        await bench.run_for(60)
        assert bench.store.snapshots["s"].jobs[0].input_delay_seconds == 3.0
        await bench.run_for(120)
        assert bench.store.snapshots["s"].jobs[0].input_delay_seconds is None

    run(scenario())


def test_what_is_withdrawn_of_other_jobs_goes_at_once() -> None:
    lost = {job(name).key: ("input_delay_seconds",) for name in ("b", "stranger")}

    def details(row: Job, now: float) -> Details:
        told = job(row.job_id, input_delay_seconds=3.0, restart_times=7).at(EPOCH + now)
        elsewhere = lost if now >= 100 and row.job_id == "a" else {}
        return Details(job=told, flaws=Flaws(), withdrawn_elsewhere=elsewhere)

    async def scenario() -> None:
        source = ScriptedSource(lambda now: [job("a"), job("b")], details=details)
        bench = Bench(source, poll_interval=10.0, detail_interval=60.0, stale_after=3600.0)
        await bench.run_for(99)
        a, b = bench.store.snapshots["s"].jobs
        assert (a.input_delay_seconds, b.input_delay_seconds) == (3.0, 3.0)
        seen = set()
        for _ in range(20):
            await bench.run_for(10)
            a, b = bench.store.snapshots["s"].jobs
            seen.add((a.input_delay_seconds, b.input_delay_seconds))
            assert (a.restart_times, b.restart_times) == (7, 7)
        assert seen == {(3.0, None), (3.0, 3.0)}

    run(scenario())


@pytest.mark.parametrize(("later", "delay"), [(150, 3.0), (210, None)])
def test_delay_whose_part_fails_goes_in_the_end(later: int, delay: float | None) -> None:
    """Tasks that go on to be counted do not make it any younger."""
    tracker = job_tracker(detail_interval=60.0, stale_after=120.0)
    tracker.note_inventory(listing(job("a")), EPOCH)
    tracker.note_details(job("a", input_delay_seconds=3.0, tasks=TASKS), EPOCH)
    for at in range(30, later + 1, 30):
        now = EPOCH + at
        tracker.note_inventory(listing(job("a").at(now)), now)
        tracker.note_details(job("a", tasks=TASKS).at(now), now)
    [shown] = tracker.jobs(EPOCH + later)
    assert (shown.input_delay_seconds, shown.tasks) == (delay, TASKS)


@pytest.mark.parametrize(("later", "records"), [(150, 12.0), (210, None)])
def test_records_whose_part_fails_go_in_the_end(later: int, records: float | None) -> None:
    """A delay that goes on to be told does not make them any younger, nor the reverse."""
    tracker = job_tracker(detail_interval=60.0, stale_after=120.0)
    tracker.note_inventory(listing(job("a")), EPOCH)
    tracker.note_details(job("a", read_records=12.0), EPOCH)
    for at in range(30, later + 1, 30):
        now = EPOCH + at
        tracker.note_inventory(listing(job("a").at(now)), now)
        tracker.note_details(job("a", input_delay_seconds=3.0).at(now), now)
    [shown] = tracker.jobs(EPOCH + later)
    assert (shown.read_records, shown.input_delay_seconds) == (records, 3.0)
