"""What only Flink knows of a run is asked through FlinkApiProxy, and never hurts the rest."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import parse_qs

import httpx
import pytest

from exporter.auth import canonical
from exporter.auth.alibaba.signature import sign
from exporter.auth.credentials import Credentials
from exporter.errors import FetchError, Reason
from exporter.fields import Flaws
from exporter.model import Job, State
from exporter.platforms import load
from exporter.simulator.alibaba import ververica
from exporter.simulator.alibaba.access import Access, AccessKey
from exporter.simulator.fault_injection import Canned, FaultInjection
from exporter.simulator.fleet.fleet import Fleet, Phase
from exporter.source import Details, Source
from exporter.vendors.alibaba import Product
from exporter.vendors.flink.measures import Wanted
from exporter.vendors.ververica_figures import ProxiedFigures, parse_jid
from tests.vendors.alibaba_sources import open_source
from tests.virtual_time import EPOCH, run, virtual_world

PROXY = "/flink-ui/v2/proxy"
SETTINGS = {"region": "cn-hangzhou", "workspace": "w1", "namespaces": ["default"]}


class Bench:
    """A workspace, a source that watches it, and what was asked of Flink."""

    def __init__(self, *, rewrite: Callable[[str, Any], Any] | None = None) -> None:
        self.fleet = Fleet(seed=1, started_at=EPOCH - 7200, jobs=0)
        # In this order: the simulated Flink gives every fifth number a job without event time.
        self.fleet.add("stopped", EPOCH - 3600, phase=Phase.STOPPED)
        self.fleet.add("orders", EPOCH - 3600, phase=Phase.RUNNING)
        self.faults = FaultInjection(started_at=EPOCH - 7200)
        self.asked: list[str] = []
        self.rewrite = rewrite
        app = ververica.build(
            fleet=self.fleet,
            faults=self.faults,
            clock=lambda: EPOCH + asyncio.get_running_loop().time(),
            access=Access(AccessKey(key_id="testid", secret="testsecret")),
            workspace="w1",
        )
        self._app = httpx.ASGITransport(app)

    def use(self, work: Callable[[Source], Any], **options: Any) -> Any:
        async def using() -> Any:
            given = {**SETTINGS, "input_delay": True, **options}
            source = open_source("alibaba_flink", _Listening(self), **given)
            try:
                return await work(source)
            finally:
                await source.aclose()

        return run(using())

    async def details(self, source: Source) -> Details:
        jobs = (await source.fetch_inventory()).jobs
        (job,) = (job for job in jobs if job.job_name == "orders")
        return await source.fetch_details(job)

    def paths(self) -> Counter[str]:
        """Return what Flink was asked, without ids and names."""
        return Counter(_shape(path) for path in self.asked)


class _Listening(httpx.AsyncBaseTransport):
    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        bench = self._bench
        response = await bench._app.handle_async_request(request)
        if request.url.path != PROXY:
            return response
        path = parse_qs(request.url.query.decode())["flinkApiPath"][0]
        bench.asked.append(path)
        if bench.rewrite is None:
            return response
        body = bench.rewrite(path, json.loads(await response.aread()))
        return httpx.Response(200, json=body)


def _shape(path: str) -> str:
    parts = path.partition("?")[0].split("/")
    return "/".join(":id" if len(part) == 32 else part for part in parts)


def test_running_stream_has_the_figures_of_its_flink() -> None:
    bench = Bench()
    details = bench.use(bench.details)
    job = details.job
    assert details.failures == ()
    assert (job.state, job.native_status) == (State.RUNNING, "RUNNING")
    assert job.input_delay_seconds is not None
    assert job.read_records is not None
    assert job.checkpoints_completed is not None
    assert job.last_checkpoint_completed_timestamp is not None
    assert dict(job.tasks)
    # What the vendor says of itself is not replaced.
    assert job.job_id.count("-") == job.run_id.count("-") == 4
    assert job.engine_version.startswith("vvr-")
    assert job.restart_times == 0


def test_flink_is_not_asked_unless_it_is_wanted() -> None:
    bench = Bench()
    details = bench.use(bench.details, input_delay=False)
    assert details.job.input_delay_seconds is None
    assert bench.asked == []


def test_id_of_flink_is_learnt_once_a_run() -> None:
    bench = Bench()

    async def look(source: Source) -> list[str]:
        runs = []
        for wait in (60.0, 60.0, 60.0):
            runs.append((await bench.details(source)).job.run_id)
            await asyncio.sleep(wait)
        now = EPOCH + asyncio.get_running_loop().time()
        bench.fleet.set_phase("orders", Phase.STOPPED, now)
        runs.append((await bench.details(source)).job.run_id)
        await asyncio.sleep(1)
        bench.fleet.set_phase("orders", Phase.RUNNING, now + 1)
        await asyncio.sleep(60)
        runs.append((await bench.details(source)).job.run_id)
        return runs

    first, second, third, stopped, again = bench.use(look)
    assert first == second == third == stopped != again
    asked = bench.paths()
    assert asked["/jobs/overview"] == 2
    assert asked["/jobs/:id"] == 4
    assert asked["/config"] == 0


@pytest.mark.parametrize("phase", [Phase.STOPPED, Phase.FAILED, Phase.FINISHED])
def test_flink_that_is_not_there_is_not_asked(phase: Phase) -> None:
    bench = Bench()
    bench.fleet.set_phase("orders", phase, EPOCH - 60)
    details = bench.use(bench.details)
    assert details.job.state is not State.RUNNING
    assert bench.asked == []


def test_batch_is_not_asked() -> None:
    bench = Bench()
    bench.fleet.add("daily_reconciliation", EPOCH - 3600, phase=Phase.RUNNING)

    async def look(source: Source) -> Job:
        jobs = (await source.fetch_inventory()).jobs
        (batch,) = (job for job in jobs if job.job_name == "daily_reconciliation")
        return (await source.fetch_details(batch)).job

    assert bench.use(look).state is State.RUNNING
    assert bench.asked == []


def test_run_of_a_session_cluster_is_not_asked() -> None:
    """Its Flink has another address, and runs those of others too."""

    async def add() -> Details:
        figures = ProxiedFigures(cast("Product", None), virtual_world(), Wanted())
        session = Job(
            project="default",
            job_id="d",
            job_name="orders",
            state=State.RUNNING,
            native_status="RUNNING",
            job_type="STREAMING",
            run_mode="SESSION",
            run_id="r",
            observed_timestamp=EPOCH,
        )
        return await figures.add(session, Flaws())

    details = run(add())
    assert (details.job.run_id, details.failures) == ("r", ())


@pytest.mark.parametrize(
    ("answer", "reason", "told"),
    [
        ({"data": None}, Reason.INVALID_RESPONSE, "expected the answer of Flink as a text"),
        ({"data": {"jobs": []}}, Reason.INVALID_RESPONSE, "expected the answer of Flink as a text"),
        ({"data": "{"}, Reason.INVALID_RESPONSE, "the answer of Flink is not JSON"),
        ({"data": "<html>"}, Reason.INVALID_RESPONSE, "Flink REST API"),
        ({"data": '{"errors": ["no"]}'}, Reason.NOT_FOUND, ""),
        ({"data": '{"jobs": []}'}, Reason.INVALID_RESPONSE, "expected one job that runs, got 0"),
        ({"success": False, "errorCode": "990301"}, Reason.NOT_FOUND, ""),
        ({"success": False, "errorCode": "NO_PERMISSION"}, Reason.AUTH, ""),
    ],
)
def test_proxy_that_does_not_answer_is_a_failure_of_a_part(
    answer: dict[str, Any], reason: Reason, told: str
) -> None:
    bench = Bench(rewrite=lambda path, body: {**body, **answer})
    details = bench.use(bench.details)
    assert details.job.state is State.RUNNING
    assert details.job.restart_times == 0
    (failure,) = details.failures
    assert (failure.reason, failure.gone) == (reason, False)
    assert failure.operation == "FlinkApiProxy /jobs/overview"
    assert told in str(failure)


def test_job_that_flink_has_forgotten_is_looked_for_again() -> None:
    bench = Bench()
    lost = json.dumps({"errors": [f"Job {'a' * 32} not found"]})

    async def look(source: Source) -> list[Details]:
        first = await bench.details(source)
        bench.rewrite = lambda path, body: body if "overview" in path else {**body, "data": lost}
        second = await bench.details(source)
        bench.rewrite = None
        return [first, second, await bench.details(source)]

    first, second, third = bench.use(look)
    assert [len(each.failures) for each in (first, second, third)] == [0, 1, 0]
    assert not second.failures[0].gone
    assert second.job.state is State.RUNNING
    assert bench.paths()["/jobs/overview"] == 2


def test_gateway_that_is_down_hurts_no_run() -> None:
    bench = Bench()
    bench.faults.overrides["FlinkApiProxy"] = Canned(
        status=503, body=b'{"Code": "ServiceUnavailable"}'
    )
    details = bench.use(bench.details)
    assert [failure.reason for failure in details.failures] == [Reason.SERVER]
    assert details.job.state is State.RUNNING


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{"jid": "a" * 32, "state": "RUNNING"}, {"jid": "b" * 32, "state": "RUNNING"}],
        [{"jid": "a/../b", "state": "RUNNING"}],
        [{"jid": "a" * 32, "state": "FINISHED"}],
    ],
)
def test_flink_with_none_or_several_jobs_is_none_of_the_run(rows: list[dict[str, str]]) -> None:
    with pytest.raises(FetchError, match="expected one job that runs"):
        parse_jid({"jobs": rows}, Flaws())


def test_ended_attempts_beside_the_job_do_not_confuse() -> None:
    rows = [{"jid": "a" * 32, "state": "FAILED"}, {"jid": "b" * 32, "state": "RESTARTING"}]
    assert parse_jid({"jobs": rows}, Flaws()) == "b" * 32


def test_plan_tells_what_the_proxy_costs() -> None:
    platform = load("alibaba_flink")

    def details(**options: Any) -> float:
        given = {"name": "s", "platform": "alibaba_flink", **SETTINGS, **options}
        return platform.cost(platform.settings.model_validate(given), 100).per_details

    assert details() == 1
    assert 6 <= details(input_delay=True, detail_interval="5m") <= 7


def test_question_is_signed_as_the_vendors_signer_signs_it() -> None:
    """A vector made with the vendor's own signer: the path, with its query, is encoded once."""
    path = (
        "/jobs/4df35f8e54554b23bf7dcd38a1510000/vertices/cbc357ccb763df2852fee8c4fc7d55f2"
        "/subtasks/metrics?get=numRecordsOut,busyTimeMsPerSecond&agg=min,max"
    )
    query = canonical.query(
        {
            "flinkApiPath": path,
            "namespace": "default-namespace",
            "resourceId": "5a27a3aa-c5b9-4dc1-8c86-be57d2d60000",
            "resourceType": "jobs",
        }.items()
    )
    headers = {
        "host": "ververica.cn-hangzhou.aliyuncs.com",
        "x-acs-action": "FlinkApiProxy",
        "x-acs-version": "2022-07-18",
    }
    added = sign(
        "GET",
        f"{PROXY}?{query}",
        headers,
        b"",
        Credentials("testid", "testsecret"),
        timestamp=1704164645.0,
        nonce="0123456789abcdef0123456789abcdef",
    )
    assert added["Authorization"].endswith(
        "2bd9c90d07a0d317bc67c67a8f6fabd4c1715cf782b3f03008009f405fdf92b1"
    )


def test_names_in_a_question_are_encoded_and_the_commas_between_them_are_not() -> None:
    bench = Bench()
    bench.use(bench.details)
    (asked,) = (path for path in bench.asked if "Source__input" in path and "get=" in path)
    query = asked.partition("?")[2]
    assert "Source__input%5B1%5D.numRecordsOut," in query
    assert "&agg=min,max,sum,avg" in query
