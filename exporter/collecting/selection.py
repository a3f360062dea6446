"""Decide which jobs of a source are watched, and which of those are shown. Everything here is pure.

Jobs are chosen by their names or ids. Drafts are shown when asked for, and ended jobs for a while;
failed ones stay as long as the platform lists them, and what is expected to run is always shown.
"""

import re
from collections.abc import Iterable, Iterator

from exporter.model import Job, State
from exporter.source import SourceSettings


class Selection:
    """What the settings of a source say about its jobs."""

    def __init__(self, settings: SourceSettings) -> None:
        self._jobs = settings.jobs
        self._ended_retention = settings.ended_retention
        self._include = _any_of(settings.jobs.include)
        self._exclude = _any_of(settings.jobs.exclude)
        self._expect = tuple((text, re.compile(text)) for text in settings.expect)

    @property
    def expects_any(self) -> bool:
        """Say whether the source has a list of jobs that should be there."""
        return bool(self._expect)

    def watches(self, row: Job) -> bool:
        """Say whether a job is chosen by its name; one configured by its id always is."""
        if self._jobs.ids:
            return True
        if self._include is not None and not self._include.fullmatch(row.job_name):
            return False
        return self._exclude is None or not self._exclude.fullmatch(row.job_name)

    def expects(self, name: str) -> bool:
        """Say whether a job of that name is on the list of those that should be there."""
        return any(pattern.fullmatch(name) for _, pattern in self._expect)

    def unmatched(self, names: Iterable[str]) -> Iterator[str]:
        """Yield the entries of that list that match none of the names."""
        names = tuple(names)
        for text, pattern in self._expect:
            if not any(pattern.fullmatch(name) for name in names):
                yield text

    def hides_draft(self, job: Job) -> bool:
        """Say whether a job is a draft that nobody wants to see."""
        return job.state is State.CREATED and not (
            self._jobs.drafts or self._jobs.ids or self.expects(job.job_name)
        )

    def shows(self, job: Job, *, asked: bool, now: float) -> bool:
        """Say whether to show a watched job; `asked` is whether its details were asked for."""
        if not job.native_status and not asked:
            # The listing says nothing of states and details are on their way: no false unknown.
            return False
        if self._jobs.ids or self.expects(job.job_name):
            return True
        if job.state is State.CREATED:
            return self._jobs.drafts
        if job.state not in (State.STOPPED, State.FINISHED):
            return True
        ended_at = job.end_timestamp or job.updated_timestamp
        if ended_at is None and not asked:
            # Listings hold jobs that ended years ago. Until details have told when, such a job
            # would come and go at every start of the exporter.
            return False
        if ended_at is None:
            ended_at = job.state_since_timestamp or job.observed_timestamp
        return now - ended_at <= self._ended_retention


def _any_of(patterns: Iterable[str]) -> re.Pattern[str] | None:
    patterns = tuple(patterns)
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns)) if patterns else None
