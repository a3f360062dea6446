"""A problem is put into words that say what the state of the job does not."""

from typing import Any

import pytest

from exporter.model import Node, ProblemKind, State
from exporter.pages.attention import problem_rows, reason
from tests.jobs import job, problem
from tests.pages.overviews import NOW, READER


@pytest.mark.parametrize(
    ("kind", "facts", "words"),
    [
        (ProblemKind.FAILED, {"state": State.FAILED}, ""),
        (ProblemKind.FAILED, {"state": State.UNKNOWN}, "failed"),
        (ProblemKind.NOT_RUNNING, {"state": State.STOPPED}, "expected to run"),
        (ProblemKind.IN_ARREARS, {"state": State.SUSPENDED}, "account in arrears"),
        (ProblemKind.RESTARTING_OFTEN, {}, "restarts too often"),
        (ProblemKind.NODE_FAILED, {}, "a node failed"),
        (
            ProblemKind.NODE_FAILED,
            {"nodes": (Node(name="m", state=State.RUNNING), Node(name="n", state=State.FAILED))},
            "node n failed",
        ),
        (ProblemKind.STUCK, {"state": State.STOPPING}, "stuck for 12 min"),
        (ProblemKind.STUCK, {}, "no task runs for 12 min"),
        (ProblemKind.FAR_BEHIND, {}, "far behind its input"),
        (ProblemKind.FALLING_BEHIND, {}, "falls behind its input"),
        (ProblemKind.CHECKPOINTS_FAILING, {}, "checkpoints fail"),
        (ProblemKind.CHECKPOINT_OLD, {}, "no checkpoint for 12 min"),
        (ProblemKind.SILENT, {}, "sends no reports"),
        (ProblemKind.UNKNOWN_STATE, {"state": State.UNKNOWN}, ""),
    ],
)
def test_reason_says_what_the_state_does_not(
    kind: ProblemKind, facts: dict[str, Any], words: str
) -> None:
    assert reason(problem(kind, since_timestamp=NOW - 720), job(**facts), READER) == words


@pytest.mark.parametrize("kind", ProblemKind)
def test_every_problem_has_words_of_its_own_whether_the_job_is_seen_or_not(
    kind: ProblemKind,
) -> None:
    told = [problem(each) for each in ProblemKind]
    for found in (None, job(state=State.FAILED), job(state=State.UNKNOWN)):
        words = [row.words for row in problem_rows(told, found, READER)]
        assert words[told.index(problem(kind))]
        assert len(set(words)) == len(words)


def test_problem_that_began_in_the_future_is_not_told_with_a_negative_age() -> None:
    ahead = problem(ProblemKind.STUCK, since_timestamp=NOW + 60)
    assert reason(ahead, job(state=State.STARTING), READER) == "stuck for 0 s"
