"""Deployments of Realtime Compute for Apache Flink: what is asked, and what is made of it."""

from collections.abc import Awaitable, Callable
from dataclasses import fields
from typing import Any, TypeVar

import httpx
import pytest
from pydantic import ValidationError

from exporter.errors import FetchError, Reason
from exporter.model import Job, State
from exporter.platforms import load
from exporter.platforms.alibaba_flink import (
    DeploymentRow,
    Settings,
    parse_deployment,
    parse_deployments,
    parse_latest_run,
    parse_run,
)
from exporter.reading import Flaws, Record
from exporter.simulator import alibaba_ververica
from exporter.simulator.alibaba_access import Access, AccessKey
from exporter.simulator.fleet import Fleet, Phase
from exporter.simulator.weather import Weather
from exporter.source import CallCost, Inventory, Source
from tests.alibaba_sources import Reply, Server, open_source, refusal
from tests.virtual_time import EPOCH, run

T = TypeVar("T")
ROW = Job(
    project="default",
    job_id="d-1",
    job_name="orders",
    job_type="STREAMING",
    engine_version="vvr-8.0.9-flink-1.17",
    observed_timestamp=1.0,
)


def listing(*, page: int = 1, namespace: str = "default", more: str = "") -> str:
    path = f"/api/v2/namespaces/{namespace}/deployments"
    before = f"name={more.removeprefix('name=')}&" if more.startswith("name=") else ""
    after = f"&{more}" if more.startswith("status=") else ""
    return f"{path}?{before}pageIndex={page}&pageSize=100&sortName=gmt_create{after}"


def runs(deployment: str = "d-1", size: int = 1) -> str:
    query = f"deploymentId={deployment}&pageIndex=1&pageSize={size}&sortName=gmt_create"
    return f"/api/v2/namespaces/default/jobs?{query}"


def envelope(data: object, **more: Any) -> dict[str, Any]:
    total = {"totalSize": len(data)} if isinstance(data, list) else {}
    return {"requestId": "1", "success": True, "httpCode": 200, "data": data, **total, **more}


def failure(code: str) -> dict[str, Any]:
    return {"requestId": "1", "success": False, "httpCode": 200, "errorCode": code, "data": None}


def deployment(number: int = 1, **counts: int) -> dict[str, Any]:
    return {"deploymentId": f"d-{number}", "name": f"job{number}", "jobSummary": counts}


def a_run(status: str = "RUNNING", **more: Any) -> dict[str, Any]:
    return {"jobId": "j-1", "status": {"currentJobStatus": status}, **more}


def parse(value: object) -> tuple[DeploymentRow, Flaws]:
    flaws = Flaws()
    row = parse_deployment(Record(value, "data", flaws), "default", 7.0, flaws)
    assert row is not None
    return row, flaws


def parse_one_run(value: dict[str, Any]) -> tuple[Job, Flaws]:
    flaws = Flaws()
    return parse_run(Record(value, "data", flaws), ROW, 7.0, flaws), flaws


def use(server: Reply, work: Callable[[Source], Awaitable[T]], **options: Any) -> T:
    async def opened() -> T:
        given = {"region": "cn-hangzhou", "workspace": "w1", "namespaces": ["default"], **options}
        source = open_source("alibaba_flink", httpx.MockTransport(server), **given)
        try:
            return await work(source)
        finally:
            await source.aclose()

    return run(opened())


def inventory(server: Reply, **options: Any) -> Inventory:
    return use(server, lambda source: source.fetch_inventory(), **options)


def states(found: Inventory) -> dict[str, str]:
    return {job.job_id: job.native_status for job in found.jobs}


@pytest.mark.parametrize(
    ("counts", "word", "state"),
    [
        ({"running": 1, "failed": 6, "cancelled": 5}, "RUNNING", State.RUNNING),
        ({"starting": 1, "failed": 6}, "STARTING", State.STARTING),
        ({"cancelling": 1, "running": 0}, "CANCELLING", State.STOPPING),
        ({"failed": 6}, "FAILED", State.FAILED),
        ({"cancelled": "2", "failed": None}, "CANCELLED", State.STOPPED),
        ({"finished": 1}, "FINISHED", State.FINISHED),
        ({"running": 0, "failed": 0}, "NO_JOB", State.CREATED),
        ({"failed": 6, "cancelled": 5}, "", State.UNKNOWN),
        ({}, "", State.UNKNOWN),
        (None, "", State.UNKNOWN),
    ],
)
def test_counts_of_runs_tell_the_state_only_where_they_leave_no_doubt(
    counts: object, word: str, state: State
) -> None:
    row, flaws = parse({"deploymentId": "d-1", "jobSummary": counts})
    assert (row.job.native_status, row.job.state) == (word, state)
    assert flaws == Flaws()


