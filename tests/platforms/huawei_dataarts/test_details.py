"""The status of a job is asked for at each poll, and says so when there is none."""

from typing import Any

import pytest

from exporter.errors import FetchError, Reason
from exporter.model import Job, State
from exporter.platforms.huawei_dataarts import (
    PLATFORM,
)
from exporter.source import CallCost
from tests.vendors.huawei_sources import AUTH, PROJECT, Server, with_source
from tests.virtual_time import EPOCH

JOBS = f"/v1/{PROJECT}/jobs"
ROW = Job(project=PROJECT, job_id="one", job_name="one", observed_timestamp=EPOCH)


class TestDetails:
    @staticmethod
    def fetch(answer: Any) -> Any:
        server = Server({f"{JOBS}/one/status": answer})
        return with_source(PLATFORM, server, lambda source: source.fetch_details(ROW))

    def test_status_is_read(self) -> None:
        details = self.fetch({"name": "one", "status": "NORMAL", "startTime": 1551409465000})
        assert details.job == ROW._replace(
            state=State.RUNNING, native_status="NORMAL", start_timestamp=1551409465.0
        )
        assert details.failures == ()

    def test_job_that_is_gone_comes_as_400(self) -> None:
        with pytest.raises(FetchError) as caught:
            self.fetch((400, {"error_code": "DLF.0100", "error_msg": "The job does not exists."}))
        assert caught.value.gone
        assert caught.value.reason is Reason.NOT_FOUND

    def test_missing_permission_is_an_auth_failure(self) -> None:
        with pytest.raises(FetchError) as caught:
            self.fetch((400, {"error_code": "DLF.6888", "error_msg": "No permission."}))
        assert caught.value.reason is Reason.AUTH

    def test_empty_answer_is_a_failure(self) -> None:
        with pytest.raises(FetchError, match="status: expected an object") as caught:
            self.fetch({})
        assert caught.value.reason is Reason.INVALID_RESPONSE


@pytest.mark.parametrize(
    ("jobs", "ids", "expected"),
    [
        (0, [], CallCost(per_inventory=1, per_details=1, every_poll=True)),
        (250, [], CallCost(per_inventory=3, per_details=1, every_poll=True)),
        (2, ["a", "b"], CallCost(per_inventory=2, per_details=1)),
    ],
)
def test_cost_counts_the_status_of_every_job_with_each_poll(
    jobs: int, ids: list[str], expected: CallCost
) -> None:
    settings = PLATFORM.settings.model_validate(
        {
            "name": "s",
            "platform": "huawei_dataarts",
            "region": "cn-north-4",
            "project_id": "p",
            "auth": AUTH,
            "jobs": {"ids": ids},
        }
    )
    assert PLATFORM.cost(settings, jobs) == expected


def test_platform_is_found_by_its_name() -> None:
    assert (PLATFORM.name, PLATFORM.supersedes) == ("huawei_dataarts", False)
