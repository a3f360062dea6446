"""Reports reach DLI in order, once it takes them, whatever happens meanwhile."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from exporter.edge.journal_sql import Entry
from exporter.runtime import Runtime
from exporter.simulator.fault_injection import Canned, FaultInjection
from exporter.simulator.fleet.fleet import Fleet
from exporter.simulator.huawei import dli as huawei_dli
from exporter.simulator.huawei.access import HuaweiAccess
from exporter.simulator.huawei.edge import REPORT, EdgeInbox
from tests.edge.receivers import PATH, PROJECT, Edge, body, entry, receiving

OTHER = "0a9c7a54bc5c4a2a8b1a5c1d2e3f4a5b"
KEY, SECRET = "RELAYACCESSKEY000000", "relay-secret-key"
SOURCES = f"""\
sources:
  - name: dli
    platform: huawei_dli
    endpoint: http://dli
    project_id: {PROJECT}
    auth: {{access_key: {KEY}, secret_key: {SECRET}}}
"""


class Dli:
    """A DLI that takes reports, and the network between it and the exporter."""

    def __init__(self) -> None:
        self.inbox = EdgeInbox()
        self.faults = FaultInjection()
        access = HuaweiAccess(keys={KEY: SECRET})
        self._app = huawei_dli.build(
            fleet=Fleet(seed=1, started_at=time.time(), jobs=2),
            faults=self.faults,
            clock=time.time,
            access=access,
            project_id=PROJECT,
            inbox=self.inbox,
        )

    def transport(self) -> httpx.AsyncBaseTransport:
        """Return a way to it."""
        return httpx.ASGITransport(app=self._app)

    def runtime(self, directory: Path) -> Runtime:
        """Return a runtime in which pauses are short."""

        async def soon(seconds: float) -> None:
            await asyncio.sleep(min(seconds, 0.01))

        return Runtime(environ={}, home=directory, transport=self.transport, sleep=soon)


@contextlib.asynccontextmanager
async def relaying(directory: Path, dli: Dli) -> AsyncIterator[Edge]:
    projects = f"projects: {{{PROJECT}: {{token: a}}, {OTHER}: {{token: b}}}}"
    more = f"{projects}\n  relay: {{source: dli}}"
    async with receiving(
        directory, sources=SOURCES, runtime=dli.runtime(directory), projects=more
    ) as edge:
        yield edge


async def send(edge: Edge, *names: str, project: str = PROJECT) -> None:
    token = "a" if project == PROJECT else "b"
    for name in names:
        answer = await edge.post(
            body(entry(), message_id=name), token=token, path=PATH.replace(PROJECT, project)
        )
        assert answer.status_code == 200


async def until(condition: Callable[[], Any]) -> None:
    """Wait for something that threads and tasks are about to do."""
    async with asyncio.timeout(30):
        for _ in itertools.count():
            if condition():
                return
            await asyncio.sleep(0.005)


def test_reports_are_passed_on_in_order_for_each_project(tmp_path: Path) -> None:
    async def scenario() -> None:
        dli = Dli()
        names = [str(number) for number in range(30)]
        async with relaying(tmp_path, dli) as edge:
            await asyncio.gather(send(edge, *names), send(edge, *names, project=OTHER))
            await until(lambda: len(dli.inbox.reports) == 60)
            assert dli.inbox.message_ids(PROJECT) == names
            assert dli.inbox.message_ids(OTHER) == names
            await until(lambda: not pending(edge))
            page = await edge.page()
            assert f'streaming_edge_relay_pending{{project="{PROJECT}"}} 0.0\n' in page
            assert "streaming_edge_relay_oldest_age_seconds{" not in page
            request = 'api_requests_total{code="200",operation="ReportFlinkEdgeJobStatus"'
            assert f'{request},source="dli"}} 60.0\n' in page

    asyncio.run(scenario())


def pending(edge: Edge) -> int:
    """Return how many reports are still to be passed on."""
    service = edge.app._edge._service
    assert service is not None
    assert service._relay is not None
    return sum(service._relay._pending.values())


def test_what_dli_does_not_take_now_waits_across_restarts(tmp_path: Path) -> None:
    async def scenario() -> None:
        dli = Dli()
        dli.faults.outage = True
        async with relaying(tmp_path, dli) as edge:
            await send(edge, "1", "2", "3")
            await until(lambda: dli.faults.count(REPORT) > 3)
            page = await edge.page()
            assert f'streaming_edge_relay_pending{{project="{PROJECT}"}} 3.0\n' in page
            assert f'streaming_edge_relay_oldest_age_seconds{{project="{PROJECT}"}} ' in page
            failures = f'relay_failures_total{{project="{PROJECT}",reason="server"}}'
            assert f"{failures} 0.0" not in page
            said = [each for each in edge.log.said() if "DLI" in each]
            assert said == ["report not passed on to DLI, trying again"]
        assert dli.inbox.reports == []
        async with relaying(tmp_path, dli) as edge:
            await until(lambda: pending(edge) == 3)
            dli.faults.outage = False
            await send(edge, "4")
            await until(lambda: len(dli.inbox.reports) == 4)
            assert dli.inbox.message_ids(PROJECT) == ["1", "2", "3", "4"]
        async with relaying(tmp_path, dli) as edge:
            await send(edge, "5")
            await until(lambda: len(dli.inbox.reports) > 4)
        assert dli.inbox.message_ids(PROJECT) == ["1", "2", "3", "4", "5"]

    asyncio.run(scenario())


def test_report_that_dli_calls_wrong_is_given_up(tmp_path: Path) -> None:
    async def scenario() -> None:
        dli = Dli()
        refusal = b'{"error_code": "DLI.0001", "error_msg": "The parameter jobs is invalid."}'
        dli.faults.overrides[REPORT] = Canned(status=400, body=refusal)
        async with relaying(tmp_path, dli) as edge:
            await send(edge, "wrong")
            await until(lambda: not pending(edge))
            dli.faults.overrides.clear()
            await send(edge, "right")
            await until(lambda: dli.inbox.reports)
            page = await edge.page()
            refused = f'relay_failures_total{{project="{PROJECT}",reason="refused"}} 1.0\n'
            assert refused in page
            assert "DLI refused a report, gave it up" in edge.log.said()
        assert dli.inbox.message_ids(PROJECT) == ["right"]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [(404, "APIGW.0101", "not_found"), (403, "APIGW.0303", "auth"), (400, "DLI.0999", "server")],
)
def test_report_waits_for_what_can_be_mended(
    tmp_path: Path, status: int, code: str, reason: str
) -> None:
    async def scenario() -> None:
        dli = Dli()
        refusal = f'{{"error_code": "{code}", "error_msg": "x"}}'.encode()
        dli.faults.overrides[REPORT] = Canned(status=status, body=refusal)
        async with relaying(tmp_path, dli) as edge:
            await send(edge, "1")
            failed = f'relay_failures_total{{project="{PROJECT}",reason="{reason}"}} 0.0'
            await until(lambda: dli.faults.count(REPORT) >= 3)
            assert failed not in await edge.page()
            dli.faults.overrides.clear()
            await until(lambda: dli.inbox.reports)
            await until(lambda: "reports are passed on to DLI again" in edge.log.said())

    asyncio.run(scenario())


def test_report_of_a_project_that_was_just_removed_is_stored_and_not_passed_on(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        dli = Dli()
        async with relaying(tmp_path, dli) as edge:
            edge.text[0] = edge.text[0].replace(f", {OTHER}: {{token: b}}", "")
            await edge.app.reload()
            service = edge.app._edge._service
            assert service is not None
            late = Entry(
                project=OTHER,
                message_id="late",
                received_at=0.0,
                body=body(entry(), message_id="late"),
                jobs=(),
                relay=True,
            )
            names = [str(number) for number in range(5)]
            both = asyncio.gather(service._journal.append(late), send(edge, *names))
            await asyncio.wait_for(both, 20)
            await until(lambda: len(dli.inbox.reports) == 5)
            assert OTHER not in await edge.page()
        assert dli.inbox.message_ids(PROJECT) == names

    asyncio.run(scenario())


def test_relay_can_be_switched_off_and_on_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        dli = Dli()
        async with relaying(tmp_path, dli) as edge:
            await send(edge, "1")
            await until(lambda: len(dli.inbox.reports) == 1)
            on = edge.text[0]
            edge.text[0] = on.replace("  relay: {source: dli}", "")
            await edge.app.reload()
            await send(edge, "not for DLI")
            edge.text[0] = on
            await edge.app.reload()
            await send(edge, "2")
            await until(lambda: len(dli.inbox.reports) == 2)
        assert dli.inbox.message_ids(PROJECT) == ["1", "2"]

    asyncio.run(scenario())