def test_deployment_is_read_whole() -> None:
    row, flaws = parse(
        {
            "deploymentId": "d-1",
            "name": "实时订单",
            "executionMode": "STREAMING",
            "engineVersion": "vvr-8.0.9-flink-1.17",
            "deploymentTarget": {"mode": "PER_JOB", "name": "default-queue"},
            "createdAt": "1714058507000",
            "streamingResourceSetting": {"basicResourceSetting": {"parallelism": 4}},
            "jobSummary": {"running": 1},
        }
    )
    assert flaws == Flaws()
    assert row.job == Job(
        project="default",
        job_id="d-1",
        job_name="实时订单",
        state=State.RUNNING,
        native_status="RUNNING",
        job_type="STREAMING",
        run_mode="PER_JOB",
        queue="default-queue",
        engine_version="vvr-8.0.9-flink-1.17",
        created_timestamp=1714058507.0,
        parallelism=4,
        observed_timestamp=7.0,
    )


@pytest.mark.parametrize("given", [None, "", "..", 4.5])
def test_deployment_without_a_usable_id_is_noted_and_left_out(given: object) -> None:
    flaws = Flaws()
    rows = [{**deployment(), "deploymentId": given}, deployment(2), "none"]
    page = parse_deployments(envelope(rows), "default", 7.0, flaws)
    assert ([row_id for row_id, _ in page.rows], page.unreadable) == (["d-2"], 2)
    assert flaws.unreadable


@pytest.mark.parametrize(
    "document", [{}, {"success": True}, {"data": None}, envelope({"a": 1}), envelope("text")]
)
def test_answer_without_a_list_is_no_empty_namespace(document: dict[str, Any]) -> None:
    with pytest.raises(FetchError) as caught:
        parse_deployments(document, "default", 7.0, Flaws())
    assert caught.value.reason is Reason.INVALID_RESPONSE


def test_null_with_a_total_of_none_is_an_empty_namespace() -> None:
    page = parse_deployments(envelope(None, totalSize=0), "default", 7.0, Flaws())
    assert (page.rows, page.total) == ((), 0)


def test_run_adds_to_its_deployment() -> None:
    job, flaws = parse_one_run(
        {
            "jobId": "j-1",
            "executionMode": "STREAM",
            "engineVersion": "vvr-8.0.10-flink-1.17",
            "startTime": 1714058507,
            "endTime": 0,
            "createdAt": "1714058500",
            "modifiedAt": "1714058600",
            "streamingResourceSetting": {"basicResourceSetting": {"parallelism": 8}},
            "status": {
                "currentJobStatus": "RUNNING",
                "healthScore": 75,
                "running": {
                    "observedFlinkJobStatus": "RESTARTING",
                    "observedFlinkJobRestarts": "17",
                },
            },
        }
    )
    assert flaws == Flaws()
    assert job == Job(
        project="default",
        job_id="d-1",
        job_name="orders",
        state=State.RUNNING,
        native_status="RUNNING",
        finer_state=State.RESTARTING,
        graph_state="RESTARTING",
        job_type="STREAMING",
        engine_version="vvr-8.0.10-flink-1.17",
        run_id="j-1",
        restart_times=17,
        start_timestamp=1714058507.0,
        updated_timestamp=1714058600.0,
        parallelism=8,
        health_score=75.0,
        observed_timestamp=7.0,
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (1714058507, 1714058507.0),
        (1714058507123, 1714058507.123),
        ("1714058507", 1714058507.0),
        ("1714058507123", 1714058507.123),
        ("2024-04-25T15:21:47Z", 1714058507.0),
        (0, None),
        (-1, None),
        (None, None),
        ("", None),
    ],
)
def test_times_are_read_as_seconds_or_milliseconds(given: object, expected: float | None) -> None:
    job, flaws = parse_one_run({**a_run(), "startTime": given})
    assert (job.start_timestamp, flaws) == (expected, Flaws())


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("STARTING", State.STARTING),
        ("RUNNING", State.RUNNING),
        ("FAILED", State.FAILED),
        ("CANCELLING", State.STOPPING),
        ("CANCELLED", State.STOPPED),
        ("FINISHED", State.FINISHED),
    ],
)
def test_every_documented_status_is_known(word: str, state: State) -> None:
    job, flaws = parse_one_run(a_run(word))
    assert (job.state, job.native_status, flaws) == (state, word, Flaws())


