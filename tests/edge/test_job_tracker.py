"""The newest report of a job counts, and silence is told before a job is withdrawn."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from exporter.collecting.store import Store
from exporter.edge.job_tracker import EdgeJobTracker
from exporter.edge.jobs import KnownJob
from exporter.edge.journal_sql import StoredJob
from exporter.edge.publisher import Publisher
from exporter.edge.settings import EdgeSettings
from exporter.model import Job, State
from tests.virtual_time import EPOCH, run, virtual_world

EXPIRE, RETENTION = 600.0, 86400.0


def known(
    job_id: str = "1", state: State = State.RUNNING, *, at: float = 0.0, sent: float | None = None
) -> KnownJob:
    """Return a report received `at` seconds after the start, sent when it was unless given."""
    moment = EPOCH + (at if sent is None else sent)
    return KnownJob(
        project="p",
        job_id=job_id,
        create_time=int(moment * 1000),
        received=EPOCH + at,
        facts={"state": state.value, "native_status": "x", "state_since_timestamp": moment},
    )


def job_tracker(*reports: KnownJob) -> EdgeJobTracker:
    made = EdgeJobTracker(expire_after=EXPIRE, ended_retention=RETENTION)
    for report in reports:
        note(made, report)
    return made


def note(of: EdgeJobTracker, report: KnownJob) -> None:
    """Note a report as heard when it was received: the listening time is that of our clock here."""
    of.note(report, report.received)


def jobs(of: EdgeJobTracker, at: float) -> tuple[Job, ...]:
    return of.jobs(EPOCH + at, ["p"])


def test_later_of_two_reports_of_the_same_time_wins() -> None:
    made = job_tracker(known(at=0), known(state=State.FINISHED, at=1, sent=0))
    assert jobs(made, 1)[0].state is State.FINISHED


def test_time_of_a_state_is_that_of_its_first_report() -> None:
    made = job_tracker(known(at=0), known(at=10))
    assert jobs(made, 10)[0].state_since_timestamp == EPOCH
    note(made, known(state=State.FAILED, at=20))
    assert jobs(made, 20)[0].state_since_timestamp == EPOCH + 20


def test_last_error_is_remembered_when_the_job_works_again() -> None:
    failed = known(state=State.FAILED, at=0)
    made = job_tracker(replace(failed, facts={**failed.facts, "last_error_timestamp": 5.0}))
    note(made, known(at=10))
    assert jobs(made, 10)[0].last_error_timestamp == 5.0


def test_silent_job_is_stale_then_withdrawn() -> None:
    made = job_tracker(known())
    stale = [[job.stale for job in jobs(made, at)] for at in (0, 600, 600.1, 1200, 1200.1)]
    assert stale == [[False], [False], [True], [True], []]


def test_reported_again_it_is_fresh() -> None:
    made = job_tracker(known())
    assert jobs(made, 700)[0].stale
    note(made, known(at=701))
    assert not jobs(made, 701)[0].stale


@pytest.mark.parametrize("state", [State.FAILED, State.STOPPED, State.FINISHED])
def test_ended_job_is_never_stale_and_leaves_after_its_retention(state: State) -> None:
    made = job_tracker(known(state=state))
    stale = [[job.stale for job in jobs(made, at)] for at in (0, 1300, 86400, 86400.1)]
    assert stale == [[False], [False], [False], []]


def test_next_change_is_when_something_happens_by_itself() -> None:
    made = job_tracker(known(), known("2", at=5))
    moments = [made.next_change(EPOCH + at) for at in (0, 600.1, 605.1, 1200.1, 1206)]
    assert moments == [EPOCH + 600, EPOCH + 605, EPOCH + 1200, EPOCH + 1205, None]
    assert job_tracker(known(state=State.FAILED)).next_change(EPOCH) == EPOCH + RETENTION


def test_withdrawn_job_is_forgotten_and_can_begin_anew() -> None:
    made = job_tracker(known(sent=10_000))
    (gone,) = made.gone(EPOCH + 1201)
    made.forget(gone)
    assert made.count("p") == 0
    # Its clock was wrong before; nothing of that is held against it.
    note(made, known(at=1300))
    assert len(jobs(made, 1300)) == 1


def test_job_reported_while_it_is_being_forgotten_stays() -> None:
    made = job_tracker(known())
    (gone,) = made.gone(EPOCH + 1201)
    note(made, known(at=1201))
    made.forget(gone)
    assert [job.job_id for job in jobs(made, 1201)] == ["1"]


def test_jobs_are_in_the_order_of_their_numbers() -> None:
    made = job_tracker(known("10"), known("9"), known(""))
    assert [job.job_id for job in jobs(made, 0)] == ["", "9", "10"]


def test_unchanged_job_stays_the_same_object() -> None:
    made = job_tracker(known(), known("2"))
    before = jobs(made, 0)
    note(made, known("2", at=5))
    after = jobs(made, 5)
    assert after[0] is before[0]
    assert after[1] is not before[1]


def test_jobs_of_a_project_no_longer_configured_are_hidden() -> None:
    assert job_tracker(known()).jobs(EPOCH, ["other"]) == ()


def test_unreadable_facts_are_refused_when_restored() -> None:
    made = job_tracker()
    for facts in ({"state": "odd"}, {"state": "running", "tasks": 5}):
        with pytest.raises((ValueError, TypeError)):
            made.restore(
                StoredJob(
                    known=replace(known(), facts=facts), since=None, last_error=None, heard=0.0
                )
            )
    assert made.count("p") == 0


def edge_settings(**changes: Any) -> EdgeSettings:
    return EdgeSettings.model_validate(
        {"database": "/tmp/edge.db", "projects": {"p": {"token": "t"}}, **changes}
    )


def test_staleness_is_published_when_it_begins() -> None:
    async def scenario() -> list[tuple[float, list[bool | None]]]:
        runtime, store = virtual_world(), Store()
        made = job_tracker()
        publisher = Publisher(
            edge_settings(),
            job_tracker=made,
            store=store,
            listening=runtime.clock,
            runtime=runtime,
        )
        publisher.publish(up=True)
        task = asyncio.create_task(publisher.run())
        seen = []

        async def look(at: float) -> None:
            await asyncio.sleep(EPOCH + at - runtime.clock())
            seen.append((at, [job.stale for job in store.snapshots["edge"].jobs]))

        note(made, known())
        publisher.changed()
        for at in (1, 599.9, 600.1, 1199.9, 1200.1):
            await look(at)
        task.cancel()
        return seen

    assert run(scenario()) == [
        (1, [False]),
        (599.9, [False]),
        (600.1, [True]),
        (1199.9, [True]),
        (1200.1, []),
    ]


def test_many_reports_are_published_together_and_few_at_once() -> None:
    async def scenario() -> tuple[int, float]:
        runtime, store = virtual_world(), Store()
        made = job_tracker(*(known(str(number)) for number in range(1000)))
        publisher = Publisher(
            edge_settings(),
            job_tracker=made,
            store=store,
            listening=runtime.clock,
            runtime=runtime,
        )
        publisher.publish(up=True)
        task = asyncio.create_task(publisher.run())
        published = set()
        for step in range(3000):
            for number in range(step % 100, 1000, 100):
                note(made, known(str(number), at=step))
            publisher.changed()
            await asyncio.sleep(0.01)
            published.add(store.snapshots["edge"].last_success_timestamp)
        await asyncio.sleep(10)
        note(made, known("7", State.FAILED, at=4000))
        publisher.changed()
        await asyncio.sleep(0.1)
        task.cancel()
        shown = {job.job_id: job.state for job in store.snapshots["edge"].jobs}
        assert shown["7"] is State.FAILED
        return len(published), runtime.clock()

    count, _ = run(scenario())
    assert 30 / 5 <= count <= 30 / 5 + 20
