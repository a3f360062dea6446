"""A state is dated by when it began, not by when the job was in it before."""

from exporter.model import Job, State
from tests.collecting.job_trackers import job_tracker, listing
from tests.jobs import job
from tests.virtual_time import EPOCH


def _looks(*looks: tuple[float, Job]) -> list[float]:
    """Return since when each state was shown, in seconds after the beginning."""
    tracker, found = job_tracker(), []
    for at, said in looks:
        now = EPOCH + at
        tracker.note_inventory(listing(job("a", said.state).at(now)), now)
        tracker.note_details(said.at(now), now)
        found.append((tracker.jobs(now)[0].state_since_timestamp or 0.0) - EPOCH)
    return found


def _job(state: State, since: float, **more: float) -> Job:
    return job("a", state, state_since_timestamp=EPOCH + since, **more)


def test_running_again_is_not_dated_by_the_first_time() -> None:
    """The adaptive scheduler tells the first time a job ran."""
    running, restarting = _job(State.RUNNING, -500), _job(State.RESTARTING, 20)
    looks = [(0.0, running), (30.0, restarting), (60.0, running), (90.0, running)]
    assert _looks(*looks) == [-500, 20, 60, 60]


def test_time_told_after_the_other_state_was_seen_holds() -> None:
    looks = [(0.0, _job(State.RUNNING, -500)), (30.0, _job(State.RESTARTING, 20))]
    assert _looks(*looks, (60.0, _job(State.RUNNING, 41))) == [-500, 20, 41]


def test_answers_out_of_a_cache_may_be_a_little_older() -> None:
    looks = [(0.0, _job(State.RUNNING, -500)), (30.0, _job(State.RESTARTING, 20))]
    assert _looks(*looks, (60.0, _job(State.RUNNING, 27))) == [-500, 20, 27]


def test_another_run_has_its_own_times() -> None:
    """What was seen of the run before says nothing of this one."""
    one = _job(State.RESTARTING, 0, start_timestamp=EPOCH - 900)
    other = _job(State.RUNNING, -20, start_timestamp=EPOCH - 20)
    assert _looks((0.0, one), (30.0, other)) == [0, -20]


def test_state_of_a_run_is_no_older_than_the_run() -> None:
    """The listing told of no run: it was of one that was stopped and run anew since."""
    tracker = job_tracker()
    tracker.note_inventory(listing(job("a").at(EPOCH)), EPOCH)
    [listed] = tracker.jobs(EPOCH)
    assert listed.state_since_timestamp == EPOCH
    anew = job("a", run_id="2", start_timestamp=EPOCH + 1)
    tracker.note_details(anew.at(EPOCH + 2), EPOCH + 2)
    [shown] = tracker.jobs(EPOCH + 2)
    assert shown.state_since_timestamp == EPOCH + 2
