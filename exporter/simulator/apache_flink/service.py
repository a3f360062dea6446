"""Simulate the REST API of an Apache Flink JobManager, 1.13 to 2.x, behind an optional login."""

import base64
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from exporter.simulator.apache_flink.cluster import Cluster
from exporter.simulator.apache_flink.rest import FlinkError, Rest
from exporter.simulator.fault_injection import FaultInjection, Trouble
from exporter.simulator.fleet.fleet import Fleet


@dataclass(frozen=True, slots=True, kw_only=True)
class FlinkLogin:
    """What a reverse proxy in front of Flink asks for: a user's password or a bearer token."""

    username: str = ""
    password: str = ""
    token: str = ""

    def admits(self, authorization: str) -> bool:
        """Tell whether an Authorization header is the right one."""
        pair = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        wanted = f"Bearer {self.token}" if self.token else f"Basic {pair}"
        return hmac.compare_digest(authorization.encode(), wanted.encode())


def build(
    *,
    fleet: Fleet,
    faults: FaultInjection,
    clock: Callable[[], float],
    access: FlinkLogin | None = None,
    cluster: Cluster | None = None,
    version: str = "2.3.0",
) -> Starlette:
    """Build the simulated JobManager; its Cluster is also at `app.state.cluster`."""
    cluster = cluster or Cluster(fleet)
    api = Rest(cluster, version=version)
    answers: dict[str, Callable[[Request, float], object]] = {
        "/config": api.config,
        "/overview": api.overview,
        "/jobs/overview": api.jobs_overview,
        "/jobs/metrics": api.jobs_metrics,
        "/jobs/{jid}": api.job,
        "/jobs/{jid}/metrics": api.job_metrics,
        "/jobs/{jid}/checkpoints": api.checkpoints,
        "/jobs/{jid}/exceptions": api.exceptions,
        "/jobs/{jid}/vertices/{vid}/subtasks/metrics": api.subtasks_metrics,
        "/{path:path}": api.unknown,
    }
    gateway = _Gateway(faults, clock, access)
    routes = [Route(path, gateway.guarding(path, answer)) for path, answer in answers.items()]
    app = Starlette(routes=routes)
    app.state.cluster = cluster
    return app


class _Gateway:
    """The reverse proxy: faults and login, before Flink itself is asked."""

    def __init__(
        self, faults: FaultInjection, clock: Callable[[], float], access: FlinkLogin | None
    ) -> None:
        self._faults = faults
        self._clock = clock
        self._access = access

    def guarding(
        self, operation: str, answer: Callable[[Request, float], object]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            now = self._clock()
            try:
                await self._admit(request, now)
                if canned := self._faults.overrides.get(operation):
                    response = Response(canned.body, canned.status, headers=canned.headers)
                else:
                    response = JSONResponse(answer(request, now))
            except FlinkError as error:
                self._faults.record(operation, now, str(error.status))
                return self._refuse(error)
            self._faults.record(operation, now)
            return response

        return guarded

    async def _admit(self, request: Request, now: float) -> None:
        trouble = await self._faults.arrive(now)
        if trouble is Trouble.OUTAGE:
            raise FlinkError(503, "Service temporarily unavailable due to leader election.")
        if trouble is Trouble.THROTTLED:
            raise FlinkError(429, "Too many requests.")
        if self._access and not self._access.admits(request.headers.get("authorization", "")):
            raise FlinkError(401, "Unauthorized")

    def _refuse(self, error: FlinkError) -> Response:
        headers = {}
        if error.status == 401:
            scheme = "Bearer" if self._access and self._access.token else "Basic"
            headers["www-authenticate"] = f'{scheme} realm="flink"'
        if error.status == 429 and self._faults.retry_after is not None:
            headers["retry-after"] = str(self._faults.retry_after)
        return JSONResponse({"errors": error.errors}, error.status, headers=headers)
