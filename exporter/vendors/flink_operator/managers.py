"""Ask the JobManagers of the Flink operator's clusters, each of which is somewhere else.

The operator makes a Service `NAME-rest` beside each FlinkDeployment. It is reached directly, or
through the API server, which hands requests on to Services. A JobManager that does not answer costs
its own jobs their details and is asked less and less often; no poll waits for it each time.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from random import Random

from exporter.errors import FetchError, Reason
from exporter.model import Job
from exporter.pacing import Backoff, Clock, Sleep
from exporter.source import Details
from exporter.upstream.client import ApiClient
from exporter.upstream.refusals import Answer, Refusal, flink, kubernetes
from exporter.vendors.flink.cluster import FlinkCluster
from exporter.vendors.flink.managers import JobManagers
from exporter.vendors.flink.measures import Wanted
from exporter.vendors.flink_operator.resources import REST_PORT, Resource

_LONGEST_PAUSE = 600.0
_SILENT = frozenset({Reason.TIMEOUT, Reason.CONNECTION, Reason.TLS})
"""Why nobody answers; who says no answers at once, and costs little."""

OpenManager = Callable[["ManagerPlace"], Awaitable[ApiClient]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagerPlace:
    """Where the JobManager of one cluster is, as the operator names it."""

    namespace: str
    name: str
    port: int = REST_PORT
    tls: bool = False

    @property
    def service(self) -> str:
        """Return the name of its Service."""
        return f"{self.name}-rest"

    @property
    def address(self) -> str:
        """Return its address within the cluster network.

        With `.svc`, so that no name outside of the cluster can be meant.
        """
        scheme = "https" if self.tls else "http"
        return f"{scheme}://{self.service}.{self.namespace}.svc:{self.port}"

    @property
    def proxy_path(self) -> str:
        """Return its path below an API server; the port is a number, as no name is known."""
        service = f"{'https:' if self.tls else ''}{self.service}:{self.port}"
        return f"/api/v1/namespaces/{self.namespace}/services/{service}/proxy"


@dataclass(slots=True)
class _Manager:
    """One JobManager, and how long it has been silent."""

    cluster: FlinkCluster
    backoff: Backoff
    asked_again_at: float = float("-inf")
    silences: int = 0
    """How many questions in a row nobody answered."""
    lives: frozenset[str] = field(default=frozenset())


class OperatorManagers:
    """The JobManagers of one source, by where they are; `now` never runs backwards."""

    def __init__(
        self,
        open_manager: OpenManager,
        *,
        clock: Clock,
        now: Clock,
        random: Random,
        first_pause: float,
        wanted: Wanted,
        sleep: Sleep | None = None,
    ) -> None:
        """Take how to reach them; with `sleep` figures are waited for that Flink is gathering."""
        self._open = open_manager
        self._clock = clock
        self._now = now
        self._random = random
        self._first_pause = first_pause
        self._wanted = wanted
        self._sleep = sleep
        self._managers: dict[ManagerPlace, _Manager] = {}

    def keep_only(self, runs: Iterable[tuple[ManagerPlace, str]]) -> None:
        """Forget JobManagers and runs that are gone, and silence where something else runs now.

        `runs` are the places of all clusters that are ready, each with a run that is there.
        """
        by_place: dict[ManagerPlace, set[str]] = {}
        for place, run_id in runs:
            by_place.setdefault(place, set()).add(run_id)
        self._managers = {
            place: each for place, each in self._managers.items() if place in by_place
        }
        for place, manager in self._managers.items():
            lives = frozenset(by_place[place])
            if manager.lives and not lives & manager.lives:
                manager.backoff.reset()
                manager.silences = 0
                manager.asked_again_at = float("-inf")
            manager.lives = lives
            # A session cluster outlives its runs: there may be another one every minute.
            manager.cluster.keep_only(lives)

    async def ask(self, place: ManagerPlace, job: Job) -> Details | FetchError | None:
        """Return what a JobManager says of the run of a job, or why it says nothing.

        None where it is not to be asked now, or knows no such run: the operator is behind.
        """
        try:
            manager = self._managers.get(place) or await self._begin(place)
            if self._now() < manager.asked_again_at:
                return None
            details = await manager.cluster.fetch_details(
                Job(
                    project=job.project,
                    job_id=job.run_id,
                    job_name=job.job_name,
                    observed_timestamp=job.observed_timestamp,
                )
            )
        except FetchError as exc:
            if exc.gone:
                return None
            if place in self._managers and exc.reason in _SILENT:
                self._note_silence(self._managers[place])
            return _named(exc, place)
        manager.backoff.reset()
        manager.silences = 0
        return details

    def _note_silence(self, manager: _Manager) -> None:
        # A single one may be a hiccup of the network, and costs no more than that question.
        manager.silences += 1
        if manager.silences > 1:
            manager.asked_again_at = self._now() + manager.backoff.next()

    async def _begin(self, place: ManagerPlace) -> _Manager:
        client = await self._open(place)
        if place not in self._managers:
            self._managers[place] = _Manager(
                cluster=FlinkCluster(
                    JobManagers([client], patient=False),
                    self._clock,
                    project=place.namespace,
                    wanted=self._wanted,
                    sleep=self._sleep,
                ),
                backoff=Backoff(base=self._first_pause, limit=_LONGEST_PAUSE, random=self._random),
            )
        return self._managers[place]


def read_proxied(answer: Answer) -> Refusal | None:
    """Return why an answer through the API server is a refusal: its own, or the JobManager's."""
    if not 200 <= answer.status < 300 and kubernetes.status_of(answer) is not None:
        refusal = kubernetes.read_refusal(answer)
        if refusal is not None and refusal.reason is Reason.NOT_FOUND:
            # The Service is not there: that says nothing of the job.
            return Refusal(
                reason=Reason.CONNECTION,
                code=refusal.code,
                detail="there is no Service of this JobManager",
            )
        return refusal
    return flink.read_refusal(answer)


def _named(exc: FetchError, place: ManagerPlace) -> FetchError:
    """Return a failure that says whose it is."""
    whose = f"JobManager of {place.namespace}/{place.name}"
    return FetchError(
        exc.reason,
        exc.operation,
        status=exc.status,
        code=exc.code,
        detail=f"{whose}: {exc.detail}" if exc.detail else whose,
        retry_after=exc.retry_after,
    )


def place_of(resource: Resource, cluster: Resource | None) -> ManagerPlace | None:
    """Return where the JobManager of a resource is; None while nobody knows its cluster.

    `cluster` is the FlinkDeployment that runs it: itself, or that of its session.
    """
    if cluster is None:
        return None
    return ManagerPlace(
        namespace=resource.namespace,
        name=cluster.name,
        port=cluster.rest_port,
        tls=cluster.rest_tls,
    )
