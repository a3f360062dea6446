"""Poll a recorded case whose answers have been spoiled on their way."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from exporter.app import App
from exporter.configuration.config import parse
from exporter.model import Snapshot
from fuzz.page import read_page, show_people
from tests.golden import Exchanges, world_of
from tests.recording import RecordingLog
from tests.virtual_time import EPOCH, run

Spoil = Callable[[int, bytes], bytes]
"""Given the number of an exchange and the body of its answer, returns another body."""

_TRAIL = re.compile(r"\b\w+(?:Error|Exception|Iteration|Unsound|Interrupt) at \S+\.py:\d+ ")
"""How the boundary of a poll writes down an exception that nobody expected."""


@dataclass(slots=True)
class _Spoiled(Exchanges):
    spoil: Spoil

    def _body(self, entry: dict[str, Any]) -> bytes:
        # Named in full: the dataclass with slots is another class than the one super() means.
        return self.spoil(self.entries.index(entry), Exchanges._body(self, entry))


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What a poll came to."""

    text: bytes
    openmetrics: bytes
    snapshot: Snapshot
    log: RecordingLog

    def surprises(self) -> list[str]:
        """Return what the log tells of exceptions that nobody expected."""
        return surprises(self.log)

    def lines_of(self, job_id: str) -> list[str]:
        """Return what the page says of a job."""
        mark = f'job_id="{job_id}"'
        return [line for line in self.text.decode().split("\n") if mark in line]


def surprises(log: RecordingLog) -> list[str]:
    """Return what a log tells of exceptions that nobody expected."""
    said = [f"{event} {facts}" for _, event, facts in log.lines]
    return [line for line in said if _TRAIL.search(line) or "unexpectedly" in line]


def replay(folder: Path, spoil: Spoil) -> Replay:
    """Poll the source of a case once, and read the page back; raises when no reader could."""
    case = yaml.safe_load((folder / "case.yml").read_text())
    exchanges = _Spoiled(folder, case["exchanges"], [], set(), spoil)
    text = yaml.safe_dump({"sources": [case["source"]]})

    async def poll() -> Replay:
        runtime = world_of(case, httpx.MockTransport(exchanges))
        log = RecordingLog()
        app = App(lambda: parse(text, environ={}, directory=folder), runtime=runtime, log=log)
        try:
            await app.poll_once()
            (snapshot,) = app.store.snapshots.values()
            return Replay(
                text=app.exposition.scrape()[0],
                openmetrics=app.exposition.scrape(accept="application/openmetrics-text")[0],
                snapshot=snapshot,
                log=log,
            )
        finally:
            await app.stop()

    found = run(poll())
    read_page(found.text, found.openmetrics)
    show_people(found.snapshot, EPOCH)
    return found
