"""Flink jobs of DLI are listed in full, and what polling them costs is known."""

from typing import Any

import pytest

from exporter.errors import FetchError, Reason
from exporter.platforms.huawei_dli import (
    PLATFORM,
    DliSource,
)
from exporter.source import CallCost
from tests.platforms.huawei_dli.answers import JOBS, detail, fixture, listing
from tests.vendors.huawei_sources import AUTH, Server, with_source
from tests.virtual_time import EPOCH

LIST = f"{JOBS}?limit=100&offset=0&order=asc&show_detail=false"


class TestInventory:
    @staticmethod
    def take(answers: dict[str, Any], **settings: Any) -> Any:
        server = Server(answers)
        inventory = with_source(
            PLATFORM, server, lambda source: source.fetch_inventory(), **settings
        )
        return inventory, server

    def test_listing_is_asked_for_in_full_pages_from_the_oldest(self) -> None:
        """Without a limit there are ten rows; with the newest first they would move."""
        rows = [{"job_id": number} for number in range(150)]
        inventory, server = self.take(
            {
                LIST: listing(*rows[:100], total=150),
                LIST.replace("offset=0", "offset=100"): listing(*rows[100:], total=150),
            }
        )
        assert [job.job_id for job in inventory.jobs] == [str(number) for number in range(150)]
        assert inventory.jobs[0].observed_timestamp == EPOCH
        assert len(server.requests) == 2

    @pytest.mark.parametrize("is_success", ["true", True, "TRUE", None, ""])
    def test_success_is_told_in_many_ways(self, is_success: object) -> None:
        inventory, _ = self.take({LIST: {**listing({"job_id": 1}), "is_success": is_success}})
        assert len(inventory.jobs) == 1

    @pytest.mark.parametrize("is_success", ["false", False, "False"])
    def test_success_that_is_none_is_a_failure(self, is_success: object) -> None:
        with pytest.raises(FetchError) as caught:
            self.take({LIST: {"is_success": is_success, "message": "No such queue."}})
        assert (caught.value.reason, caught.value.status) == (Reason.SERVER, 200)

    @pytest.mark.parametrize(
        "body", [[{"error_code": "DLI.0999"}], {"error_code": "DLI.0999", "error_msg": "x"}]
    )
    def test_server_fault_that_comes_as_400_is_tried_again(self, body: object) -> None:
        answers = iter([(400, body), listing({"job_id": 1})])
        inventory, server = self.take({LIST: lambda request: next(answers)})
        assert len(inventory.jobs) == 1
        assert len(server.requests) == 2

    @pytest.mark.parametrize("code", ["APIG.0308", "APIGW.0308"])
    def test_throttling_is_told_by_either_gateway(self, code: str) -> None:
        with pytest.raises(FetchError) as caught:
            self.take({LIST: (429, {"error_code": code})})
        assert caught.value.reason is Reason.THROTTLED

    def test_listing_can_be_narrowed_as_documented(self) -> None:
        url = (
            f"{JOBS}?limit=100&offset=0&order=asc&queue_name=a%20b&show_detail=false"
            "&sys_enterprise_project_name=p%2Fq"
        )
        _, server = self.take({url: listing()}, queue="a b", enterprise_project="p/q")
        assert server.asked == [url]

    def test_given_ids_are_asked_for_instead(self) -> None:
        inventory, server = self.take(
            {
                f"{JOBS}/104": fixture("seed_details", "detail_104.json"),
                f"{JOBS}/90634": fixture("seed_details", "detail_90634.json"),
                f"{JOBS}/7": (400, {"error_code": "DLI.16001", "error_msg": "No such job."}),
            },
            jobs={"ids": [104, 90634, 7]},
        )
        assert [job.job_name for job in inventory.jobs] == ["jptest", "test_guoquan"]
        assert inventory.jobs[1].parallelism == 3
        assert inventory.incomplete == ()
        assert sorted(server.asked) == sorted(f"{JOBS}/{each}" for each in (104, 90634, 7))

    def test_given_id_that_cannot_be_read_leaves_the_others(self) -> None:
        inventory, _ = self.take(
            {f"{JOBS}/1": detail(status="job_running"), f"{JOBS}/2": {"is_success": "true"}},
            jobs={"ids": ["1", "2"]},
        )
        assert [job.job_id for job in inventory.jobs] == ["1"]
        assert [failure.reason for _, failure in inventory.incomplete] == [Reason.INVALID_RESPONSE]


@pytest.mark.parametrize(
    ("jobs", "ids", "expected"),
    [
        (0, [], CallCost(per_inventory=1, per_details=2)),
        (100, [], CallCost(per_inventory=1, per_details=2)),
        (101, [], CallCost(per_inventory=2, per_details=2)),
        (2, ["1", "2"], CallCost(per_inventory=2, per_details=2)),
    ],
)
def test_cost_is_what_polling_does(jobs: int, ids: list[str], expected: CallCost) -> None:
    settings = PLATFORM.settings.model_validate(
        {
            "name": "s",
            "platform": "huawei_dli",
            "region": "cn-north-4",
            "project_id": "p",
            "auth": AUTH,
            "jobs": {"ids": ids},
        }
    )
    assert PLATFORM.cost(settings, jobs) == expected


def test_platform_is_found_by_its_name() -> None:
    assert (PLATFORM.name, PLATFORM.supersedes) == ("huawei_dli", False)
    assert PLATFORM.open is DliSource
