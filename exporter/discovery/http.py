"""Find Flink clusters by a list of targets that a service tells, in Prometheus' own format.

Prometheus documentation, "Writing HTTP Service Discovery": a GET is answered with 200, the content
type application/json and the whole list; an empty one is `[]`. Anything else changes nothing. The
credentials of this service are its own: no JobManager gets them, nor this service theirs.
"""

import re
from functools import partial
from typing import Annotated

import httpx
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from exporter.auth.plain import plain_auth
from exporter.auth.settings import FlinkAuthSettings
from exporter.discovery.admission import OPERATION
from exporter.discovery.clusters import Clusters
from exporter.discovery.files import ClusterLabel
from exporter.discovery.surroundings import Surroundings
from exporter.discovery.target_groups import LARGEST_JSON, TargetGroup, parse_json_groups
from exporter.discovery.targets import clusters_of
from exporter.errors import FetchError, Reason, UnreadableError
from exporter.pacing import parse_retry_after
from exporter.process.steps import in_steps
from exporter.settings import Section, has_an_address
from exporter.source import TlsSettings
from exporter.upstream.connector import Connector
from exporter.upstream.late_connector import LateConnector
from exporter.upstream.refusals import by_status

_CONTENT_TYPE = re.compile(r"application/json(;\s*charset=(\"utf-8\"|utf-8))?", re.IGNORECASE)
"""As Prometheus wants it."""


def _url(text: str) -> str:
    match = re.fullmatch(r"https?://[^/?#@\s\\]+(?:[/?](?:(?![#\\])[!-~])*)?", text)
    if match is None or not has_an_address(text):
        raise PydanticCustomError(
            "url", "expected http(s)://host[:port][/path][?query], without credentials"
        )
    return text


class HttpSettings(Section):
    """A service that tells a list of targets."""

    url: Annotated[str, AfterValidator(_url)]
    cluster_label: ClusterLabel = "cluster"
    auth: FlinkAuthSettings | None = None
    tls: TlsSettings = TlsSettings()


class HttpDiscovery:
    """Clusters that a service tells of."""

    def __init__(self, settings: HttpSettings, connector: Connector, *, refresh: float) -> None:
        """Take the connector of the source, beside which another is opened."""
        self._settings = settings
        self._runtime = connector.runtime
        self._late = LateConnector(connector, settings.tls, OPERATION)
        self._auth = plain_auth(settings.auth)
        self._headers = {
            "Accept": "application/json",
            "X-Prometheus-Refresh-Interval-Seconds": f"{refresh:g}",
        }

    async def find(self) -> Clusters:
        """Ask for the list. Raises FetchError unless it is one."""
        connector = await self._late.get()
        answer = await connector.send(
            httpx.Request("GET", self._settings.url, headers=self._headers),
            OPERATION,
            auth=self._auth,
            largest_answer=LARGEST_JSON,
        )
        groups = await self._read(answer)
        return await in_steps(clusters_of(groups, self._settings.cluster_label))

    async def aclose(self) -> None:
        """Close the connections to the service."""
        await self._late.aclose()

    async def _read(self, answer: httpx.Response) -> tuple[TargetGroup, ...]:
        runtime = self._runtime
        if answer.status_code != 200:
            raise _refusal(answer, runtime.clock())
        if not _CONTENT_TYPE.fullmatch(answer.headers.get("content-type", "").strip()):
            raise _unlike(answer, "expected the content type application/json")
        try:
            return await runtime.aside(partial(parse_json_groups, answer.content))
        except UnreadableError as exc:
            raise _unlike(answer, str(exc)) from None
        except OSError:
            raise _unlike(answer, "reading the list takes too long") from None


def open_http(settings: HttpSettings, surroundings: Surroundings) -> HttpDiscovery:
    """Open a discovery by a service."""
    return HttpDiscovery(settings, surroundings.connector, refresh=surroundings.refresh)


def _refusal(answer: httpx.Response, now: float) -> FetchError:
    status = answer.status_code
    refusal = by_status(status)
    detail = refusal.told or "expected 200 with a list of targets"
    return FetchError(
        refusal.reason if not 200 <= status < 300 else Reason.INVALID_RESPONSE,
        OPERATION,
        status=status,
        detail=detail.replace("endpoint", "url"),
        retry_after=parse_retry_after(answer.headers.get("retry-after"), now),
    )


def _unlike(answer: httpx.Response, detail: str) -> FetchError:
    return FetchError(
        Reason.INVALID_RESPONSE, OPERATION, status=answer.status_code, detail=detail[:300]
    )