def test_unknown_words_are_noted_and_kept() -> None:
    status = {"currentJobStatus": "PARKED", "running": {"observedFlinkJobStatus": "DREAMING"}}
    job, flaws = parse_one_run({"jobId": "j-1", "status": status})
    assert (job.state, job.native_status) == (State.UNKNOWN, "PARKED")
    assert (job.finer_state, job.graph_state) == (State.UNKNOWN, "DREAMING")
    assert flaws.unknown_states == ["PARKED", "DREAMING"]


def test_run_without_a_status_says_nothing_of_it() -> None:
    job, flaws = parse_one_run({"jobId": "j-1"})
    assert (job.native_status, job.finer_state, flaws) == ("", None, Flaws())


@pytest.mark.parametrize(
    ("reason", "message", "error_id", "error_type"),
    [
        ("KubernetesDeploymentNotProgressing", "", "KubernetesDeploymentNotProgressing", ""),
        ("X", "java.lang.RuntimeException: hunter2", "X", "java.lang.RuntimeException"),
        ("a story about hunter2", "told", "", ""),
        ("x" * 65, "told", "", ""),
    ],
)
def test_failure_gives_code_and_class_and_keeps_the_text_apart(
    reason: str, message: str, error_id: str, error_type: str
) -> None:
    told = {"reason": reason, "message": message, "failedAt": 1714058507}
    status = {"currentJobStatus": "FAILED", "failure": told}
    job, _ = parse_one_run({"jobId": "j-1", "status": status})
    assert (job.error_id, job.error_type, job.error_text) == (error_id, error_type, message)
    assert job.last_error_timestamp == 1714058507.0


def test_artifact_configuration_and_variables_are_not_kept() -> None:
    secrets = {key: {"password": "hunter2"} for key in ("artifact", "flinkConf", "userFlinkConf")}
    row, _ = parse({**deployment(running=1), **secrets})
    job, _ = parse_one_run({**a_run(), **secrets, "localVariables": [{"value": "hunter2"}]})
    for kept in (row.job, job):
        assert all("hunter2" not in str(getattr(kept, field.name)) for field in fields(kept))


def test_no_run_at_all_is_a_job_that_was_never_started() -> None:
    job = parse_latest_run(envelope([]), ROW, 7.0, Flaws())
    assert (job.state, job.native_status, job.observed_timestamp) == (State.CREATED, "NO_JOB", 7.0)


def test_latest_run_is_the_newest_that_goes_on() -> None:
    ended = {**a_run("FAILED"), "jobId": "new", "createdAt": "300"}
    going_on = {**a_run("RUNNING"), "jobId": "old", "createdAt": "200"}
    oldest = {**a_run("RUNNING"), "jobId": "oldest", "createdAt": "100"}
    latest = parse_latest_run(envelope([ended, oldest, going_on]), ROW, 7.0, Flaws())
    assert latest.run_id == "old"
    latest = parse_latest_run(envelope([ended, {**oldest, "status": {}}]), ROW, 7.0, Flaws())
    assert latest.run_id == "new"


def test_requests_carry_the_documented_headers() -> None:
    server = Server({listing(): envelope([])})
    inventory(server)
    headers = server.requests[0].headers
    assert server.requests[0].url.host == "ververica.cn-hangzhou.aliyuncs.com"
    assert (headers["accept"], headers["workspace"]) == ("application/json", "w1")
    assert (headers["x-acs-action"], headers["x-acs-version"]) == ("ListDeployments", "2022-07-18")


def test_states_without_a_doubt_cost_the_listing_alone() -> None:
    server = Server({listing(): envelope([deployment(running=1), deployment(2, failed=3)])})
    found = inventory(server)
    assert states(found) == {"d-1": "RUNNING", "d-2": "FAILED"}
    assert server.asked == [listing()]
    assert {job.observed_timestamp for job in found.jobs} == {EPOCH}


def test_doubt_is_settled_by_listing_one_status_at_a_time() -> None:
    stopped, failed = deployment(1, cancelled=1, failed=1), deployment(2, cancelled=1, failed=1)
    server = Server(
        {
            listing(): envelope([stopped, failed, deployment(3, running=1, failed=2, finished=1)]),
            listing(more="status=CANCELLED"): envelope([stopped]),
            listing(more="status=FAILED"): envelope([failed]),
        }
    )
    assert states(inventory(server)) == {"d-1": "CANCELLED", "d-2": "FAILED", "d-3": "RUNNING"}
    assert len(server.asked) == 3


