"""What happened to a job while the exporter was watching is remembered, within bounds."""

import tracemalloc
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from exporter.collecting.history import Change, History, changes
from exporter.collecting.store import Store
from exporter.model import Job, JobKey, Snapshot, State
from tests.jobs import job, snapshot
from tests.virtual_time import EPOCH

ORDERS = JobKey(project="p", job_id="orders")


def _at(seconds: float, *jobs: Job, **facts: Any) -> Snapshot:
    moved = (each.at(EPOCH + seconds) for each in jobs)
    return snapshot(*moved, last_poll_timestamp=EPOCH + seconds, **facts)


def _told(history: History, *snapshots: Snapshot) -> History:
    last = None
    for each in snapshots:
        history.note(last, each)
        last = each
    return history


def changed(old: Snapshot | None, new: Snapshot) -> list[tuple[JobKey, Change]]:
    """Return what happened between two snapshots."""
    return [each for each in changes(old, new) if each is not None]


def test_change_of_state_has_the_time_that_the_platform_gives() -> None:
    failed = job(state=State.FAILED, state_since_timestamp=EPOCH + 3)
    assert changed(_at(0, job()), _at(10, failed)) == [
        (
            ORDERS,
            Change(
                at=EPOCH + 3,
                before=State.RUNNING,
                after=State.FAILED,
                native_status="job_failed",
            ),
        )
    ]


def test_change_of_state_has_the_time_of_the_poll_when_the_platform_gives_none() -> None:
    [(_, change)] = changed(_at(0, job()), _at(10, job(state=State.FAILED)))
    assert change.at == EPOCH + 10


def test_same_states_are_no_change() -> None:
    assert changed(_at(0, job(), job("b")), _at(10, job(), job("b"))) == []


def test_first_snapshot_holds_no_changes() -> None:
    assert changed(None, _at(0, job())) == []


def test_new_run_in_the_same_state_is_a_change_at_its_start() -> None:
    first, second = job(run_id="1"), job(run_id="2", start_timestamp=EPOCH + 7)
    [(_, change)] = changed(_at(0, first), _at(10, second))
    assert (change.before, change.after, change.new_run) == (State.RUNNING, State.RUNNING, True)
    assert change.at == EPOCH + 7


def test_run_that_becomes_known_is_no_new_run() -> None:
    assert changed(_at(0, job()), _at(10, job(run_id="1"))) == []


def test_job_that_left_changed_into_nothing_when_the_poll_missed_it() -> None:
    [(key, change)] = changed(_at(0, job(), job("b")), _at(10, job("b")))
    assert key == ORDERS
    assert change == Change(at=EPOCH + 10, before=State.RUNNING, after=None)


def test_jobs_of_one_id_in_two_projects_are_two_jobs() -> None:
    old = _at(0, job(project="a"), job(project="b"))
    new = _at(10, job(project="a"), job(project="b", state=State.FAILED))
    assert [key.project for key, _ in changed(old, new)] == ["b"]


_JOBS = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(list(State)))


@given(old=_JOBS, new=_JOBS, order=st.randoms(use_true_random=False))
def test_changes_do_not_depend_on_the_order_of_jobs(old: Any, new: Any, order: Any) -> None:
    shuffled = list(new.items())
    order.shuffle(shuffled)
    before = _at(0, *(job(name, state) for name, state in old.items()))
    after = _at(10, *(job(name, state) for name, state in shuffled))
    found = {key.job_id: (change.before, change.after) for key, change in changed(before, after)}
    assert found == {
        name: (old.get(name), new.get(name))
        for name in old.keys() | new.keys()
        if old.get(name) is not new.get(name)
    }


def test_history_tells_the_latest_change_first() -> None:
    history = _told(
        History(),
        _at(0, job()),
        _at(10, job(state=State.RESTARTING)),
        _at(20, job(state=State.FAILED)),
    )
    assert [change.after for change in history.of("dli", ORDERS)] == [
        State.FAILED,
        State.RESTARTING,
    ]


def test_job_seen_for_the_first_time_is_no_news() -> None:
    # Its details may merely come in after the listing of the first poll.
    assert _told(History(), _at(0), _at(1, job())).of("dli", ORDERS) == ()


