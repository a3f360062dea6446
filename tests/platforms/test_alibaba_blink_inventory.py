"""Projects are listed page by page with signed requests, and one that fails hurts no other."""

from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from exporter.errors import FetchError, Reason
from exporter.fields import Flaws
from exporter.model import Job, State
from exporter.platforms import load
from exporter.simulator.alibaba import foas as alibaba_foas
from exporter.simulator.alibaba.access import Access, AccessKey
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet
from exporter.source import CallCost, Inventory, Source
from tests.platforms.blink_projects import (
    PROJECT,
    inventory,
    light,
    listing,
    page,
    row,
    settings,
    use,
)
from tests.vendors.alibaba_sources import Server, open_source, refusal
from tests.virtual_time import EPOCH, run


def test_inventory_asks_for_streams_and_batch_jobs() -> None:
    server = Server(
        {
            listing(): page(row("a")),
            listing("FLINK_BATCH"): page(row("b", state="SUCCESS"), row("b", 2, "FAILED")),
        }
    )
    found = inventory(server, batch=True)
    assert [(job.job_id, job.job_type, job.run_id) for job in found.jobs] == [
        ("a", "FLINK_STREAM", "1"),
        ("b", "FLINK_BATCH", "2"),
    ]
    assert {job.observed_timestamp for job in found.jobs} == {EPOCH}


def test_requests_carry_the_documented_headers() -> None:
    server = Server({listing(): page()})
    inventory(server, region_id="cn-hangzhou-pre")
    headers = server.requests[0].headers
    assert server.requests[0].url.host == "foas.cn-shanghai.aliyuncs.com"
    assert headers["accept"] == "application/json"
    assert (headers["x-acs-action"], headers["x-acs-version"]) == ("ListInstance", "2018-11-11")
    assert headers["regionid"] == "cn-hangzhou-pre"
    assert headers["authorization"].startswith("ACS3-HMAC-SHA256 Credential=testid,SignedHeaders=")


def test_without_auth_the_credential_chain_is_asked() -> None:
    names = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET")
    server = Server({listing(): page()})
    inventory(server, auth=None, environ=dict.fromkeys(names, "from-environment"))
    assert "Credential=from-environment," in server.requests[0].headers["authorization"]


def test_without_any_credentials_the_failure_is_one_of_authentication() -> None:
    token = "http://100.100.100.200/latest/api/token"
    server = Server({listing(): page()})
    with pytest.raises(FetchError) as caught:
        inventory(server, auth=None)
    assert caught.value.reason is Reason.AUTH
    assert str(server.requests[0].url) == token


def test_region_id_is_not_sent_unless_configured_and_endpoint_wins() -> None:
    server = Server({listing(): page()})
    inventory(server, endpoint="https://foas.internal:8443")
    assert "regionid" not in server.requests[0].headers
    assert server.requests[0].url.netloc == b"foas.internal:8443"


def test_chinese_names_and_blanks_are_encoded_in_the_path() -> None:
    path = f"{PROJECT}/jobs/订单 a/b/instances/5"
    server = Server(
        {listing(): page(light("订单 a/b", number=5)), path: refusal(400, "NotRunning")}
    )

    async def both(source: Source) -> None:
        found = await source.fetch_inventory()
        await source.fetch_details(found.jobs[0])

    use(server, both)
    assert server.requests[1].url.raw_path == (
        b"/api/v2/projects/project1/jobs/%E8%AE%A2%E5%8D%95%20a%2Fb/instances/5"
    )


def test_one_failing_project_is_incomplete_and_the_other_is_there() -> None:
    server = Server(
        {listing(): refusal(403, "Forbidden.RAM"), listing(project="p2"): page(row("a"))}
    )
    found = inventory(server, projects=["project1", "p2"])
    assert [(job.project, job.job_id) for job in found.jobs] == [("p2", "a")]
    [(project, error)] = found.incomplete
    assert (project, error.reason, error.code) == ("project1", Reason.AUTH, "Forbidden.RAM")


