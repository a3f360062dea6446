"""A session cluster outlives its runs: what was read of those that are gone is forgotten."""

from random import Random

import httpx

from exporter.auth.guard import GuardBook
from exporter.platforms.apache_flink import Settings
from exporter.source import Details
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.client import ApiClient
from exporter.upstream.connector import Connector
from exporter.upstream.refusals import flink as refusals
from exporter.vendors.flink.measures import Wanted
from exporter.vendors.flink_operator.managers import ManagerPlace, OperatorManagers
from tests.jobs import job
from tests.platforms.flink_job_manager import JID, Flink
from tests.virtual_time import run, virtual_world

PLACE = ManagerPlace(namespace="streams", name="session", port=8081, tls=False)


def test_runs_that_are_gone_are_forgotten() -> None:
    flink = Flink()

    async def scenario() -> None:
        connector = _connector(flink)
        managers = _managers(connector)

        async def questions(*runs: str) -> int:
            managers.keep_only([(PLACE, each) for each in runs])
            flink.asked()
            assert isinstance(await managers.ask(PLACE, job("session", run_id=JID)), Details)
            return len(flink.asked())

        try:
            first, again = await questions(JID), await questions(JID)
            # What its metrics are called is known, and that it has not failed.
            assert again < first
            assert await questions(JID, "other") == again
            assert await questions("other") == first
        finally:
            await connector.aclose()

    run(scenario())


def _connector(flink: Flink) -> Connector:
    runtime = virtual_world(httpx.MockTransport(flink.handle))
    settings = Settings(name="flink", platform="apache_flink", endpoint="http://flink:8081")
    guards = GuardBook(clock=runtime.monotonic)
    return Connector(settings, runtime=runtime, telemetry=Telemetry(), guards=guards)


def _managers(connector: Connector) -> OperatorManagers:
    async def open_manager(place: ManagerPlace) -> ApiClient:
        return connector.api("http://flink:8081", read_refusal=refusals.read_refusal)

    return OperatorManagers(
        open_manager,
        clock=connector.runtime.clock,
        now=connector.runtime.monotonic,
        random=Random(1),
        first_pause=120.0,
        wanted=Wanted(),
    )
