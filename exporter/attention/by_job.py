"""Look up what is wrong with each job, and which of those jobs are shown no longer.

Both take time in proportion to jobs and problems, and come in steps: of very many they take long.
"""

from collections.abc import Mapping, Sequence
from operator import attrgetter

from exporter.model import Job, Problem, Snapshot
from exporter.process.steps import Steps

_A_STEP = 5000

JobId = tuple[str, str]
"""Project and id of a job: what a JobKey says, at a tenth of its cost."""
Problems = Mapping[JobId, Sequence[Problem]]
"""The problems of each job that has any, the worst first."""

job_id = attrgetter("project", "job_id")
"""Return what a job, or the key of a problem, is looked up by."""


def problems_by_job(snapshot: Snapshot) -> Steps[Problems]:
    """Return the problems of a source by their jobs, the job with the worst one first."""
    found: dict[JobId, list[Problem]] = {}
    for count, problem in enumerate(snapshot.problems, start=1):
        found.setdefault(job_id(problem.key), []).append(problem)
        if count % _A_STEP == 0:
            yield
    return found


def problems_unseen(jobs: Sequence[Job], problems: Problems) -> Steps[list[Sequence[Problem]]]:
    """Return the problems of jobs that are not among those shown, a list for each job."""
    if not problems:
        return []
    left = dict(problems)
    for count, job in enumerate(jobs, start=1):
        left.pop(job_id(job), None)
        if not left:
            break
        if count % _A_STEP == 0:
            yield
    return list(left.values())
