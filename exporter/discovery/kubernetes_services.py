"""Read Services and Deployments of Kubernetes as Flink clusters. Pure functions.

Flink documentation, "Native Kubernetes": a cluster is a Deployment, and a Service called
`CLUSTER-rest` that the Deployment owns; both have the label `app` with the name of the cluster.
Under the Flink Kubernetes Operator the Deployment is owned by a FlinkDeployment in turn.
"""

from dataclasses import dataclass

from exporter.fields import Flaws, Record

_REST = "rest"
_OPERATOR = "FlinkDeployment"
_DEPLOYMENT = "Deployment"
_HEADLESS = "None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One Service that may lead to JobManagers."""

    namespace: str
    name: str
    uid: str
    cluster: str
    """What the cluster is called within its namespace."""
    port: int | None
    """None when no port can be chosen."""
    deployment: str
    """The Deployment that owns it, if any."""
    by_operator: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedDeployment:
    """One Deployment, and whether the operator made it."""

    namespace: str
    name: str
    by_operator: bool


def parse_service(document: object, port: int | str, flaws: Flaws) -> Service | None:
    """Read one Service; None of what is none. `port` is the name or number of its REST port.

    A Service of a single port needs none of that name.
    """
    record = Record(document, "service", flaws)
    metadata = record.record("metadata")
    name, namespace = metadata.text("name"), metadata.text("namespace")
    if not name or not namespace:
        metadata.missing("name")
        return None
    ports = record.record("spec").records("ports")
    chosen = [each for each in ports if port in (each.text("name"), each.count("port"))]
    numbers = [each.count("port") for each in (chosen or (ports if len(ports) == 1 else []))]
    return Service(
        namespace=namespace,
        name=name,
        uid=metadata.text("uid"),
        cluster=metadata.record("labels").text("app") or name.removesuffix(f"-{_REST}"),
        port=numbers[0] if numbers and numbers[0] else None,
        deployment=_owner(metadata, _DEPLOYMENT),
        by_operator=bool(_owner(metadata, _OPERATOR)),
    )


def parse_owned_deployment(document: object, flaws: Flaws) -> OwnedDeployment | None:
    """Read who owns one Deployment; None of what is none."""
    metadata = Record(document, "deployment", flaws).record("metadata")
    name, namespace = metadata.text("name"), metadata.text("namespace")
    if not name or not namespace:
        metadata.missing("name")
        return None
    return OwnedDeployment(
        namespace=namespace, name=name, by_operator=bool(_owner(metadata, _OPERATOR))
    )


def _owner(metadata: Record, kind: str) -> str:
    owners = metadata.records("ownerReferences")
    return next((each.text("name") for each in owners if each.text("kind") == kind), "")
