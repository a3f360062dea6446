"""What a listing says of each work space, and what a failure of one leaves as it was."""

import asyncio
from typing import Any

import httpx
import pytest

from exporter.errors import FetchError, Reason
from exporter.platforms.tencent_oceanus import OceanusSource
from exporter.source import Inventory
from tests.platforms.tencent_oceanus.api import Api, inventory, listing, paged, refused, use
from tests.vendors.tencent.rows import row, running
from tests.virtual_time import EPOCH

SPACES: dict[str, Any] = {
    "WorkSpaceSetItem": [
        {"SerialId": "space-1", "Status": 2},
        {"SerialId": "space-2", "Status": 2},
        {"SerialId": "space-old", "Status": -1},
    ],
    "TotalCount": 3,
}


def names(found: Inventory) -> set[str]:
    return {f"{job.project}/{job.job_id}" for job in found.jobs}


def test_request_carries_operation_version_region_and_a_signature_of_its_body() -> None:
    api = Api(DescribeJobs=listing(row()))
    inventory(api, region="ap-beijing")
    (request,) = api.requests
    wanted = {
        "x-tc-action": "DescribeJobs",
        "x-tc-version": "2019-04-22",
        "x-tc-region": "ap-beijing",
        "x-tc-language": "en-US",
        "content-type": "application/json",
        "host": "oceanus.tencentcloudapi.com",
    }
    assert {name: request.headers[name] for name in wanted} == wanted
    assert (request.method, request.url.path, request.url.scheme) == ("POST", "/", "https")
    assert "/oceanus/tc3_request, " in request.headers["authorization"]
    assert api.bodies() == [{"WorkSpaceId": "space-1", "Offset": 0, "Limit": 100}]


def test_every_page_of_every_work_space_is_read() -> None:
    rows = [row(job_id=f"cql-{number}") for number in range(250)]
    api = Api(DescribeJobs=paged(rows))
    found = inventory(api, workspaces=["space-1", "space-2"])
    assert len(found.jobs) == 500
    assert len(api.asked) == 6


def test_work_spaces_are_found_and_looked_for_again_after_five_minutes() -> None:
    api = Api(DescribeWorkSpaces=SPACES, DescribeJobs=listing(row()))

    async def work(source: OceanusSource) -> tuple[set[str], int, int]:
        found = await source.fetch_inventory()
        await asyncio.sleep(299)
        await source.fetch_inventory()
        before = len(api.bodies("DescribeWorkSpaces"))
        await asyncio.sleep(2)
        await source.fetch_inventory()
        return names(found), before, len(api.bodies("DescribeWorkSpaces"))

    found, before, after = use(api, work, workspaces=[])
    assert found == {"space-1/cql-1", "space-2/cql-1"}
    assert (before, after) == (1, 2)


def test_known_work_spaces_are_listed_while_they_cannot_be_looked_for() -> None:
    api = Api(DescribeWorkSpaces=[SPACES, refused("AuthFailure")], DescribeJobs=listing(row()))

    async def work(source: OceanusSource) -> Inventory:
        await source.fetch_inventory()
        await asyncio.sleep(301)
        return await source.fetch_inventory()

    found = use(api, work, workspaces=[])
    assert names(found) == {"space-1/cql-1", "space-2/cql-1"}
    assert [failure.reason for failure in found.failures] == [Reason.AUTH]
    assert found.incomplete == ()


def test_work_spaces_that_were_never_found_are_a_failure_of_the_poll() -> None:
    with pytest.raises(FetchError, match="DescribeWorkSpaces failed: auth"):
        inventory(Api(DescribeWorkSpaces=refused("AuthFailure")), workspaces=[])


def test_jobs_of_a_work_space_that_is_gone_are_asked_for_one_by_one() -> None:
    """That their work space is not listed does not say that they are gone, too."""
    alone = {"WorkSpaceSetItem": SPACES["WorkSpaceSetItem"][:1], "TotalCount": 1}
    jobs = [listing(row()), listing(row()), listing(row()), listing(total=31)]
    api = Api(DescribeWorkSpaces=[SPACES, alone], DescribeJobs=jobs)

    async def work(source: OceanusSource) -> FetchError:
        first = await source.fetch_inventory()
        await asyncio.sleep(301)
        second = await source.fetch_inventory()
        assert names(first) - names(second) == {"space-2/cql-1"}
        with pytest.raises(FetchError) as caught:
            await source.fetch_details(first.jobs[1])
        return caught.value

    assert use(api, work, workspaces=[]).gone


