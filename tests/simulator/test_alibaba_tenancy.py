"""The simulated Apsara Stack shows nothing without a tenancy and refuses within a success."""

import asyncio

import pytest

from exporter.simulator.alibaba import ververica as alibaba_ververica
from exporter.simulator.alibaba.access import Access, AccessKey
from exporter.simulator.alibaba.tenancy import HEADERS, Tenancy
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet
from tests.simulator.alibaba_caller import Caller

START = 1_700_000_000.0
KEY = AccessKey(key_id="testid", secret="testsecret")
PATH = "/api/v2/namespaces/default/deployments"
RIGHT = dict(zip(HEADERS, ("o", "g", "r"), strict=True))


def ask(**tenancy: str) -> tuple[bool, int | None, int]:
    """Return what the gateway says of success, the number of rows, and the HTTP status."""
    app = alibaba_ververica.build(
        fleet=Fleet(seed=1, started_at=START),
        faults=FaultInjection(started_at=START),
        clock=lambda: START,
        access=Access(KEY),
        workspace="w",
        tenancy=Tenancy(organization="o", resource_group="g", region="r"),
    )
    caller = Caller(
        app, key=KEY, clock=lambda: START, version="2022-07-18", extra={"workspace": "w"}
    )
    response = asyncio.run(caller.get("ListDeployments", PATH, None, **tenancy))
    body = response.json()
    return body["asapiSuccess"], body.get("totalSize"), response.status_code


def test_own_tenancy_is_shown() -> None:
    assert ask(**RIGHT) == (True, 12, 200)


@pytest.mark.parametrize("name", HEADERS)
def test_missing_header_shows_an_empty_list(name: str) -> None:
    told = {key: value for key, value in RIGHT.items() if key != name}
    assert ask(**told) == (True, 0, 200)
    assert ask() == (True, 0, 200)


@pytest.mark.parametrize("name", HEADERS)
def test_wrong_header_is_refused_with_200(name: str) -> None:
    assert ask(**{**RIGHT, name: "x"}) == (False, None, 200)
