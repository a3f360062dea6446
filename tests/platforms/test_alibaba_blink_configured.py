"""Chosen jobs are asked for by name, and an unlisted one is gone only when nobody knows it."""

import httpx
import pytest

from exporter.errors import FetchError, Reason
from exporter.model import Job, State
from exporter.platforms import load
from exporter.source import CallCost, Source
from tests.platforms.blink_projects import (
    PROJECT,
    inventory,
    light,
    listing,
    page,
    row,
    settings,
    summaries,
    summary,
    use,
)
from tests.vendors.alibaba_sources import Server, refusal
from tests.virtual_time import EPOCH


def test_configured_jobs_are_asked_for_in_bulk_and_the_rest_as_batch_jobs() -> None:
    server = Server(
        {
            summaries("a,b,c"): summary(light("a"), light("stranger")),
            summaries("b,c", "FLINK_BATCH"): summary(light("b", "SUCCESS")),
        }
    )
    found = inventory(server, batch=True, jobs={"ids": ["a", "b", "c"]})
    assert [(job.job_id, job.job_type) for job in found.jobs] == [
        ("a", "FLINK_STREAM"),
        ("b", "FLINK_BATCH"),
    ]
    assert [flaw.place for flaw in found.flaws.unreadable] == ["jobs.ids project1/c"]


def test_many_configured_jobs_are_asked_for_in_several_requests() -> None:
    names = [f"实时作业{number:03}" for number in range(80)]

    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        assert len(request.url.raw_path) < 2200
        asked = request.url.params["jobNames"].split(",")
        return httpx.Response(200, json=summary(*(light(name) for name in asked)))

    found = inventory(answer, jobs={"ids": names})
    assert [job.job_id for job in found.jobs] == names
    configured = settings(projects=["project1"], jobs={"ids": names})
    assert load("alibaba_blink").cost(configured, 80) == CallCost(
        per_inventory=len(seen), per_details=1
    )


def details_of_configured(answer: object, state: str = "RUNNING") -> tuple[Job, Server]:
    server = Server(
        {summaries("a"): summary(light("a", state, 9)), f"{PROJECT}/jobs/a/instances/9": answer}
    )

    async def both(source: Source) -> Job:
        found = await source.fetch_inventory()
        return (await source.fetch_details(found.jobs[0])).job

    return use(server, both, jobs={"ids": ["a"]}), server


def test_running_configured_job_is_asked_for_by_its_instance() -> None:
    job, _ = details_of_configured({"Instance": row("a", 9, EngineVersion="blink-3.4.4")})
    assert (job.start_timestamp, job.engine_version) == (1_699_990_000.0, "blink-3.4.4")


@pytest.mark.parametrize(
    "answer",
    [refusal(400, "InstanceNotRunning"), refusal(404, "InstanceNotExist"), refusal(404, "")],
)
def test_refused_instance_is_not_running_and_no_failure(answer: httpx.Response) -> None:
    job, _ = details_of_configured(answer)
    assert (job.state, job.run_id) == (State.RUNNING, "9")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (refusal(403, "NoPermission"), Reason.AUTH),
        (refusal(400, "SignatureDoesNotMatch"), Reason.AUTH),
        (refusal(400, "Throttling"), Reason.THROTTLED),
        (refusal(500, "InternalError"), Reason.SERVER),
        ({"Instance": row("another", 9)}, Reason.INVALID_RESPONSE),
        ({"RequestId": "1"}, Reason.INVALID_RESPONSE),
        (b"<r", Reason.INVALID_RESPONSE),
    ],
)
def test_other_trouble_with_an_instance_is_a_failure(answer: object, reason: Reason) -> None:
    with pytest.raises(FetchError) as caught:
        details_of_configured(answer)
    assert (caught.value.reason, caught.value.gone) == (reason, False)


def test_configured_job_that_does_not_run_costs_no_call_of_its_own() -> None:
    job, server = details_of_configured({}, "PAUSED")
    assert (job.state, server.asked) == (State.SUSPENDED, [summaries("a")])


def details_of_unlisted(streams: object, batches: object) -> Job:
    server = Server(
        {
            listing(): page(),
            listing("FLINK_BATCH"): page(),
            summaries("a"): streams,
            summaries("a", "FLINK_BATCH"): batches,
        }
    )

    async def both(source: Source) -> Job:
        await source.fetch_inventory()
        known = Job(project="project1", job_id="a", job_name="a", observed_timestamp=1.0)
        return (await source.fetch_details(known)).job

    return use(server, both, batch=True)


def test_job_that_neither_listing_nor_summaries_know_is_gone() -> None:
    with pytest.raises(FetchError) as caught:
        details_of_unlisted(summary(), summary())
    assert (caught.value.gone, caught.value.reason) == (True, Reason.NOT_FOUND)


def test_job_that_only_the_summaries_know_is_still_there() -> None:
    job = details_of_unlisted(summary(), summary(light("a", "FAILED")))
    assert (job.state, job.job_type, job.observed_timestamp) == (State.FAILED, "FLINK_BATCH", EPOCH)


def test_refused_question_about_an_unlisted_job_is_not_its_end() -> None:
    with pytest.raises(FetchError) as caught:
        details_of_unlisted(refusal(404, "ProjectNotExist"), summary())
    assert not caught.value.gone
