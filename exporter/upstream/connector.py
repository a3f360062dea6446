"""Open the connections of one source as its settings ask for.

A platform gets a `Connector` and asks it for clients. All clients of a source share one pool of
connections, one token bucket and one concurrency limit.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import replace
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.request import getproxies

import httpx

from exporter import __version__
from exporter.auth.guard import GuardBook, Guarding
from exporter.errors import ConfigError, ConfigProblem
from exporter.files import MOST_PEM, in_memory, read
from exporter.pacing import TokenBucket
from exporter.runtime import Runtime
from exporter.source import SourceSettings, TlsSettings
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.addresses import AddressRules
from exporter.upstream.budget import AnswerBudget
from exporter.upstream.checked import CheckedHttp
from exporter.upstream.client import ApiClient, Http
from exporter.upstream.exchange import Limits, exchange
from exporter.upstream.refusals import ReadRefusal
from exporter.upstream.stall import StallLimit
from exporter.upstream.transport import (
    KEPT_OPEN_SECONDS,
    AiohttpTransport,
    PlainClient,
    resume_sessions,
)

_HEADERS = {
    "User-Agent": f"streaming-job-exporter/{__version__}",
    # What httpx can undo whatever else is installed.
    "Accept-Encoding": "gzip, deflate",
}
_BURST_SECONDS = 1.0
_LOGINS = 2
"""Connections beside those of `concurrency`: logins wait for no other request."""
BESIDE_CONCURRENCY = _LOGINS + 1
"""Connections that a source may have beside those of `concurrency`: logins, and metadata."""
_LOGIN_SHARE = 0.75
"""A login happens within the time of the request that needs it. Were it given all of that time, the
request would be the one that is said to have timed out, although it was never sent."""
_STALL_TIMEOUTS = 2
"""Time-outs after which a listing that brings nothing is broken off."""
_LARGEST_LOGIN = 1024 * 1024
"""Bytes: tokens and keys with all that is told about them take a few thousand."""


class Connector:
    """Make the API clients of one source and close them together."""

    def __init__(
        self,
        settings: SourceSettings,
        *,
        runtime: Runtime,
        telemetry: Telemetry,
        guards: GuardBook,
        context: ssl.SSLContext | None = None,
        budget: AnswerBudget | None = None,
        patient: bool = False,
    ) -> None:
        """Take what all sources share; `context` is that of `settings.tls`, if it is made already.

        A budget of its own is for whoever has no others beside; to be patient is for whoever polls
        once, and would rather wait than miss anything. Raises ConfigError when what the
        settings name cannot be used.
        """
        self.runtime = runtime
        self.guards = guards
        self.patient = patient
        self._settings = settings
        self._context = context
        self._telemetry = telemetry
        self.stall = StallLimit(settings.timeout * _STALL_TIMEOUTS)
        self.limits = Limits(
            bucket=TokenBucket(
                settings.rate_limit,
                burst=settings.rate_limit * _BURST_SECONDS,
                clock=runtime.monotonic,
                sleep=runtime.sleep,
            ),
            slots=asyncio.Semaphore(settings.concurrency),
            timeout=settings.timeout,
            stall=self.stall,
            budget=budget or AnswerBudget(),
        )
        self._login_limits = replace(
            self.limits,
            timeout=settings.timeout * _LOGIN_SHARE,
        )
        self.http: Http = self._open()
        self._metadata_http: Http | None = None

    def api(
        self,
        base_url: str,
        *,
        read_refusal: ReadRefusal,
        auth: httpx.Auth | None = None,
        guard: Guarding | None = None,
        headers: Mapping[str, str] | None = None,
        http: Http | None = None,
        limits: Limits | None = None,
        server_name: str = "",
    ) -> ApiClient:
        """Return a client of the API at `base_url`, over other connections than ours if given.

        `server_name` is what its certificate is for, where that is not the host; other `limits` are
        for one of many APIs.
        """
        return ApiClient(
            source=self._settings.name,
            base_url=base_url,
            http=http or self.http,
            read_refusal=read_refusal,
            limits=limits or self.limits,
            telemetry=self._telemetry,
            clock=self.runtime.clock,
            monotonic=self.runtime.monotonic,
            sleep=self.runtime.sleep,
            random=self.runtime.random,
            auth=auth,
            guard=guard,
            headers={**_HEADERS, **(headers or {})},
            server_name=server_name,
        )

    def open_http(
        self,
        context: ssl.SSLContext,
        *,
        proxy_url: str | None = None,
        rules: AddressRules | None = None,
    ) -> Http:
        """Open connections of their own, for hosts that must not see what others are shown.

        Whoever asks for them closes them. Without `proxy_url` the source's own proxy is used; with
        `rules` nothing is sent to an address that they refuse.
        """
        if self.runtime.transport is not None:
            http: Http = PlainClient(self.runtime.transport())
        else:
            resume_sessions(context)
            http = self._over(context, proxy_url or self._settings.proxy_url, rules)
        return http if rules is None else CheckedHttp(rules, http)

    async def send(
        self,
        request: httpx.Request,
        operation: str,
        *,
        auth: httpx.Auth | None = None,
        largest_answer: int = _LARGEST_LOGIN,
        direct: bool = False,
        within: float | None = None,
    ) -> httpx.Response:
        """Send a login or metadata request: counted and bounded, not paced, never repeated.

        With `direct`, as for metadata, no proxy is asked; `within` are fewer seconds than a login
        may take. Raises FetchError when there is no
        answer; any answer is returned, whatever its status.
        """
        for name, value in _HEADERS.items():
            request.headers.setdefault(name, value)
        http = self._direct() if direct or self._is_metadata(request) else self.http
        limits = self._login_limits
        seconds = limits.timeout if within is None else min(within, limits.timeout)
        answer = await exchange(
            lambda: http.send(request, auth=auth, follow_redirects=False, stream=True),
            operation=operation,
            source=self._settings.name,
            telemetry=self._telemetry,
            monotonic=self.runtime.monotonic,
            limits=replace(limits, timeout=seconds, largest_answer=largest_answer),
            decode=False,
        )
        # The body is decompressed by now, so the headers about its wire form would be wrong.
        kept = {
            name: value
            for name, value in answer.headers.items()
            if name not in ("content-encoding", "content-length", "transfer-encoding")
        }
        return httpx.Response(answer.status, headers=kept, content=answer.body, request=request)

    def count_metrics(self, operation: str, count: int) -> None:
        """Count figures that a request asks for, where a platform charges for each."""
        self._telemetry.metrics_requested(self._settings.name, operation, count)

    async def aclose(self) -> None:
        """Close every connection."""
        await self.http.aclose()
        if self._metadata_http is not None:
            await self._metadata_http.aclose()

    def _is_metadata(self, request: httpx.Request) -> bool:
        runtime = self.runtime
        services = (
            *(runtime.huawei_metadata, runtime.alibaba_metadata),
            runtime.tencent_metadata,
        )
        return str(request.url).startswith(tuple(f"{service}/" for service in services))

    def _direct(self) -> Http:
        """Return a client without any proxy: the metadata of this machine is no one else's."""
        if isinstance(self.http, PlainClient):
            return self.http
        if self._metadata_http is None:
            self._metadata_http = self._plain(ssl_context(TlsSettings()))
        return self._metadata_http

    def beside(self, tls: TlsSettings, context: ssl.SSLContext | None = None) -> "Connector":
        """Return a connector to a service that the source needs beside its own API.

        It shares no connection, no limit and no credentials with this one. Without a context,
        made of `tls`, its files are read at once. Raises ConfigError when they cannot be used.
        """
        settings = SourceSettings(
            name=self._settings.name,
            platform=self._settings.platform,
            timeout=self._settings.timeout,
            proxy_url=self._settings.proxy_url,
            tls=tls,
        )
        return Connector(
            settings,
            runtime=self.runtime,
            telemetry=self._telemetry,
            guards=self.guards,
            context=context,
            budget=self.limits.budget,
        )

    def _open(self) -> Http:
        loopback = self._settings.loopback_of_others
        rules = None if loopback is None else AddressRules(allow_loopback=loopback)
        http = self._unchecked(rules)
        return http if rules is None else CheckedHttp(rules, http)

    def _unchecked(self, rules: AddressRules | None) -> Http:
        if self.runtime.transport is not None:
            return PlainClient(self.runtime.transport())
        context = self._context or ssl_context(self._settings.tls)
        resume_sessions(context)
        return self._over(context, self._settings.proxy_url, rules)

    def _over(
        self, context: ssl.SSLContext, proxy_url: str | None, rules: AddressRules | None = None
    ) -> Http:
        if proxy_url is None and (rules or not _environment_names_a_proxy()):
            # What others name is not left to the proxies of the environment, which resolve names by
            # themselves: none of the rules would hold for what they connect to.
            return self._plain(context, rules)
        return self._proxied(context, proxy_url)

    def _plain(self, context: ssl.SSLContext, rules: AddressRules | None = None) -> PlainClient:
        connections = self._settings.concurrency + _LOGINS
        return PlainClient(AiohttpTransport(context=context, connections=connections, rules=rules))

    def _proxied(self, context: ssl.SSLContext, proxy_url: str | None) -> httpx.AsyncClient:
        """Return httpx's own client, which knows what the environment's NO_PROXY means."""
        connections = self._settings.concurrency + _LOGINS
        try:
            return httpx.AsyncClient(
                verify=context,
                proxy=proxy_url,
                timeout=httpx.Timeout(self._settings.timeout),
                # A jar that takes no cookie from anyone.
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
                limits=httpx.Limits(
                    max_connections=connections,
                    max_keepalive_connections=connections,
                    keepalive_expiry=KEPT_OPEN_SECONDS,
                ),
            )
        except (ImportError, ValueError, httpx.InvalidURL):
            # The environment's HTTPS_PROXY and its like count too; a cause would quote them.
            problem = ConfigProblem("proxy_url", "this proxy, or the environment's, cannot be used")
            raise ConfigError((problem,)) from None


