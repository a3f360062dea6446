"""Fuzz what reads the Services and Deployments that Flink clusters are found by."""

import json

from exporter.discovery.kubernetes_services import parse_owned_deployment, parse_service
from exporter.fields import Flaws
from fuzz.page import Unsound
from fuzz.target import Target, json_target

_METADATA = {
    "name": "orders-rest",
    "namespace": "streams",
    "uid": "8f2c8f0e-0000-4000-8000-000000000001",
    "labels": {"app": "orders", "type": "flink-native-kubernetes"},
    "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "orders"}],
}
_EXAMPLES = (
    {"metadata": _METADATA, "spec": {"ports": [{"name": "rest", "port": 8081}]}},
    {"metadata": {**_METADATA, "ownerReferences": [{"kind": "FlinkDeployment", "name": "o"}]}},
    {"metadata": {"name": "x", "namespace": "y"}, "spec": {"ports": [{"port": 1}, {"port": 2}]}},
    {"metadata": None, "spec": {"ports": None}},
)


def _check(data: bytes) -> None:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return
    flaws = Flaws()
    parse_owned_deployment(document, flaws)
    for port in ("rest", 8081):
        service = parse_service(document, port, flaws)
        if service is None:
            continue
        for text in (service.cluster, service.name, service.namespace, service.deployment):
            text.encode("utf-8")
        if not service.cluster and service.name != "-rest":
            raise Unsound("a cluster has no name")
        if service.port is not None and service.port <= 0:
            raise Unsound("a port that nobody listens at")


def targets() -> tuple[Target, ...]:
    """Return a target for one object of either kind."""
    return (
        json_target(
            "kubernetes_services", _check, (parse_service, parse_owned_deployment), _EXAMPLES
        ),
    )
