"""Open the connections of one source as its settings ask for.

A platform gets a `Connector` and asks it for clients. All clients of a source share one pool of
connections, one token bucket and one concurrency limit.
"""

import asyncio
import ssl
from collections.abc import Mapping

import httpx

from exporter import __version__
from exporter.auth.guard import GuardBook, RejectionGuard
from exporter.client import ApiClient, Limits, exchange
from exporter.errors import ConfigError, ConfigProblem
from exporter.pacing import TokenBucket
from exporter.refusals import ReadRefusal
from exporter.source import SourceSettings, TlsSettings
from exporter.telemetry import Telemetry
from exporter.world import World

_USER_AGENT = f"streaming-job-exporter/{__version__}"
_KEEP_ALIVE_SECONDS = 90.0
_BURST_SECONDS = 1.0


class Connector:
    """Make the API clients of one source and close them together."""

    def __init__(
        self,
        settings: SourceSettings,
        *,
        world: World,
        telemetry: Telemetry,
        guards: GuardBook,
    ) -> None:
        self.world = world
        self.guards = guards
        self._settings = settings
        self._telemetry = telemetry
        self._limits = Limits(
            bucket=TokenBucket(
                settings.rate_limit,
                burst=settings.rate_limit * _BURST_SECONDS,
                clock=world.monotonic,
                sleep=world.sleep,
            ),
            slots=asyncio.Semaphore(settings.concurrency),
            timeout=settings.timeout,
        )
        self.http = self._open()
        self._metadata_http: httpx.AsyncClient | None = None

    def api(
        self,
        base_url: str,
        *,
        read_refusal: ReadRefusal,
        auth: httpx.Auth | None = None,
        guard: RejectionGuard | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> ApiClient:
        """Return a client of the API at `base_url`."""
        return ApiClient(
            source=self._settings.name,
            base_url=base_url,
            http=self.http,
            read_refusal=read_refusal,
            limits=self._limits,
            telemetry=self._telemetry,
            clock=self.world.clock,
            monotonic=self.world.monotonic,
            sleep=self.world.sleep,
            random=self.world.random,
            auth=auth,
            guard=guard,
            headers=headers,
        )

    async def send(self, request: httpx.Request, operation: str) -> httpx.Response:
        """Send a login or metadata request: counted and bounded, not paced, never repeated.

        Raises FetchError when there is no answer; any answer is returned, whatever its status.
        """
        request.headers.setdefault("User-Agent", _USER_AGENT)
        http = self._direct() if self._is_metadata(request) else self.http
        answer = await exchange(
            lambda: http.send(request, auth=None, follow_redirects=False, stream=True),
            operation=operation,
            source=self._settings.name,
            telemetry=self._telemetry,
            monotonic=self.world.monotonic,
            limits=self._limits,
        )
        # The body is decompressed by now, so the headers about its wire form would be wrong.
        kept = {
            name: value
            for name, value in answer.headers.items()
            if name not in ("content-encoding", "content-length", "transfer-encoding")
        }
        return httpx.Response(answer.status, headers=kept, content=answer.body, request=request)

    async def aclose(self) -> None:
        """Close every connection."""
        await self.http.aclose()
        if self._metadata_http is not None:
            await self._metadata_http.aclose()

    def _is_metadata(self, request: httpx.Request) -> bool:
        services = (self.world.huawei_metadata, self.world.alibaba_metadata)
        return str(request.url).startswith(tuple(f"{service}/" for service in services))

    def _direct(self) -> httpx.AsyncClient:
        """Return a client without any proxy: the metadata of this machine is no one else's."""
        if self.world.transport is not None:
            return self.http
        if self._metadata_http is None:
            self._metadata_http = httpx.AsyncClient(trust_env=False, timeout=self._limits.timeout)
        return self._metadata_http

    def _open(self) -> httpx.AsyncClient:
        settings = self._settings
        headers = {"User-Agent": _USER_AGENT}
        # Each phase has the whole time; `exchange` bounds their sum.
        timeout = httpx.Timeout(settings.timeout)
        if self.world.transport is not None:
            return httpx.AsyncClient(
                transport=self.world.transport(), timeout=timeout, headers=headers
            )
        context = ssl_context(settings.tls)
        try:
            return httpx.AsyncClient(
                verify=context,
                proxy=settings.proxy_url,
                timeout=timeout,
                headers=headers,
                limits=httpx.Limits(
                    max_connections=settings.concurrency + 2,
                    max_keepalive_connections=settings.concurrency + 2,
                    keepalive_expiry=_KEEP_ALIVE_SECONDS,
                ),
            )
        except (ImportError, ValueError, httpx.InvalidURL):
            # The environment's HTTPS_PROXY and its like count too; a cause would quote them.
            problem = ConfigProblem("proxy_url", "this proxy, or the environment's, cannot be used")
            raise ConfigError((problem,)) from None


def ssl_context(tls: TlsSettings) -> ssl.SSLContext:
    """Build the TLS context a source asks for: verified, TLS 1.2 or newer.

    Raises ConfigError when a file holds no certificate or key.
    """
    place = "tls.ca_file"
    try:
        if tls.ca_file is not None:
            context = ssl.create_default_context(cafile=tls.ca_file)
        else:
            context = httpx.create_ssl_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        place = "tls.cert_file"
        if tls.cert_file is not None:
            # Without an empty password OpenSSL asks the terminal for that of an encrypted key.
            context.load_cert_chain(tls.cert_file, tls.key_file, password="")
    except OSError as exc:
        # ssl.SSLError is an OSError; its text names library functions, not what to do.
        reason = "not a usable PEM file" if isinstance(exc, ssl.SSLError) else exc.strerror
        raise ConfigError((ConfigProblem(place, str(reason)),)) from None
    if tls.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
