"""A simulated Flink cluster: every run of a job is a job of its own, with its own id."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from exporter.simulator.apache_flink.runs import Runs
from exporter.simulator.fleet.fleet import Fleet, Phase, View

_STATES = {
    Phase.STARTING: "INITIALIZING",
    Phase.RUNNING: "RUNNING",
    Phase.RESTARTING: "RESTARTING",
    Phase.FAILED: "FAILED",
    Phase.STOPPING: "CANCELLING",
    Phase.STOPPED: "CANCELED",
    Phase.SUSPENDED: "SUSPENDED",
    Phase.FINISHED: "FINISHED",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FlinkJob:
    """One run as Flink sees it."""

    jid: str
    state: str
    run: View

    @property
    def initializing(self) -> bool:
        """Whether the job has no execution graph yet."""
        return self.state == "INITIALIZING"

    @property
    def ended(self) -> bool:
        """Whether only an archived execution graph is left."""
        return self.run.ended_at is not None

    def vertex_ids(self) -> tuple[str, ...]:
        """Return the ids of the source vertex and of the one that writes; none without a graph."""
        if self.initializing:
            return ()
        return (_hexadecimal(f"{self.run.name}:source"), _hexadecimal(f"{self.run.name}:sink"))


class Jobs(Protocol):
    """The jobs that somebody asks a JobManager for."""

    def jobs(self, now: float) -> list[FlinkJob]:
        """Return every job that is listed at `now`."""

    def find(self, jid: str, now: float) -> FlinkJob | None:
        """Return one job; None when it is not known (any more)."""


class Cluster:
    """The jobs a JobManager knows: all that are alive, and ended ones for `retention` seconds.

    Flink's own `jobstore.expiration-time` is an hour; a day shows more of a fleet's past.
    """

    def __init__(self, fleet: Fleet, *, retention: float = 86400.0) -> None:
        self._fleet = fleet
        self._runs = Runs(fleet)
        self._retention = retention
        self._forgotten_until = float("-inf")
        self._views: tuple[View, ...] = ()
        self._jobs: dict[str, FlinkJob] = {}

    def restart_job_manager(self, now: float) -> None:
        """Restart the JobManager: jobs that are alive are recovered, ended ones are forgotten."""
        self._forgotten_until = now

    def jobs(self, now: float) -> list[FlinkJob]:
        """Return every job that is listed at `now`, those alive first."""
        listed = [job for job in self._all(now).values() if self._is_listed(job.run, now)]
        return sorted(listed, key=lambda job: job.ended)

    def find(self, jid: str, now: float) -> FlinkJob | None:
        """Return one job; None when it is not known (any more)."""
        job = self._all(now).get(jid)
        return job if job is not None and self._is_listed(job.run, now) else None

    def _all(self, now: float) -> dict[str, FlinkJob]:
        views = self._fleet.views(now)
        # A very large fleet shows the same views for a while: hashing them once is enough.
        if views != self._views:
            runs = (run for view in views for run in self._runs.of(view))
            jobs = (self._job(run) for run in runs)
            self._views = views
            self._jobs = {job.jid: job for job in jobs}
        return self._jobs

    def _job(self, run: View) -> FlinkJob:
        jid = _hexadecimal(f"{self._fleet.seed}:{run.name}:{run.run_id}")
        return FlinkJob(jid=jid, state=_STATES[run.phase], run=run)

    def _is_listed(self, run: View, now: float) -> bool:
        if run.ended_at is None:
            return True
        return run.ended_at > max(self._forgotten_until, now - self._retention)


def is_data_stream(run: View) -> bool:
    """Tell a DataStream program, every second job, from an SQL statement."""
    return run.number % 2 == 0


def milliseconds(seconds: float) -> int:
    """Turn epoch seconds or a length of time into what Flink counts in."""
    return round(seconds * 1000)


def _hexadecimal(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:32]