def _environment_names_a_proxy() -> bool:
    return not getproxies().keys().isdisjoint(("http", "https", "all"))


def ssl_context(tls: TlsSettings) -> ssl.SSLContext:
    """Build the TLS context a source asks for: verified, TLS 1.2 or newer.

    Raises ConfigError when a file holds no certificate or key.
    """
    place = "tls.ca_file"
    try:
        if tls.ca_file is not None:
            with in_memory(read(tls.ca_file, MOST_PEM), tls.ca_file) as authorities:
                context = ssl.create_default_context(cafile=authorities)
        else:
            context = httpx.create_ssl_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        place = "tls.cert_file"
        if tls.cert_file is not None and tls.key_file is not None:
            with (
                in_memory(read(tls.cert_file, MOST_PEM), tls.cert_file) as certificate,
                in_memory(read(tls.key_file, MOST_PEM), tls.key_file) as key,
            ):
                # Without an empty password OpenSSL asks the terminal for that of an encrypted key.
                context.load_cert_chain(certificate, key, password="")
    except OSError as exc:
        # ssl.SSLError is an OSError; its text names library functions, not what to do.
        reason = "not a usable PEM file" if isinstance(exc, ssl.SSLError) else exc.strerror
        raise ConfigError((ConfigProblem(place, str(reason)),)) from None
    if tls.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
