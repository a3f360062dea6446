"""The simulated DLI takes reports as documented, and from nobody without a token or signature."""

import asyncio
import time

import httpx
import pytest

from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet
from exporter.simulator.huawei import dli as huawei_dli
from exporter.simulator.huawei.access import HuaweiAccess
from exporter.simulator.huawei.edge import EdgeInbox
from exporter.simulator.huawei.tokens import HuaweiTokens
from tests.edge.receivers import PATH, PROJECT, SEED, SUCCESS


def post(content: str, *, token: bool = True) -> tuple[httpx.Response, EdgeInbox]:
    inbox, tokens = EdgeInbox(), HuaweiTokens()
    app = huawei_dli.build(
        fleet=Fleet(seed=1, started_at=0.0, jobs=1),
        faults=FaultInjection(),
        clock=time.time,
        access=HuaweiAccess(tokens=tokens),
        project_id=PROJECT,
        inbox=inbox,
    )
    headers = {"X-Auth-Token": tokens.issue(PROJECT, time.time()).text} if token else {}

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://dli") as client:
            return await client.post(PATH, content=content, headers=headers)

    return asyncio.run(ask()), inbox


def test_example_request_gets_the_example_response() -> None:
    answer, inbox = post(SEED)
    assert (answer.status_code, answer.json()) == (200, SUCCESS)
    assert inbox.message_ids(PROJECT) == ["uuid"]


def test_caller_without_credentials_is_refused() -> None:
    answer, inbox = post(SEED, token=False)
    assert answer.status_code == 401
    assert inbox.reports == []


@pytest.mark.parametrize(
    ("content", "parameter"),
    [
        ("nonsense", "body"),
        ("[]", "message_id"),
        ('{"message_id": "m"}', "jobs"),
        ('{"message_id": "m", "jobs": [{"status": "job_idle"}]}', "jobs"),
    ],
)
def test_wrong_reports_are_refused(content: str, parameter: str) -> None:
    answer, _ = post(content)
    assert answer.status_code == 400
    assert answer.json()["error_msg"] == f"The parameter {parameter} is invalid."
