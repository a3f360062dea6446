"""One run has one start, whichever way it is told, and whatever the clocks do."""

from typing import Any

import pytest

from exporter.fields import Flaws
from exporter.vendors.tencent.jobs import parse_jobs
from exporter.vendors.tencent.memory import Memory
from exporter.vendors.tencent.times import Zone
from tests.vendors.tencent.rows import NOW, Remembering, parsed, row, running, text


def test_start_of_a_running_job_needs_no_zone() -> None:
    told = Remembering(offset=None)
    job = told.see(running(100, StartTime="soon"))
    assert (job.start_timestamp, job.duration_seconds) == (NOW - 100, 100)
    assert job.created_timestamp is None


def test_start_stays_the_same_while_the_run_lasts() -> None:
    """What is derived differs by seconds each time; another start would be another run."""
    told = Remembering()
    start = text(NOW - 100)
    first = told.see(running(97.3, StartTime=start)).start_timestamp
    for later in range(30, 300, 30):
        job = told.see(running(95 + later, StartTime=start, now=NOW), now=NOW + later)
        assert job.start_timestamp == first == NOW - 100


def test_run_that_the_platform_began_anew_has_a_start_of_its_own() -> None:
    """Its StartTime is still that of the first one."""
    told = Remembering()
    start = text(NOW - 86400)
    first = told.see(running(86400, StartTime=start))
    anew = told.see(running(60, StartTime=start), now=NOW + 300)
    assert (first.start_timestamp, anew.start_timestamp) == (NOW - 86400, NOW + 240)


def test_run_that_began_anew_within_minutes_has_a_start_of_its_own() -> None:
    told = Remembering()
    start = text(NOW - 300)
    told.see(running(300, StartTime=start))
    assert told.see(running(5, StartTime=start), now=NOW + 30).start_timestamp == NOW + 25


def test_run_that_is_as_long_as_one_before_a_long_silence_is_another() -> None:
    told = Remembering()
    start = text(NOW - 86400)
    told.see(running(1000, StartTime=start))
    assert told.see(running(2000, StartTime=start), now=NOW + 9000).start_timestamp == NOW + 7000


@pytest.mark.parametrize("jump", [-280.0, 280.0])
def test_clock_that_jumps_begins_no_run(jump: float) -> None:
    told = Remembering()
    start = text(NOW - 1000)
    told.see(running(1000, StartTime=start))
    job = told.see(running(1030, StartTime=start), now=NOW + 30 + jump)
    assert job.start_timestamp == NOW - 1000


def test_job_that_was_started_again_has_another_start() -> None:
    told = Remembering()
    told.see(running(1000))
    job = told.see(running(5, now=NOW + 30), now=NOW + 30)
    assert job.start_timestamp == NOW + 25


def test_running_job_without_a_duration_is_dated_by_its_start() -> None:
    told = Remembering()
    job = told.see(row(4, StartTime=text(NOW - 50)))
    assert (job.start_timestamp, job.duration_seconds) == (NOW - 50, None)
    assert told.see(row(4, StartTime=text(NOW - 50))).start_timestamp == NOW - 50


def test_end_is_told_of_jobs_that_have_ended_only() -> None:
    """A running job has a StopTime too: of the moment its last operation was over."""
    told = Remembering()
    times: dict[str, Any] = {"StartTime": text(NOW - 100), "StopTime": text(NOW - 78)}
    assert told.see(running(100, **times)).end_timestamp is None
    assert told.see(row(3, **times)).end_timestamp is None
    for status in (5, 6, -1):
        assert told.see(row(status, **times)).end_timestamp == NOW - 78


def test_end_before_the_start_is_none() -> None:
    told = Remembering()
    times = {"StartTime": text(NOW - 100), "StopTime": text(NOW - 200)}
    assert told.see(row(5, **times)).end_timestamp is None


def test_start_of_a_run_that_ended_is_the_one_that_was_seen() -> None:
    told = Remembering()
    start = text(NOW - 86400)
    told.see(running(600, StartTime=start))
    job = told.see(row(-1, StartTime=start, StopTime=text(NOW)), now=NOW + 30)
    assert (job.start_timestamp, job.end_timestamp) == (NOW - 600, NOW)


def test_job_that_starts_or_never_did_has_no_start_yet() -> None:
    """What it is told is the time of the run before."""
    told = Remembering()
    for status, progress in ((1, ""), (2, ""), (3, "启动中")):
        job = told.see(row(status, ProgressDesc=progress, StartTime=text(NOW - 9000)))
        assert job.start_timestamp is None


def test_start_is_still_known_after_an_operation() -> None:
    told = Remembering()
    start = text(NOW - 86400)
    told.see(running(600, StartTime=start))
    assert told.see(row(3, StartTime=start)).start_timestamp == NOW - 600
    assert told.see(row(5, StartTime=start)).start_timestamp == NOW - 600


def test_job_is_forgotten_when_two_whole_listings_lack_it() -> None:
    told = Remembering()
    told.see(row(4), row(4, job_id="cql-2"))
    told.see(row(4, job_id="cql-2"))
    assert told.see(row(4, job_id="cql-2"), row(3)).state == "stopping"
    told.see(row(4, job_id="cql-2"))
    told.see(row(4, job_id="cql-2"))
    assert told.see(row(4, job_id="cql-2"), row(3)).state == "unknown"


def test_jobs_of_another_work_space_are_not_forgotten() -> None:
    memory = Memory(Zone())
    memory.settle(parsed(row(4)))
    other = parse_jobs({"JobSet": [row(4)]}, "space-2", NOW, Flaws()).rows
    memory.keep("space-2", memory.settle(other))
    memory.keep("space-2", ())
    assert memory.settle(parsed(row(3)))[0].state == "stopping"
