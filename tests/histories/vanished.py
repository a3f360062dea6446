"""Know which jobs must be told as gone: they lived, left, and nobody said how they ended."""

from collections.abc import Callable, Iterable

from exporter.model import Job, JobKey, Snapshot, State
from tests.histories.rules import Broken, Rule, brief

_LIVING = (State.STARTING, State.RUNNING, State.RESTARTING, State.STOPPING)


class Vanished:
    """What must be told as gone, worked out from what was shown and what the cloud said since.

    `has_later_run` says whether a later run of a job exists by now.
    """

    def __init__(self, has_later_run: Callable[[JobKey, float], bool]) -> None:
        self._has_later_run = has_later_run
        self._shown: dict[JobKey, Job] = {}
        """Every job as it was last shown."""
        self._lived: dict[JobKey, Job] = {}
        """The same, when a state was last shown that anybody knows."""
        self._leaving: dict[JobKey, Job] = {}
        self._gone: dict[JobKey, Job] = {}

    def restarted(self) -> None:
        """Hear that the exporter knows nothing any more."""
        for known in (self._shown, self._lived, self._leaving, self._gone):
            known.clear()

    def reloads(self, selects: Callable[[Job], bool]) -> None:
        """Hear that the configuration is being changed: only what it chooses is of interest."""
        self._leaving.clear()
        self._gone = {key: job for key, job in self._gone.items() if selects(job)}
        self._lived = {key: job for key, job in self._lived.items() if selects(job)}

    def refused(self, key: JobKey, *, missed: bool) -> None:
        """Hear that the cloud does not know a job that was watched."""
        lost = self._lived.pop(key, None)
        if lost is not None:
            (self._gone if missed else self._leaving)[key] = lost

    def listed(self, listed: Iterable[JobKey], incomplete: Iterable[str]) -> None:
        """Hear which jobs a listing has, and which projects it says nothing of."""
        for key in listed:
            self._gone.pop(key, None)
            self._leaving.pop(key, None)
        for key in [key for key in self._leaving if key.project not in set(incomplete)]:
            self._gone[key] = self._leaving.pop(key)

    def heard(self, said: Job) -> None:
        """Hear what is said of a job, which need not be shown: some ends are of no interest."""
        if said.native_status and said.state is not State.UNKNOWN and said.state not in _LIVING:
            self._lived.pop(said.key, None)

    def left(self, key: JobKey, *, listed: bool) -> None:
        """Hear that two listings lacked a job, or have it under a name that nobody watches."""
        lost = self._lived.pop(key, None)
        if lost is not None and not listed:
            self._gone[key] = lost

    def published(self, snapshot: Snapshot, now: float) -> None:
        """Judge what is told as gone; raises Broken."""
        told = {gone.key for gone in snapshot.gone}
        if told & {job.key for job in snapshot.jobs}:
            raise Broken(Rule.GONE_IS_TOLD, now, f"shown as well: {told}")
        for key in told ^ self._gone.keys():
            if not self._has_later_run(key, now):
                job = self._gone.get(key) or self._shown.get(key)
                text = f"told: {key in told}, {'never shown' if job is None else brief(job)}"
                raise Broken(Rule.GONE_IS_TOLD, now, f"{key.job_id} {text}")
        for job in snapshot.jobs:
            self._shown[job.key] = job
            if job.state in _LIVING:
                self._lived[job.key] = job
            elif job.state is not State.UNKNOWN:
                self._lived.pop(job.key, None)
