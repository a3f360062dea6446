"""Details say why a job failed, how it runs, and whether one that is not listed exists."""

from typing import Any

import pytest

from exporter.errors import FetchError, Reason
from exporter.model import Job, State
from exporter.platforms.tencent_oceanus import OceanusSource
from exporter.source import Details
from exporter.vendors.tencent.monitor import METRICS
from tests.platforms.tencent_oceanus.api import Api, listing, refused, use
from tests.vendors.tencent.rows import row, running
from tests.virtual_time import EPOCH

UNLISTED = Job(project="space-1", job_id="cql-9", job_name="gone", observed_timestamp=EPOCH)
FAILED = row(-1, LastOpResult="")


def details(api: Api, job: Job | None = None, **given: Any) -> Details:
    """Return the details of a job that is not listed, or else of the one that is."""

    async def work(source: OceanusSource) -> Details:
        found = await source.fetch_inventory()
        return await source.fetch_details(job or found.jobs[0])

    return use(api, work, **given)


def test_details_of_a_job_that_runs_cost_nothing() -> None:
    api = Api(DescribeJobs=listing(row(4)))
    assert details(api).job.state is State.RUNNING
    assert len(api.asked) == 1


def test_failure_that_the_row_does_not_explain_is_looked_for_in_the_events() -> None:
    event = {"Type": "21", "Message": "java.io.IOException: x", "Timestamp": EPOCH - 60}
    api = Api(DescribeJobs=listing(FAILED), DescribeJobEvents={"Events": [event]})
    found = details(api)
    assert found.job.error_type == "java.io.IOException"
    assert (found.job.last_error_timestamp, found.failures) == (EPOCH - 60, ())


def test_failure_that_the_row_explains_costs_no_call() -> None:
    api = Api(DescribeJobs=listing(row(-1, LastOpResult="java.io.IOException: x")))
    assert details(api).job.error_type == "java.io.IOException"
    assert len(api.asked) == 1


@pytest.mark.parametrize("answer", [refused("AuthFailure.CAMNotAuthorized"), {"Events": "x"}])
def test_events_that_cannot_be_had_leave_the_job_as_it_is(answer: dict[str, Any]) -> None:
    found = details(Api(DescribeJobs=listing(FAILED), DescribeJobEvents=answer))
    assert found.job.state is State.FAILED
    assert len(found.failures) == 1


def test_job_that_is_not_listed_is_asked_for_by_its_id() -> None:
    api = Api(DescribeJobs=[listing(row()), listing(row(job_id="cql-9"), total=31)])
    assert details(api, UNLISTED).job.job_id == "cql-9"
    assert api.bodies()[1] == {"JobIds": ["cql-9"], "Limit": 100, "WorkSpaceId": "space-1"}


@pytest.mark.parametrize("answer", [listing(total=31), refused("ResourceNotFound.JobId")])
def test_job_that_the_platform_does_not_know_is_gone(answer: dict[str, Any]) -> None:
    with pytest.raises(FetchError) as caught:
        details(Api(DescribeJobs=[listing(row()), answer]), UNLISTED)
    assert caught.value.gone


@pytest.mark.parametrize(
    "answer",
    [
        {"JobSet": None, "TotalCount": 31},
        listing(row(job_id="cql-7")),
        refused("AuthFailure.UnauthorizedOperation"),
        refused("ResourceNotFound.Cluster"),
    ],
)
def test_job_is_not_gone_by_an_answer_that_does_not_say_so(answer: dict[str, Any]) -> None:
    with pytest.raises(FetchError) as caught:
        details(Api(DescribeJobs=[listing(row()), answer]), UNLISTED)
    assert not caught.value.gone


def test_job_of_a_work_space_that_is_gone_is_asked_for_by_its_id_alone() -> None:
    api = Api(DescribeJobs=[listing(row()), refused("ResourceNotFound.WorkSpace"), listing()])
    with pytest.raises(FetchError) as caught:
        details(api, UNLISTED)
    assert caught.value.gone
    assert api.bodies()[-1] == {"JobIds": ["cql-9"], "Limit": 100}


def points(metric: dict[str, Any]) -> dict[str, Any]:
    """Return a point of a minute ago for every job that is asked about."""
    return {
        "DataPoints": [
            {"Dimensions": each["Dimensions"], "Timestamps": [EPOCH - 60], "Values": [2000]}
            for each in metric["Instances"]
        ]
    }


def test_figures_of_a_running_job_come_from_cloud_monitor() -> None:
    rows = [running(9000, now=EPOCH), row(5, job_id="cql-2")]
    api = Api(DescribeJobs=listing(*rows), GetMonitorData=points)
    found = details(api, monitor=True)
    assert found.job.input_delay_seconds == 2
    asked = api.bodies("GetMonitorData")
    assert [body["MetricName"] for body in asked] == list(METRICS)
    # Only of jobs that run.
    assert {len(body["Instances"]) for body in asked} == {1}
    hosts = {request.headers["host"] for request in api.requests}
    assert hosts == {"oceanus.tencentcloudapi.com", "monitor.tencentcloudapi.com"}


def test_rows_of_the_next_listing_carry_the_figures() -> None:
    """They came for fifty jobs, of which one was asked about."""
    rows = [running(9000, now=EPOCH), running(9000, now=EPOCH, JobId="cql-2")]
    api = Api(DescribeJobs=listing(*rows), GetMonitorData=points)

    async def work(source: OceanusSource) -> list[float | None]:
        found = await source.fetch_inventory()
        await source.fetch_details(found.jobs[0])
        again = await source.fetch_inventory()
        return [job.input_delay_seconds for job in again.jobs]

    assert use(api, work, monitor=True) == [2, 2]


def test_figures_that_nobody_tells_any_more_are_withdrawn() -> None:
    rows = listing(running(9000, now=EPOCH))
    found = details(Api(DescribeJobs=rows, GetMonitorData={"DataPoints": []}), monitor=True)
    assert "input_delay_seconds" in found.withdrawn
    assert found.job.state is State.RUNNING


@pytest.mark.parametrize("answer", [refused("AuthFailure.UnauthorizedOperation"), {}])
def test_monitor_that_refuses_hurts_no_state(answer: dict[str, Any]) -> None:
    api = Api(DescribeJobs=listing(running(9000, now=EPOCH)), GetMonitorData=answer)
    found = details(api, monitor=True)
    assert found.job.state is State.RUNNING
    assert [each.reason for each in found.failures] == [Reason.MONITORING]
