"""Clusters are found by their Services, and the operator's are left to the operator's platform."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from exporter.auth.guard import GuardBook
from exporter.configuration.config import parse
from exporter.discovery.clusters import Clusters
from exporter.discovery.kubernetes import KubernetesDiscovery, KubernetesSettings, open_kubernetes
from exporter.discovery.kubernetes_services import parse_owned_deployment, parse_service
from exporter.discovery.surroundings import Surroundings
from exporter.errors import ConfigError, FetchError, Reason
from exporter.fields import Flaws
from exporter.platforms.apache_flink import PLATFORM, Settings
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.kubernetes.access import Account, KubernetesAccess, Rule
from exporter.simulator.kubernetes.service import KubernetesCluster, build
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.connector import Connector
from tests.virtual_time import EPOCH, run, virtual_world

API = "api.example.org"
TOKEN = "the-token-of-the-account"
SERVICES = Rule(resources=("services",), group="", verbs=("list",))
DEPLOYMENTS = Rule(resources=("deployments",), group="apps", verbs=("list",))
NAMESPACES = Rule(resources=("namespaces",), group="", verbs=("get",))
ALL = (SERVICES, DEPLOYMENTS, NAMESPACES)
NATIVE = {"type": "flink-native-kubernetes"}
ZEROS = "0" * 32
OVERVIEW = {"jobs": [{"jid": ZEROS, "name": "orders", "state": "RUNNING"}]}


class World(httpx.AsyncBaseTransport):
    """An API server at one host, and JobManagers at all others."""

    def __init__(self, *rules: Rule) -> None:
        self.cluster = KubernetesCluster(clock=lambda: EPOCH)
        self.requests: list[httpx.Request] = []
        self.instead: httpx.Response | None = None
        account = Account(name="exporter", token=TOKEN, rules=rules)
        access = KubernetesAccess([account], clock=lambda: EPOCH)
        app = build(
            cluster=self.cluster, faults=FaultInjection(), clock=lambda: EPOCH, access=access
        )
        self._server = httpx.ASGITransport(app=app)
        self.cluster.put("namespaces", {"metadata": {"name": "streams"}})

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.host != API:
            known = {"/jobs/overview": OVERVIEW, "/config": {"flink-version": "2.3.0"}}
            return httpx.Response(200, json=known.get(request.url.path, {}))
        return self.instead or await self._server.handle_async_request(request)

    def serve(
        self,
        name: str,
        *,
        deployment: str = "",
        owner: str = "",
        ports: Any = ({"name": "rest", "port": 8081},),
        labels: Mapping[str, str] | None = None,
    ) -> None:
        """Have a Service, owned by a Deployment or by something else."""
        owners = [{"kind": "Deployment", "name": deployment}] if deployment else []
        owners += [{"kind": owner, "name": name}] if owner else []
        metadata = {
            "namespace": "streams",
            "name": name,
            "labels": {**NATIVE, **(labels or {})},
            "ownerReferences": owners,
        }
        self.cluster.put("services", {"metadata": metadata, "spec": {"ports": list(ports)}})

    def deploy(self, name: str, *, owner: str = "") -> None:
        """Have a Deployment, owned by something or by nobody."""
        owners = [{"kind": owner, "name": name}] if owner else []
        metadata = {
            "namespace": "streams",
            "name": name,
            "labels": dict(NATIVE),
            "ownerReferences": owners,
        }
        self.cluster.put("deployments", {"metadata": metadata})


def _options(**options: Any) -> dict[str, Any]:
    return {
        "endpoint": f"https://{API}",
        "auth": {"bearer": {"token": TOKEN}},
        "namespaces": ["streams"],
        **options,
    }


def _open(world: World, options: dict[str, Any]) -> tuple[Connector, KubernetesDiscovery]:
    runtime = virtual_world(world)
    settings = Settings.model_validate(
        {"name": "f", "platform": "apache_flink", "discovery": {"kubernetes": options}}
    )
    connector = Connector(
        settings, runtime=runtime, telemetry=Telemetry(), guards=GuardBook(clock=runtime.monotonic)
    )
    surroundings = Surroundings(settings=settings, connector=connector, refresh=60.0)
    return connector, open_kubernetes(KubernetesSettings.model_validate(options), surroundings)


def find(world: World, *, times: int = 1, **options: Any) -> list[Clusters]:
    """Look for clusters some times."""

    async def scenario() -> list[Clusters]:
        connector, discovery = _open(world, _options(**options))
        try:
            return [await discovery.find() for _ in range(times)]
        finally:
            await discovery.aclose()
            await connector.aclose()

    return run(scenario())


def _living(found: Clusters) -> dict[str, tuple[str, ...]]:
    return {each.name: each.addresses for each in found.living}


@pytest.mark.parametrize("namespaces", [["streams"], []], ids=["one", "all"])
def test_services_are_clusters_named_by_their_label(namespaces: list[str]) -> None:
    world = World(*ALL)
    world.serve("orders-rest", labels={"app": "orders"}, deployment="orders")
    world.deploy("orders")
    world.serve("risk-rest")
    (found,) = find(world, namespaces=namespaces)
    assert _living(found) == {
        "streams/orders": ("http://orders-rest.streams.svc:8081",),
        "streams/risk": ("http://risk-rest.streams.svc:8081",),
    }
    uids = {each.incarnation for each in found.living}
    assert len(uids) == 2
    assert "" not in uids
    assert (found.complete, found.failures, found.skipped) == (True, (), ())


def test_clusters_of_the_operator_are_left_to_its_own_platform() -> None:
    world = World(*ALL)
    world.serve("orders-rest", deployment="orders")
    world.deploy("orders", owner="FlinkDeployment")
    world.serve("batch-rest", owner="FlinkDeployment")
    world.serve("risk-rest", deployment="risk")
    world.deploy("risk")
    (found,) = find(world)
    assert set(_living(found)) == {"streams/risk"}


def test_account_that_may_not_see_deployments_is_told_once_and_all_clusters_stay() -> None:
    world = World(SERVICES, NAMESPACES)
    world.serve("orders-rest", deployment="orders")
    first, second = find(world, times=2)
    assert set(_living(first)) == set(_living(second)) == {"streams/orders"}
    (failure,) = first.failures
    assert (failure.reason, failure.operation) == (Reason.AUTH, "list deployments.apps")
    assert second.failures == ()


@pytest.mark.parametrize(
    ("port", "ports", "chosen"),
    [
        ("rest", [{"name": "rpc", "port": 6123}, {"name": "rest", "port": 9081}], 9081),
        ("web", [{"name": "web", "port": 80}, {"name": "rest", "port": 8081}], 80),
        (8082, [{"name": "a", "port": 8081}, {"port": 8082}], 8082),
        ("rest", [{"name": "anything", "port": 8081}], 8081),
        ("rest", [{"name": "a", "port": 1}, {"name": "b", "port": 2}], None),
        ("rest", [], None),
    ],
)
def test_port_is_chosen_by_name_or_number_or_because_it_is_the_only_one(
    port: int | str, ports: list[dict[str, Any]], chosen: int | None
) -> None:
    world = World(*ALL)
    world.serve("orders-rest", ports=ports)
    (found,) = find(world, port=port, scheme="https")
    if chosen is None:
        (skipped,) = found.skipped
        assert (skipped.name, found.living) == ("streams/orders", ())
        assert "no such port" in skipped.reason
    else:
        address = f"https://orders-rest.streams.svc:{chosen}"
        assert _living(found) == {"streams/orders": (address,)}


def test_namespace_that_does_not_exist_is_an_error_and_not_an_empty_one() -> None:
    with pytest.raises(FetchError, match="the namespace strems does not exist"):
        find(World(*ALL), namespaces=["strems"])
    (found,) = find(World(*ALL))
    assert (found.living, found.failures) == ((), ())
    (found,) = find(World(SERVICES))
    assert [failure.reason for failure in found.failures] == [Reason.AUTH]


def test_what_is_no_list_of_services_is_no_empty_list() -> None:
    with pytest.raises(FetchError) as caught:
        find(World(NAMESPACES))
    assert (caught.value.reason, caught.value.operation) == (Reason.AUTH, "list services")
    world = World(*ALL)
    world.instead = httpx.Response(200, html="<html>")
    with pytest.raises(FetchError) as caught:
        find(world)
    assert caught.value.reason is Reason.INVALID_RESPONSE
    world.serve("orders-rest", deployment="orders")
    world.instead = None
    world.cluster.put("namespaces", {"metadata": {"name": "other"}})
    (found,) = find(world, namespaces=["streams", "other"])
    assert set(_living(found)) == {"streams/orders"}


def test_other_labels_and_namespaces_are_none_of_its_business() -> None:
    world = World(*ALL)
    world.serve("orders-rest", labels={"type": "flink-standalone", "app": "orders"})
    assert _living(find(world)[0]) == {}
    (found,) = find(world, label_selector="app=orders")
    assert set(_living(found)) == {"streams/orders"}


def test_token_of_the_api_server_goes_to_no_job_manager() -> None:
    world = World(*ALL)
    world.serve("orders-rest")

    async def scenario() -> list[tuple[str, str]]:
        runtime = virtual_world(world)
        settings = Settings.model_validate(
            {"name": "f", "platform": "apache_flink", "discovery": {"kubernetes": _options()}}
        )
        connector = Connector(
            settings,
            runtime=runtime,
            telemetry=Telemetry(),
            guards=GuardBook(clock=runtime.monotonic),
        )
        source = PLATFORM.open(settings, connector)
        try:
            inventory = await source.fetch_inventory()
            return [(job.project, job.job_id) for job in inventory.jobs]
        finally:
            await source.aclose()

    assert run(scenario()) == [("streams/orders", ZEROS)]
    asked = [each for each in world.requests if each.url.host != API]
    assert {each.url.host for each in asked} == {"orders-rest.streams.svc"}
    assert all("authorization" not in each.headers for each in asked)
    told = {each.headers["authorization"] for each in world.requests if each.url.host == API}
    assert told == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("namespaces: [Streams]", "not the name of a namespace"),
        ("namespaces: [a, a]", "a namespace is listed twice"),
        ("label_selector: ''", "discovery.kubernetes.label_selector"),
        ("port: 0", "discovery.kubernetes.port"),
        ("port: REST", "discovery.kubernetes.port"),
        ("scheme: ftp", "discovery.kubernetes.scheme"),
        ("auth: {}", "give one of bearer, basic and kubeconfig"),
    ],
)
def test_bad_settings_are_named(option: str, told: str) -> None:
    text = (
        "sources:\n  - name: f\n    platform: apache_flink\n"
        f"    discovery:\n      kubernetes:\n        {option}\n"
    )
    with pytest.raises(ConfigError, match=told):
        parse(text, environ={}, directory=Path())


def test_machine_that_is_no_pod_needs_to_be_told_where_the_api_is() -> None:
    async def scenario() -> None:
        _open(World(), {})

    with pytest.raises(ConfigError, match="this is no pod of Kubernetes"):
        run(scenario())


@pytest.mark.parametrize("document", [None, [], {}, {"metadata": {"name": "x"}}, {"metadata": 7}])
def test_row_that_is_no_object_costs_itself_alone(document: object) -> None:
    flaws = Flaws()
    assert parse_service(document, "rest", flaws) is None
    assert parse_owned_deployment(document, flaws) is None
    assert flaws.unreadable
