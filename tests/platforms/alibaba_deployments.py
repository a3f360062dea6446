"""Write what the gateway of Alibaba Cloud's Flink says of deployments, and ask it."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from exporter.model import Job
from exporter.source import Inventory, Source
from tests.vendors.alibaba_sources import Reply, use_source

T = TypeVar("T")
ROW = Job(
    project="default",
    job_id="d-1",
    job_name="orders",
    job_type="STREAMING",
    engine_version="vvr-8.0.9-flink-1.17",
    observed_timestamp=1.0,
)


def listing(*, page: int = 1, namespace: str = "default", more: str = "") -> str:
    """Return the path and query of one page of a namespace."""
    path = f"/api/v2/namespaces/{namespace}/deployments"
    before = f"name={more.removeprefix('name=')}&" if more.startswith("name=") else ""
    after = f"&{more}" if more.startswith("status=") else ""
    return f"{path}?{before}pageIndex={page}&pageSize=100&sortName=gmt_create{after}"


def runs(deployment: str = "d-1", size: int = 1) -> str:
    """Return the path and query of the latest runs of a deployment."""
    query = (
        f"deploymentId={deployment}&pageIndex=1&pageSize={size}&sortName=gmt_create&sortOrder=desc"
    )
    return f"/api/v2/namespaces/default/jobs?{query}"


def envelope(data: object, **more: Any) -> dict[str, Any]:
    """Return an answer that holds this."""
    total = {"totalSize": len(data)} if isinstance(data, list) else {}
    return {"requestId": "1", "success": True, "httpCode": 200, "data": data, **total, **more}


def failure(code: str) -> dict[str, Any]:
    """Return an answer that fails with status 200."""
    return {"requestId": "1", "success": False, "httpCode": 200, "errorCode": code, "data": None}


def deployment(number: int = 1, **counts: int) -> dict[str, Any]:
    """Return a row of the listing with these counts of runs."""
    return {"deploymentId": f"d-{number}", "name": f"job{number}", "jobSummary": counts}


def a_run(status: str = "RUNNING", **more: Any) -> dict[str, Any]:
    """Return a run in this status."""
    return {"jobId": "j-1", "status": {"currentJobStatus": status}, **more}


def use(server: Reply, work: Callable[[Source], Awaitable[T]], **options: Any) -> T:
    """Open a source, use it, close it, all in virtual time."""
    given = {"region": "cn-hangzhou", "workspace": "w1", "namespaces": ["default"], **options}
    return use_source("alibaba_flink", server, work, **given)


def inventory(server: Reply, **options: Any) -> Inventory:
    """Return the inventory of a source that asks this server."""
    return use(server, lambda source: source.fetch_inventory(), **options)


def states(found: Inventory) -> dict[str, str]:
    """Return the word that each job's platform has for its state."""
    return {job.job_id: job.native_status for job in found.jobs}
