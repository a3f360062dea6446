"""Watch the jobs of an Apache Flink cluster through its own REST API.

Flink documentation, "REST API" (docs/ops/rest_api), versions 1.13 to 2.3. How a cluster is asked is
in `exporter.vendors.flink_cluster`; here is which one, and as whom.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from exporter.auth.plain import plain_auth
from exporter.auth.settings import FlinkAuthSettings
from exporter.model import Job
from exporter.platforms import Platform
from exporter.settings import Endpoint
from exporter.source import CallCost, Details, Inventory, SourceSettings
from exporter.upstream.connector import Connector
from exporter.upstream.refusals import flink
from exporter.vendors.flink_cluster import FlinkCluster
from exporter.vendors.flink_jobs import JOB_ID
from exporter.vendors.flink_managers import JobManagers


class Settings(SourceSettings):
    """A Flink cluster: the address of its JobManager, or of each one where there are several."""

    rate_limit: Annotated[float, Field(gt=0, le=10000)] = 50.0
    endpoints: tuple[Endpoint, ...] = ()
    auth: FlinkAuthSettings | None = None
    input_delay: bool = True

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.endpoint is None) == (not self.endpoints):
            raise PydanticCustomError("endpoint", "give either endpoint or endpoints")
        if not all(JOB_ID.fullmatch(job_id) for job_id in self.jobs.ids):
            raise PydanticCustomError("ids", "jobs.ids: a job id of Flink is 32 hex digits")
        return self

    @property
    def addresses(self) -> tuple[str, ...]:
        """Return the addresses of the JobManagers."""
        return self.endpoints if self.endpoint is None else (self.endpoint,)


class FlinkSource:
    """The jobs of one Flink cluster."""

    def __init__(self, settings: Settings, connector: Connector) -> None:
        self._ids = settings.jobs.ids
        self._connector = connector
        auth = plain_auth(settings.auth)
        managers = JobManagers(
            [
                connector.api(address, read_refusal=flink.read_refusal, auth=auth)
                for address in settings.addresses
            ]
        )
        self._cluster = FlinkCluster(
            managers,
            connector.runtime.clock,
            input_delay=settings.input_delay,
            sleep=connector.runtime.sleep,
        )

    async def fetch_inventory(self) -> Inventory:
        """List the jobs, or ask for those that are chosen by id. Raises FetchError."""
        return await self._cluster.fetch_inventory(self._ids)

    async def fetch_details(self, job: Job) -> Details:
        """Ask for everything about one job. Raises FetchError."""
        return await self._cluster.fetch_details(job)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connector.aclose()


def _cost(settings: Settings, jobs: int) -> CallCost:
    # The job, its restarts, checkpoints and exceptions; the metrics of its one source. A job of
    # several sources takes a call more for each, as does one whose sources know of no event time
    # for each vertex that reads from them.
    return CallCost(
        per_inventory=float(len(settings.jobs.ids) or 1),
        per_details=5.0 if settings.input_delay else 4.0,
    )


PLATFORM = Platform(
    name="apache_flink",
    settings=Settings,
    open=FlinkSource,
    cost=_cost,
    supersedes=True,
)
