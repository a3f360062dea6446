"""Write what the gateway of Blink says of a project, and ask it."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from exporter.platforms.alibaba_blink import Settings
from exporter.source import Inventory, Source
from tests.vendors.alibaba_sources import Reply, use_source

T = TypeVar("T")
PROJECT = "/api/v2/projects/project1"


def listing(job_type: str = "FLINK_STREAM", *, page: int = 1, project: str = "project1") -> str:
    """Return the path and query of one page of a project."""
    path = f"/api/v2/projects/{project}/instances"
    return f"{path}?jobType={job_type}&pageIndex={page}&pageSize=100"


def summaries(names: str, job_type: str = "FLINK_STREAM") -> str:
    """Return the path and query that ask for jobs by their names."""
    return f"{PROJECT}/runsummary?jobNames={names}&jobType={job_type}"


def page(*rows: dict[str, Any], total: int | None = None) -> dict[str, Any]:
    """Return an answer with one page of instances."""
    return {
        "TotalCount": len(rows) if total is None else total,
        "Instances": {"Instance": list(rows)},
    }


def summary(*rows: dict[str, Any]) -> dict[str, Any]:
    """Return an answer with summaries of runs."""
    return {"RequestId": "1", "RunSummarys": {"RunSummary": list(rows)}}


def row(name: str, number: int = 1, state: str = "RUNNING", **more: Any) -> dict[str, Any]:
    """Return an instance as the listing has it."""
    started = {"StartTime": 1_699_990_000_000} if state != "WAITING" else {}
    return {"JobName": name, "Id": number, "ActualState": state, **started, **more}


def light(name: str, state: str = "RUNNING", number: int = 1) -> dict[str, Any]:
    """Return an instance as a summary has it."""
    return {"JobName": name, "Id": number, "ActualState": state}


def use(server: Reply, work: Callable[[Source], Awaitable[T]], **options: Any) -> T:
    """Open a source, use it, close it, all in virtual time."""
    given = {"region": "cn-shanghai", "projects": ["project1"], "batch": False, **options}
    return use_source("alibaba_blink", server, work, **given)


def inventory(server: Reply, **options: Any) -> Inventory:
    """Return the inventory of a source that asks this server."""
    return use(server, lambda source: source.fetch_inventory(), **options)


def settings(**options: Any) -> Settings:
    """Return checked settings."""
    given = {"name": "s", "platform": "alibaba_blink", "region": "cn-shanghai", **options}
    return Settings.model_validate(given)
