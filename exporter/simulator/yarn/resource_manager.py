"""A pair of simulated ResourceManagers, one of which is active.

Follows Hadoop's RMWebAppFilter (what a standby says) and RMWebServices.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from exporter.simulator.fault_injection import FaultInjection, Trouble
from exporter.simulator.yarn.access import YarnAccess
from exporter.simulator.yarn.applications import Application, Applications
from exporter.simulator.yarn.bodies import YarnError, application_row, chosen
from exporter.simulator.yarn.web_proxy import WebProxy

_NOT_REDIRECTED = frozenset(
    {"/ws/v1/cluster/info", "/conf", "/stacks", "/logLevel", "/logs", "/isActive", "/jmx", "/prom"}
)
_REFRESH = "next.refresh.interval"
_FIRST_PAUSE, _LONGEST_PAUSE = 5, 300


@dataclass(slots=True, kw_only=True)
class Availability:
    """Which of the ResourceManagers is active; None while nobody is."""

    active: str | None = "rm1"
    addresses: dict[str, str] = field(default_factory=dict)
    """Their addresses by name, as far as a standby has to name them."""
    schedule: Callable[[], str | None] | None = None
    """Says which one is active, instead of `active`."""

    @property
    def now(self) -> str | None:
        """Return which one is active."""
        return self.active if self.schedule is None else self.schedule()


@dataclass(frozen=True, slots=True, kw_only=True)
class Yarn:
    """What all ResourceManagers of one YARN share; `hadoop` is the major version."""

    applications: Applications
    clock: Callable[[], float]
    availability: Availability = field(default_factory=Availability)
    access: YarnAccess = field(default_factory=YarnAccess)
    cluster_id: int = 1_700_000_000_000
    hadoop: int = 3
    queues: frozenset[str] = frozenset({"default", "streaming", "risk"})
    history: str = ""
    """The address of Flink's HistoryServer, where the proxy sends those who come too late."""


def build(yarn: Yarn, *, name: str = "rm1", faults: FaultInjection | None = None) -> Starlette:
    """Build one ResourceManager."""
    manager = _ResourceManager(yarn, name, faults or FaultInjection())
    return Starlette(routes=[Route("/{path:path}", manager.answer, methods=_METHODS)])


_METHODS = ["GET", "PUT", "POST", "DELETE", "HEAD"]


class _ResourceManager:
    def __init__(self, yarn: Yarn, name: str, faults: FaultInjection) -> None:
        self._yarn = yarn
        self._name = name
        self._faults = faults
        self._proxy = WebProxy(access=yarn.access, cluster_id=yarn.cluster_id, history=yarn.history)

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        now = self._yarn.clock()
        if await self._faults.arrive(now) is Trouble.OUTAGE:
            return PlainTextResponse("Bad Gateway", 502)
        path = request.url.path
        active = self._yarn.availability.now == self._name
        if not active and path not in _NOT_REDIRECTED and not path.startswith("/proxy"):
            return self._point_elsewhere(request)
        user = request.query_params.get("user.name", "")
        if not user and not self._yarn.access.anonymous:
            headers = {"WWW-Authenticate": "PseudoAuth"}
            return HTMLResponse("<html>Authentication required</html>", 401, headers=headers)
        applications = self._yarn.applications.at(now) if active else []
        if path.startswith("/proxy"):
            return await self._proxy.answer(request, applications, user)
        try:
            return self._serve(request, path, applications, user, now)
        except YarnError as error:
            self._faults.record(path, now, str(error.status))
            return JSONResponse(error.body(), error.status)

    def _serve(
        self, request: Request, path: str, applications: list[Application], user: str, now: float
    ) -> Response:
        if request.method not in ("GET", "HEAD"):
            raise YarnError(405, "WebApplicationException", "Method Not Allowed")
        if path == "/ws/v1/cluster/info":
            active = self._yarn.availability.now == self._name
            state = "ACTIVE" if active else "STANDBY"
            return JSONResponse({"clusterInfo": {"id": self._yarn.cluster_id, "haState": state}})
        if path.startswith("/cluster/app/"):
            return HTMLResponse("<!DOCTYPE html><html><title>Application</title></html>")
        if path == "/ws/v1/cluster/apps":
            self._faults.record("apps", now)
            return self._list(request, applications, user, now)
        prefix, _, identity = path.rpartition("/")
        if prefix == "/ws/v1/cluster/apps":
            self._faults.record("app", now)
            return self._one(identity, applications, user, now)
        raise YarnError(404, "NotFoundException", "HTTP 404 Not Found")

    def _list(
        self, request: Request, applications: list[Application], user: str, now: float
    ) -> Response:
        found = chosen(applications, request.query_params, self._yarn.queues)
        access = self._yarn.access
        rows = [
            self._row(each, user, now, request.query_params.get("deSelects", ""))
            for each in found
            if access.sees(each, user) or not access.filtered
        ]
        if rows:
            return JSONResponse({"apps": {"app": rows}})
        return JSONResponse({"apps": {} if self._yarn.hadoop >= 3 else None})

    def _one(
        self, identity: str, applications: list[Application], user: str, now: float
    ) -> Response:
        for each in applications:
            if each.identity(self._yarn.cluster_id) == identity:
                return JSONResponse({"app": self._row(each, user, now, "")})
        raise YarnError(404, "NotFoundException", f"app with id: {identity} not found")

    def _row(self, application: Application, user: str, now: float, fields: str) -> object:
        return application_row(
            application,
            now,
            cluster_id=self._yarn.cluster_id,
            address=self._yarn.availability.addresses.get(self._name, "http://rm:8088"),
            sees=self._yarn.access.sees(application, user),
            de_selected=frozenset(fields.split(",")),
        )

    def _point_elsewhere(self, request: Request) -> Response:
        active = self._yarn.availability.now
        path = request.url.path
        query = f"?{request.url.query}" if request.url.query else ""
        if active is not None:
            location = f"{self._yarn.availability.addresses.get(active, '')}{path}{query}"
            text = f"This is standby RM. The redirect url is: {path}{query}\n"
            return PlainTextResponse(text, 307, headers={"Location": location})
        rounds = int(request.query_params.get(_REFRESH, "0"))
        pause = _FIRST_PAUSE * 2**rounds
        state = "\nHA Zookeeper Connection State: CONNECTED\n"
        if pause > _LONGEST_PAUSE:
            return PlainTextResponse(f"There is no active RM right now.{state}")
        return PlainTextResponse(
            f"Can not find any active RM. Will retry in next {pause} seconds.{state}",
            307,
            headers={"Refresh": f"{pause};url={path}?{_REFRESH}={rounds + 1}"},
        )