def test_job_that_comes_back_is_news() -> None:
    history = _told(History(), _at(0, job()), _at(10), _at(20, job()))
    assert [(change.before, change.after) for change in history.of("dli", ORDERS)] == [
        (None, State.RUNNING),
        (State.RUNNING, None),
    ]


def test_unknown_source_and_unknown_job_have_no_history() -> None:
    history = _told(History(), _at(0, job()))
    assert history.of("dli", ORDERS) == history.of("other", ORDERS) == ()


def test_each_job_keeps_its_latest_changes_only() -> None:
    flapping = [
        _at(number, job(state=State.FAILED if number % 2 else State.RUNNING))
        for number in range(100)
    ]
    kept = _told(History(changes_per_job=5), *flapping).of("dli", ORDERS)
    assert [change.at - EPOCH for change in kept] == [99, 98, 97, 96, 95]


def test_words_without_end_are_left_out_and_the_states_are_kept() -> None:
    states = [State.RUNNING, State.FAILED] * 2
    told = [
        _at(seconds, job(state=state, native_status=f"word {seconds}"))
        for seconds, state in enumerate(states)
    ]
    history = _told(History(kinds=2), *told)
    kept = history.of("dli", ORDERS)
    assert [change.native_status for change in kept] == ["", "word 2", "word 1"]
    assert [change.after for change in kept] == [State.FAILED, State.RUNNING, State.FAILED]
    assert [change.at for change in kept] == [EPOCH + 3, EPOCH + 2, EPOCH + 1]


def test_history_of_many_changes_takes_little_memory() -> None:
    states = [State.RUNNING, State.FAILED] * 30
    told = [
        _at(seconds, *(job(f"{n}", state=state) for n in range(100)))
        for seconds, state in enumerate(states)
    ]
    history = History()
    tracemalloc.start()
    try:
        _told(history, *told)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(history.of("dli", JobKey(project="p", job_id="1"))) == 50
    assert held < 100 * 1000


def test_jobs_that_changed_longest_ago_give_way() -> None:
    running = [job(name) for name in "abc"]
    history = History(jobs=2)
    last = _at(0, *running)
    for number, name in enumerate("bca", start=1):
        states = {each.job_id: each.state for each in last.jobs} | {name: State.FAILED}
        new = _at(number, *(job(key, state) for key, state in states.items()))
        history.note(last, new)
        last = new
    kept = [name for name in "abc" if history.of("dli", JobKey(project="p", job_id=name))]
    assert kept == ["a", "c"]


def test_busy_source_does_not_push_out_the_others() -> None:
    history = History(jobs=4)
    _told(history, _at(0, job()), _at(1, job(state=State.FAILED)))
    busy = [job(str(number)) for number in range(10)]
    ended = [each._replace(state=State.FINISHED) for each in busy]
    _told(history, _at(2, *busy, source="busy"), _at(3, *ended, source="busy"))
    assert history.of("dli", ORDERS)
    assert not history.of("busy", JobKey(project="p", job_id="0"))
    assert history.of("busy", JobKey(project="p", job_id="9"))


def test_job_that_left_is_forgotten_after_a_while() -> None:
    history = History(forget_after=60)
    _told(history, _at(0, job()), _at(10), _at(70))
    assert history.of("dli", ORDERS)
    history.note(_at(70), _at(71))
    assert not history.of("dli", ORDERS)


def test_job_that_stays_is_never_forgotten() -> None:
    history = History(forget_after=60)
    _told(history, _at(0, job()), _at(1, job(state=State.FAILED)))
    history.note(_at(1, job(state=State.FAILED)), _at(999, job(state=State.FAILED)))
    assert history.of("dli", ORDERS)


def test_store_keeps_the_history_of_what_it_publishes() -> None:
    store = Store()
    store.put(_at(0, job()))
    store.put(_at(10, job(state=State.FAILED)))
    assert [change.after for change in store.history.of("dli", ORDERS)] == [State.FAILED]
    store.remove("dli")
    assert store.history.of("dli", ORDERS) == ()
