"""Put snapshots on a page for tests, and read the page as a scrape does."""

import re
from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Info

from exporter.collecting.store import Store
from exporter.exposition import Exposition
from exporter.model import Snapshot
from tests.jobs import job, snapshot
from tests.virtual_time import EPOCH

Accept = Mapping[str, str]
AS_TEXT: Accept = {}
AS_OPENMETRICS: Accept = {"accept": "application/openmetrics-text"}


class Clock:
    """A clock that only moves when told to."""

    def __init__(self, now: float = EPOCH) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def store_of(*snapshots: Snapshot) -> Store:
    """Return a store that holds these snapshots."""
    store = Store()
    for each in snapshots:
        store.put(each)
    return store


def own_metrics() -> CollectorRegistry:
    """Return metrics of the exporter itself that do not change by themselves."""
    registry = CollectorRegistry()
    Counter("own_requests", "Requests.", ["code"], registry=registry).labels('2"00').inc(3)
    Info("own_build", "Version.", registry=registry).info({"version": "1\n2"})
    return registry


OWN = own_metrics()


def exposition_of(*snapshots: Snapshot, now: float = EPOCH) -> Exposition:
    """Return the page of these snapshots as it is at that time."""
    return Exposition(store_of(*snapshots), OWN, clock=Clock(now))


def page_of(exposition: Exposition, accept: Accept = AS_TEXT) -> bytes:
    """Return the page as it comes uncompressed."""
    body, headers = exposition.scrape(**accept)
    assert "content-encoding" not in headers
    return body


def lines_of(exposition: Exposition, name: str) -> list[str]:
    """Return the samples of one family as they are on the page."""
    text = page_of(exposition).decode()
    return [line for line in text.split("\n") if re.match(rf"{name}[{{ ]", line)]


def fleet(count: int, **facts: Any) -> Snapshot:
    """Return a snapshot of so many jobs that differ in their names."""
    return snapshot(*(job(f"job-{number}", **facts) for number in range(count)))
