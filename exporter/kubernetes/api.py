"""Ask a Kubernetes API server, whatever is asked for.

Kubernetes documentation: "Kubernetes API Concepts". One kind is listed in one namespace or in all;
the pages of a listing show one moment. Operations are named by verb and resource, as in a Role.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from exporter.auth.kubernetes import Connection, KubernetesAuth, RereadAccess
from exporter.errors import CredentialError, FetchError, Reason, UnusableError
from exporter.fields import read_rows
from exporter.source import MOST_JOBS
from exporter.upstream.client import ApiClient, Http
from exporter.upstream.connector import Connector
from exporter.upstream.large_json import RowReader
from exporter.upstream.refusals import ReadRefusal
from exporter.upstream.refusals.kubernetes import EXPIRED, read_refusal
from exporter.upstream.renewed_http import RenewedHttp
from exporter.upstream.tls import context_of

PAGE_SIZE: Final = 100
"""Objects of one page: of custom resources, 1 to 6 MB."""
_MOST_PAGES: Final = MOST_JOBS // PAGE_SIZE
_MOST_BEGINNINGS: Final = 3
"""How often a listing is begun before it is given up."""

T = TypeVar("T")
ReadRow = Callable[[int, object], T]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of object in one version of its API."""

    group: str
    """Empty for the core group."""
    version: str
    plural: str
    kind: str

    @property
    def resource(self) -> str:
        """Return what a Role calls it, its group included."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def path(self, namespace: str = "", name: str = "") -> tuple[str, ...]:
        """Return the way to all objects of a namespace, or of all of them, or to one object."""
        root = ("apis", self.group, self.version) if self.group else ("api", self.version)
        within = ("namespaces", namespace) if namespace else ()
        return (*root, *within, self.plural, *((name,) if name else ()))


NAMESPACES: Final = Kind(group="", version="v1", plural="namespaces", kind="Namespace")
SERVICES: Final = Kind(group="", version="v1", plural="services", kind="Service")
DEPLOYMENTS: Final = Kind(group="apps", version="v1", plural="deployments", kind="Deployment")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Generic[T]):
    """All objects of one listing, as they were at one moment."""

    rows: list[T]
    resource_version: str


class KubernetesApi:
    """One API server, asked with credentials and over connections that are renewed."""

    def __init__(self, connector: Connector, access: RereadAccess) -> None:
        self._connector = connector
        self._access = access
        self._http: RenewedHttp[Connection] = RenewedHttp(self._connection, self._open)
        self._auth = KubernetesAuth(access)
        self._clients: dict[tuple[str, ReadRefusal], ApiClient] = {}

    async def get(
        self,
        operation: str,
        segments: Sequence[str],
        query: Sequence[tuple[str, str]] = (),
        rows: RowReader | None = None,
    ) -> Any:
        """Return the decoded answer to a GET. Raises FetchError."""
        client = await self.client(operation)
        return await client.get_json(operation, segments, query, rows=rows)

    async def client(
        self, operation: str, path: str = "", read: ReadRefusal = read_refusal
    ) -> ApiClient:
        """Return a client of what is below a path of the server, with its credentials.

        Raises FetchError, in the name of an operation, when there are no credentials.
        """
        try:
            access = await self._access.get()
        except CredentialError as exc:
            raise FetchError(Reason.AUTH, operation, detail=str(exc)) from exc
        server = access.connection.server
        if path:
            return self._client(f"{server}{path}", read)
        if (server, read) not in self._clients:
            # Another server than before: nobody asks the other one any more.
            self._clients = {(server, read): self._client(server, read)}
        return self._clients[server, read]

    async def list_all(
        self,
        kind: Kind,
        namespace: str,
        start: Callable[[], ReadRow[T]],
        *,
        label_selector: str = "",
    ) -> Listing[T]:
        """Return all objects of a kind in a namespace, or in all of them if it is empty.

        `start` returns what reads an object; of each only what that returns is kept. All pages show
        one moment: where the server can no longer tell what was then, all is read anew. Raises
        FetchError.
        """
        operation = f"list {kind.resource}"
        for beginnings_left in reversed(range(_MOST_BEGINNINGS)):
            try:
                return await self._list_once(operation, kind, namespace, start, label_selector)
            except FetchError as exc:
                # The Status has a token to go on with, but what that shows is of another moment.
                if exc.code != EXPIRED or not beginnings_left:
                    raise
        raise AssertionError("unreachable: the last beginning returns or raises")

    async def find(self, kind: Kind, namespace: str, name: str) -> Mapping[str, Any]:
        """Return one object. Raises FetchError, with `gone` set when there is none of that name."""
        operation = f"get {kind.resource}"
        document = await self.get(operation, kind.path(namespace, name))
        if not isinstance(document, Mapping) or document.get("kind") != kind.kind:
            raise _invalid(operation, f"expected an object of kind {kind.kind}")
        metadata = document.get("metadata")
        if not isinstance(metadata, Mapping) or metadata.get("name") != name:
            raise _invalid(operation, "expected the object that was asked for")
        return document

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _list_once(
        self,
        operation: str,
        kind: Kind,
        namespace: str,
        start: Callable[[], ReadRow[T]],
        label_selector: str,
    ) -> Listing[T]:
        found: list[T] = []
        version, token = "", ""
        selector = (("labelSelector", label_selector),) if label_selector else ()
        for _ in range(_MOST_PAGES):
            query = [("limit", str(PAGE_SIZE)), *selector]
            query += [("continue", token)] if token else []
            read = start()
            document = await self.get(
                operation,
                kind.path(namespace),
                query,
                rows=RowReader(paths=[("items",)], start=lambda read=read: read),  # type: ignore[misc]
            )
            metadata, items = _read_list(operation, document, kind)
            begun = version
            version = _text(metadata.get("resourceVersion"))
            if begun and version != begun:
                detail = "the pages of the listing are not of one moment"
                raise FetchError(Reason.SERVER, operation, code=EXPIRED, detail=detail)
            found += read_rows(items, read)
            if len(found) > MOST_JOBS:
                raise _invalid(operation, f"the listing has more than {MOST_JOBS} objects")
            token, before = _text(metadata.get("continue")), token
            if not token:
                return Listing(rows=found, resource_version=version)
            if token == before:
                raise _invalid(operation, "the listing comes to no end")
        raise _invalid(operation, f"no end after {_MOST_PAGES} pages")

    def _client(self, base_url: str, read: ReadRefusal) -> ApiClient:
        return self._connector.api(base_url, read_refusal=read, auth=self._auth, http=self._http)

    async def _connection(self) -> Connection:
        return (await self._access.get()).connection

    async def _open(self, connection: Connection) -> Http:
        def build() -> Any:
            return context_of(
                connection.authority,
                connection.certificate,
                connection.key,
                verify=connection.verify,
                server_name=connection.server_name,
            )

        try:
            context = await self._connector.runtime.aside(build)
        except (OSError, ValueError):
            # The library's texts name its functions, not what to do.
            raise UnusableError(
                "the certificate authority, client certificate or client key is not usable PEM"
            ) from None
        return self._connector.open_http(context, proxy_url=connection.proxy_url)


def _read_list(operation: str, document: object, kind: Kind) -> tuple[Mapping[str, Any], list[Any]]:
    if isinstance(document, Mapping) and document.get("kind") == f"{kind.kind}List":
        metadata, items = document.get("metadata"), document.get("items")
        if isinstance(metadata, Mapping):
            # Go writes a list that was never made as null.
            items = [] if items is None else items
            if isinstance(items, list):
                return metadata, items
    # Taken for an empty listing, an answer of somebody else would end every job.
    raise _invalid(operation, f"expected a {kind.kind}List; check endpoint")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _invalid(operation: str, detail: str) -> FetchError:
    return FetchError(Reason.INVALID_RESPONSE, operation, detail=detail)
