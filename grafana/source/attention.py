"""Find the jobs that need attention, worst first: the exporter has decided which they are."""

from exporter.model import ProblemKind
from grafana.source.palette import BAD, NOTICE, texts
from grafana.source.promql import IDENTITY, JOB, RESTARTS, jobs

_PROBLEM = "streaming_job_problem_since_timestamp_seconds"
_REASONS: dict[ProblemKind, tuple[str, str, str]] = {
    ProblemKind.FAILED: ("failed", BAD, "StreamingJobFailed"),
    ProblemKind.NOT_RUNNING: ("should run", BAD, "StreamingJobNotRunning"),
    ProblemKind.GONE: ("gone", BAD, "StreamingJobGone"),
    ProblemKind.IN_ARREARS: ("in arrears", BAD, "StreamingJobInArrears"),
    ProblemKind.RESTARTING_OFTEN: ("restarts often", BAD, "StreamingJobCrashLoop"),
    ProblemKind.NODE_FAILED: ("node failed", BAD, "StreamingJobNodeFailed"),
    ProblemKind.STUCK: ("stuck", NOTICE, "StreamingJobStuck"),
    ProblemKind.FAR_BEHIND: ("far behind", NOTICE, "StreamingJobFarBehind"),
    ProblemKind.FALLING_BEHIND: ("falls behind", NOTICE, "StreamingJobInputDelayHigh"),
    ProblemKind.CHECKPOINTS_FAILING: (
        *("checkpoints fail", NOTICE),
        "StreamingJobCheckpointsFailing",
    ),
    ProblemKind.CHECKPOINT_OLD: ("checkpoint old", NOTICE, "StreamingJobCheckpointOld"),
    ProblemKind.SILENT: ("no longer reports", NOTICE, "StreamingEdgeJobSilent"),
    ProblemKind.UNKNOWN_STATE: ("unknown state", NOTICE, "StreamingJobUnknownState"),
}
"""Why a job needs attention, the worst first: in words, how bad, and which page says what to do."""

RUNBOOK_NAMES = tuple(name for *_, name in _REASONS.values())
WHY = texts(
    {
        len(_REASONS) - rank: (text, colour)
        for rank, (text, colour, _) in enumerate(_REASONS.values())
    }
)


def needing_attention() -> str:
    """Return each job that needs attention once, with the weight of its worst problem."""
    found = [
        f"  label_replace(\n    {len(_REASONS) - rank} * {_with_problem(kind)},"
        f'\n    "runbook", "{runbook}", "", ""\n  )'
        for rank, (kind, (_, _, runbook)) in enumerate(_REASONS.items())
    ]
    return f"\n  or on ({IDENTITY})\n".join(found)


def _with_problem(kind: ProblemKind) -> str:
    return jobs(_PROBLEM, f'problem="{kind.value}"', test="> bool 0")


def problem_began() -> str:
    """Return when the first of its problems began of each selected job that has any."""
    return f"min by ({IDENTITY}) ({_PROBLEM}{{{JOB}}})"


def restarts_within_range(*, by: str = IDENTITY) -> str:
    """Return how often each selected job has restarted in the time shown, if it has."""
    return f"max by ({by}) (sum_over_time({RESTARTS}{{{JOB}}}[$__range]))"
