"""Find Flink clusters by the Services that lead to their JobManagers.

Flink documentation, "Native Kubernetes". Services are listed by label, as of one moment, in the
namespaces that are named or in all. Those of the Flink Kubernetes Operator are left out: it has a
platform of its own, which knows more. The credentials of the API server never reach a JobManager.
"""

from collections.abc import Callable, Iterable
from typing import Annotated, Literal, TypeVar

from pydantic import Field, StringConstraints

from exporter.auth.kubernetes import RereadAccess
from exporter.auth.kubernetes_configured import kubernetes_access
from exporter.auth.settings import KubernetesAuthSettings
from exporter.discovery.clusters import Cluster, Clusters, SkippedTarget
from exporter.discovery.kubernetes_services import (
    OwnedDeployment,
    Service,
    parse_owned_deployment,
    parse_service,
)
from exporter.discovery.surroundings import Surroundings
from exporter.errors import FetchError, Reason
from exporter.fields import Flaws
from exporter.kubernetes.api import DEPLOYMENTS, SERVICES, Kind, KubernetesApi
from exporter.kubernetes.namespaces import NamespaceCheck, NamespaceNames
from exporter.process.steps import Steps, in_steps
from exporter.settings import Endpoint, Section, expecting
from exporter.source import TlsSettings
from exporter.upstream.connector import Connector

_NATIVE = "type=flink-native-kubernetes"
_PER_STEP = 200
_Port = Annotated[
    Annotated[int, Field(ge=1, le=65535)]
    | Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?$")],
    expecting("the number or the name of a port, such as 8081 or rest"),
]


T = TypeVar("T")


class KubernetesSettings(Section):
    """Which Services of which API server lead to JobManagers."""

    endpoint: Endpoint | None = None
    auth: KubernetesAuthSettings | None = None
    tls: TlsSettings = TlsSettings()
    namespaces: NamespaceNames = ()
    label_selector: Annotated[str, StringConstraints(min_length=1, max_length=1000)] = _NATIVE
    port: _Port = "rest"
    scheme: Literal["http", "https"] = "http"


class KubernetesDiscovery:
    """Clusters that have a Service."""

    def __init__(
        self, settings: KubernetesSettings, api: KubernetesApi, connector: Connector
    ) -> None:
        self._settings = settings
        self._api = api
        self._connector = connector
        self._check = NamespaceCheck(api, now=connector.runtime.monotonic)
        self._may_not_list_deployments = False

    async def find(self) -> Clusters:
        """List the Services. Raises FetchError unless every namespace was listed."""
        failures: list[FetchError] = []
        services: list[Service] = []
        owned: set[tuple[str, str]] = set()
        for namespace in self._settings.namespaces or ("",):
            found = await self._list(SERVICES, namespace, self._read_service)
            if found:
                self._check.seen(namespace)
            elif namespace and (problem := await self._check.of_empty(namespace)):
                if problem.reason is Reason.NOT_FOUND:
                    raise problem
                failures.append(problem)
            services += found
            if any(each.deployment for each in found):
                owned |= await self._owned_by_operator(namespace, failures)
        clusters = await in_steps(_clusters(services, owned, self._settings.scheme))
        return Clusters(living=clusters[0], skipped=clusters[1], failures=tuple(failures))

    async def aclose(self) -> None:
        """Close the connections to the API server."""
        await self._api.aclose()
        await self._connector.aclose()

    async def _owned_by_operator(
        self, namespace: str, failures: list[FetchError]
    ) -> set[tuple[str, str]]:
        """Return the Deployments of the operator, as far as the account may see them."""
        try:
            found = await self._list(DEPLOYMENTS, namespace, _read_deployment)
        except FetchError as exc:
            if exc.reason is not Reason.AUTH or exc.status != 403:
                raise
            if not self._may_not_list_deployments:
                # Said once. Clusters of the operator are shown twice if it is watched as well.
                self._may_not_list_deployments = True
                failures.append(exc)
            return set()
        self._may_not_list_deployments = False
        return {(each.namespace, each.name) for each in found if each.by_operator}

    async def _list(
        self, kind: Kind, namespace: str, read: Callable[[object], T | None]
    ) -> list[T]:
        listing = await self._api.list_all(
            kind,
            namespace,
            lambda: lambda _, row: read(row),
            label_selector=self._settings.label_selector,
        )
        return [row for row in listing.rows if row is not None]

    def _read_service(self, document: object) -> Service | None:
        return parse_service(document, self._settings.port, Flaws())


def _read_deployment(document: object) -> OwnedDeployment | None:
    return parse_owned_deployment(document, Flaws())


def _clusters(
    services: Iterable[Service], owned: set[tuple[str, str]], scheme: str
) -> Steps[tuple[tuple[Cluster, ...], tuple[SkippedTarget, ...]]]:
    living, skipped = [], []
    for count, each in enumerate(services, start=1):
        if count % _PER_STEP == 0:
            yield
        if each.by_operator or (each.namespace, each.deployment) in owned:
            continue
        name = f"{each.namespace}/{each.cluster}"
        if each.port is None:
            skipped.append(SkippedTarget(name=name, reason="its Service has no such port"))
            continue
        address = f"{scheme}://{each.name}.{each.namespace}.svc:{each.port}"
        living.append(Cluster(name=name, addresses=(address,), incarnation=each.uid))
    return tuple(living), tuple(skipped)


def open_kubernetes(
    settings: KubernetesSettings, surroundings: Surroundings
) -> KubernetesDiscovery:
    """Open a discovery by Services. Raises ConfigError when nothing says where or as whom."""
    runtime = surroundings.runtime
    provider = kubernetes_access(settings.endpoint, settings.auth, settings.tls, runtime=runtime)
    connector = surroundings.connector.beside(TlsSettings())
    api = KubernetesApi(connector, RereadAccess(provider, now=runtime.monotonic))
    return KubernetesDiscovery(settings, api, connector)
