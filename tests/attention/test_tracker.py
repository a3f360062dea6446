"""Problems are followed from snapshot to snapshot: in a fixed order, cheaply, losing nothing."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from exporter.attention.tracker import SourceAttention
from exporter.attention_settings import AttentionSettings
from exporter.collecting.store import Store
from exporter.model import GoneJob, Job, JobKey, Problem, Snapshot, State
from exporter.process.steps import finished
from tests.jobs import job, snapshot
from tests.virtual_time import EPOCH

STRICT = AttentionSettings.model_validate({"restarts": {"burst": 3}, "stuck_after": 60})


class Watched:
    """A source whose snapshots are taken in one after the other."""

    def __init__(self, limits: AttentionSettings = STRICT) -> None:
        self.attention = SourceAttention(limits)
        self.last: Snapshot | None = None
        self.now = EPOCH

    def see(self, *jobs: Job, **facts: object) -> tuple[Problem, ...]:
        """Look at these jobs ten seconds later; return the problems."""
        self.now += 10
        seen = tuple(each.at(self.now) for each in jobs)
        return self.publish(snapshot(*seen, last_success_timestamp=self.now, **facts))

    def fail(self) -> tuple[Problem, ...]:
        """Poll in vain."""
        assert self.last is not None
        self.now += 10
        return self.publish(replace(self.last, up=False))

    def publish(self, new: Snapshot) -> tuple[Problem, ...]:
        old, self.last = self.last, new
        return finished(self.attention.take(old, new))


def _named(problems: tuple[Problem, ...]) -> list[tuple[str, str]]:
    return [(each.kind.value, each.job_name) for each in problems]


def _failed(name: str, **facts: object) -> Job:
    return job(name, State.FAILED, state_since_timestamp=EPOCH, **facts)


def test_problems_come_in_the_order_of_kinds_then_projects_names_and_ids() -> None:
    jobs = [
        _failed("b", project="q", job_id="1"),
        _failed("a", project="q", job_id="3"),
        _failed("a", project="q", job_id="2"),
        _failed("z", project="p", job_id="9"),
        job("a", input_delay_seconds=1e5, job_id="8"),
        job("c", State.SUSPENDED, native_status="arrears", job_id="7"),
    ]
    gone = GoneJob(
        key=JobKey(project="p", job_id="left"),
        job_name="left",
        last_state=State.RUNNING,
        last_seen_timestamp=EPOCH,
        gone_timestamp=EPOCH + 1,
    )
    wanted = [
        *[("failed", "z", "9"), ("failed", "a", "2"), ("failed", "a", "3"), ("failed", "b", "1")],
        *[("gone", "left", "left"), ("in_arrears", "c", "7"), ("far_behind", "a", "8")],
    ]
    for seed in range(10):
        Random(seed).shuffle(jobs)
        problems = Watched().see(*jobs, gone=(gone,))
        assert [(each.kind.value, each.job_name, each.key.job_id) for each in problems] == wanted


def test_problems_are_the_very_same_value_while_nothing_changes() -> None:
    watched = Watched()
    jobs = [_failed("a"), job("b"), job("c", input_delay_seconds=1e5)]
    first = watched.see(*jobs)
    assert len(first) == 2
    assert watched.see(*jobs) is first
    assert watched.fail() is first
    assert watched.see(*jobs, job("new")) is first
    assert watched.see(*reversed(jobs)) is first
    # Another delay is the same problem.
    assert watched.see(_failed("a"), job("c", input_delay_seconds=2e5)) is first
    assert watched.see(_failed("a"), job("c", input_delay_seconds=0.0)) == first[:1]


def test_job_is_followed_wherever_it_stands_in_the_listing() -> None:
    watched = Watched()
    names = [f"job {number}" for number in range(20)]
    counts = dict.fromkeys(names, 0)
    watched.see(*(job(name, restart_times=0) for name in names))
    for seed in range(3):
        Random(seed).shuffle(names)
        for name in names[:5]:
            counts[name] += 1
        listed = [job(name, restart_times=counts[name]) for name in names]
        problems = watched.see(job(f"new {seed}"), *listed, job(f"last {seed}"))
        often = sorted(name for name, count in counts.items() if count >= 3)
        assert _named(problems) == [("restarting_often", name) for name in often]
    # None of them is taken for another.
    assert sum(counts.values()) == 15


def test_new_job_has_no_past_and_one_that_left_is_forgotten() -> None:
    watched = Watched()
    watched.see(job("a", restart_times=100))
    assert watched.see(job("a", restart_times=103)) != ()
    assert watched.see(job("b")) == ()
    assert watched.see(job("a", restart_times=106), job("b")) == ()


def test_a_job_that_is_not_listed_in_an_outage_is_not_forgotten() -> None:
    watched = Watched()
    [failed] = watched.see(_failed("a"))
    assert watched.publish(snapshot(up=False)) == (failed,)
    assert watched.see(_failed("a")) == (failed,)
    assert watched.see() == ()


def test_very_many_jobs_are_looked_at_in_steps() -> None:
    watched = SourceAttention(STRICT)
    jobs = tuple(_failed(f"job {number:05}") for number in range(10_000))
    steps = watched.take(None, snapshot(*jobs))
    count = sum(1 for _ in steps)
    assert count > 15
    # Others too, which come in the opposite order.
    old, new = snapshot(*jobs), snapshot(*reversed(jobs))
    taken = sum(1 for _ in watched.take(old, new))
    assert taken > 15


def test_a_thousand_jobs_that_are_well_cost_no_memory() -> None:
    watched = Watched()
    for _ in range(3):
        assert watched.see(*(job(f"job {number}", restart_times=4) for number in range(1000))) == ()
        assert watched.attention._memories == {}
    jobs = [job(f"job {number}", restart_times=4) for number in range(1000)]
    jobs[700] = job("job 700", restart_times=7)
    assert _named(watched.see(*jobs)) == [("restarting_often", "job 700")]
    assert len(watched.attention._memories) == 1


def test_what_is_remembered_while_nothing_is_told_is_let_go_when_it_is_told_again() -> None:
    watched = Watched()
    watched.see(job("a", restart_times=1, run_id="r", start_timestamp=EPOCH))
    watched.see(job("a"))
    assert len(watched.attention._memories) == 1
    assert watched.see(job("a", restart_times=1, run_id="r", start_timestamp=EPOCH)) == ()
    assert watched.attention._memories == {}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"run_id": "a"}, {"run_id": "b"}),
        ({"start_timestamp": EPOCH - 900}, {"start_timestamp": EPOCH - 300}),
    ],
)
def test_new_run_is_counted_though_nothing_was_told_of_it_for_a_while(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    watched = Watched(AttentionSettings.model_validate({"restarts": {"burst": 1}}))
    watched.see(job("a", **before))
    assert watched.see(job("a")) == ()
    assert _named(watched.see(job("a", **after))) == [("restarting_often", "a")]


# In the store


def _restarting(times: int, at: float) -> Snapshot:
    found = job(restart_times=times, observed_timestamp=EPOCH + at)
    return snapshot(found, last_success_timestamp=EPOCH + at)


def _told(store: Store) -> list[tuple[str, str]]:
    return _named(store.snapshots["dli"].problems)


def test_other_limits_forget_nothing_and_are_followed_at_once() -> None:
    store = Store()
    store.watch("dli", AttentionSettings())
    for number in range(5):
        store.put(_restarting(number, 10 * number))
    assert _told(store) == []
    store.watch("dli", STRICT)
    # Nothing new is seen: only the limit is another.
    store.put(store.snapshots["dli"])
    assert _told(store) == [("restarting_often", "orders")]
    store.watch("dli", AttentionSettings())
    store.put(store.snapshots["dli"])
    assert _told(store) == []
    store.put(_restarting(5, 60))
    assert _told(store) == [("restarting_often", "orders")]


def test_source_that_is_removed_is_forgotten() -> None:
    store = Store()
    store.watch("dli", STRICT)
    store.put(_restarting(0, 0))
    store.put(_restarting(3, 10))
    assert _told(store) == [("restarting_often", "orders")]
    store.remove("dli")
    store.watch("dli", STRICT)
    store.put(_restarting(3, 20))
    assert _told(store) == []


def test_sources_are_judged_each_by_its_own_limits() -> None:
    store = Store()
    store.watch("dli", AttentionSettings())
    store.watch("other", STRICT)
    for times in (0, 3):
        found = _restarting(times, 10 * times)
        store.put(found)
        store.put(replace(found, source="other"))
    assert _told(store) == []
    assert _named(store.snapshots["other"].problems) == [("restarting_often", "orders")]


def test_source_that_nobody_watches_keeps_what_it_says() -> None:
    store = Store()
    store.put(snapshot(_failed("a")))
    assert store.snapshots["dli"].problems == ()


def test_restart_of_a_platform_that_rescales_counts_only_with_a_fresh_error() -> None:
    for rescales, told in ((False, [("restarting_often", "orders")]), (True, [])):
        store = Store()
        store.watch("dli", STRICT, rescales=rescales)
        store.put(_restarting(0, 0))
        store.put(_restarting(3, 10))
        assert _told(store) == told
