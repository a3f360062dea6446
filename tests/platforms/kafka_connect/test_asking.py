"""Whom the source asks, how often, and what of the answers it keeps."""

from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from exporter.errors import FetchError, Reason
from exporter.model import Job, State
from exporter.platforms.kafka_connect import PLATFORM, Settings, cost
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet
from exporter.simulator.kafka_connect.cluster import WORKERS, ConnectCluster
from exporter.simulator.kafka_connect.service import KAFKA_CLUSTER_ID, ConnectLogin, Worker
from tests.platforms.kafka_connect.workers import (
    Watch,
    World,
    ask_about,
    connector,
    list_once,
    watching,
)
from tests.virtual_time import EPOCH

FIRST, SECOND = WORKERS
CLOUD = "/connect/v1/environments/env-1/clusters/lkc-2"


def _settings(**given: Any) -> Settings:
    return Settings.model_validate({"name": "connect", "platform": "kafka_connect", **given})


def test_poll_costs_two_calls_and_one_to_each_worker_however_many_connectors_there_are() -> None:
    async def story(watch: Watch) -> None:
        watch.world.show(
            *(connector(f"c-{n}", "RUNNING", "RUNNING", task_worker=SECOND) for n in range(200))
        )
        await watch.poll(5)

    world = World()
    watching(world, story)
    paths = [request.url.path for request in world.requests]
    assert {path: paths.count(path) for path in paths} == {"/health": 5, "/connectors": 5, "/": 10}
    told = cost(_settings(endpoints=[f"http://{each}" for each in WORKERS]), 200)
    assert (told.per_inventory * 5, told.per_details) == (len(paths), 0)


def test_cost_is_that_of_what_is_asked() -> None:
    assert cost(_settings(endpoint="http://w:8083"), 9).per_inventory == 3
    assert cost(_settings(endpoint="http://w:8083", check_workers=False), 9).per_inventory == 2
    assert cost(_settings(endpoint=f"https://c{CLOUD}"), 9).per_inventory == 1
    assert (PLATFORM.name, PLATFORM.supersedes) == ("kafka_connect", False)


def test_worker_that_answers_is_asked_until_it_does_not() -> None:
    async def story(watch: Watch) -> list[list[str]]:
        seen = []
        for dead in ((), (FIRST,), (), (SECOND,)):
            watch.world.requests.clear()
            watch.world.dead = set(dead)
            assert (await watch.poll()).up
            seen.append(list(dict.fromkeys(watch.world.asked("/health"))))
        return seen

    assert watching(World(), story, check_workers=False) == [
        [FIRST],
        [FIRST, SECOND],
        [SECOND],
        [SECOND, FIRST],
    ]


def test_unhealthy_worker_is_not_listed_by_and_another_is() -> None:
    world = World()
    world.show(connector("orders", "RUNNING", "RUNNING"))
    world.workers[FIRST].condition.brokers_gone = True
    assert len(list_once(world).jobs) == 1
    assert (world.asked("/health"), world.asked("/connectors")) == ([FIRST, SECOND], [SECOND])


def test_password_that_is_refused_is_refused_by_all() -> None:
    """Asked one after the other they would lock whoever keeps count sooner."""
    world = World(login=ConnectLogin(username="monitor", password="right"))
    with pytest.raises(FetchError) as caught:
        list_once(world, auth={"basic": {"username": "monitor", "password": "wrong"}})
    assert (caught.value.reason, len(world.requests)) == (Reason.AUTH, 1)
    assert "wrong" not in str(caught.value)


def test_cluster_is_named_by_its_kafka_once() -> None:
    async def story(watch: Watch) -> set[str]:
        watch.world.show(connector("orders"))
        return {job.project for job in (await watch.poll(3)).jobs}

    world = World()
    given = {"endpoint": f"http://{FIRST}", "check_workers": False}
    assert watching(world, story, **given) == {KAFKA_CLUSTER_ID}
    assert len(world.asked("/")) == 1


def test_only_chosen_connectors_are_shown() -> None:
    world = World()
    world.show(connector("orders"), connector("clicks"))
    assert [job.job_id for job in list_once(world, jobs={"ids": ["clicks"]}).jobs] == ["clicks"]


def test_listing_without_states_is_none() -> None:
    """Workers pass over what they do not know to expand, and those of before 2.3 over all of it."""

    def refused(listing: object) -> str:
        with pytest.raises(FetchError) as caught:
            list_once(World(listing=listing))
        assert caught.value.reason is Reason.INVALID_RESPONSE
        return caught.value.detail

    assert "Kafka 2.3" in refused(["orders"])
    assert "there is not one" in refused({"good": {}, "other": {}})


