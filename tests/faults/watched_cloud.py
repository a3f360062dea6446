"""Run the whole exporter over real sockets against the services of one scenario.

Two sources: the one whose services are spoiled, and a bystander that nothing must happen to.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from exporter.app import App
from exporter.configuration.config import Config, parse
from exporter.files import at_once
from exporter.model import Job, Snapshot
from exporter.runtime import Runtime
from exporter.simulator.clouds import (
    ALIBABA_SECRET,
    AWS_SECRET,
    CONNECT_SECRET,
    HUAWEI_SECRET,
    KUBERNETES_TOKEN,
    PASSWORD,
    TENCENT_EXTERNAL_ID,
    TENCENT_SECRET,
)
from exporter.simulator.kafka_connect.cluster import IN_THE_CLEAR
from exporter.telemetry.instruments import Counter
from tests.faults.operations import Operation
from tests.faults.services import STEADY, Services
from tests.recording import RecordingLog

EPOCH = 1_700_000_000.0
SECRETS = (
    *(HUAWEI_SECRET, ALIBABA_SECRET, AWS_SECRET, PASSWORD, KUBERNETES_TOKEN, CONNECT_SECRET),
    *(TENCENT_SECRET, TENCENT_EXTERNAL_ID),
    # What an answer shows to whoever reads it.
    IN_THE_CLEAR,
)
POLL_INTERVAL = 12.0
"""Longer than two time-outs: a question about a job ends before it would be broken off."""
TIMEOUT = 4.0
"""Longer than the three seconds that a metadata service is given."""
_STEP = 0.2
_STEPS = 1000
_DEFAULTS = (
    f"poll_interval: {POLL_INTERVAL}s, detail_interval: 1s, stale_after: 10m, rate_limit: 1000, "
    f"timeout: {TIMEOUT}s"
)


def now() -> float:
    """Return the time of the exporter and, unless a test says otherwise, of the services."""
    return EPOCH + asyncio.get_running_loop().time()


@dataclass(slots=True, kw_only=True)
class Outpost:
    """A running exporter."""

    app: App
    log: RecordingLog
    services: Services
    text: list[str]
    shift: list[float] = field(default_factory=lambda: [0.0])
    """Seconds that the exporter's clock is ahead of the services'."""

    @property
    def snapshot(self) -> Snapshot:
        """Return what is published of the source that is spoiled."""
        return self.app.store.snapshots["spoiled"]

    @property
    def bystander(self) -> Snapshot:
        """Return what is published of the other source."""
        return self.app.store.snapshots["bystander"]

    def jobs(self) -> dict[str, Job]:
        """Return the jobs of the spoiled source by name, without the time they were observed."""
        jobs = self.snapshot.jobs
        return {job.job_name: job._replace(observed_timestamp=0.0) for job in jobs}

    def states(self) -> dict[str, str]:
        """Return the states of those jobs."""
        return {name: job.state.value for name, job in self.jobs().items()}

    def failures(self) -> dict[str, float]:
        """Return how many polls of the source have failed so far, by reason."""
        return _counts(self.app.telemetry.poll_failures)

    def detail_failures(self) -> dict[str, float]:
        """Return how many questions about its jobs have failed so far, by reason."""
        return _counts(self.app.telemetry.detail_failures)

    def requests(self, operation: str) -> dict[str, float]:
        """Return how often the source sent an operation, by status or reason."""
        return _counts(self.app.telemetry.api_requests, "code", operation=operation)

    def polls(self) -> float:
        """Return how many polls of the source have ended."""
        return sum(_counts(self.app.telemetry.polls, "source").values())

    async def next_poll(self) -> None:
        """Wait until the poll that goes on or comes next has ended."""
        before = self.polls()
        for _ in range(_STEPS):
            if self.polls() > before:
                return
            await asyncio.sleep(_STEP)
        raise AssertionError("no poll has ended")

    async def reload(self, old: str, new: str) -> None:
        """Replace a text of the configuration, and load it."""
        self.text[0] = self.text[0].replace(old, new)
        await self.app.reload()

    def secrets_told(self) -> list[str]:
        """Return the secrets that are in a log line or on a page, which must be none."""
        self.app.exposition.refresh()
        said = repr(self.log.lines) + self.app.exposition.scrape()[0].decode()
        return [secret for secret in SECRETS if secret in said]


@contextlib.asynccontextmanager
async def outpost(
    services: Services,
    operation: Operation,
    *,
    named: str = "127.0.0.1",
    extra: str = "",
) -> AsyncIterator[Outpost]:
    """Start an exporter that calls `operation` at these services.

    `named` is what it calls the host of those that are no metadata service; `extra` is added to
    the settings of the source.
    """
    addresses = {}
    for host, listener in services.listeners.items():
        name = "127.0.0.1" if host.endswith("_metadata") or host == "bystander" else named
        addresses[host] = f"{'https' if listener.context else 'http'}://{name}:{listener.port}"
    settings = operation.source(addresses)
    if operation.by_id:
        job_id = await _job_id(_text(f"{settings}{extra}", ""), addresses)
        settings += f", jobs: {{ids: ['{job_id}']}}"
    other = f"platform: apache_flink, endpoint: '{addresses['bystander']}', detail_interval: 1h"
    text = [_text(f"{settings}{extra}", f"\n  - {{name: bystander, {other}}}")]
    shift = [0.0]
    log = RecordingLog()
    environ = services.surroundings.get(operation.surroundings, {})
    runtime = _runtime(addresses, shift, environ)
    app = App(lambda: _parse(text[0]), runtime=runtime, log=log)
    # Not `start`: nobody scrapes here, and rendering each state of affairs takes its time.
    await app.reload()
    it = Outpost(app=app, log=log, services=services, text=text, shift=shift)
    try:
        yield it
    finally:
        await app.stop()


def _text(settings: str, others: str) -> str:
    return (
        f"defaults: {{{_DEFAULTS}}}\nsources:\n"
        f"  - {{name: spoiled, {settings}, labels: {{turn: a}}}}{others}\n"
    )


def _parse(text: str) -> Config:
    return parse(text, environ={}, directory=Path())


def _runtime(
    addresses: Mapping[str, str], shift: list[float], environ: Mapping[str, str]
) -> Runtime:
    loop = asyncio.get_running_loop()
    nowhere = "http://127.0.0.1:9"
    return Runtime(
        clock=lambda: now() + shift[0],
        monotonic=loop.time,
        # A poll that overran is followed by the next one at once: not before the test has looked.
        sleep=lambda seconds: asyncio.sleep(max(seconds, 2 * _STEP)),
        random=Random(1),
        environ=environ,
        home=Path("/nonexistent"),
        # The time of this loop runs faster than that of a thread.
        aside=at_once,
        huawei_metadata=addresses.get("huawei_metadata", nowhere),
        alibaba_metadata=addresses.get("alibaba_metadata", nowhere),
        aws_metadata=addresses.get("aws_metadata", nowhere),
        tencent_metadata=addresses.get("tencent_metadata", nowhere),
        tencent_credentials=Path("/nonexistent"),
    )


async def _job_id(text: str, addresses: Mapping[str, str]) -> str:
    """List the jobs once to learn by which id the platform knows the one to ask for."""
    app = App(lambda: _parse(text), runtime=_runtime(addresses, [0.0], {}), log=RecordingLog())
    await app.poll_once()
    (found,) = (job.job_id for job in app.store.snapshots["spoiled"].jobs if job.job_name == STEADY)
    await app.stop()
    return found


def _counts(counter: Counter, by: str = "reason", **labels: str) -> dict[str, float]:
    found: dict[str, float] = {}
    wanted = {"source": "spoiled", **labels}
    for family in counter.collect():
        for sample in family.samples:
            if sample.name.endswith("_total") and wanted.items() <= sample.labels.items():
                key = sample.labels[by]
                found[key] = found.get(key, 0.0) + sample.value
    return {key: value for key, value in found.items() if value}
