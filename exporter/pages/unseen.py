"""Say of a job that is shown no longer how it left, and what is still told of it.

Its source is out of reach for too long, or it is gone, or it has stopped to report by itself. What
is told of it are its problems; those end only when they are seen to be over.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from exporter.collecting.history import Change
from exporter.model import GoneJob, JobKey, Problem, ProblemKind, Snapshot, State
from exporter.pages.attention import Level, ProblemRow, problem_rows
from exporter.pages.changes import ChangeRow, change_rows
from exporter.pages.formatting import Moment, moment, visible
from exporter.pages.reader import Reader

Gone = Mapping[JobKey, GoneJob]
"""What was kept of the jobs of one source that are gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What is seen of a job that is shown no longer."""

    word: str
    """Gone or not seen: what stands in place of its state."""
    since: Moment | None
    """Since when; None where nobody can say."""
    last_state: State | None
    """What it did when it was last seen, where that was kept."""
    last_seen: Moment | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """Everything that the page of a job says that is shown no longer."""

    name: str
    source: str
    platform: str
    project: str
    sight: Sight
    level: Level
    problems: tuple[ProblemRow, ...]
    announcement: str
    source_failure: str
    changes: tuple[ChangeRow, ...]


def unseen(
    problems: Sequence[Problem], snapshot: Snapshot, changes: Iterable[Change], reader: Reader
) -> Unseen:
    """Return what the page of a job says that has these problems, and is shown no longer."""
    worst, rows = problems[0], problem_rows(problems, None, reader)
    seen = sight(worst, snapshot, gone_by_key(snapshot), reader)
    name = visible(worst.job_name or worst.key.job_id)
    return Unseen(
        name=name,
        source=visible(snapshot.source),
        platform=visible(snapshot.platform),
        project=visible(worst.key.project),
        sight=seen,
        level=rows[0].level,
        problems=rows,
        announcement=reader.words.say("job_is", name=name, word=seen.word),
        source_failure=visible(snapshot.failure) if snapshot.up is False else "",
        changes=change_rows(changes, reader),
    )


def gone_by_key(snapshot: Snapshot) -> Gone:
    """Return what was kept of the jobs of a source that are gone, to look them up."""
    return {each.key: each for each in snapshot.gone}


def sight(problem: Problem, snapshot: Snapshot, gone: Gone, reader: Reader) -> Sight:
    """Return how a job left that has this problem and is shown no longer."""
    if problem.kind is ProblemKind.GONE:
        kept = gone.get(problem.key)
        return Sight(
            word=reader.words["gone"],
            since=moment(problem.since_timestamp, reader),
            last_state=None if kept is None else kept.last_state,
            last_seen=None if kept is None else moment(kept.last_seen_timestamp, reader),
        )
    since = _last_look(problem, snapshot)
    return Sight(
        word=reader.words["not_seen"],
        since=moment(since, reader),
        last_state=None,
        last_seen=None,
    )


def _last_look(problem: Problem, snapshot: Snapshot) -> float | None:
    if problem.kind is ProblemKind.SILENT:
        return problem.since_timestamp
    # Of a source that answers, only a part may be out of reach: nobody says since when.
    return snapshot.last_success_timestamp if snapshot.outdated else None