def test_entry_without_a_state_is_asked_for_by_itself() -> None:
    paused = connector("orders", "PAUSED", "PAUSED")
    good = connector("good", "RUNNING", "RUNNING")
    world = World(
        listing={"orders": paused.expanded(["info"]), "good": good.expanded(["status", "info"])}
    )
    world.show(paused, good)
    found = list_once(world)
    row = next(job for job in found.jobs if job.job_id == "orders")
    assert (row.native_status, row.state) == ("", State.UNKNOWN)
    assert [str(flaw) for flaw in found.flaws.unreadable] == [
        "connectors[0].status: expected a value, as the vendor documents it"
    ]
    assert ask_about(world, row).job.state is State.SUSPENDED


def test_status_of_somebody_else_is_none() -> None:
    world = World(listing={"orders": {}, "good": connector("good", "RUNNING").expanded(["status"])})
    other = connector("other", "RUNNING").status()
    world.statuses = {"/connectors/orders/status": other}
    row = next(job for job in list_once(world).jobs if job.job_id == "orders")
    with pytest.raises(FetchError) as caught:
        ask_about(world, row)
    assert caught.value.reason is Reason.INVALID_RESPONSE


def test_settings_name_one_cluster_in_one_way() -> None:
    for given in (
        {},
        {"endpoint": "http://a", "endpoints": ["http://b"]},
        {"endpoints": ["http://a", f"https://c{CLOUD}"]},
    ):
        with pytest.raises(ValidationError):
            _settings(**given)


class _Cloud(httpx.AsyncBaseTransport):
    """Confluent Cloud."""

    def __init__(self) -> None:
        self.faults = FaultInjection()
        self.requests: list[httpx.Request] = []
        cluster = ConnectCluster(Fleet(seed=1, started_at=EPOCH, jobs=0))
        cluster.extra = {
            "orders": connector("orders", "RUNNING", "RUNNING", worker_id="knative:8083"),
            "new": connector("new", "PROVISIONING"),
        }
        worker = Worker(
            cluster,
            faults=self.faults,
            clock=lambda: EPOCH,
            access=ConnectLogin(username="KEY", password="SECRET"),
            cloud=CLOUD,
        )
        self._app = httpx.ASGITransport(app=worker.app())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return await self._app.handle_async_request(request)


def _in_the_cloud(cloud: _Cloud, password: str = "SECRET") -> list[Job]:
    async def story(watch: Watch) -> list[Job]:
        return list((await watch.source.fetch_inventory()).jobs)

    auth = {"basic": {"username": "KEY", "password": password}}
    return watching(cloud, story, endpoint=f"https://cloud.example{CLOUD}", auth=auth)


def test_confluent_cloud_is_asked_in_its_own_way_and_once() -> None:
    cloud = _Cloud()
    jobs = _in_the_cloud(cloud)
    assert {job.job_id: (job.project, job.state) for job in jobs} == {
        "orders": ("lkc-2", State.RUNNING),
        "new": ("lkc-2", State.STARTING),
    }
    assert [each.url.raw_path.decode() for each in cloud.requests] == [
        f"{CLOUD}/connectors?expand=info%2Cstatus%2Cid"
    ]


def test_key_that_confluent_cloud_refuses_is_named_as_such() -> None:
    with pytest.raises(FetchError) as caught:
        _in_the_cloud(_Cloud(), "another")
    assert (caught.value.reason, caught.value.status) == (Reason.AUTH, 401)


def test_confluent_cloud_is_left_alone_for_as_long_as_it_asks() -> None:
    cloud = _Cloud()
    cloud.faults.throttling, cloud.faults.retry_after = True, 45
    with pytest.raises(FetchError) as caught:
        _in_the_cloud(cloud)
    assert (caught.value.reason, caught.value.retry_after) == (Reason.THROTTLED, 45)
    assert len(cloud.requests) == 1


def test_large_listing_is_read_entry_by_entry_and_says_the_same() -> None:
    """Its configurations, with their passwords, are never in memory together."""

    def found(padding: int) -> tuple[list[Job], list[str], int]:
        world = World()
        config = {"connector.class": "a.B", "connection.password": "hunter2", "sql": "长" * padding}
        world.show(
            *(connector(f"c-{n}", "RUNNING", "RUNNING", config=config) for n in range(80)),
            connector("odd", "HIBERNATING"),
        )
        world.extra_entries = {"null": None, "list": []}
        inventory = list_once(world, check_workers=False)
        return list(inventory.jobs), inventory.flaws.unknown_states, len(inventory.flaws.unreadable)

    small, large = found(0), found(1000)
    assert small == large
    assert (len(small[0]), small[1], small[2]) == (81, ["HIBERNATING"], 2)
    assert "hunter2" not in repr(large)


def test_flaws_name_places_and_no_values() -> None:
    good = connector("good", "RUNNING", "RUNNING").expanded(["status", "info"])
    bad = {"status": {"connector": {"state": ["s3cret"]}, "tasks": "s3cret"}, "info": "s3cret"}
    world = World(listing={"good": good, "orders": bad})
    flaws = list_once(world).flaws
    assert flaws.unreadable_count > 2
    assert "s3cret" not in repr(flaws)
