"""A JobManager adds what it knows, and knows better only where the operator leaves a job alone."""

import asyncio
from typing import Any

import httpx
import pytest

from exporter.errors import FetchError, Reason
from exporter.model import Job, State
from exporter.platforms.flink_operator import OperatorSource
from exporter.source import Details
from tests.operator_situations import DEPLOYMENTS, JOB_ID, SESSION_JOBS
from tests.platforms.flink_operator.clusters import (
    API,
    TOKEN,
    World,
    by_id,
    graph,
    healthy,
    manager_answers,
)

HOST = "job-rest.streams.svc"


def details(world: World, name: str = "job", **options: Any) -> Details:
    """List, and ask for one job."""

    async def ask(source: OperatorSource) -> Details:
        rows = by_id(await source.fetch_inventory())
        world.requests.clear()
        return await source.fetch_details(rows[name])

    return world.use(ask, **options)


def test_job_manager_adds_restarts_and_its_own_word() -> None:
    world = World()
    world.healthy("job")
    found = details(world)
    assert (found.job.job_id, found.job.run_id, found.job.project) == ("job", JOB_ID, "streams")
    assert (found.job.state, found.job.finer_state) == (State.RUNNING, State.RUNNING)
    assert (found.job.restart_times, found.job.checkpoints_failed) == (3, 1)
    assert found.job.job_type == "STREAMING"
    assert {request.url.host for request in world.requests} == {HOST}


def test_secret_of_the_api_server_goes_to_no_job_manager() -> None:
    world = World()
    world.healthy("job")
    details(world)
    asked = [request for request in world.requests if request.url.host != API]
    assert asked
    assert not [request for request in asked if "authorization" in request.headers]


@pytest.mark.parametrize(
    ("hosts", "sent"), [([r".*\.streams\.svc"], True), ([r".*\.risk\.svc", "streams"], False)]
)
def test_secret_of_job_managers_stays_within_their_hosts(hosts: list[str], sent: bool) -> None:
    world = World()
    world.healthy("job")
    auth = {"bearer": {"token": "for-job-managers"}}
    details(world, job_managers={"auth": auth, "hosts": hosts})
    shown = {request.headers.get("authorization") for request in world.requests}
    assert shown == ({"Bearer for-job-managers"} if sent else {None})
    assert TOKEN not in str(shown)


def test_silent_job_manager_costs_its_own_details_only() -> None:
    world = World()
    world.healthy("job")
    world.managers[f"/jobs/{JOB_ID}"] = httpx.ConnectError("refused")
    found = details(world)
    assert found.job.state is State.RUNNING
    [failure] = found.failures
    assert failure.reason is Reason.CONNECTION
    assert "JobManager of streams/job" in str(failure)


def test_silent_job_manager_is_asked_less_and_less_often() -> None:
    world = World()
    world.healthy("job")
    world.managers[f"/jobs/{JOB_ID}"] = "silence"

    async def ask(source: OperatorSource) -> list[int]:
        rows = by_id(await source.fetch_inventory())
        counts = []
        for _ in range(4):
            world.requests.clear()
            for _ in range(30):
                await source.fetch_details(rows["job"])
                await asyncio.sleep(60)
            counts.append(len(world.requests))
        return counts

    counts = world.use(ask)
    assert 3 <= sum(counts) < 40
    assert counts[3] <= counts[0]
    assert counts[3] <= 6


def test_job_manager_of_a_new_run_is_asked_at_once() -> None:
    world = World()
    world.healthy("job")
    world.managers[f"/jobs/{JOB_ID}"] = httpx.ConnectError("refused")
    other = "f" * 32

    async def ask(source: OperatorSource) -> Details:
        rows = by_id(await source.fetch_inventory())
        await source.fetch_details(rows["job"])
        await source.fetch_inventory()
        body = healthy("job").resource()
        body["status"]["jobStatus"]["jobId"] = other
        world.cluster.put(DEPLOYMENTS, body)
        world.managers[f"/jobs/{other}"] = graph(jid=other)
        rows = by_id(await source.fetch_inventory())
        return await source.fetch_details(rows["job"])

    assert world.use(ask).job.finer_state is State.RUNNING


def test_run_that_the_job_manager_does_not_know_has_no_details() -> None:
    world = World()
    world.healthy("job")
    missing = {"errors": [f"org.apache.flink.NotFoundException: Job {JOB_ID} not found"]}
    world.managers[f"/jobs/{JOB_ID}"] = (404, missing)
    found = details(world)
    assert (found.job.state, found.failures) == (State.RUNNING, ())


