"""Simulate Flink's HistoryServer: files about jobs that have ended, fetched once in a while.

As run with Flink 2.3.0: the paths of a JobManager, `/overview`, `/jobs` and metrics excepted. It
ignores every query, starts with an empty list, and answers archived errors with status 200. Jobs
whose JobManager was killed have no archive.
"""

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from exporter.simulator.apache_flink.checkpoints import checkpoint_statistics, has_checkpoints
from exporter.simulator.apache_flink.cluster import Cluster, FlinkJob
from exporter.simulator.apache_flink.exceptions import job_exceptions
from exporter.simulator.apache_flink.jobs import job_details, overview_row
from exporter.simulator.fault_injection import FaultInjection, Trouble

Body = dict[str, object]
_HEADERS = {"cache-control": "private, max-age=300"}
_FEATURES = {"web-submit": False, "web-cancel": False, "web-rescale": False, "web-history": True}
_MOST_EXCEPTIONS = 20


class HistoryServer:
    """The archives that were fetched until now; `killed` says of which jobs there is none."""

    def __init__(
        self,
        cluster: Cluster,
        *,
        clock: Callable[[], float],
        faults: FaultInjection | None = None,
        refresh: float = 10.0,
        killed: Callable[[FlinkJob], bool] = lambda job: False,
    ) -> None:
        self._cluster = cluster
        self._clock = clock
        self._faults = faults or FaultInjection()
        self._refresh = refresh
        self._killed = killed
        self._started = clock()

    def restart(self) -> None:
        """Forget all archives, until they are fetched anew."""
        self._started = self._clock()

    def app(self) -> Starlette:
        """Return what answers."""
        answers: dict[str, Callable[[Request, float], Body | None]] = {
            "/config": self._config,
            "/jobs/overview": self._overview,
            "/jobs/{jid}": self._job,
            "/jobs/{jid}/exceptions": self._exceptions,
            "/jobs/{jid}/checkpoints": self._checkpoints,
            "/{path:path}": lambda request, now: None,
        }
        return Starlette(routes=[Route(path, self._serve(answers[path])) for path in answers])

    def _serve(
        self, answer: Callable[[Request, float], Body | None]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            now = self._clock()
            if await self._faults.arrive(now) is Trouble.OUTAGE:
                return Response("Bad Gateway", 502)
            self._faults.record(request.url.path, now)
            body = answer(request, now)
            if body is None:
                return JSONResponse({"errors": ["File not found."]}, 404)
            return JSONResponse(body, headers=_HEADERS)

        return serve

    def _config(self, _request: Request, _now: float) -> Body:
        return {
            "refresh-interval": 10000,
            "timezone-name": "Coordinated Universal Time",
            "timezone-offset": 0,
            "flink-version": "2.3.0",
            "flink-revision": "0000000 @ 2026-01-01T00:00:00+01:00",
            "features": _FEATURES,
        }

    def _overview(self, _request: Request, now: float) -> Body:
        jobs = [job for job in self._cluster.jobs(now) if self._archived(job, now)]
        return {"jobs": [overview_row(job, now, legacy=False) for job in jobs]}

    def _job(self, request: Request, now: float) -> Body | None:
        job = self._find(request, now)
        return None if job is None else job_details(job, now, legacy=False)

    def _exceptions(self, request: Request, now: float) -> Body | None:
        job = self._find(request, now)
        if job is None:
            return None
        return job_exceptions(job, most=_MOST_EXCEPTIONS, legacy=False)

    def _checkpoints(self, request: Request, now: float) -> Body | None:
        job = self._find(request, now)
        if job is None:
            return None
        if not has_checkpoints(job.run):
            return {"errors": ["Checkpointing has not been enabled."]}
        return checkpoint_statistics(job, now)

    def _find(self, request: Request, now: float) -> FlinkJob | None:
        # Archives are files: what is no id is a name that no file has.
        job = self._cluster.find(str(request.path_params["jid"]), now)
        return job if job is not None and self._archived(job, now) else None

    def _archived(self, job: FlinkJob, now: float) -> bool:
        if job.run.ended_at is None or self._killed(job):
            return False
        return now >= max(job.run.ended_at, self._started) + self._refresh
