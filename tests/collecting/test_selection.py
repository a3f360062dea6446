"""Names are matched once, and an expression that takes too long fails the poll by its name."""

import time
from random import Random

import pytest

from exporter.collecting.job_tracker import JobTracker
from exporter.collecting.selection import Selection
from exporter.errors import SlowExpressionError
from exporter.fields import Flaws
from exporter.model import Job
from exporter.process.steps import finished
from exporter.source import Inventory, SourceSettings


class Processor:
    """Works for a second whenever it is asked while it is slow."""

    def __init__(self) -> None:
        self.slow = False
        self.now = 0.0

    def __call__(self) -> float:
        self.now += self.slow
        return self.now


def settings(key: str, *texts: str) -> SourceSettings:
    chosen = {"expect": texts} if key == "expect" else {"jobs": {key: texts}}
    return SourceSettings.model_validate({"name": "a", "platform": "huawei_dli", **chosen})


def job(name: str) -> Job:
    return Job(
        project="p", job_id=name, job_name=name, native_status="running", observed_timestamp=1.0
    )


def inventory(*names: str) -> Inventory:
    return Inventory(jobs=tuple(map(job, names)), flaws=Flaws())


@pytest.mark.parametrize("key", ["include", "exclude", "expect"])
def test_expressions_that_were_slow_are_quick(key: str) -> None:
    selection = Selection(settings(key, ".*-.*-.*-prod", "(a+)+b"))
    began = time.thread_time()
    names = [f"{'-' * 1000}{number}" for number in range(500)]
    finished(selection.judge(names))
    assert finished(selection.unmatched(names)) == (
        (".*-.*-.*-prod", "(a+)+b") if key == "expect" else ()
    )
    assert time.thread_time() - began < 0.5


@pytest.mark.parametrize("key", ["include", "exclude", "expect"])
def test_expression_that_takes_too_long_changes_nothing_and_is_named(key: str) -> None:
    cpu = Processor()
    chosen = settings(key, "orders" if key == "include" else "none")
    tracker = JobTracker(chosen, supersedes=False, random=Random(0), cpu_time=cpu)
    tracker.note_inventory(inventory("orders"), 1.0)
    before = tracker.jobs(2.0)
    assert [each.job_name for each in before] == ["orders"]
    cpu.slow = True
    with pytest.raises(SlowExpressionError, match=r"the expression '(orders|none)' takes too long"):
        tracker.note_inventory(inventory("other"), 2.0)
    assert tracker.jobs(2.0) == before
    # It is not tried again, or it would hold everything up at each poll.
    cpu.slow = False
    with pytest.raises(SlowExpressionError):
        tracker.note_inventory(inventory("other"), 3.0)
    tracker.note_inventory(inventory("orders"), 4.0)
    assert [each.job_name for each in tracker.jobs(4.0)] == ["orders"]


def test_jobs_known_from_before_stay_while_an_expression_takes_too_long() -> None:
    cpu = Processor()
    cpu.slow = True
    chosen = settings("include", "none")
    tracker = JobTracker(chosen, supersedes=False, random=Random(0), cpu_time=cpu)
    tracker.adopt([job("orders")])
    assert [each.job_name for each in tracker.jobs(2.0)] == ["orders"]


def test_slow_names_are_matched_a_few_at_a_time() -> None:
    selection = Selection(settings("include", "(?:.?){900}x"))
    longest, began = 0.0, time.thread_time()
    for _ in selection.judge([f"{'-' * 1000}{number}" for number in range(50)]):
        longest = max(longest, time.thread_time() - began)
        began = time.thread_time()
    assert 0 < longest < 0.05


def test_names_are_matched_once_for_as_long_as_they_are_listed() -> None:
    selection = Selection(settings("include", "a.*"))
    names = [f"a{number}" for number in range(2000)]
    assert len(list(selection.judge(names))) >= 4
    began = time.thread_time()
    for _ in range(10):
        assert all(selection.watches(job) for job in map(job, names[:10]))
        finished(selection.judge(names))
    assert time.thread_time() - began < 0.2