@pytest.mark.parametrize(
    ("word", "state"),
    [("RUNNING", State.RUNNING), ("RESTARTING", State.RESTARTING), (None, State.UNKNOWN)],
)
def test_what_the_operator_lost_sight_of_is_known_by_its_job_manager_alone(
    word: str | None, state: State
) -> None:
    world = World()
    world.put(healthy("job", job="RECONCILING"))
    answer = graph(word) if word else httpx.ConnectError("refused")
    world.managers[f"/jobs/{JOB_ID}"] = answer
    assert details(world).job.state is state


def test_row_leaves_the_state_to_the_job_manager_where_that_knows_better() -> None:
    world = World()
    world.put(healthy("job", job="RECONCILING"))
    assert by_id(world.inventory())["job"].native_status == ""
    assert by_id(world.inventory(details="none"))["job"].native_status == "RECONCILING"


@pytest.mark.parametrize(
    ("words", "state"),
    [
        ({"lifecycle": "SUSPENDED", "job": "FINISHED", "desired": "suspended"}, State.SUSPENDED),
        ({"lifecycle": "UPGRADING"}, State.RESTARTING),
        ({"desired": "suspended"}, State.STOPPING),
        ({"lifecycle": "FAILED", "job": "FAILED"}, State.FAILED),
    ],
)
def test_resource_wins_in_changes(words: dict[str, str], state: State) -> None:
    world = World()
    world.put(healthy("job", **words))
    world.managers = manager_answers("FINISHED")
    found = details(world).job
    assert (found.state, found.finer_state) == (state, None)
    assert found.restart_times is None


def test_end_that_the_operator_has_not_seen_is_told() -> None:
    world = World()
    world.healthy("job")
    world.managers = manager_answers("FAILED")
    found = details(world).job
    assert (found.state, found.finer_state) == (State.RUNNING, State.FAILED)
    assert sum(DEPLOYMENTS in each for each in world.asked()) == 1


def test_end_that_the_operator_brings_about_is_not_told_as_one() -> None:
    world = World()
    world.healthy("job")
    world.managers = manager_answers("FINISHED")

    async def ask(source: OperatorSource) -> Details:
        rows = by_id(await source.fetch_inventory())
        world.put(healthy("job", lifecycle="SUSPENDED", job="FINISHED", desired="suspended"))
        return await source.fetch_details(rows["job"])

    found = world.use(ask).job
    assert (found.state, found.finer_state) == (State.SUSPENDED, None)


def test_end_is_not_told_while_a_specification_waits() -> None:
    world = World()
    body = healthy("job").resource()
    body["status"]["observedGeneration"] = 7
    world.cluster.put(DEPLOYMENTS, body)
    world.managers = manager_answers("FINISHED")
    assert details(world).job.finer_state is None


def test_batch_job_that_finished_is_not_expected_to_run() -> None:
    world = World()
    world.put(healthy("job", job="FINISHED"))
    world.managers = manager_answers("FINISHED", kind="BATCH")

    async def ask(source: OperatorSource) -> list[Job]:
        row = by_id(await source.fetch_inventory())["job"]
        found = (await source.fetch_details(row)).job
        return [row, found, by_id(await source.fetch_inventory())["job"]]

    assert [job.expected_running for job in world.use(ask)] == [True, False, False]


def test_session_job_is_asked_of_its_cluster() -> None:
    world = World()
    session = healthy("session").resource()
    del session["spec"]["job"]
    session["spec"]["flinkConfiguration"] = {"rest.port": "9999"}
    world.cluster.put(DEPLOYMENTS, session)
    world.put(healthy("job", plural=SESSION_JOBS, manager=""))
    assert details(world).job.restart_times == 3
    asked = {(request.url.host, request.url.port) for request in world.requests}
    assert asked == {("session-rest.streams.svc", 9999)}


def test_session_job_without_its_cluster_is_asked_of_nobody() -> None:
    world = World()
    world.put(healthy("job", plural=SESSION_JOBS, manager=""))
    assert details(world).job.state is State.RUNNING
    assert world.requests == []


@pytest.mark.parametrize(
    "configuration",
    [
        {"rest.port": 8443, "security.ssl.rest.enabled": "true"},
        {"rest": {"port": 8443}, "security": {"ssl": {"rest": {"enabled": True}}}},
    ],
)
def test_port_and_tls_of_a_job_manager_are_those_of_its_configuration(
    configuration: dict[str, Any],
) -> None:
    world = World()
    body = healthy("job").resource()
    body["spec"]["flinkConfiguration"] = configuration
    world.cluster.put(DEPLOYMENTS, body)
    details(world)
    asked = {(str(request.url.scheme), request.url.netloc) for request in world.requests}
    assert asked == {("https", b"job-rest.streams.svc:8443")}


