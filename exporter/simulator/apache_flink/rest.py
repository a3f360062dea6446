"""The answers of a simulated JobManager's REST API, in the shapes of Flink 1.13 to 2.x."""

import re

from starlette.requests import Request

from exporter.simulator.apache_flink.checkpoints import checkpoint_statistics, has_checkpoints
from exporter.simulator.apache_flink.cluster import FlinkJob, Jobs
from exporter.simulator.apache_flink.exceptions import job_exceptions
from exporter.simulator.apache_flink.jobs import job_details, overview_row
from exporter.simulator.apache_flink.metrics import (
    AGGREGATIONS,
    as_aggregates,
    as_rows,
    job_metrics,
    vertex_metrics,
)

_IDENTIFIER = re.compile(r"[0-9a-fA-F]{32}")
_EXCEPTIONS_BY_DEFAULT = 20
_FEATURES = ("web-submit", "web-cancel", "web-rescale", "web-history")
_REST = "org.apache.flink.runtime.rest"
# Flink answers with the whole stack trace, of which one line is enough here.
_TRACE = "\n\tat org.apache.flink.runtime.rest.handler.AbstractHandler.respondAsLeader"


class FlinkError(Exception):
    """An error of the REST API: its status and its texts."""

    def __init__(self, status: int, *errors: str) -> None:
        super().__init__(*errors)
        self.status = status
        self.errors = list(errors)


class Rest:
    """The answers of one JobManager, each to a request and a moment."""

    def __init__(self, cluster: Jobs, *, version: str) -> None:
        self._cluster = cluster
        self._version = version
        self._legacy = int(version.partition(".")[0]) < 2

    def config(self, _request: Request, _now: float) -> object:
        """Answer `/config`: the version, nothing secret."""
        return {
            "refresh-interval": 3000,
            "timezone-name": "Coordinated Universal Time",
            "timezone-offset": 0,
            "flink-version": self._version,
            "flink-revision": "0000000 @ 2026-01-01T00:00:00+01:00",
            "features": dict.fromkeys(_FEATURES, False),
        }

    def overview(self, _request: Request, now: float) -> object:
        """Answer `/overview`: the cluster in numbers."""
        states = [job.state for job in self._cluster.jobs(now)]
        ended = {state: states.count(state) for state in ("FINISHED", "CANCELED", "FAILED")}
        return {
            "taskmanagers": 1,
            "slots-total": 8,
            "slots-available": 0,
            "jobs-running": len(states) - sum(ended.values()),
            "jobs-finished": ended["FINISHED"],
            "jobs-cancelled": ended["CANCELED"],
            "jobs-failed": ended["FAILED"],
            "flink-version": self._version,
            "flink-commit": "0000000",
        }

    def jobs_overview(self, _request: Request, now: float) -> object:
        """Answer `/jobs/overview`: every job in one row."""
        return {
            "jobs": [overview_row(job, now, legacy=self._legacy) for job in self._cluster.jobs(now)]
        }

    def job(self, request: Request, now: float) -> object:
        """Answer `/jobs/:jobid`."""
        return job_details(self._require(request, now), now, legacy=self._legacy)

    def job_metrics(self, request: Request, now: float) -> object:
        """Answer `/jobs/:jobid/metrics`: ids, or values as strings."""
        # The metric store knows no jobs: what it has no metrics of is an empty list, not a 404.
        job = self._cluster.find(_identifier(request, "jid"), now)
        return as_rows({} if job is None else job_metrics(job, now), _wanted(request))

    def jobs_metrics(self, request: Request, now: float) -> object:
        """Answer `/jobs/metrics`: aggregates over jobs, as numbers."""
        jobs = self._cluster.jobs(now)
        if text := request.query_params.get("jobs"):
            chosen = set(text.split(","))
            if wrong := [jid for jid in chosen if not _IDENTIFIER.fullmatch(jid)]:
                raise _unresolvable("query", "jobs", min(wrong))
            jobs = [job for job in jobs if job.jid in chosen]
        metrics = [job_metrics(job, now) for job in jobs]
        return as_aggregates(metrics, _wanted(request), _aggregations(request))

    def checkpoints(self, request: Request, now: float) -> object:
        """Answer `/jobs/:jobid/checkpoints`."""
        job = self._require(request, now)
        if job.initializing:
            # Flink looks for a graph that is not there yet and stumbles.
            raise FlinkError(
                500,
                "Internal server error.",
                "<Exception on server side:\njava.util.concurrent.CompletionException: "
                "org.apache.flink.util.FlinkException: Job is still initializing\nEnd of"
                " exception on server side>",
            )
        if not has_checkpoints(job.run):
            raise _handler_error(404, "Checkpointing has not been enabled.")
        return checkpoint_statistics(job, now)

    def exceptions(self, request: Request, now: float) -> object:
        """Answer `/jobs/:jobid/exceptions`."""
        job = self._require(request, now)
        text = request.query_params.get("maxExceptions", str(_EXCEPTIONS_BY_DEFAULT))
        if not text.isdigit():
            raise _unresolvable("query", "maxExceptions", text)
        return job_exceptions(job, most=int(text), legacy=self._legacy)

    def subtasks_metrics(self, request: Request, now: float) -> object:
        """Answer `/jobs/:jobid/vertices/:vertexid/subtasks/metrics`."""
        job = self._cluster.find(_identifier(request, "jid"), now)
        vertex = _identifier(request, "vid")
        if job is None or vertex not in job.vertex_ids():
            return []
        # All subtasks are alike.
        subtasks = [vertex_metrics(job, vertex, now)] * job.run.parallelism
        return as_aggregates(subtasks, _wanted(request), _aggregations(request))

    def unknown(self, request: Request, _now: float) -> object:
        """Answer everything else."""
        raise FlinkError(404, f"Unable to load requested file {request.url.path}.")

    def _require(self, request: Request, now: float) -> FlinkJob:
        jid = _identifier(request, "jid")
        job = self._cluster.find(jid, now)
        if job is None:
            text = f"{_REST}.NotFoundException: Job {jid} not found{_TRACE}"
            raise FlinkError(404, text)
        return job


def _identifier(request: Request, name: str) -> str:
    text = str(request.path_params[name])
    if not _IDENTIFIER.fullmatch(text):
        raise _unresolvable("path", "jobid" if name == "jid" else "vertexid", text)
    return text.lower()


def _wanted(request: Request) -> list[str] | None:
    text = request.query_params.get("get")
    return text.split(",") if text else None


def _aggregations(request: Request) -> list[str]:
    text = request.query_params.get("agg", "")
    chosen = [name.lower() for name in text.split(",") if name]
    if wrong := [name for name in chosen if name not in AGGREGATIONS]:
        raise _unresolvable("query", "agg", wrong[0])
    return chosen


def _unresolvable(kind: str, name: str, value: str) -> FlinkError:
    text = f'Cannot resolve {kind} parameter ({name}) from value "{value}".'
    return _handler_error(400, f"Bad request, could not parse parameters: {text}")


def _handler_error(status: int, text: str) -> FlinkError:
    return FlinkError(status, f"{_REST}.handler.RestHandlerException: {text}{_TRACE}")