def test_streams_are_there_when_the_batch_listing_fails() -> None:
    server = Server({listing(): page(row("a")), listing("FLINK_BATCH"): refusal(404, "")})
    found = inventory(server, batch=True)
    assert [job.job_id for job in found.jobs] == ["a"]
    assert [project for project, _ in found.incomplete] == ["project1"]


def test_only_project_failing_is_a_failure() -> None:
    server = Server({listing(): b"<html><body>Bad gateway</body></html>"})
    with pytest.raises(FetchError) as caught:
        inventory(server)
    assert caught.value.reason is Reason.INVALID_RESPONSE


def test_throttling_with_status_400_is_waited_for() -> None:
    throttled = refusal(400, "Throttling.User")
    throttled.headers["x-acs-retry-after"] = "1500"
    server = Server({listing(): [throttled, page(row("a"))]})
    assert [job.job_id for job in inventory(server).jobs] == ["a"]
    nonces = {request.headers["x-acs-signature-nonce"] for request in server.requests}
    assert len(nonces) == 2


def test_listed_jobs_cost_no_call_of_their_own() -> None:
    server = Server({listing(): page(row("a"), row("b", 2, "WAITING"), row("c", 3, "PAUSED"))})

    async def all_details(source: Source) -> list[Job]:
        found = await source.fetch_inventory()
        return [(await source.fetch_details(job)).job for job in found.jobs]

    jobs = use(server, all_details)
    assert [job.job_id for job in jobs] == ["a", "b", "c"]
    assert server.asked == [listing()]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "Field required"),
        ({"projects": []}, "expected at least one name"),
        ({"projects": ["a", "a"]}, "listed twice"),
        ({"projects": [".."]}, "not a name"),
        ({"projects": ["a"], "region": None}, "region or endpoint is required"),
        ({"projects": ["a"], "jobs": {"ids": ["x,y"]}}, "no comma"),
        ({"projects": ["a", "b"], "jobs": {"ids": ["x"]}}, "place/id"),
        ({"projects": ["a"], "region_id": "a\nb"}, "expected the id of a region, such as cn-"),
        ({"projects": ["a"], "unknown": 1}, "Extra inputs"),
    ],
)
def test_settings_that_cannot_work_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        settings(**options)


@pytest.mark.parametrize(
    ("options", "jobs", "calls"),
    [
        ({"projects": ["a"]}, 0, 2),
        ({"projects": ["a"]}, 101, 3),
        ({"projects": ["a", "b"], "batch": False}, 300, 4),
    ],
)
def test_cost_is_the_pages_of_the_listings(options: dict[str, Any], jobs: int, calls: int) -> None:
    expected = CallCost(per_inventory=calls, per_details=0)
    assert load("alibaba_blink").cost(settings(**options), jobs) == expected


@pytest.mark.parametrize("wrapped", [True, False])
def test_simulated_project_is_read_with_verified_signatures(wrapped: bool) -> None:
    """The gateway checks every signature; page limit and archive are those of the simulator."""
    fleet = Fleet(seed=1, started_at=EPOCH - 3600, jobs=150)
    access = Access(AccessKey(key_id="testid", secret="testsecret"))
    app = alibaba_foas.build(
        fleet=fleet,
        faults=FaultInjection(started_at=EPOCH - 3600),
        clock=lambda: EPOCH,
        access=access,
        wrapped=wrapped,
    )

    async def read() -> Inventory:
        source = open_source(
            "alibaba_blink",
            httpx.ASGITransport(app),
            region="cn-shanghai",
            projects=["project1"],
        )
        return await source.fetch_inventory()

    found = run(read())
    names = [job.job_name for job in found.jobs]
    assert len(names) == len(set(names)) > 100
    assert {job.state for job in found.jobs} >= {State.RUNNING, State.FINISHED}
    assert found.flaws == Flaws()
