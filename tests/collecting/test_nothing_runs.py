"""A job that is called running while no task of it runs is known since when it is so."""

import pytest

from exporter.model import Job, State
from tests.collecting.job_trackers import job_tracker, listing
from tests.jobs import job
from tests.virtual_time import EPOCH

Tasks = dict[str, int]


def _since(*looks: tuple[Job, Tasks]) -> list[float | None]:
    """Return since when nothing runs, in seconds, after looks that are 30 s apart."""
    tracker, found = job_tracker(), []
    for number, (row, tasks) in enumerate(looks):
        now = EPOCH + 30 * number
        tracker.note_inventory(listing(row.at(now)), now)
        tracker.note_details(
            job("a", row.state, tasks=tuple(sorted(tasks.items())), observed_timestamp=now), now
        )
        since = tracker.jobs(now)[0].nothing_runs_since_timestamp
        found.append(None if since is None else since - EPOCH)
    return found


WAITING = {"scheduled": 2, "running": 0, "finished": 1}
WORKING = {"scheduled": 1, "running": 1}


def test_it_is_known_since_it_was_first_seen_so() -> None:
    looks = [WORKING, WAITING, WAITING, WORKING, WAITING]
    assert _since(*((job("a"), tasks) for tasks in looks)) == [None, 30, 30, None, 120]


@pytest.mark.parametrize(
    "tasks",
    [
        {},
        {"running": 0, "initializing": 2, "scheduled": 1},
        {"finished": 3},
        {"finished": 3, "failed": 0},
    ],
    ids=str,
)
def test_tasks_that_are_restored_or_done_are_no_such_case(tasks: Tasks) -> None:
    assert _since((job("a"), tasks)) == [None]


def test_only_a_running_job_is_such_a_case() -> None:
    states = (State.RUNNING, State.RESTARTING, State.RUNNING)
    assert _since(*((job("a", state), WAITING) for state in states)) == [0, None, 60]


def test_reload_keeps_it() -> None:
    tracker = job_tracker()
    tasks = (("scheduled", 2),)
    tracker.adopt([job("a", tasks=tasks, nothing_runs_since_timestamp=EPOCH - 500)])
    tracker.note_inventory(listing(job("a", tasks=tasks)), EPOCH)
    assert tracker.jobs(EPOCH)[0].nothing_runs_since_timestamp == EPOCH - 500
