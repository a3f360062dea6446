"""One of several JobManagers is asked, with a login, as the settings say."""

import asyncio
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from exporter.errors import FetchError, Reason
from exporter.platforms import load
from exporter.platforms.apache_flink import FlinkSource, Settings
from exporter.source import Inventory
from tests.platforms.flink_job_manager import NO_LEADER, Flink, listed, open_source
from tests.virtual_time import run

PAIR = {"endpoint": None, "endpoints": ["http://one:8081", "http://two:8081"]}


@pytest.mark.parametrize("trouble", [httpx.ConnectError("refused"), (503, NO_LEADER), (307, {})])
def test_next_job_manager_is_asked_when_one_cannot_answer(trouble: Any) -> None:
    """The other one is asked from then on, and nothing follows a redirect."""
    flink = Flink(**PAIR)
    healthy = flink.handle
    hosts: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        hosts.append(request.url.host)
        if request.url.host == "two":
            return healthy(request)
        if isinstance(trouble, Exception):
            raise trouble
        return httpx.Response(
            trouble[0], json=trouble[1], headers={"location": "http://three:8081/jobs/overview"}
        )

    async def poll_twice(source: FlinkSource) -> Inventory:
        await source.fetch_inventory()
        return await source.fetch_inventory()

    assert len(run(open_source(handle, **PAIR)(poll_twice)).jobs) == 1
    assert hosts == ["one", "one", "one", "two", "two", "two"]


def test_requests_beside_each_other_move_on_once() -> None:
    """The second failure must not move back to the JobManager that is down."""
    flink = Flink(**PAIR)
    healthy = flink.handle
    hosts: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        hosts.append(request.url.host)
        if request.url.host == "one":
            raise httpx.ConnectError("refused")
        return healthy(request)

    async def ask_at_once(source: FlinkSource) -> int:
        questions = (source.fetch_details(listed()) for _ in range(3))
        await asyncio.gather(*questions)
        hosts.clear()
        await source.fetch_details(listed())
        return len(hosts)

    assert run(open_source(handle, **PAIR)(ask_at_once)) == 5
    assert set(hosts) == {"two"}


def test_source_is_down_when_no_job_manager_answers() -> None:
    """The failure of the last one is told."""
    flink = Flink(**PAIR)
    flink.answers["/jobs/overview"] = httpx.ConnectError("refused")
    with pytest.raises(FetchError) as caught:
        flink.inventory()
    assert caught.value.reason is Reason.CONNECTION
    assert {request.url.host for request in flink.requests} == {"one", "two"}


def test_refusal_that_holds_everywhere_is_not_taken_elsewhere() -> None:
    """A wrong password is as wrong for the other JobManager."""
    flink = Flink(**PAIR)
    flink.answers["/jobs/overview"] = (401, {})
    with pytest.raises(FetchError) as caught:
        flink.inventory()
    assert caught.value.reason is Reason.AUTH
    assert len(flink.requests) == 1


@pytest.mark.parametrize(
    ("auth", "header"),
    [
        ({"basic": {"username": "u", "password": "p"}}, "Basic dTpw"),
        ({"bearer": {"token": "t"}}, "Bearer t"),
        (None, None),
    ],
)
def test_login_is_sent_with_every_request(auth: object, header: str | None) -> None:
    """As the proxy before Flink asks for it."""
    flink = Flink(auth=auth)
    flink.inventory()
    assert {request.headers.get("authorization") for request in flink.requests} == {header}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give exactly one of endpoint"),
        (
            {"endpoint": "http://a", "endpoints": ["http://b"]},
            "give exactly one of endpoint, endpoints or discovery",
        ),
        ({"endpoint": "http://a", "jobs": {"ids": ["orders"]}}, "32 hex digits"),
        ({"endpoint": "http://u:p@a"}, "without credentials"),
        ({"endpoint": "http://a", "auth": {}}, "give either basic or bearer"),
        ({"endpoint": "http://a", "region": "x"}, "Extra inputs"),
    ],
)
def test_settings_that_cannot_work_are_refused(options: dict[str, Any], message: str) -> None:
    """Before anything is asked."""
    with pytest.raises(ValidationError, match=message):
        Settings(name="flink", platform="apache_flink", **options)


def test_defaults_of_a_cluster_of_ones_own() -> None:
    """Flink is asked faster than a cloud, and runs of one name replace each other."""
    platform = load("apache_flink")
    settings = platform.settings(name="f", platform="apache_flink", endpoint="http://f")
    assert settings.rate_limit == 50
    assert platform.supersedes
    assert platform.name == "apache_flink"
