"""What an observer works out from the truth: what may be missing, and what must have been seen."""

from collections.abc import Iterable, Iterator

from exporter.model import JobKey, State
from tests.histories.answers import job_id
from tests.histories.cloud import RETRY_AFTER, Sky
from tests.histories.history import POLL_INTERVAL, TIMEOUT, History, Weather
from tests.histories.truth import JobTruth, Truth

_SLACK = 0.5
_PAGES = 4
"""The most pages there are, and with it the calls that a listing takes."""


class Hindsight:
    """Knows the truth and the weather, and nothing of what the exporter does."""

    def __init__(self, history: History, truth: Truth, sky: Sky) -> None:
        self._history = history
        self._kind = history.kind
        self._truth = truth
        self._sky = sky

    def existing(self, now: float) -> set[JobKey]:
        """Return the keys of all jobs there are."""
        return {key for key, job in self._keys() if job.at(now) is not None}

    def may_lack(self, key: JobKey, begun: float, now: float) -> bool:
        """Say whether a complete listing may have lacked a job."""
        moved = any(
            job.project == key.project
            and any(at is not None and begun <= at <= now for at in (job.created, job.deleted))
            for job in self._truth.jobs
        )
        if moved and self._history.page_size < len(self._truth.jobs):
            return True
        for job in self._of(key):
            here = job.at(begun) is not None and job.at(now) is not None
            if here and not self._was_hidden(job, begun, now):
                return False
        return True

    def has_later_run(self, key: JobKey, by: float) -> bool:
        """Say whether a later run of the name of a job exists."""
        return any(True for _ in self._later_runs(key, by))

    def is_replaced(self, key: JobKey, by: float) -> bool:
        """Say whether one exists that may have taken the place of the job.

        None does that ran already when the job failed.
        """
        return any(
            job.facts[-1].state is not State.FAILED or _begun(other) >= job.facts[-1].at - _SLACK
            for job, other in self._later_runs(key, by)
        )

    def retention_may_be_over(self, key: JobKey, heard: float, now: float) -> bool:
        """Say whether a job may have been shown for long enough since the end last heard of."""
        ends = [
            facts.ended
            for job in self._of(key)
            for facts in job.facts
            if facts.ended is not None and facts.ended <= heard
        ]
        retention = self._history.ended_retention
        return not ends or now - max(ends) > retention - self._kind.details_lag - _SLACK

    def failures_to_see(
        self, now: float, disturbed: Iterable[float]
    ) -> Iterator[tuple[JobKey, float, float]]:
        """Yield the failures that must have been seen: which job, since when, and by when."""
        disturbed = tuple(disturbed)
        asking = (2 * _PAGES + 4) * self._history.latency
        for key, begin, end in self._failures(now):
            by = begin + POLL_INTERVAL + asking + self._kind.details_lag + _SLACK
            seen_at_all = end > by and not self.is_replaced(key, by)
            if seen_at_all and self._is_calm(begin, by, disturbed):
                yield key, begin, by

    def hangs_to_tell(
        self, now: float, disturbed: Iterable[float]
    ) -> Iterator[tuple[float, float]]:
        """Yield the hangs that must have been told: since when, and by when."""
        disturbed = tuple(disturbed)
        # The answers that still come are those of the pages before the one that hangs.
        asking = _PAGES * self._history.latency
        for spell in self._sky.spells:
            by = spell.begins + POLL_INTERVAL + 2 * TIMEOUT + asking + _SLACK
            if spell.weather is not Weather.HANGS or spell.ends <= by or now <= by:
                continue
            # Who was asked to wait longer than a poll does so, whatever happens then.
            waiting = self._sky.during(Weather.THROTTLED, spell.begins - RETRY_AFTER, by)
            if not waiting and not any(spell.begins <= at <= by for at in disturbed):
                yield spell.begins, by

    def _later_runs(self, key: JobKey, by: float) -> Iterator[tuple[JobTruth, JobTruth]]:
        if not self._kind.run_is_id:
            return
        for job in self._of(key):
            for other in self._truth.jobs:
                same_name = other.facts[-1].name == job.facts[-1].name
                # Of two that began at once either may be the later; so may be one that began
                # while this one had been submitted, and seen, but did not run yet.
                earliest = min(_begun(job), job.created)
                if same_name and other is not job and earliest <= _begun(other) <= by:
                    yield job, other

    def _failures(self, now: float) -> Iterator[tuple[JobKey, float, float]]:
        for key, job in self._keys():
            for index, facts in enumerate(job.facts):
                if facts.state is State.FAILED:
                    last = index + 1 == len(job.facts)
                    end = now if last else job.facts[index + 1].at
                    yield key, facts.at, end if job.deleted is None else min(end, job.deleted)

    def _is_calm(self, begin: float, end: float, disturbed: tuple[float, ...]) -> bool:
        """Say whether nothing kept the exporter from seeing what went on."""
        before = begin - POLL_INTERVAL - RETRY_AFTER - 9 * self._history.latency - _SLACK
        excludable = any(facts.name == "clicks" for job in self._truth.jobs for facts in job.facts)
        return not (
            self._sky.any_during(before, end)
            or any(before <= at <= end for at in disturbed)
            or (excludable and disturbed)
        )

    def _was_hidden(self, job: JobTruth, begun: float, now: float) -> bool:
        return any(
            spell.job is job and spell.begins <= now and spell.ends >= begun
            for spell in self._sky.spells
        )

    def _of(self, key: JobKey) -> Iterator[JobTruth]:
        return (job for each, job in self._keys() if each == key)

    def _keys(self) -> Iterator[tuple[JobKey, JobTruth]]:
        for job in self._truth.jobs:
            name = job_id(self._kind, job, job.facts[0])
            yield JobKey(project=job.project, job_id=name), job


def _begun(job: JobTruth) -> float:
    """Return when the only run of a job began; when the job was made, if it never ran."""
    return next((facts.begun for facts in job.facts if facts.begun is not None), job.created)
