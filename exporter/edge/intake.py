"""Take reports in: read them, keep to the limits, have them stored, and say what became of them.

Only what is on the disk changes what is shown: the journal tells of each stored report in the order
of commits, so that what is remembered and what a restart would read are always the same.
"""

from collections import Counter
from collections.abc import Set

from exporter.edge.admission import ACCEPTED, Admission, Result, Verdict
from exporter.edge.job_tracker import EdgeJobTracker
from exporter.edge.jobs import PLATFORM, KnownJob, keep_times, read_job_in_turns
from exporter.edge.journal import Journal
from exporter.edge.journal_sql import Entry, Outcome
from exporter.edge.metrics import EdgeMetrics
from exporter.edge.report import Report, read_in_turns
from exporter.edge.settings import SOURCE, EdgeSettings
from exporter.errors import JournalError, ReportError
from exporter.fields import Flaws
from exporter.process.condition_log import ConditionLog
from exporter.process.steps import Steps
from exporter.process.turns import CrowdedError, Turns
from exporter.runtime import Runtime
from exporter.telemetry.telemetry import Telemetry

_RETRY_SECONDS = 5.0
_FULL_SECONDS = 60.0
_CROWDED_SECONDS = 2.0
MOST_WAITING = 32
"""Large reports that wait to be read; each takes a third of a second at most."""
_JOBS_A_TURN = 50
_MOST_SAID = 100
"""Flaws of one report that are said each by itself."""


class ReportIntake:
    """Where reports come in; see `receiver.Intake`."""

    def __init__(
        self,
        settings: EdgeSettings,
        *,
        job_tracker: EdgeJobTracker,
        journal: Journal,
        metrics: EdgeMetrics,
        telemetry: Telemetry,
        conditions: ConditionLog,
        runtime: Runtime,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._turns = Turns(most=most_waiting)
        self._job_tracker = job_tracker
        self._journal = journal
        self._metrics = metrics
        self._telemetry = telemetry
        self._conditions = conditions
        self._runtime = runtime
        self._coming: dict[str, Counter[tuple[str, str]]] = {}
        self.configure(settings)

    def configure(self, settings: EdgeSettings) -> None:
        """Use other settings from now on."""
        self._settings = settings
        self._admission = Admission(settings, monotonic=self._runtime.monotonic)

    @property
    def largest(self) -> int:
        """Return how many bytes a report may have."""
        return self._settings.max_body

    def admit(self, project: str, token: bytes) -> Verdict | None:
        """Return why nobody is let in, or None."""
        return self._admission.judge(project, token)

    async def take(self, project: str, body: bytes) -> Verdict:
        """Take in a report; when this says so it is durable."""
        flaws = Flaws()
        received = self._runtime.clock()
        try:
            report, jobs = await self._turns.do(self._understand(project, body, received, flaws))
        except ReportError as exc:
            return Verdict(result=Result.INVALID, message=str(exc))
        except CrowdedError:
            message = "too many large reports at a time"
            return Verdict(result=Result.THROTTLED, message=message, retry_after=_CROWDED_SECONDS)
        new = {known.key for known in jobs if known.key not in self._job_tracker}
        if new and not self._reserve(project, new):
            most = self._settings.max_jobs
            message = f"jobs: the project would have more than {most} jobs"
            return Verdict(result=Result.TOO_MANY_JOBS, message=message, retry_after=_FULL_SECONDS)
        try:
            verdict = await self._store(project, report, received, body, jobs)
        finally:
            if new:
                self._release(project, new)
        if verdict.result is Result.ACCEPTED:
            self._note_flaws(flaws)
        return verdict

    def refused(self, project: str, verdict: Verdict) -> None:
        """Count a report that was not taken in."""
        known = verdict.result is not Result.UNKNOWN_PROJECT
        # What callers make up must not become series, nor fill the log.
        project = project if known else ""
        self._metrics.reports.labels(project, verdict.result.value).inc()
        if verdict.result is not Result.UNAVAILABLE:
            facts = {"project": project} if known else {}
            self._conditions.once("report refused", detail=verdict.message, **facts)

    async def _store(
        self,
        project: str,
        report: Report,
        received: float,
        body: bytes,
        jobs: tuple[KnownJob, ...],
    ) -> Verdict:
        entry = Entry(
            project=project,
            message_id=report.message_id,
            received_at=received,
            body=body,
            jobs=jobs,
            relay=self._settings.relay is not None,
        )
        try:
            outcome = await self._journal.append(entry)
        except JournalError as exc:
            message = f"not stored, try again: {exc}"
            return Verdict(result=Result.UNAVAILABLE, message=message, retry_after=_RETRY_SECONDS)
        if outcome is Outcome.STORED:
            return ACCEPTED
        if outcome is Outcome.DUPLICATE:
            self._metrics.reports.labels(project, Result.DUPLICATE.value).inc()
            return Verdict(result=Result.DUPLICATE)
        return Verdict(
            result=Result.CONFLICT, message="message_id: already used for a different report"
        )

    def _reserve(self, project: str, new: Set[tuple[str, str]]) -> bool:
        """Hold room for the new jobs of a report while it is stored; say whether there is any."""
        coming = self._coming.setdefault(project, Counter())
        if self._job_tracker.count(project) + len(coming.keys() | new) > self._settings.max_jobs:
            return False
        coming.update(new)
        return True

    def _release(self, project: str, new: Set[tuple[str, str]]) -> None:
        coming = self._coming[project]
        coming.subtract(new)
        for key in new:
            if not coming[key]:
                del coming[key]

    def _note_flaws(self, flaws: Flaws) -> None:
        labels = (SOURCE, PLATFORM)
        if flaws.unreadable:
            self._telemetry.unreadable_fields.labels(*labels).inc(len(flaws.unreadable))
            self._conditions.all_at_once(
                "skipped a field that is not as documented",
                "field",
                map(str, flaws.unreadable[:_MOST_SAID]),
            )
        if flaws.unknown_states:
            self._telemetry.unknown_states.labels(*labels).inc(len(flaws.unknown_states))
            self._conditions.all_at_once(
                "met a state word that is not known", "word", flaws.unknown_states[:_MOST_SAID]
            )

    def _understand(
        self, project: str, body: bytes, received: float, flaws: Flaws
    ) -> Steps[tuple[Report, tuple[KnownJob, ...]]]:
        """Read a report and what it says of each job, in turns. Raises ReportError."""
        report = yield from read_in_turns(body)
        jobs = []
        for index, reported in enumerate(report.jobs):
            if index and index % _JOBS_A_TURN == 0:
                yield
            known = yield from read_job_in_turns(project, reported, received, flaws)
            jobs.append(keep_times(known, self._job_tracker.newest(known.key)))
        return report, tuple(jobs)
