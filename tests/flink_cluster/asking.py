"""Ask a real cluster as the exporter does, until what is asked for is there."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from exporter.auth.guard import GuardBook
from exporter.model import Job
from exporter.platforms.apache_flink import FlinkSource, Settings
from exporter.runtime import Runtime
from exporter.source import Details, Inventory
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.connector import Connector
from tests.flink_cluster import FlinkCluster

T = TypeVar("T")


def ask(cluster: FlinkCluster, question: Callable[[FlinkSource], Coroutine[Any, Any, T]]) -> T:
    """Ask a source of that cluster something, over real connections."""

    async def connect_and_ask() -> T:
        settings = Settings(name="flink", platform="apache_flink", endpoint=cluster.url)
        runtime = Runtime(environ={}, home=Path("/nonexistent"))
        source = FlinkSource(
            settings,
            Connector(settings, runtime=runtime, telemetry=Telemetry(), guards=GuardBook()),
        )
        try:
            return await question(source)
        finally:
            await source.aclose()

    return asyncio.run(connect_and_ask())


def inventory(cluster: FlinkCluster) -> dict[str, Job]:
    """Return the jobs that a listing has, by their ids."""

    async def fetch(source: FlinkSource) -> Inventory:
        return await source.fetch_inventory()

    return {job.job_id: job for job in ask(cluster, fetch).jobs}


def details(cluster: FlinkCluster, jid: str) -> Details:
    """Return what is found out about a job, of which nothing may be amiss."""

    async def fetch(source: FlinkSource) -> Details:
        await source.fetch_inventory()
        row = Job(project="", job_id=jid, job_name="", observed_timestamp=0)
        return await source.fetch_details(row)

    found = ask(cluster, fetch)
    assert found.failures == ()
    assert found.flaws.unreadable == []
    assert found.flaws.unknown_states == []
    return found


def agree(theirs: Callable[[], T], ours: Callable[[], T], timeout: float = 60) -> None:
    """Compare with what the cluster says, at a moment at which that does not change."""
    deadline = time.monotonic() + timeout
    while True:
        before, found, after = theirs(), ours(), theirs()
        if before == after:
            assert found == after
            return
        assert time.monotonic() < deadline, "the cluster never said the same twice"


def settle(found: Callable[[], T], good: Callable[[T], bool], timeout: float = 60) -> T:
    """Ask until the answer is good, for metrics take a while to get to the JobManager."""
    deadline = time.monotonic() + timeout
    while not good(last := found()):
        assert time.monotonic() < deadline, last
        time.sleep(0.5)
    return last