def test_deployment_that_started_meanwhile_shows_its_newer_row() -> None:
    doubtful = deployment(1, cancelled=1, failed=1)
    server = Server(
        {
            listing(): envelope([doubtful]),
            listing(more="status=CANCELLED"): envelope(
                [deployment(1, cancelled=1, failed=1, starting=1), deployment(9, cancelled=1)]
            ),
        }
    )
    assert states(inventory(server)) == {"d-1": "STARTING"}


def test_server_that_ignores_the_filter_proves_nothing() -> None:
    rows = [deployment(1, cancelled=1, failed=1), deployment(2, failed=1)]
    everything = envelope(rows)
    server = Server({listing(): everything, listing(more="status=CANCELLED"): everything})
    assert states(inventory(server)) == {"d-1": "", "d-2": "FAILED"}


def test_failing_filter_leaves_the_rows_and_an_incomplete_namespace() -> None:
    server = Server(
        {
            listing(): envelope([deployment(1, cancelled=1, failed=1), deployment(2, running=1)]),
            listing(more="status=CANCELLED"): failure("INVALID_PARAMETER"),
        }
    )
    found = inventory(server)
    assert states(found) == {"d-1": "", "d-2": "RUNNING"}
    assert [namespace for namespace, _ in found.incomplete] == ["default"]


def test_success_false_with_status_200_is_a_failure() -> None:
    server = Server({listing(): failure("NAMESPACE_NOT_FOUND")})
    with pytest.raises(FetchError) as caught:
        inventory(server)
    assert (caught.value.reason, caught.value.code) == (Reason.NOT_FOUND, "NAMESPACE_NOT_FOUND")


def test_quoted_empty_error_code_is_a_success() -> None:
    quoted = envelope([deployment(running=1)], errorCode='""', errorMessage='""')
    assert states(inventory(Server({listing(): quoted}))) == {"d-1": "RUNNING"}


def test_one_failing_namespace_hurts_no_other() -> None:
    second = envelope([deployment(running=1)])
    server = Server({listing(): refusal(403, "NoPermission"), listing(namespace="b"): second})
    found = inventory(server, namespaces=["default", "b"])
    assert [job.project for job in found.jobs] == ["b"]
    [(namespace, error)] = found.incomplete
    assert (namespace, error.reason) == ("default", Reason.AUTH)


def details(server: Server, job: Job = ROW) -> Job:
    async def both(source: Source) -> Job:
        await source.fetch_inventory()
        return (await source.fetch_details(job)).job

    return use(server, both)


def test_details_are_the_listing_and_the_latest_run() -> None:
    server = Server({listing(): envelope([deployment(running=1)]), runs(): envelope([a_run()])})
    job = details(server)
    assert (job.job_name, job.run_id, job.observed_timestamp) == ("job1", "j-1", EPOCH)


@pytest.mark.parametrize("mode", ["BATCH", "batch"])
def test_several_runs_of_a_batch_are_asked_for(mode: str) -> None:
    rows = envelope([{**deployment(running=1), "executionMode": mode}])
    server = Server({listing(): rows, runs(size=10): envelope([a_run()])})
    assert details(server).run_id == "j-1"


def test_unlisted_deployment_is_looked_for_by_name_and_gone() -> None:
    similar = envelope([{**deployment(2, running=1), "name": "orders_2"}])
    server = Server({listing(): envelope([]), listing(more="name=orders"): similar})
    with pytest.raises(FetchError) as caught:
        details(server)
    assert (caught.value.gone, caught.value.reason) == (True, Reason.NOT_FOUND)


def test_unlisted_deployment_that_its_name_finds_is_still_there() -> None:
    server = Server(
        {
            listing(): envelope([]),
            listing(more="name=orders"): envelope([deployment(1, running=1)]),
            runs(): envelope([a_run()]),
        }
    )
    assert details(server).run_id == "j-1"


def test_deployment_deleted_since_the_listing_is_gone() -> None:
    server = Server(
        {
            listing(): envelope([deployment(1, running=1)]),
            runs(): failure("DEPLOYMENT_NOT_FOUND"),
            listing(more="name=orders"): envelope([]),
        }
    )
    with pytest.raises(FetchError) as caught:
        details(server)
    assert caught.value.gone


def test_refused_run_of_a_deployment_that_exists_is_a_failure() -> None:
    server = Server(
        {
            listing(): envelope([deployment(1, running=1)]),
            runs(): failure("RUNS_NOT_FOUND"),
            listing(more="name=orders"): envelope([deployment(1, running=1)]),
        }
    )
    with pytest.raises(FetchError) as caught:
        details(server)
    assert (caught.value.gone, caught.value.code) == (False, "RUNS_NOT_FOUND")


