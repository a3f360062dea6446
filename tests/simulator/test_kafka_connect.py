"""The simulated workers answer as real ones of 3.9 and 4.3 were seen to."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from exporter.simulator.fault_injection import Canned, FaultInjection
from exporter.simulator.fleet.fleet import Fleet, Phase
from exporter.simulator.kafka_connect.cluster import IN_THE_CLEAR, ConnectCluster
from exporter.simulator.kafka_connect.service import ConnectLogin, Worker

START = 1_700_000_000.0
CLOUD = "/connect/v1/environments/env-1/clusters/lkc-1"


@dataclass(slots=True)
class Rig:
    version: str = "4.3.0"
    cloud: str = ""
    login: ConnectLogin | None = None
    now: float = START
    fleet: Fleet = field(default_factory=lambda: Fleet(seed=1, started_at=START, jobs=0))
    faults: FaultInjection = field(default_factory=FaultInjection)
    cluster: ConnectCluster = field(init=False)
    worker: Worker = field(init=False)

    def __post_init__(self) -> None:
        self.cluster = ConnectCluster(self.fleet, version=self.version)
        self.worker = Worker(
            self.cluster,
            faults=self.faults,
            clock=lambda: self.now,
            access=self.login,
            cloud=self.cloud,
        )

    def get(self, path: str, **options: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.worker.app())
            async with httpx.AsyncClient(transport=transport, base_url="http://worker") as client:
                return await client.get(path, **options)

        return asyncio.run(ask())

    def add(self, name: str, phase: Phase = Phase.RUNNING) -> None:
        self.fleet.add(name, START, phase=Phase.RUNNING)
        if phase is not Phase.RUNNING:
            self.fleet.set_phase(name, phase, START)

    def words(self, name: str) -> tuple[str, set[str]]:
        status = self.get(f"/connectors/{name}/status").json()
        return status["connector"]["state"], {task["state"] for task in status["tasks"]}


@pytest.mark.parametrize(
    ("phase", "word", "tasks"),
    [
        (Phase.STARTING, "UNASSIGNED", set()),
        (Phase.RUNNING, "RUNNING", {"RUNNING"}),
        (Phase.RESTARTING, "RESTARTING", {"RUNNING"}),
        (Phase.STOPPING, "STOPPED", {"RUNNING"}),
        (Phase.STOPPED, "STOPPED", set()),
        (Phase.SUSPENDED, "PAUSED", {"PAUSED"}),
        (Phase.FINISHED, "RUNNING", set()),
    ],
)
def test_phase_has_the_words_of_connect(phase: Phase, word: str, tasks: set[str]) -> None:
    rig = Rig()
    rig.add("orders", phase)
    assert rig.words("orders") == (word, tasks)


def test_failure_is_that_of_a_task_or_of_the_whole_connector() -> None:
    rig = Rig()
    names = [f"job-{number}" for number in range(6)]
    for name in names:
        rig.add(name, Phase.FAILED)
    found = [rig.words(name) for name in names]
    assert ("FAILED", set()) in found
    assert any(word == "RUNNING" and "FAILED" in tasks for word, tasks in found)
    listing = rig.get("/connectors?expand=status").json()
    traces = [
        part.get("trace", "")
        for entry in listing.values()
        for part in (entry["status"]["connector"], *entry["status"]["tasks"])
    ]
    assert any("Caused by: " in trace for trace in traces)


def test_draft_and_what_is_deleted_are_no_connectors() -> None:
    rig = Rig()
    rig.add("orders")
    rig.fleet.remove("orders", START)
    rig.add("draft")
    rig.fleet.set_phase("draft", Phase.DRAFT, START)
    assert rig.get("/connectors").json() == []


def test_name_is_the_newest_of_its_jobs() -> None:
    rig = Rig()
    rig.add("orders")
    rig.now += 60
    rig.fleet.resubmit("orders", rig.now)
    assert rig.words("orders")[0] == "RUNNING"


def test_expand_takes_a_word_each_and_passes_over_what_it_does_not_know() -> None:
    rig = Rig()
    rig.add("orders")
    assert rig.get("/connectors").json() == ["orders"]
    both = rig.get("/connectors?expand=status&expand=info").json()["orders"]
    assert list(both) == ["status", "info"]
    assert both["info"]["config"]["connection.password"] == IN_THE_CLEAR
    assert rig.get("/connectors?expand=status,info").json() == {"orders": {}}
    assert rig.get("/connectors?expand=id").json() == {"orders": {}}


def test_cloud_takes_one_word_with_commas_and_has_neither_root_nor_health() -> None:
    rig = Rig(cloud=CLOUD, login=ConnectLogin(username="k", password="s"))
    rig.add("orders")
    told = rig.get(f"{CLOUD}/connectors?expand=info,status,id", auth=("k", "s")).json()
    assert told["orders"]["id"]["id_type"] == "ID"
    assert rig.get("/health", auth=("k", "s")).status_code == 404
    refused = rig.get(f"{CLOUD}/connectors")
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, 401)
    rig.faults.throttling, rig.faults.retry_after = True, 9
    throttled = rig.get(f"{CLOUD}/connectors", auth=("k", "s"))
    assert (throttled.status_code, throttled.headers["ratelimit-reset"]) == (429, "9")


@pytest.mark.parametrize(("version", "status"), [("4.3.0", 400), ("3.9.0", 404)])
def test_name_with_a_slash_is_refused_by_jetty_12(version: str, status: int) -> None:
    assert Rig(version=version).get("/connectors/a%2Fb/status").status_code == status


@pytest.mark.parametrize(("version", "status"), [("4.3.0", 200), ("3.9.0", 200), ("3.8.1", 404)])
def test_health_is_there_from_3_9_on(version: str, status: int) -> None:
    assert Rig(version=version).get("/health").status_code == status


def test_version_of_a_plugin_is_told_from_4_3_on() -> None:
    for version, told in (("4.3.0", True), ("3.9.0", False)):
        rig = Rig(version=version)
        rig.add("orders")
        assert ("version" in rig.get("/connectors/orders/status").json()["connector"]) is told


def test_worker_that_starts_answers_everything_with_a_page() -> None:
    rig = Rig()
    rig.worker.condition.starting = True
    for path in ("/", "/health", "/connectors", "/connectors/x/status"):
        answer = rig.get(path)
        assert (answer.status_code, answer.text[:6]) == (404, "<html>")


def test_worker_without_brokers_lists_what_it_knew_and_is_unhealthy() -> None:
    rig = Rig()
    rig.add("orders")
    before = rig.get("/connectors?expand=status").json()
    rig.worker.condition.brokers_gone = True
    rig.add("later")
    assert rig.get("/connectors?expand=status").json() == before
    health = rig.get("/health")
    assert (health.status_code, health.json()["status"]) == (500, "unhealthy")


def test_status_outlives_a_deleted_connector_with_a_type_that_is_unknown() -> None:
    rig = Rig()
    rig.add("orders")
    rig.cluster.extra = {"extra": rig.cluster.connectors(START)["orders"]}
    rig.cluster.forget("extra", START)
    assert "extra" not in rig.get("/connectors").json()
    assert rig.get("/connectors/extra/status").json()["type"] == "unknown"
    assert rig.get("/connectors/extra").json()["message"] == "Connector extra not found"


def test_refusals_are_in_words_of_connect() -> None:
    rig = Rig(login=ConnectLogin(username="u", password="p"))
    rig.add("orders")
    assert rig.get("/connectors").headers["www-authenticate"] == "Basic"
    me = ("u", "p")
    assert rig.get("/nothing", auth=me).json() == {
        "error_code": 404,
        "message": "HTTP 404 Not Found",
    }
    assert rig.get("/connectors", auth=me, headers={"accept": "text/html"}).status_code == 406
    assert rig.get("/connectors/x/status", auth=me).json()["message"] == (
        "No status found for connector x"
    )
    assert rig.get("/connectors/orders/tasks/0/status", auth=me).json()["id"] == 0
    assert rig.get("/connectors/orders/tasks/9/status", auth=me).status_code == 404
    assert rig.get("/connectors/orders", auth=me).json()["name"] == "orders"


def test_trouble_is_that_of_whoever_asks_for_it() -> None:
    rig = Rig()
    rig.faults.overrides["/connectors"] = Canned(status=200, body=b"{}")
    assert rig.get("/connectors?expand=status").json() == {}
    rig.faults.outage = True
    assert rig.get("/connectors").status_code == 500
    assert rig.faults.count("/connectors") == 2
