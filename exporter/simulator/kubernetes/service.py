"""Simulate the part of a Kubernetes API server that reads: lists, objects and the service proxy.

Kubernetes 1.20 and later, "Kubernetes API Concepts"; held against answers of a real one.
"""

import gzip
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from exporter.simulator.fault_injection import FaultInjection, Trouble
from exporter.simulator.kubernetes.access import KubernetesAccess
from exporter.simulator.kubernetes.objects import Object, Objects
from exporter.simulator.kubernetes.refusal import (
    KubernetesRefusal,
    NotServed,
    bad_request,
    not_found,
    too_many_requests,
    unavailable,
)

FLINK = "flink.apache.org"
KINDS = {
    ("", "v1", "namespaces"): "Namespace",
    ("", "v1", "services"): "Service",
    ("apps", "v1", "deployments"): "Deployment",
    (FLINK, "v1beta1", "flinkdeployments"): "FlinkDeployment",
    (FLINK, "v1beta1", "flinksessionjobs"): "FlinkSessionJob",
}
_GZIP_FROM = 128 * 1024
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9./_-]+)\s*(=|==|!=)\s*([A-Za-z0-9._-]*)\s*")
_FIELDS = ("metadata.name", "metadata.namespace")
_PARAMETERS = frozenset(
    {
        *("limit", "continue", "labelSelector", "fieldSelector", "resourceVersion"),
        *("timeoutSeconds", "resourceVersionMatch", "pretty", "allowWatchBookmarks"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What the path of a request asks for."""

    group: str
    version: str
    plural: str
    namespace: str
    name: str = ""
    proxied: str | None = None


class KubernetesCluster:
    """The state of one cluster, which tests and the simulated operator change."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._revision = 0
        self._kinds = {key: Objects(self._revise, clock) for key in KINDS}
        self.served = set(KINDS)
        """The kinds that are answered for; of others the server has only a line of text."""
        self.managers: dict[tuple[str, str], ASGIApp] = {}
        """What is behind a Service, by namespace and name, for requests through the proxy."""
        self.update: Callable[[], None] = lambda: None
        """Called before each answer: brings the objects up to date."""

    @property
    def revision(self) -> int:
        """Return the number of the last change."""
        return self._revision

    def objects(self, plural: str) -> Objects:
        """Return the objects of a kind."""
        return next(each for key, each in self._kinds.items() if key[2] == plural)

    def put(self, plural: str, body: Object) -> Object:
        """Make or exchange an object; its namespace comes into being with it."""
        key = next(key for key in KINDS if key[2] == plural)
        version = "/".join(filter(None, key[:2]))
        namespace = body["metadata"].get("namespace", "")
        spaces = self.objects("namespaces")
        if namespace and spaces.find("", namespace) is None:
            self.put("namespaces", {"metadata": {"name": namespace}})
        return self._kinds[key].put({"apiVersion": version, "kind": KINDS[key], **body})

    def of(self, asked: _Asked) -> Objects:
        """Return the objects that are asked for; raises NotServed."""
        key = (asked.group, asked.version, asked.plural)
        if key not in self.served:
            raise NotServed
        return self._kinds[key]

    def kind(self, asked: _Asked) -> str:
        """Return the name of the kind that is asked for."""
        return KINDS[asked.group, asked.version, asked.plural]

    def _revise(self) -> int:
        self._revision += 1
        return self._revision


def build(
    *,
    cluster: KubernetesCluster,
    faults: FaultInjection,
    clock: Callable[[], float],
    access: KubernetesAccess,
) -> Starlette:
    """Build the simulated API server."""
    server = _Server(cluster, faults, clock, access)
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return Starlette(routes=[Route("/{path:path}", server.answer, methods=methods)])


class _Server:
    def __init__(
        self,
        cluster: KubernetesCluster,
        faults: FaultInjection,
        clock: Callable[[], float],
        access: KubernetesAccess,
    ) -> None:
        self._cluster = cluster
        self._faults = faults
        self._clock = clock
        self._access = access

    async def answer(self, request: Request) -> Response:
        now, operation = self._clock(), request.url.path
        try:
            await self._admit(now)
            # In the order of the real one: who asks, whether that is allowed, what there is.
            account = self._access.authenticate(request.headers.get("authorization", ""))
            asked = _read_path(request.url.path)
            resource = asked.plural if asked.proxied is None else f"{asked.plural}/proxy"
            verb = _verb(request.method, asked)
            operation = f"{verb} {resource}"
            within = asked.name if asked.plural == "namespaces" else asked.namespace
            self._access.authorize(account, verb, resource, asked.group, within, asked.name)
            self._cluster.update()
            response = await self._look_up(request, asked)
        except KubernetesRefusal as refusal:
            self._faults.record(operation, now, refusal.reason)
            return refusal.response()
        self._faults.record(operation, now)
        return response

    async def _admit(self, now: float) -> None:
        trouble = await self._faults.arrive(now)
        if trouble is Trouble.OUTAGE:
            raise unavailable("the server is currently unable to handle the request")
        if trouble is Trouble.THROTTLED:
            raise too_many_requests(self._faults.retry_after or 1)

    async def _look_up(self, request: Request, asked: _Asked) -> Response:
        objects = self._cluster.of(asked)
        if request.method != "GET":
            raise KubernetesRefusal(405, "MethodNotAllowed", "nothing is changed here")
        if asked.proxied is not None:
            return await self._proxy(request, asked)
        if not asked.name:
            return self._list(request, asked, objects)
        found = objects.find(asked.namespace, asked.name)
        if found is None:
            raise not_found(asked.plural, asked.group, asked.name)
        return _rendered(request, found)

    def _list(self, request: Request, asked: _Asked, objects: Objects) -> Response:
        query = dict(request.query_params)
        strange = query.keys() - _PARAMETERS
        if strange:
            # The real one looks away; whoever sends what nobody knows means something else.
            raise bad_request(f"unknown parameters: {', '.join(sorted(strange))}")
        selects = _selector(query.get("labelSelector", ""))
        _check_field_selector(query.get("fieldSelector", ""))
        page = objects.page(
            asked.namespace,
            _limit(query.get("limit", "")),
            query.get("continue", ""),
            selects,
            self._cluster.revision,
        )
        metadata: dict[str, object] = {"resourceVersion": page.resource_version}
        # Lists of custom resources have it even where it says nothing.
        if page.token or asked.group:
            metadata["continue"] = page.token
        if page.remaining is not None and "labelSelector" not in query:
            metadata["remainingItemCount"] = page.remaining
        version = "/".join(filter(None, (asked.group, asked.version)))
        body = {
            "apiVersion": version,
            "items": page.items,
            "kind": f"{self._cluster.kind(asked)}List",
            "metadata": metadata,
        }
        return _rendered(request, body)

    async def _proxy(self, request: Request, asked: _Asked) -> Response:
        # SERVICE, SERVICE:PORT or SCHEME:SERVICE:PORT.
        words = asked.name.split(":")
        service = words[1] if len(words) == 3 else words[0]
        if self._cluster.objects("services").find(asked.namespace, service) is None:
            raise not_found("services", "", service)
        app = self._cluster.managers.get((asked.namespace, service))
        if app is None:
            raise unavailable(f'no endpoints available for service "{service}"')
        # Handed on without what proved who asks.
        headers = [(k, v) for k, v in request.headers.items() if k not in ("authorization", "host")]
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://service"
        ) as client:
            target = f"/{asked.proxied}" + (f"?{request.url.query}" if request.url.query else "")
            found = await client.get(target, headers=headers)
        kept = {"content-type": found.headers.get("content-type", "application/json")}
        return Response(found.content, found.status_code, headers=kept)


def _read_path(path: str) -> _Asked:
    parts = path.strip("/").split("/")
    if parts[0] == "api" and len(parts) >= 3:
        group, version, parts = "", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) >= 4:
        group, version, parts = parts[1], parts[2], parts[3:]
    else:
        raise NotServed
    namespace = ""
    if parts[0] == "namespaces" and len(parts) > 2:
        namespace, parts = parts[1], parts[2:]
    plural, name = parts[0], parts[1] if len(parts) > 1 else ""
    proxied = "/".join(parts[3:]) if len(parts) > 2 and parts[2] == "proxy" else None
    if len(parts) > 2 and proxied is None:
        raise NotServed
    return _Asked(
        group=group,
        version=version,
        plural=plural,
        namespace=namespace,
        name=name,
        proxied=proxied,
    )


def _verb(method: str, asked: _Asked) -> str:
    if method == "GET":
        return "get" if asked.name else "list"
    verbs = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
    return verbs[method]


def _limit(text: str) -> int:
    if not text:
        return 0
    try:
        return max(0, int(text))
    except ValueError:
        message = f'strconv.ParseInt: parsing "{text}": invalid syntax'
        raise bad_request(message) from None


def _selector(text: str) -> Callable[[Object], bool]:
    requirements = []
    for part in filter(None, text.split(",")):
        match = _REQUIREMENT.fullmatch(part)
        if match is None:
            raise bad_request("unable to parse requirement")
        requirements.append((match[1], match[2] != "!=", match[3]))

    def selects(body: Object) -> bool:
        labels: Mapping[str, Any] = body["metadata"].get("labels") or {}
        return all((labels.get(name) == value) is equal for name, equal, value in requirements)

    return selects


def _check_field_selector(text: str) -> None:
    for part in filter(None, text.split(",")):
        name = part.partition("=")[0].rstrip("!")
        if name not in _FIELDS:
            raise bad_request(f"field label not supported: {name}")


def _rendered(request: Request, body: Object) -> Response:
    content = json.dumps(body, separators=(",", ":")).encode()
    headers = {"content-type": "application/json"}
    if len(content) > _GZIP_FROM and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(gzip.compress(content, 4), headers={**headers, "content-encoding": "gzip"})
    return Response(content, headers=headers)
