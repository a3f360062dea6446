"""Serve one worker of a simulated Connect cluster, or Confluent Cloud's API about it.

Follows RootResource and ConnectorsResource of connect/runtime, and what real workers of 3.9 and 4.3
were seen to answer; Confluent Cloud's `connect/v1` as its specification has it.
"""

import base64
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from exporter.simulator.fault_injection import FaultInjection, Trouble
from exporter.simulator.kafka_connect.bodies import (
    AMBIGUOUS_PAGE,
    STARTING_PAGE,
    ConnectError,
    SimulatedConnector,
    UnhealthyError,
)
from exporter.simulator.kafka_connect.cluster import ConnectCluster

KAFKA_CLUSTER_ID = "4L6g3nShT-eMCtK--X86sw"
_Answer = Callable[[Request, float], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectLogin:
    """What the basic authentication extension, or Confluent Cloud, asks for."""

    username: str
    password: str

    def admits(self, authorization: str) -> bool:
        """Tell whether an Authorization header is the right one."""
        pair = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        return hmac.compare_digest(authorization.encode(), f"Basic {pair}".encode())


@dataclass(slots=True, kw_only=True)
class Condition:
    """How it stands with one worker; tests change it."""

    starting: bool = False
    """Every path is a page of Jetty's."""
    brokers_gone: bool = False
    """It goes on to list what it knew last; only its health tells."""


class Worker:
    """The REST API of one worker; `cloud` makes it the API of Confluent Cloud."""

    def __init__(
        self,
        cluster: ConnectCluster,
        *,
        faults: FaultInjection,
        clock: Callable[[], float],
        access: ConnectLogin | None = None,
        cloud: str = "",
    ) -> None:
        """Take the cluster; `cloud` is the path of an environment and a cluster, if it is one."""
        self.condition = Condition()
        self._cluster = cluster
        self._faults = faults
        self._clock = clock
        self._access = access
        self._cloud = cloud
        self._seen: dict[str, SimulatedConnector] = {}

    def app(self) -> Starlette:
        """Return the application that serves it."""
        answers: dict[str, _Answer] = {
            f"{self._cloud}/connectors": self._listing,
            f"{self._cloud}/connectors/{{name}}": self._info,
            f"{self._cloud}/connectors/{{name}}/status": self._status,
            f"{self._cloud}/connectors/{{name}}/tasks/{{task:int}}/status": self._task_status,
        }
        if not self._cloud:
            answers |= {"/": self._root}
            if self._version() >= (3, 9):
                answers |= {"/health": self._health}
        answers |= {"/{path:path}": self._unknown}
        routes = [Route(path, self._guarding(path, answer)) for path, answer in answers.items()]
        return Starlette(routes=routes)

    def _guarding(self, path: str, answer: _Answer) -> Callable[[Request], Awaitable[Response]]:
        operation = path.removeprefix(self._cloud)

        async def guarded(request: Request) -> Response:
            now = self._clock()
            try:
                response = await self._refuse_before(request, now)
                if response is None:
                    canned = self._faults.overrides.get(operation)
                    if canned:
                        response = Response(canned.body, canned.status, headers=canned.headers)
                    else:
                        response = JSONResponse(answer(request, now))
            except ConnectError as error:
                self._faults.record(operation, now, str(error.status))
                return self._refuse(error)
            refusal = "" if response.status_code < 400 else str(response.status_code)
            self._faults.record(operation, now, refusal)
            return response

        return guarded

    async def _refuse_before(self, request: Request, now: float) -> Response | None:
        """Return what is said before Connect's own resources are asked; None if nothing is."""
        trouble = await self._faults.arrive(now)
        if trouble is Trouble.OUTAGE:
            raise ConnectError(500, "Cannot complete request momentarily due to no known leader")
        if trouble is Trouble.THROTTLED:
            raise ConnectError(429, "Too many requests")
        if self.condition.starting:
            return Response(STARTING_PAGE, 404, media_type="text/html")
        raw = request.scope.get("raw_path", b"")
        if b"%2f" in raw.lower() and self._version() >= (4, 0):
            return Response(AMBIGUOUS_PAGE, 400, media_type="text/html")
        if self._access and not self._access.admits(request.headers.get("authorization", "")):
            if self._cloud:
                raise ConnectError(401, "Unauthorized")
            return Response(status_code=401, headers={"www-authenticate": "Basic"})
        accepted = request.headers.get("accept", "*/*")
        if "json" not in accepted and "*/*" not in accepted:
            raise ConnectError(406, "HTTP 406 Not Acceptable")
        return None

    def _refuse(self, error: ConnectError) -> Response:
        headers = {}
        if error.status == 429 and self._faults.retry_after is not None:
            name = "ratelimit-reset" if self._cloud else "retry-after"
            headers[name] = str(self._faults.retry_after)
        body = error.body()
        if self._cloud and error.status in (401, 429):
            body = {"error": {"code": error.status, "message": error.message}}
        return JSONResponse(body, error.status, headers=headers)

    def _root(self, _request: Request, _now: float) -> object:
        return {
            "version": self._cluster.version,
            "commit": "dc9b7a6c6ac3a4ca",
            "kafka_cluster_id": KAFKA_CLUSTER_ID,
        }

    def _health(self, _request: Request, _now: float) -> object:
        if self.condition.brokers_gone:
            raise UnhealthyError(
                500,
                "Worker was unable to handle this request and may be unable to handle other "
                "requests. The worker is currently polling the group coordinator.",
            )
        message = "Worker has completed startup and is ready to handle requests."
        return {"status": "healthy", "message": message}

    def _listing(self, request: Request, now: float) -> object:
        connectors = self._known(now)
        given = request.query_params.getlist("expand")
        if not given:
            return list(connectors)
        # The cloud's word is one, with commas; Apache's workers take each as a word of its own,
        # and pass over those that they do not know.
        words = given[0].split(",") if self._cloud else given
        allowed = ("info", "status", "id") if self._cloud else ("info", "status")
        chosen = [word for word in words if word in allowed]
        return {name: each.expanded(chosen) for name, each in connectors.items()}

    def _info(self, request: Request, now: float) -> object:
        name = str(request.path_params["name"])
        found = self._known(now).get(name)
        if found is None:
            raise ConnectError(404, f"Connector {name} not found")
        return found.info()

    def _status(self, request: Request, now: float) -> object:
        return self._require(request, now).status()

    def _task_status(self, request: Request, now: float) -> object:
        found, wanted = self._require(request, now), request.path_params["task"]
        for task in found.tasks:
            if task.task_id == wanted:
                return {"id": wanted, "state": task.state, "worker_id": task.worker_id}
        raise ConnectError(404, f"No status found for task {found.name}-{wanted}")

    def _unknown(self, _request: Request, _now: float) -> object:
        raise ConnectError(404, "HTTP 404 Not Found")

    def _require(self, request: Request, now: float) -> SimulatedConnector:
        name = str(request.path_params["name"])
        found = self._cluster.status_of(name, now)
        if found is None:
            raise ConnectError(404, f"No status found for connector {name}")
        return found

    def _known(self, now: float) -> dict[str, SimulatedConnector]:
        """Return the connectors as this worker knows them: without brokers it hears no news."""
        if not self.condition.brokers_gone:
            self._seen = self._cluster.connectors(now)
        return self._seen

    def _version(self) -> tuple[int, int]:
        major, minor, *_ = self._cluster.version.split(".")
        return int(major), int(minor)
