"""Each problem that a job of a real Flink can have begins, holds and ends as it should.

What the page tells of problems is what the shipped alerts select, one to one. The story is told in
`problem_story`; that a job falls behind takes ten minutes to see, and is in `figures`.
"""

from collections.abc import Callable, Iterator

import pytest

from exporter.model import ProblemKind
from tests.flink_cluster import FlinkCluster
from tests.flink_cluster.outages import Passage
from tests.flink_cluster.problem_story import (
    BEGUN_UNSEEN,
    BURST,
    CHECKPOINT_AGE,
    CHECKPOINTS_FAILING,
    ENDED,
    FAR_BEHIND,
    NOT_RUNNING_AFTER,
    SETTINGS,
    STALE_AFTER,
    STUCK_AFTER,
    TOLD,
    TOO,
    Look,
    Story,
    Teller,
)
from tests.flink_cluster.watched import WatchingExporter

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("real")]

ELSEWHERE = {
    "falling_behind": "takes ten minutes: see figures",
    "in_arrears": "nobody bills a JobManager",
    "node_failed": "the tasks of a job fail together, or are restarted",
    "silent": "only edge jobs report by themselves",
    "unknown_state": "Flink has had no other words for states than those that are known",
}
_HAD_TIME = {
    "stuck": STUCK_AFTER,
    "not_running": NOT_RUNNING_AFTER,
    "checkpoint_old": CHECKPOINT_AGE,
}
"""Seconds between what a problem is dated at and when it is told."""
_ENDS = frozenset({"stopped", "finished", "failed"})
"""Also of jobs that others have left in the cluster."""
_DATED = frozenset({"failed", "not_running", "stuck", "checkpoint_old"})
"""What the platform dates: the others began when they were first seen."""


@pytest.fixture(scope="module")
def story(flink_cluster: FlinkCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Watch the story of all problems."""
    workdir = tmp_path_factory.mktemp("problems")
    folder = workdir / "jobs"
    folder.mkdir()
    flink_cluster.cancel_all()
    with (
        Passage(flink_cluster.rest_port) as passage,
        WatchingExporter(
            passage.url, workdir, poll="1s", detail="2s", settings=SETTINGS
        ) as exporter,
    ):
        yield Teller(flink_cluster, passage, exporter, folder).tell()
    flink_cluster.cancel_all()


def test_problems_are_those_that_flink_can_have() -> None:
    """Of every other kind it is said why not."""
    kinds = {problem for problem, _ in TOLD | BEGUN_UNSEEN} | {"gone"}
    assert kinds | ELSEWHERE.keys() == {kind.value for kind in ProblemKind}
    assert not kinds & ELSEWHERE.keys()


@pytest.mark.parametrize(("problem", "job"), sorted(TOLD))
def test_problem_is_told_when_its_limit_is_passed(story: Story, problem: str, job: str) -> None:
    since = story.before[-1].since[problem, job]
    told = [look for look in story.before if look.since.get((problem, job)) == since]
    assert told[0].moment - since >= _HAD_TIME.get(problem, 0.0)
    assert told == story.before[-len(told) :]


def _most(story: Story, family: str, job: str) -> float:
    return max(look.figures[family].get(job, 0.0) for look in story.before)


def _oldest_checkpoint(story: Story) -> float:
    family = "last_checkpoint_completed_timestamp_seconds"
    known = [(look.moment, look.figures[family].get("plain")) for look in story.before]
    return max(moment - at for moment, at in known if at is not None)


_JUST_BELOW: dict[tuple[str, str], Callable[[Story], bool]] = {
    ("failed", "calm"): lambda story: _was(story, "calm", "restarting"),
    ("not_running", "optional"): lambda story: _was(story, "optional", "stopped"),
    ("restarting_often", "calm"): lambda story: _most(story, "restart_times", "calm") == BURST - 1,
    ("stuck", "pausing"): lambda story: _was(story, "pausing", "restarting"),
    ("far_behind", "nearly"): lambda story: (
        FAR_BEHIND * 0.9 <= _most(story, "input_delay_seconds", "nearly") < FAR_BEHIND
    ),
    ("checkpoints_failing", "nearly"): lambda story: (
        _most(story, "checkpoints_failed", "nearly") == CHECKPOINTS_FAILING - 1
    ),
    ("checkpoint_old", "plain"): lambda story: (
        CHECKPOINT_AGE * 0.4 < _oldest_checkpoint(story) < CHECKPOINT_AGE
    ),
}
"""Problems that a job never had, and what came close to it."""


def _was(story: Story, job: str, state: str) -> bool:
    return any((job, state) in look.states for look in story.before)


@pytest.mark.parametrize(("problem", "job"), sorted(_JUST_BELOW))
def test_nothing_is_told_just_below_the_limit(story: Story, problem: str, job: str) -> None:
    assert _JUST_BELOW[problem, job](story)
    assert all((problem, job) not in look.told for look in story.before)


def test_no_problem_begins_or_ends_in_an_outage(story: Story) -> None:
    """Whatever happens meanwhile, and also when no job is shown any more."""
    _holds_still(story.outage, TOLD)
    assert story.outage[-1].moment - _unseen(story.outage)[0].moment > STALE_AFTER
    assert story.outage[-1].jobs == frozenset()


def _unseen(looks: list[Look]) -> list[Look]:
    return [look for look in looks if not look.up]


def _holds_still(looks: list[Look], told: frozenset[tuple[str, str]]) -> None:
    unseen = _unseen(looks)
    assert unseen
    assert unseen[0].told >= told
    assert not unseen[0].told & BEGUN_UNSEEN or told == BEGUN_UNSEEN
    assert all(look.since == unseen[0].since for look in unseen)


def test_only_what_is_wrong_is_told_when_the_outage_is_over(story: Story) -> None:
    """What was put right meanwhile is over when that is seen; nothing comes and goes."""
    seen = [look for look in story.after if look.up]
    for look in seen:
        assert look.told - TOLD - TOO <= BEGUN_UNSEEN
    assert seen[-1].told - TOO == BEGUN_UNSEEN


@pytest.mark.parametrize(("problem", "job"), sorted(BEGUN_UNSEEN))
def test_what_began_unseen_is_told_with_its_date(story: Story, problem: str, job: str) -> None:
    since = story.after[-1].since[problem, job]
    back = next(look.moment for look in story.after if look.up)
    assert (since < back - 1) == (problem in _DATED)


def test_job_that_is_well_has_no_problem_through_it_all(story: Story) -> None:
    parts = (story.before, story.outage, story.after, story.exchange)
    assert all("plain" not in {job for _, job in look.told} for part in parts for look in part)


def test_no_job_is_gone_before_another_job_manager_does_not_know_it(story: Story) -> None:
    _holds_still(story.exchange, BEGUN_UNSEEN)
    first = next(look for look in story.exchanged if look.up)
    unseen = [look for look in story.exchanged if look.moment < first.moment]
    assert all(look.told == story.exchange[-1].told for look in unseen)


def test_jobs_that_lived_are_gone_with_their_job_manager(story: Story) -> None:
    """Those that had ended are not, and nothing else is told of any."""
    lived = {job for job, state in story.after[-1].states if state not in _ENDS} - ENDED
    assert story.exchanged[-1].told == {("gone", job) for job in lived}


def test_job_is_gone_until_another_run_of_it_is_seen(story: Story) -> None:
    """The others stay gone."""
    before = story.exchanged[-1].told
    assert all(look.told == before for look in story.unseen_return)
    assert story.returned[-1].told == before - {("gone", "late")}
    assert ("late", "running") in story.returned[-1].states
