"""A row that tells nothing new is recognised, and reads as if it had been read again."""

from typing import Any

import pytest

from exporter.fields import Flaws, Record
from exporter.model import Job, State
from exporter.vendors.flink.jobs import row_parser
from exporter.vendors.flink.row_memory import RowMemory

JID = "0123456789abcdef0123456789abcdef"
COUNTS = {"total": 4, "running": 4, "failed": 0}


def row(**changes: Any) -> dict[str, Any]:
    return {
        "jid": JID,
        "name": "orders",
        "state": "RUNNING",
        "start-time": 1_700_000_000_000,
        "end-time": -1,
        "duration": 60_000,
        "last-modification": 1_700_000_010_000,
        "tasks": dict(COUNTS),
        **changes,
    }


class Listings:
    """Listings of one cluster, one after the other."""

    def __init__(self) -> None:
        self.memory = RowMemory()
        self.flaws = Flaws()
        self.read_anew = 0
        self.steps = 0
        """How many it took to let go of the last one that failed."""
        self._now = 1_700_000_060.0

    def next(
        self, *rows: dict[str, Any], version: str = "2.3.0", fails: bool = False
    ) -> list[Job | None]:
        """Read the next listing, ten seconds later; one that `fails` does so after these rows."""
        self._now += 10
        self.flaws = Flaws()
        parse = row_parser(
            self._now,
            self.flaws,
            engine_version=version,
            task_counts=self.memory.task_counts,
        )

        def parse_row(record: Record) -> Job | None:
            self.read_anew += 1
            return parse(record)

        read = self.memory.reader(
            "overview.jobs", parse_row, about=version, now=self._now, flaws=self.flaws
        )
        found = [read(number, each) for number, each in enumerate(rows)]
        if fails:
            self.steps = len(list(self.memory.let_go()))
        else:
            self.memory.keep()
        return found

    def as_read(self, *rows: dict[str, Any], version: str = "2.3.0") -> list[Job | None]:
        """Read the listing that was read last by itself, with nothing remembered."""
        parse = row_parser(self._now, Flaws(), engine_version=version)
        return [parse(Record(each, "overview.jobs", Flaws())) for each in rows]


def test_row_that_tells_only_a_longer_duration_is_not_read_again() -> None:
    listings = Listings()
    listings.next(row())
    for seconds in (70, 80, 90):
        later = row(duration=seconds * 1000)
        assert listings.next(later) == listings.as_read(later)
    assert listings.read_anew == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "payments"},
        {"state": "RESTARTING"},
        {"state": "FAILED", "end-time": 1_700_000_065_000},
        {"start-time": 1_700_000_001_000},
        {"last-modification": 1_700_000_069_000},
        {"jobType": "BATCH"},
        {"tasks": {**COUNTS, "running": 3, "failed": 1}},
        {"tasks": {**COUNTS, "running": [4]}},
        {"tasks": [4]},
        {"tasks": None},
        {"name": None},
        {"duration": "long"},
        {"duration": -1},
        {"state": "HIBERNATING"},
        {"state": ["RUNNING"]},
        {"jid": [JID]},
        {"jid": "?"},
        {"name": "x" * 5000},
    ],
)
def test_row_that_tells_something_else_says_so(changes: dict[str, Any]) -> None:
    listings = Listings()
    listings.next(row())
    changed = row(duration=70_000) | changes
    assert listings.next(changed) == listings.as_read(changed)
    noted = listings.flaws
    # What cannot be read is noted each time, and once.
    assert listings.next(changed) == listings.as_read(changed)
    assert listings.flaws == noted
    assert listings.next(row(duration=90_000)) == listings.as_read(row(duration=90_000))


def test_listing_that_failed_is_forgotten_in_steps_and_the_one_before_it_is_not() -> None:
    listings = Listings()
    listings.next(row())
    others = [row(jid=f"{number:032x}") for number in range(12_000)]
    listings.next(row(duration=70_000, name="other"), *others, fails=True)
    assert (listings.read_anew, listings.steps) == (1 + 12_001, 3)
    later = row(duration=80_000), others[0]
    assert listings.next(*later) == listings.as_read(*later)
    assert listings.read_anew == 1 + 12_001 + 1


def test_what_was_read_of_another_version_is_read_again() -> None:
    listings = Listings()
    listings.next(row(), version="1.20.5")
    (job,) = listings.next(row(), version="2.3.0")
    assert job is not None
    assert job.engine_version == "2.3.0"


def test_row_without_tasks_is_recognised() -> None:
    listings = Listings()
    bare = row(tasks=None)
    for _ in range(3):
        assert listings.next(bare) == listings.as_read(bare)
    assert listings.read_anew == 1


def test_job_that_left_and_came_back_is_read_again() -> None:
    listings = Listings()
    listings.next(row())
    listings.next()
    assert listings.next(row()) == listings.as_read(row())
    assert listings.read_anew == 2


def test_jobs_that_are_alike_in_their_tasks_share_one_value() -> None:
    listings = Listings()
    one, other = listings.next(row(), row(jid=JID[::-1]))
    assert one is not None
    assert other is not None
    assert one.tasks is other.tasks


def test_counts_of_tasks_that_never_repeat_are_not_kept_for_ever() -> None:
    memory = RowMemory()
    for number in range(3000):
        counts = Record({"running": number, "x" * 2000: 1}, "tasks", Flaws())
        assert memory.task_counts(counts) == (("running", number),)
        counts = Record({"running": number}, "tasks", Flaws())
        assert memory.task_counts(counts) == (("running", number),)
    assert len(memory._counts) <= 1000


def test_later_changes_the_time_and_nothing_else() -> None:
    job = Job(
        project="p",
        job_id="1",
        job_name="orders",
        state=State.RUNNING,
        tasks=(("running", 1),),
        duration_seconds=1.0,
        observed_timestamp=10.0,
    )
    later = job.later(20.0, 11.0)
    assert (later.observed_timestamp, later.duration_seconds) == (20.0, 11.0)
    assert later.at(10.0) == job.later(10.0, 11.0)
    assert job.later(10.0, 1.0) == job
