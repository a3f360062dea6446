"""The applications of a simulated YARN, and those that run the jobs of a fleet.

Names of states are Hadoop's; of Flink in application mode each run of a job is an application.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from starlette.applications import Starlette

from exporter.simulator.apache_flink import service as apache_flink
from exporter.simulator.apache_flink.cluster import Cluster, FlinkJob
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet, Phase, View

FLINK = "Apache Flink"
LIVING = frozenset({"NEW", "NEW_SAVING", "SUBMITTED", "ACCEPTED", "RUNNING"})
_WAITS = 12.0
"""Seconds that an application is in the queue, or that a master takes to register."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """One application at one moment; times are epoch seconds, 0 means none."""

    number: int
    name: str
    state: str
    final_status: str = "UNDEFINED"
    queue: str = "default"
    user: str = "flink"
    application_type: str = FLINK
    started_at: float = 0.0
    finished_at: float = 0.0
    diagnostics: str = ""
    attempt: int = 1
    master: str = "N/A"
    """host:port that the master registered."""
    job_manager: Starlette | None = None
    """What answers at the tracking URL; None when nobody does."""

    def identity(self, cluster_id: int) -> str:
        """Return the id, which holds when the ResourceManager was first started."""
        return f"application_{cluster_id}_{self.number:04d}"


class Applications(Protocol):
    """Whoever says which applications there are."""

    def at(self, now: float) -> list[Application]:
        """Return all applications that are remembered at a moment, the newest first."""


class FleetApplications:
    """The runs of a fleet, each as an application that is forgotten after `retention` seconds."""

    def __init__(
        self, fleet: Fleet, *, clock: Callable[[], float], retention: float = 86400.0
    ) -> None:
        self._fleet = fleet
        self._cluster = Cluster(fleet, retention=retention)
        self._clock = clock
        self._managers: dict[str, Starlette] = {}

    @property
    def cluster(self) -> Cluster:
        """Return all jobs, those that ended included: what Flink's HistoryServer would have."""
        return self._cluster

    def at(self, now: float) -> list[Application]:
        """Return all applications that are remembered at a moment, the newest first."""
        jobs = self._cluster.jobs(now)
        self._managers = {job.jid: self._manager(job) for job in jobs if not job.ended}
        found = [self._application(job, now) for job in jobs]
        return sorted(found, key=lambda each: each.number, reverse=True)

    def _application(self, job: FlinkJob, now: float) -> Application:
        run = job.run
        state, final_status = _state(run, now)
        submitted = run.submitted_at or run.created_at
        running = state == "RUNNING"
        return Application(
            number=run.run_id % 100_000_000,
            name=run.name,
            state=state,
            final_status=final_status,
            queue=("streaming", "risk")[run.number % 2],
            user=("flink", "etl")[run.number % 2],
            started_at=submitted,
            finished_at=run.ended_at or 0.0,
            diagnostics=run.error.text if run.error is not None and job.state == "FAILED" else "",
            master=f"10.0.0.{run.number % 250 + 1}:{30000 + run.number % 30000}"
            if running
            else "N/A",
            job_manager=self._managers.get(job.jid) if running else None,
        )

    def _manager(self, job: FlinkJob) -> Starlette:
        known = self._managers.get(job.jid)
        if known is not None:
            return known
        return apache_flink.build(
            fleet=self._fleet,
            faults=FaultInjection(),
            clock=self._clock,
            cluster=OneJob(self._cluster, job.jid),
        )


class OneJob(Cluster):
    """The cluster of one job in application mode: it ends with it."""

    def __init__(self, cluster: Cluster, jid: str) -> None:
        self._of = cluster
        self._jid = jid

    def jobs(self, now: float) -> list[FlinkJob]:
        """Return the job as long as it lives."""
        job = self.find(self._jid, now)
        return [] if job is None else [job]

    def find(self, jid: str, now: float) -> FlinkJob | None:
        """Return the job, if it is asked for and lives."""
        job = self._of.find(jid, now) if jid == self._jid else None
        return job if job is not None and not job.ended else None


def _state(run: View, now: float) -> tuple[str, str]:
    if run.phase is Phase.FINISHED:
        return "FINISHED", "SUCCEEDED"
    if run.phase is Phase.FAILED:
        return "FINISHED", "FAILED"
    if run.ended_at is not None:
        # Cancelled through Flink, or killed through YARN.
        return ("FINISHED", "KILLED") if run.number % 3 else ("KILLED", "KILLED")
    if run.phase is Phase.STARTING and now - (run.submitted_at or 0.0) < _WAITS:
        return "ACCEPTED", "UNDEFINED"
    return "RUNNING", "UNDEFINED"
