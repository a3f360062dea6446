"""Blink projects: what is asked, and what is made of the answers."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from pydantic import ValidationError

from exporter.errors import FetchError, Reason
from exporter.model import Job, State
from exporter.platforms import load
from exporter.platforms.alibaba_blink import (
    Origin,
    Settings,
    latest_by_name,
    parse_instance,
    parse_instances,
    parse_summaries,
)
from exporter.reading import Flaws, Record
from exporter.simulator import alibaba_foas
from exporter.simulator.alibaba_access import Access, AccessKey
from exporter.simulator.fleet import Fleet
from exporter.simulator.weather import Weather
from exporter.source import CallCost, Inventory, Source
from tests.alibaba_sources import Reply, Server, open_source, refusal
from tests.virtual_time import EPOCH, run

T = TypeVar("T")
FIXTURES = Path(__file__).parent / "fixtures" / "alibaba_blink"
P = "/api/v2/projects/project1"
ORIGIN = Origin(project="project1", job_type="FLINK_STREAM", observed=7.0)


def listing(job_type: str = "FLINK_STREAM", *, page: int = 1, project: str = "project1") -> str:
    path = f"/api/v2/projects/{project}/instances"
    return f"{path}?jobType={job_type}&pageIndex={page}&pageSize=100"


def summaries(names: str, job_type: str = "FLINK_STREAM") -> str:
    return f"{P}/runsummary?jobNames={names}&jobType={job_type}"


def page(*rows: dict[str, Any], total: int | None = None) -> dict[str, Any]:
    return {
        "TotalCount": len(rows) if total is None else total,
        "Instances": {"Instance": list(rows)},
    }


def summary(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"RequestId": "1", "RunSummarys": {"RunSummary": list(rows)}}


def row(name: str, number: int = 1, state: str = "RUNNING", **more: Any) -> dict[str, Any]:
    started = {"StartTime": 1_699_990_000_000} if state != "WAITING" else {}
    return {"JobName": name, "Id": number, "ActualState": state, **started, **more}


def light(name: str, state: str = "RUNNING", number: int = 1) -> dict[str, Any]:
    return {"JobName": name, "Id": number, "ActualState": state}


def parse(value: dict[str, Any]) -> tuple[Job, Flaws]:
    flaws = Flaws()
    job = parse_instance(Record(value, "Instance", flaws), ORIGIN, flaws)
    assert job is not None
    return job, flaws


def use(server: Reply, work: Callable[[Source], Awaitable[T]], **options: Any) -> T:
    async def opened() -> T:
        given = {"region": "cn-shanghai", "projects": ["project1"], "batch": False, **options}
        source = open_source("alibaba_blink", httpx.MockTransport(server), **given)
        try:
            return await work(source)
        finally:
            await source.aclose()

    return run(opened())


def inventory(server: Reply, **options: Any) -> Inventory:
    return use(server, lambda source: source.fetch_inventory(), **options)


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("UNKNOWN", State.CREATED),
        ("WAITING", State.STARTING),
        ("RUNNING", State.RUNNING),
        ("running", State.RUNNING),
        ("FAILED", State.FAILED),
        ("TERMINATED", State.STOPPED),
        ("PAUSED", State.SUSPENDED),
        ("SUCCESS", State.FINISHED),
    ],
)
def test_every_documented_state_is_known(word: str, state: State) -> None:
    job, flaws = parse(light("a", word))
    assert (job.state, job.native_status, flaws.unknown_states) == (state, word, [])


def test_unknown_state_is_noted_and_its_word_kept() -> None:
    job, flaws = parse(light("a", "HIBERNATING"))
    assert (job.state, job.native_status) == (State.UNKNOWN, "HIBERNATING")
    assert flaws.unknown_states == ["HIBERNATING"]


def test_row_without_a_state_says_nothing_of_it() -> None:
    job, flaws = parse({"JobName": "a"})
    assert (job.state, job.native_status, flaws.unknown_states) == (State.UNKNOWN, "", [])


def test_the_vendors_example_is_read_whole() -> None:
    document = json.loads((FIXTURES / "seed_json" / "instance.json").read_text())
    job, flaws = parse(document["Instance"])
    assert flaws == Flaws()
    assert job == Job(
        project="project1",
        job_id="job1",
        job_name="job1",
        state=State.RUNNING,
        native_status="RUNNING",
        expected_state="RUNNING",
        expected_running=True,
        job_type="FLINK_STREAM",
        queue="root.project1",
        engine_version="blink-3.4.4",
        run_id="412536",
        start_timestamp=1599794335.0,
        updated_timestamp=1599794334.0,
        observed_timestamp=7.0,
    )


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [
        (-99999999, None),
        ("-99999999", None),
        (-(2**63), None),
        (-250, -0.25),
        (0, 0.0),
        ("1500", 1.5),
        (None, None),
        ("", None),
    ],
)
def test_input_delay_is_seconds_and_the_sentinel_is_none(
    delay: object, seconds: float | None
) -> None:
    job, flaws = parse({**light("a"), "InputDelay": delay})
    assert (job.input_delay_seconds, flaws.unreadable) == (seconds, [])


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("RUNNING", True),
        ("PAUSED", False),
        ("TERMINATED", False),
        ("SUCCESS", False),
        ("FAILED", False),
        ("DREAMING", None),
        (None, None),
    ],
)
def test_expected_state_tells_whether_the_job_should_run(
    word: str | None, expected: bool | None
) -> None:
    job, _ = parse({**light("a"), "ExpectState": word})
    assert (job.expected_running, job.expected_state) == (expected, word or "")


def test_error_text_is_kept_apart_from_its_class() -> None:
    message = "Caused by: java.lang.OutOfMemoryError: password=hunter2"
    job, _ = parse({**light("a"), "LastErrorMessage": message, "LastErrorTime": 1599794335000})
    assert (job.error_type, job.error_id) == ("java.lang.OutOfMemoryError", "")
    assert (job.error_text, job.last_error_timestamp) == (message, 1599794335.0)


def test_code_properties_plan_and_packages_are_not_kept() -> None:
    secrets = dict.fromkeys(("Code", "Properties", "PlanJson", "Packages"), "hunter2")
    job, _ = parse({**light("a"), **secrets})
    assert all("hunter2" not in str(getattr(job, field.name)) for field in fields(job))


@pytest.mark.parametrize("name", [None, "", ".", "..", 3.5])
def test_row_without_a_usable_name_is_noted_and_left_out(name: object) -> None:
    flaws = Flaws()
    found = parse_instances(page({**light("a"), "JobName": name}, light("b")), ORIGIN, flaws)
    assert [job.job_name for _, job in found.rows] == ["b"]
    assert (found.unreadable, bool(flaws.unreadable)) == (1, True)


@pytest.mark.parametrize("document", [{}, {"Instances": None}, {"TotalCount": 3}, {"Code": "a"}])
def test_answer_without_instances_is_no_empty_project(document: dict[str, Any]) -> None:
    with pytest.raises(FetchError) as caught:
        parse_instances(document, ORIGIN, Flaws())
    assert caught.value.reason is Reason.INVALID_RESPONSE


def test_missing_list_with_a_total_of_none_is_an_empty_project() -> None:
    assert parse_instances({"TotalCount": "0"}, ORIGIN, Flaws()).rows == ()


def test_answer_without_summaries_is_no_empty_one() -> None:
    with pytest.raises(FetchError):
        parse_summaries({}, ORIGIN, Flaws())
    assert parse_summaries({"RequestId": "1"}, ORIGIN, Flaws()).rows == ()


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (row("a", 9, StartTime=1000), row("a", 8, StartTime=2000)),
        (row("a", 9, StartTime=1000), row("a", 10, StartTime=1000)),
        (row("a", 9, StartTime=1000), row("a", 8, "WAITING")),
        (row("a", 9, "WAITING"), row("a", 10, "WAITING")),
        ({**light("a"), "Id": "x"}, {**light("a"), "Id": 1}),
    ],
)
def test_latest_instance_of_a_name_wins_in_any_order(
    older: dict[str, Any], newer: dict[str, Any]
) -> None:
    first, second = parse(older)[0], parse(newer)[0]
    assert latest_by_name([first, second]) == (second,)
    assert latest_by_name([second, first]) == (second,)


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
    path = f"{P}/jobs/订单 a/b/instances/5"
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
        {summaries("a"): summary(light("a", state, 9)), f"{P}/jobs/a/instances/9": answer}
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


def settings(**options: Any) -> Settings:
    given = {"name": "s", "platform": "alibaba_blink", "region": "cn-shanghai", **options}
    return Settings.model_validate(given)


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
        ({"projects": ["a"], "region_id": "a\nb"}, "pattern"),
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
        weather=Weather(started_at=EPOCH - 3600),
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
