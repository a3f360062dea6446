"""Real-time jobs are listed by pages, whatever their offset counts."""

from typing import Any

import pytest

from exporter.errors import Reason
from exporter.model import Job, State
from exporter.platforms.huawei_dataarts import (
    PLATFORM,
    DataArtsSource,
)
from exporter.source import Inventory
from tests.vendors.huawei_sources import PROJECT, Server, with_source
from tests.virtual_time import EPOCH

JOBS = f"/v1/{PROJECT}/jobs"
ROW = Job(project=PROJECT, job_id="one", job_name="one", observed_timestamp=EPOCH)


def page_url(offset: int) -> str:
    return f"{JOBS}?jobType=REAL_TIME&limit=100&offset={offset}"


def rows(first: int, end: int, **fields: Any) -> list[dict[str, Any]]:
    return [{"name": f"job_{number}", **fields} for number in range(first, end)]


class TestInventory:
    @staticmethod
    def take(answers: dict[str, Any], *, polls: int = 1, **settings: Any) -> Any:
        server = Server(answers)

        async def poll(source: DataArtsSource) -> Inventory:
            for _ in range(polls - 1):
                await source.fetch_inventory()
                server.requests.clear()
            return await source.fetch_inventory()

        return with_source(PLATFORM, server, poll, **settings), server

    def test_real_time_jobs_are_asked_for_by_the_hundred(self) -> None:
        """Batch jobs are the default, and ten of them."""
        _, server = self.take({page_url(0): {"total": 0, "jobs": []}})
        assert server.asked == [page_url(0)]
        assert server.requests[0].url.host == "dayu-dlf.cn-north-4.myhuaweicloud.com"

    def test_offset_may_count_rows(self) -> None:
        answers = {
            page_url(0): {"total": 250, "jobs": rows(0, 100)},
            page_url(100): {"total": 250, "jobs": rows(100, 200)},
            page_url(200): {"total": 250, "jobs": rows(200, 250)},
        }
        inventory, server = self.take(answers)
        assert len({job.job_id for job in inventory.jobs}) == 250
        assert inventory.incomplete == ()
        assert len(server.requests) == 3

    def test_offset_may_count_pages_which_is_remembered(self) -> None:
        answers = {
            page_url(0): {"total": 250, "jobs": rows(0, 100)},
            page_url(100): {"total": 250, "jobs": []},
            page_url(1): {"total": 250, "jobs": rows(100, 200)},
            page_url(2): {"total": 250, "jobs": rows(200, 250)},
        }
        inventory, server = self.take(answers)
        assert len({job.job_id for job in inventory.jobs}) == 250
        assert inventory.incomplete == ()
        assert len(server.requests) == 4
        inventory, server = self.take(answers, polls=2)
        assert len(inventory.jobs) == 250
        assert server.asked == [page_url(0), page_url(1), page_url(2)]

    def test_wrong_memory_is_corrected(self) -> None:
        by_pages = iter([rows(0, 100), [], rows(100, 101)])
        second = iter([rows(0, 100), rows(1, 101), rows(0, 100), rows(100, 101)])
        third = iter([rows(0, 100), rows(100, 101)])
        polls = [by_pages, second, third]

        def answer(request: Any) -> dict[str, Any]:
            for poll in polls:
                jobs = next(poll, None)
                if jobs is not None:
                    return {"total": 101, "jobs": jobs}
            raise AssertionError("one request too many")

        urls = [page_url(offset) for offset in (0, 1, 100)]
        inventory, server = self.take(dict.fromkeys(urls, answer), polls=3)
        assert len(inventory.jobs) == 101
        assert server.asked == [page_url(0), page_url(100)]

    def test_other_reading_may_find_the_row_that_moved(self) -> None:
        """It is whole then, and offset still counts rows the next time."""
        answers = {
            page_url(0): {"total": 101, "jobs": rows(0, 100)},
            page_url(100): {"total": 101, "jobs": rows(99, 100)},
            page_url(1): {"total": 101, "jobs": rows(1, 101)},
        }
        inventory, server = self.take(answers, polls=2)
        assert len(inventory.jobs) == 101
        assert inventory.incomplete == ()
        assert server.asked == [page_url(0), page_url(100), page_url(1)]

    def test_listing_that_fits_neither_reading_is_incomplete(self) -> None:
        answers = {page_url(at): {"total": 250, "jobs": rows(0, 100)} for at in (0, 1, 2, 100)}
        inventory, _ = self.take(answers)
        assert len(inventory.jobs) == 100
        assert [error.reason for _, error in inventory.incomplete] == [Reason.INVALID_RESPONSE]

    def test_later_page_that_fails_leaves_the_listing_incomplete(self) -> None:
        answers = {
            page_url(0): {"total": 101, "jobs": rows(0, 100)},
            page_url(100): (400, {"error_code": "DLF.3051", "error_msg": "Invalid offset."}),
        }
        inventory, _ = self.take(answers)
        assert len(inventory.jobs) == 100
        assert [error.code for _, error in inventory.incomplete] == ["DLF.3051"]

    def test_workspace_is_named_in_each_request(self) -> None:
        _, server = self.take({page_url(0): {"total": 0, "jobs": []}}, workspace="0f3a9c")
        assert server.requests[0].headers["workspace"] == "0f3a9c"
        assert "workspace;" in server.requests[0].headers["Authorization"]

    @pytest.mark.parametrize("settings", [{}, {"workspace": ""}])
    def test_workspace_is_left_out_when_empty(self, settings: dict[str, Any]) -> None:
        _, server = self.take({page_url(0): {"total": 0, "jobs": []}}, **settings)
        assert "workspace" not in server.requests[0].headers

    def test_given_names_are_asked_for_instead(self) -> None:
        gone = (400, {"error_code": "DLF.0100", "error_msg": "The job does not exists."})
        inventory, server = self.take(
            {
                f"{JOBS}/%E8%AE%A2%E5%8D%95%20a%2Fb/status": {"status": "NORMAL"},
                f"{JOBS}/nobody/status": gone,
            },
            jobs={"ids": ["订单 a/b", "nobody"]},
        )
        assert [(job.job_name, job.state) for job in inventory.jobs] == [
            ("订单 a/b", State.RUNNING)
        ]
        assert inventory.incomplete == ()
        assert len(server.requests) == 2
