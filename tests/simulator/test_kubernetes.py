"""The simulated API server answers as a real one did, and lets nobody do what it may not."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.kubernetes.access import FLINK, Account, KubernetesAccess, Rule
from exporter.simulator.kubernetes.service import KubernetesCluster, build
from tests.kubernetes_server.recorder import NAMES, SERVICE, resource
from tests.operator_situations import DEPLOYMENTS

RECORDED = Path(__file__).parents[1] / "fixtures" / "flink_operator" / "recorded"
INDEX: dict[str, dict[str, Any]] = json.loads((RECORDED / "index.json").read_text())
READER = "system:serviceaccount:monitoring:exporter"
EVERYTHING = tuple(
    Rule(resources=(name,), group=group)
    for group in ("", "flink.apache.org", "none.example.org")
    for name in (
        *("flinkdeployments", "flinksessionjobs", "flinkbluegreendeployments"),
        *("namespaces", "services", "services/proxy"),
    )
)
OF_ALL_NAMESPACES = ("everywhere", "missing_namespace", "forbidden_kind")
"""Answers that were given to the account which may list all namespaces."""
VOLATILE = {
    *("uid", "resourceVersion", "creationTimestamp", "managedFields", "continue", "selfLink"),
    *("clusterIP", "clusterIPs", "annotations", "sessionAffinity", "type"),
}


class Simulated:
    """The cluster that was recorded, simulated."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self.cluster = KubernetesCluster(clock=lambda: self.now)
        self.faults = FaultInjection()
        narrow = tuple(
            Rule(resources=FLINK.resources, namespace=each) for each in ("streams", "risk")
        )
        self.accounts = [
            Account(name=READER, token="reader", rules=narrow),
            Account(name=f"{READER}-wide", token="wide", rules=(FLINK,)),
            Account(name="admin", token="admin", rules=EVERYTHING),
        ]
        access = KubernetesAccess(self.accounts, clock=lambda: self.now)
        self.app = build(
            cluster=self.cluster, faults=self.faults, clock=lambda: self.now, access=access
        )
        for name in NAMES:
            self.cluster.put(DEPLOYMENTS, resource(name))
        self.cluster.put("services", SERVICE)

    def ask(self, target: str, token: str, **headers: str) -> httpx.Response:
        """Return the answer to a GET."""

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
                authorization = {"Authorization": f"Bearer {token}"}
                return await client.get(target, headers={**authorization, **headers})

        return asyncio.run(ask())

    def change(self) -> None:
        """Do what happened between the pages."""
        self.cluster.objects(DEPLOYMENTS).delete("streams", "gamma")
        self.cluster.put(DEPLOYMENTS, resource("delta"))


def _token(name: str) -> str:
    if name == "unauthorized":
        return "nonsense"
    if INDEX[name]["as"] == "administrator":
        return "admin"
    return "wide" if name in OF_ALL_NAMESPACES else "reader"


def _shape(value: Any) -> Any:
    """Leave out what is another each time, and what only other parts of Kubernetes read."""
    if isinstance(value, dict):
        return {key: _shape(each) for key, each in value.items() if key not in VOLATILE}
    return [_shape(each) for each in value] if isinstance(value, list) else value


# Where endpoints are kept by a controller, unlike where this was recorded, the answer is a 503.
@pytest.mark.parametrize("name", sorted(INDEX.keys() - {"proxy_to_nobody"}))
def test_answer_is_that_of_a_real_one(name: str) -> None:
    simulated = Simulated()
    target = INDEX[name]["request"].removeprefix("GET ")
    if INDEX[name].get("continue"):
        first = simulated.ask(target, "reader").json()
        target += f"&continue={first['metadata']['continue']}"
    if name not in ("whole", "first_page"):
        simulated.change()
    if name == "expired":
        simulated.cluster.objects(DEPLOYMENTS).compact()
    answer = simulated.ask(target, _token(name))
    assert answer.status_code == INDEX[name]["status"]
    text = RECORDED / f"{name}.txt"
    if text.exists():
        assert answer.text == text.read_text()
        assert answer.headers["content-type"].startswith("text/plain")
        return
    said, real = answer.json(), json.loads((RECORDED / f"{name}.json").read_text())
    if "items" in real:
        assert [each["metadata"]["name"] for each in said["items"]] == [
            each["metadata"]["name"] for each in real["items"]
        ]
        assert said["metadata"].keys() == real["metadata"].keys()
        continues = [bool(each["metadata"].get("continue")) for each in (said, real)]
        assert continues[0] is continues[1]
    if real["kind"] == "Status" and INDEX[name]["status"] == 400:
        # How its parser puts it is no part of what anybody reads.
        said["message"] = real["message"]
    if "Service" not in real["kind"] and real["kind"] != "Namespace":
        assert _shape(said) == _shape(real)


def test_token_that_expired_is_refused() -> None:
    simulated = Simulated()
    simulated.accounts[0].expires_at = simulated.now + 60
    path = "/apis/flink.apache.org/v1beta1/namespaces/streams/flinkdeployments"
    assert simulated.ask(path, "reader").status_code == 200
    simulated.now += 60
    assert simulated.ask(path, "reader").status_code == 401


def test_inconsistent_token_shows_the_rest_of_another_moment() -> None:
    simulated = Simulated()
    path = "/apis/flink.apache.org/v1beta1/namespaces/streams/flinkdeployments?limit=2"
    token = simulated.ask(path, "reader").json()["metadata"]["continue"]
    simulated.change()
    simulated.cluster.objects(DEPLOYMENTS).compact()
    expired = simulated.ask(f"{path}&continue={token}", "reader").json()
    rest = simulated.ask(f"{path}&continue={expired['metadata']['continue']}", "reader").json()
    assert [each["metadata"]["name"] for each in rest["items"]] == []


def test_large_answers_are_compressed_for_who_takes_that() -> None:
    simulated = Simulated()
    for number in range(600):
        simulated.cluster.put(DEPLOYMENTS, resource(f"job{number}-{'x' * 200}"))
    path = "/apis/flink.apache.org/v1beta1/namespaces/streams/flinkdeployments"
    assert (
        "content-encoding" not in simulated.ask(path, "reader", **{"Accept-Encoding": ""}).headers
    )
    answer = simulated.ask(path, "reader", **{"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.json()["items"]) == 603


def test_trouble_is_worded_as_a_status() -> None:
    simulated = Simulated()
    path = "/apis/flink.apache.org/v1beta1/namespaces/streams/flinkdeployments"
    simulated.faults.throttling = True
    throttled = simulated.ask(path, "reader")
    assert (throttled.status_code, throttled.headers["retry-after"]) == (429, "1")
    simulated.faults.throttling, simulated.faults.outage = False, True
    assert simulated.ask(path, "reader").json()["reason"] == "ServiceUnavailable"