def test_address_of_job_managers_can_be_an_ingress() -> None:
    world = World()
    world.healthy("job")
    details(world, job_managers={"address": "https://flink.example.org/{namespace}/{name}"})
    assert {request.url.host for request in world.requests} == {"flink.example.org"}
    assert {request.url.path.split("/jobs")[0] for request in world.requests} == {"/streams/job"}


def test_service_proxy_takes_the_credentials_of_the_api_server() -> None:
    world = World()
    world.healthy("job")
    world.cluster.put(
        "services", {"metadata": {"namespace": "streams", "name": "job-rest"}, "spec": {}}
    )
    seen: list[dict[str, str]] = []

    async def manager(scope: Any, receive: Any, send: Any) -> None:
        seen.append({name.decode(): value.decode() for name, value in scope["headers"]})
        answer = httpx.Response(200, json=manager_answers().get(scope["path"], []))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": answer.content})

    world.cluster.managers["streams", "job-rest"] = manager
    found = details(world, details="api_proxy")
    assert found.job.restart_times == 3
    assert {request.url.host for request in world.requests} == {API}
    assert not [each for each in seen if "authorization" in each]


def test_service_that_is_not_there_is_no_end_of_a_job() -> None:
    world = World()
    world.healthy("job")
    found = details(world, details="api_proxy")
    assert found.job.state is State.RUNNING
    assert ["there is no Service" in str(each) for each in found.failures] == [True]


def test_missing_right_to_the_service_proxy_is_named() -> None:
    world = World(rules=World().rules[:2])
    world.healthy("job")
    found = details(world, details="api_proxy")
    assert ["may not get services/proxy" in str(each) for each in found.failures] == [True]


def test_job_that_is_gone_is_confirmed_by_its_name() -> None:
    world = World()
    world.healthy("job", "other")

    async def lose(source: OperatorSource) -> FetchError:
        rows = by_id(await source.fetch_inventory())
        world.cluster.objects(DEPLOYMENTS).delete("streams", "job")
        await source.fetch_inventory()
        with pytest.raises(FetchError) as caught:
            await source.fetch_details(rows["job"])
        return caught.value

    assert world.use(lose).gone


def test_outage_of_the_api_server_is_no_end() -> None:
    world = World()
    world.healthy("job")

    async def lose(source: OperatorSource) -> FetchError:
        rows = by_id(await source.fetch_inventory())
        world.cluster.objects(DEPLOYMENTS).delete("streams", "job")
        await source.fetch_inventory()
        world.faults.outage = True
        with pytest.raises(FetchError) as caught:
            await source.fetch_details(rows["job"])
        return caught.value

    assert not world.use(lose).gone


def test_resource_made_anew_under_its_name_is_gone_and_then_another() -> None:
    world = World()
    world.healthy("job")

    async def remake(source: OperatorSource) -> list[list[str]]:
        row = by_id(await source.fetch_inventory())["job"]
        world.cluster.objects(DEPLOYMENTS).delete("streams", "job")
        world.cluster.put(DEPLOYMENTS, {**healthy("job").resource(), "status": {}})
        seen = [list(by_id(await source.fetch_inventory()))]
        with pytest.raises(FetchError) as caught:
            await source.fetch_details(row)
        assert caught.value.gone
        return [*seen, list(by_id(await source.fetch_inventory()))]

    assert world.use(remake) == [[], ["job"]]


def test_resource_made_anew_that_runs_already_is_another_run() -> None:
    world = World()
    world.healthy("job")

    async def remake(source: OperatorSource) -> list[str]:
        await source.fetch_inventory()
        world.cluster.objects(DEPLOYMENTS).delete("streams", "job")
        body = healthy("job").resource()
        body["status"]["jobStatus"]["jobId"] = "e" * 32
        world.cluster.put(DEPLOYMENTS, body)
        return [job.run_id for job in (await source.fetch_inventory()).jobs]

    assert world.use(remake) == ["e" * 32]


def test_what_a_job_manager_does_not_know_any_more_is_withdrawn() -> None:
    """Nothing of the job runs: whatever was measured last is not so now."""
    world = World()
    world.healthy("job")
    path = f"/jobs/{JOB_ID}"
    tasks = {"RUNNING": 0, "SCHEDULED": 2}
    world.managers[path] |= {"vertices": [{"id": "a", "parallelism": 2, "tasks": tasks}]}
    assert {"input_delay_seconds", "read_records"} <= set(
        details(world, input_delay=True).withdrawn
    )
