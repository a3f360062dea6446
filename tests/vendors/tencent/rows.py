"""Rows of DescribeJobs, and what is made of them."""

from datetime import UTC, datetime
from typing import Any

from exporter.fields import Flaws
from exporter.model import Job
from exporter.vendors.tencent.jobs import JobRow, parse_jobs
from exporter.vendors.tencent.memory import Memory
from exporter.vendors.tencent.times import Zone

NOW = 1_700_000_000.0
EAST_EIGHT = 8 * 3600


def text(moment: float, offset: int = EAST_EIGHT) -> str:
    """Write a moment as the API does: in a zone that it does not tell."""
    return f"{datetime.fromtimestamp(moment + offset, UTC):%Y-%m-%d %H:%M:%S}"


def row(status: int = 4, *, job_id: str = "cql-1", **fields: Any) -> dict[str, Any]:
    """Return a row in this status."""
    return {"JobId": job_id, "Name": "orders", "Status": status, **fields}


def running(seconds: float, *, now: float = NOW, **fields: Any) -> dict[str, Any]:
    """Return a row of a job that has run for so long."""
    start = {"StartTime": text(now - seconds), "CurrentRunMillis": int(seconds * 1000)}
    return row(4, **{**start, **fields})


def parsed(*rows: dict[str, Any], now: float = NOW, flaws: Flaws | None = None) -> list[JobRow]:
    """Return what is read of some rows."""
    response = {"JobSet": list(rows), "TotalCount": len(rows)}
    return list(parse_jobs(response, "space-1", now, flaws or Flaws()).rows)


class Remembering:
    """A memory that is told of one job, listing by listing."""

    def __init__(self, offset: int | None = EAST_EIGHT) -> None:
        self.memory = Memory(Zone(offset))

    def see(self, *rows: dict[str, Any], now: float = NOW) -> Job:
        """Return the last job of a listing."""
        jobs = self.memory.settle(parsed(*rows, now=now))
        self.memory.keep("space-1", jobs)
        return jobs[-1]
