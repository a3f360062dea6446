"""The details of a deployment are its latest run, and it is gone only when nobody finds it."""

import httpx
import pytest

from exporter.errors import FetchError, Reason
from exporter.fields import Flaws
from exporter.model import Job
from exporter.simulator.alibaba import ververica as alibaba_ververica
from exporter.simulator.alibaba.access import Access, AccessKey
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet, Phase
from exporter.source import Inventory, Source
from tests.platforms.alibaba_deployments import (
    ROW,
    a_run,
    deployment,
    envelope,
    failure,
    listing,
    runs,
    states,
    use,
)
from tests.vendors.alibaba_sources import Server, open_source
from tests.virtual_time import EPOCH, run


def details(server: Server, job: Job = ROW) -> Job:
    async def both(source: Source) -> Job:
        await source.fetch_inventory()
        return (await source.fetch_details(job)).job

    return use(server, both)


def test_details_are_the_listing_and_the_latest_run() -> None:
    server = Server({listing(): envelope([deployment(running=1)]), runs(): envelope([a_run()])})
    job = details(server)
    assert (job.job_name, job.run_id, job.observed_timestamp) == ("job1", "j-1", EPOCH)


@pytest.mark.parametrize("mode", ["BATCH", "batch"])
def test_several_runs_of_a_batch_are_asked_for(mode: str) -> None:
    rows = envelope([{**deployment(running=1), "executionMode": mode}])
    server = Server({listing(): rows, runs(size=10): envelope([a_run()])})
    assert details(server).run_id == "j-1"


def test_unlisted_deployment_is_looked_for_by_name_and_gone() -> None:
    similar = envelope([{**deployment(2, running=1), "name": "orders_2"}])
    server = Server({listing(): envelope([]), listing(more="name=orders"): similar})
    with pytest.raises(FetchError) as caught:
        details(server)
    assert (caught.value.gone, caught.value.reason) == (True, Reason.NOT_FOUND)


def test_unlisted_deployment_that_its_name_finds_is_still_there() -> None:
    server = Server(
        {
            listing(): envelope([]),
            listing(more="name=orders"): envelope([deployment(1, running=1)]),
            runs(): envelope([a_run()]),
        }
    )
    assert details(server).run_id == "j-1"


def test_deployment_deleted_since_the_listing_is_gone() -> None:
    server = Server(
        {
            listing(): envelope([deployment(1, running=1)]),
            runs(): failure("DEPLOYMENT_NOT_FOUND"),
            listing(more="name=orders"): envelope([]),
        }
    )
    with pytest.raises(FetchError) as caught:
        details(server)
    assert caught.value.gone


def test_refused_run_of_a_deployment_that_exists_is_a_failure() -> None:
    server = Server(
        {
            listing(): envelope([deployment(1, running=1)]),
            runs(): failure("RUNS_NOT_FOUND"),
            listing(more="name=orders"): envelope([deployment(1, running=1)]),
        }
    )
    with pytest.raises(FetchError) as caught:
        details(server)
    assert (caught.value.gone, caught.value.code) == (False, "RUNS_NOT_FOUND")


def test_other_trouble_with_a_run_is_passed_on() -> None:
    server = Server({listing(): envelope([deployment(1, running=1)]), runs(): {"data": 3}})
    with pytest.raises(FetchError) as caught:
        details(server)
    assert caught.value.reason is Reason.INVALID_RESPONSE


def test_simulated_namespace_tells_the_state_of_every_latest_run() -> None:
    """The gateway checks every signature and obeys the status filter; histories are mixed."""
    started = EPOCH - 3600
    fleet = Fleet(seed=1, started_at=started, jobs=120)
    for number, view in enumerate(fleet.views(started + 60)[:30]):
        for step, phase in enumerate((Phase.RUNNING, Phase.FAILED, Phase.RUNNING, Phase.STOPPED)):
            if step <= number % 4:
                fleet.set_phase(view.name, phase, started + 100 + 100 * step)
    app = alibaba_ververica.build(
        fleet=fleet,
        faults=FaultInjection(started_at=started),
        clock=lambda: EPOCH,
        access=Access(AccessKey(key_id="testid", secret="testsecret")),
        workspace="w1",
    )

    async def read() -> tuple[Inventory, list[Job]]:
        source = open_source(
            "alibaba_flink",
            httpx.ASGITransport(app),
            region="cn-hangzhou",
            workspace="w1",
            namespaces=["default"],
        )
        found = await source.fetch_inventory()
        return found, [(await source.fetch_details(job)).job for job in found.jobs]

    found, detailed = run(read())
    assert len(found.jobs) >= 100
    assert found.flaws == Flaws()
    listed = states(found)
    assert listed == {job.job_id: job.native_status for job in detailed}
    assert set(listed.values()) >= {"RUNNING", "FAILED", "CANCELLED"}
