"""A refusal that is expected of one job must not hide one that is the same for all, for ever."""

from typing import Any

import httpx
import pytest

from exporter.errors import FetchError, Reason
from exporter.model import Job, State
from exporter.platforms import huawei_dli
from exporter.platforms.apache_flink import FlinkSource
from exporter.source import Details, Inventory, Source
from tests.platforms.blink_projects import PROJECT as BLINK
from tests.platforms.blink_projects import light, summaries, summary, use
from tests.platforms.flink_job_manager import Flink
from tests.vendors.alibaba_sources import Server as AlibabaServer
from tests.vendors.alibaba_sources import refusal
from tests.vendors.huawei_sources import PROJECT, Server, with_source
from tests.virtual_time import EPOCH, run

JOBS = f"/v1.0/{PROJECT}/streaming/jobs"


def _plan_refused(answer: object) -> Details:
    detail = {"is_success": "true", "job_detail": {"job_id": 1, "status": "job_running"}}
    server = Server({f"{JOBS}/1": detail, f"{JOBS}/1/execute-graph": answer})
    row = Job(project=PROJECT, job_id="1", job_name="one", observed_timestamp=EPOCH)
    details: Details = with_source(
        huawei_dli.PLATFORM, server, lambda source: source.fetch_details(row)
    )
    return details


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((404, {"error_code": "APIG.0101", "error_msg": "no such API"}), Reason.NOT_FOUND),
        ((404, {"error_code": "APIGW.0101", "error_msg": "no such API"}), Reason.NOT_FOUND),
        ((405, {"error_code": "APIG.0103", "error_msg": "wrong method"}), Reason.SERVER),
        ((404, {}), Reason.NOT_FOUND),
        ((404, {"detail": "Not Found"}), Reason.INVALID_RESPONSE),
        ((400, []), Reason.SERVER),
    ],
)
def test_plan_that_no_gateway_knows_is_a_failure_of_that_part(
    answer: object, reason: Reason
) -> None:
    details = _plan_refused(answer)
    assert details.job.state is State.RUNNING
    assert [failure.reason for failure in details.failures] == [reason]


@pytest.mark.parametrize("code", ["DLI.11098", "DLI.16001", "DLI.0002", "DLI.0007"])
@pytest.mark.parametrize("status", [400, 404])
def test_plan_that_dli_itself_does_not_have_is_none(code: str, status: int) -> None:
    assert _plan_refused((status, {"error_code": code, "error_msg": "m"})).failures == ()


def _instance_refused(answer: object) -> str:
    server = AlibabaServer(
        {summaries("a"): summary(light("a", "RUNNING", 9)), f"{BLINK}/jobs/a/instances/9": answer}
    )

    async def both(source: Source) -> str:
        found = await source.fetch_inventory()
        return (await source.fetch_details(found.jobs[0])).job.native_status

    return use(server, both, jobs={"ids": ["a"]})


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (refusal(404, "InvalidAction.NotFound"), Reason.NOT_FOUND),
        (refusal(400, "InvalidVersion"), Reason.SERVER),
        (refusal(400, "MissingParameter"), Reason.SERVER),
        (refusal(405, "UnsupportedHTTPMethod"), Reason.SERVER),
        (httpx.Response(404, text="<html>404 page not found</html>"), Reason.INVALID_RESPONSE),
        (httpx.Response(404), Reason.INVALID_RESPONSE),
        (httpx.Response(400, text="<html>plain HTTP to an HTTPS port</html>"), Reason.SERVER),
    ],
)
def test_instance_that_no_gateway_knows_is_a_failure(
    answer: httpx.Response, reason: Reason
) -> None:
    with pytest.raises(FetchError) as caught:
        _instance_refused(answer)
    assert (caught.value.reason, caught.value.gone) == (reason, False)


@pytest.mark.parametrize("code", ["InstanceNotRunning", "InstanceNotExist", "InvalidParameter"])
def test_instance_that_foas_itself_does_not_have_is_not_running(code: str) -> None:
    assert _instance_refused(refusal(400, code)) == "RUNNING"


def _failures_of_polls(*answers: Any) -> list[list[Reason]]:
    flink = Flink()

    async def story(source: FlinkSource) -> list[Inventory]:
        found = []
        for number, answer in enumerate(answers):
            flink.answers["/config"] = answer
            # A job that vanished makes the version worth another question.
            flink.answers["/jobs/overview"] = {
                "jobs": [{"jid": f"{number:032x}", "state": "RUNNING"}]
            }
            found.append(await source.fetch_inventory())
        return found

    return [[failure.reason for failure in found.failures] for found in run(flink.source(story))]


KNOWN = {"flink-version": "2.3.0"}


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ([(404, {}), (404, {}), (404, {})], [[Reason.INVALID_RESPONSE], [], []]),
        ([(404, {"errors": ["Not found: /config"]})], [[Reason.NOT_FOUND]]),
        ([(404, {}), KNOWN, (404, {})], [[Reason.INVALID_RESPONSE], [], [Reason.INVALID_RESPONSE]]),
        ([(403, {}), (401, {})], [[], []]),
        ([(503, {}), httpx.ConnectError("refused"), KNOWN], [[], [], []]),
    ],
)
def test_version_that_is_refused_for_good_is_told_once(
    answers: list[Any], told: list[list[Reason]]
) -> None:
    """A proxy may keep the path to itself, with 401 or 403; what passes is asked for again."""
    assert _failures_of_polls(*answers) == told