def test_half_of_the_work_spaces_does_not_make_the_others_gone() -> None:
    first = {"WorkSpaceSetItem": [{"SerialId": f"space-{n}", "Status": 2} for n in range(20)]}
    more = {"WorkSpaceSetItem": [{"SerialId": "space-last", "Status": 2}]}
    api = Api(
        DescribeWorkSpaces=[first, more, first, refused("ResourceUnavailable")],
        DescribeJobs=listing(row()),
    )

    async def work(source: OceanusSource) -> Inventory:
        await source.fetch_inventory()
        await asyncio.sleep(301)
        return await source.fetch_inventory()

    found = use(api, work, workspaces=[])
    assert "space-last/cql-1" in names(found)
    assert len(found.jobs) == 21
    assert len(found.failures) == 1


def test_work_space_that_refuses_hurts_no_other() -> None:
    def answer(body: dict[str, object]) -> dict[str, object]:
        if body["WorkSpaceId"] == "space-2":
            return refused("UnsupportedOperation.NoPermissionAccess")
        return listing(row())

    found = inventory(Api(DescribeJobs=answer), workspaces=["space-1", "space-2"])
    assert names(found) == {"space-1/cql-1"}
    [(space, failure)] = found.incomplete
    assert (space, failure.reason) == ("space-2", Reason.AUTH)
    assert "no member of the work space" in str(failure)


def test_page_that_fails_makes_the_listing_incomplete_and_takes_no_job_away() -> None:
    rows = [row(job_id=f"cql-{number}") for number in range(150)]
    pages = paged(rows)

    def answer(body: dict[str, object]) -> dict[str, object]:
        return refused("ResourceUnavailable") if body["Offset"] else pages(body)

    found = inventory(Api(DescribeJobs=answer))
    assert len(found.jobs) == 100
    assert [space for space, _ in found.incomplete] == ["space-1"]


def test_every_work_space_that_refuses_is_a_failure_of_the_poll() -> None:
    api = Api(DescribeJobs=refused("AuthFailure.UnauthorizedOperation"))
    with pytest.raises(FetchError) as caught:
        inventory(api, workspaces=["space-1", "space-2"])
    assert caught.value.reason is Reason.AUTH


def test_job_that_two_work_spaces_list_belongs_to_the_one_it_names() -> None:
    """Where the work space that was asked for is not obeyed each of them lists all jobs."""
    rows = [row(WorkSpaceId="space-1"), row(job_id="cql-2", WorkSpaceId="space-2")]
    found = inventory(Api(DescribeJobs=listing(*rows)), workspaces=["space-1", "space-2"])
    assert names(found) == {"space-1/cql-1", "space-2/cql-2"}


def test_jobs_are_asked_for_by_a_hundred_ids_at_a_time() -> None:
    ids = [f"cql-{number}" for number in range(150)]

    def answer(body: dict[str, list[str]]) -> dict[str, object]:
        return listing(*(row(job_id=each, WorkSpaceId="s") for each in body["JobIds"]), total=999)

    api = Api(DescribeJobs=answer)
    found = inventory(api, jobs={"ids": ids})
    assert [len(body["JobIds"]) for body in api.bodies()] == [100, 50]
    assert all("WorkSpaceId" not in body and "Filters" not in body for body in api.bodies())
    assert len(found.jobs) == 150


def test_id_of_no_job_is_named() -> None:
    api = Api(DescribeJobs=listing(row(WorkSpaceId="space-1"), total=31))
    found = inventory(api, jobs={"ids": ["cql-1", "cql-9"]})
    assert [str(flaw) for flaw in found.flaws.unreadable] == [
        "jobs.ids cql-9: expected a job that exists"
    ]


def test_answer_about_other_jobs_than_those_asked_for_is_none() -> None:
    api = Api(DescribeJobs=listing(row(job_id="cql-7", WorkSpaceId="space-1")))
    with pytest.raises(FetchError, match="the jobs asked for, and no others"):
        inventory(api, jobs={"ids": ["cql-1"]})


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"Response": []}', b'{"Response": {}}'])
def test_answer_that_is_none_of_the_api_is_no_empty_listing(body: bytes) -> None:
    with pytest.raises(FetchError) as caught:
        inventory(Api(DescribeJobs=httpx.Response(200, content=body)))
    assert caught.value.reason is Reason.INVALID_RESPONSE


def test_running_job_is_dated_by_the_moment_its_page_came() -> None:
    found = inventory(Api(DescribeJobs=listing(running(100, now=EPOCH))))
    (job,) = found.jobs
    assert (job.start_timestamp, job.duration_seconds) == (EPOCH - 100, 100)
