"""A simulated account of AWS, and whole exporters that watch it in virtual time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from exporter.app import App
from exporter.configuration.config import Config, parse
from exporter.model import Job, Snapshot
from exporter.simulator.aws import cloudwatch, kinesisanalytics, sts
from exporter.simulator.aws.access import AwsAccess, AwsKey
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet, Phase
from tests.recording import RecordingLog
from tests.virtual_time import EPOCH, virtual_world

KEY, SECRET = "AKIATESTACCESSKEYID0", "test/secret+access-key"
ROLE = "arn:aws:iam::123456789012:role/reader"


class Account(httpx.AsyncBaseTransport):
    """The services of one account, by host; make it within a virtual loop."""

    def __init__(self, *, jobs: int = 0, others: bool = False) -> None:
        self._loop = asyncio.get_running_loop()
        self.fleet = Fleet(seed=1, started_at=EPOCH - 90_000, jobs=0)
        for number in range(jobs):
            self.fleet.add(f"job-{number:04}", EPOCH - 80_000)
        self.access = AwsAccess(AwsKey(key_id=KEY, secret=SECRET), roles={ROLE: ""})
        self.faults = {name: FaultInjection() for name in ("control", "cloudwatch", "sts")}
        self.meter = cloudwatch.Meter()
        shared: Any = {"clock": self.clock, "access": self.access}
        self._apps = {
            "control": kinesisanalytics.build(
                fleet=self.fleet, faults=self.faults["control"], others=others, **shared
            ),
            "cloudwatch": cloudwatch.build(
                fleet=self.fleet, faults=self.faults["cloudwatch"], meter=self.meter, **shared
            ),
            "sts": sts.build(faults=self.faults["sts"], **shared),
        }
        self.hanging: set[str] = set()

    def clock(self) -> float:
        """Return the time, in epoch seconds."""
        return EPOCH + self._loop.time()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer as whoever is asked, or never."""
        if request.url.host in self.hanging:
            await asyncio.sleep(3600)
        carrier = httpx.ASGITransport(app=self._apps[request.url.host])
        return await carrier.handle_async_request(request)

    def calls(self, host: str = "control", operation: str | None = None) -> int:
        """Return how many calls were made of a host."""
        return self.faults[host].count(operation)

    def set_phase(self, name: str, phase: Phase) -> None:
        """Let an application come into a phase now."""
        self.fleet.set_phase(name, phase, self.clock())


@dataclass(slots=True, kw_only=True)
class Watch:
    """An exporter that watches an account."""

    account: Account
    app: App
    config: Config
    log: RecordingLog = field(default_factory=RecordingLog)

    @property
    def snapshot(self) -> Snapshot:
        """Return what is published."""
        return self.app.store.snapshots["msf"]

    def job(self, name: str) -> Job:
        """Return one application as it is shown."""
        return next(job for job in self.snapshot.jobs if job.job_name == name)

    def states(self) -> dict[str, str]:
        """Return the state of each application that is shown."""
        return {job.job_name: job.state.value for job in self.snapshot.jobs}

    def counted(self, name: str) -> float:
        """Return the sum of a counter of the exporter itself."""
        return sum(
            sample.value
            for family in self.app.telemetry.registry.collect()
            for sample in family.samples
            if sample.name == name
        )


def settings_of(**settings: object) -> str:
    """Return the text of a configuration with one source."""
    given = {"poll_interval": "30s", "stale_after": "5m", **settings}
    auth = f"{{access_key_id: {KEY}, secret_access_key: {SECRET}}}"
    text = ", ".join(f"{name}: {value}" for name, value in {"auth": auth, **given}.items())
    return (
        "sources: [{name: msf, platform: aws_flink, region: eu-west-1, "
        "endpoint: 'https://control', cloudwatch_endpoint: 'https://cloudwatch', "
        f"sts_endpoint: 'https://sts', {text}}}]"
    )


@contextlib.asynccontextmanager
async def watching(account: Account, **settings: object) -> AsyncIterator[Watch]:
    """Start an exporter; the first poll is over when this returns."""
    config = parse(settings_of(**settings), environ={}, directory=Path())
    log = RecordingLog()
    app = App(lambda: config, runtime=virtual_world(account), log=log)
    await app.start()
    try:
        await asyncio.sleep(10)
        yield Watch(account=account, app=app, config=config, log=log)
    finally:
        await app.stop()