def test_other_trouble_with_a_run_is_passed_on() -> None:
    server = Server({listing(): envelope([deployment(1, running=1)]), runs(): {"data": 3}})
    with pytest.raises(FetchError) as caught:
        details(server)
    assert caught.value.reason is Reason.INVALID_RESPONSE


def one(deployment_id: str, namespace: str = "default") -> str:
    return f"/api/v2/namespaces/{namespace}/deployments/{deployment_id}"


def test_configured_deployments_are_asked_for_directly() -> None:
    server = Server(
        {
            one("d-1"): envelope(deployment(1, running=1)),
            one("d-2"): envelope(deployment(2, cancelled=1, failed=1)),
            one("d-3"): failure("DEPLOYMENT_NOT_FOUND"),
        }
    )
    found = inventory(server, jobs={"ids": ["d-1", "default/d-2", "d-3"]})
    assert states(found) == {"d-1": "RUNNING", "d-2": ""}
    assert found.incomplete == ()
    assert [flaw.place for flaw in found.flaws.unreadable] == ["jobs.ids default/d-3"]


@pytest.mark.parametrize(
    "answer",
    [
        failure("NAMESPACE_NOT_FOUND"),
        envelope(deployment(7, running=1)),
        envelope(None),
        refusal(404, ""),
    ],
)
def test_configured_deployment_that_could_not_be_had_is_incomplete(answer: object) -> None:
    server = Server({one("d-1"): envelope(deployment(1, running=1)), one("d-2"): answer})
    found = inventory(server, jobs={"ids": ["d-1", "d-2"]})
    assert states(found) == {"d-1": "RUNNING"}
    assert [namespace for namespace, _ in found.incomplete] == ["default"]


def settings(**options: Any) -> Settings:
    given = {"name": "s", "platform": "alibaba_flink", "region": "cn-hangzhou", "workspace": "w1"}
    return Settings.model_validate({**given, **options})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "Field required"),
        ({"namespaces": []}, "expected at least one name"),
        ({"namespaces": ["a"], "workspace": "a b"}, "pattern"),
        ({"namespaces": ["a", "b"], "jobs": {"ids": ["d-1"]}}, "place/id"),
        ({"namespaces": ["a"], "region": None}, "region or endpoint is required"),
    ],
)
def test_settings_that_cannot_work_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        settings(**options)


@pytest.mark.parametrize(
    ("options", "jobs", "calls"),
    [
        ({"namespaces": ["a"]}, 0, 4),
        ({"namespaces": ["a", "b"]}, 300, 10),
        ({"namespaces": ["a"], "jobs": {"ids": ["d-1", "d-2"]}}, 2, 2),
    ],
)
def test_cost_counts_pages_and_the_three_filtered_listings(
    options: dict[str, Any], jobs: int, calls: int
) -> None:
    expected = CallCost(per_inventory=calls, per_details=1)
    assert load("alibaba_flink").cost(settings(**options), jobs) == expected


def test_simulated_namespace_tells_the_state_of_every_latest_run() -> None:
    """The gateway checks every signature and obeys the status filter; histories are mixed."""
    started = EPOCH - 3600
    fleet = Fleet(seed=1, started_at=started, jobs=120)
    for number, view in enumerate(fleet.views(started + 60)[:30]):
        for step, phase in enumerate((Phase.RUNNING, Phase.FAILED, Phase.RUNNING, Phase.STOPPED)):
            if step <= number % 4:
                fleet.set_phase(view.name, phase, started + 100 + 100 * step)
    app = alibaba_ververica.build(
        fleet=fleet,
        weather=Weather(started_at=started),
        clock=lambda: EPOCH,
        access=Access(AccessKey(key_id="testid", secret="testsecret")),
        workspace="w1",
    )

    async def read() -> tuple[Inventory, list[Job]]:
        source = open_source(
            "alibaba_flink",
            httpx.ASGITransport(app),
            region="cn-hangzhou",
            workspace="w1",
            namespaces=["default"],
        )
        found = await source.fetch_inventory()
        return found, [(await source.fetch_details(job)).job for job in found.jobs]

    found, detailed = run(read())
    assert len(found.jobs) >= 100
    assert found.flaws == Flaws()
    listed = states(found)
    assert listed == {job.job_id: job.native_status for job in detailed}
    assert set(listed.values()) >= {"RUNNING", "FAILED", "CANCELLED"}
