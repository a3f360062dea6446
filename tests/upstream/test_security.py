"""What an upstream, a proxy or the environment cannot make the exporter do, on real sockets."""

import asyncio
import base64
import contextlib
import json
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from exporter.auth.guard import GuardBook
from exporter.auth.plain import BasicAuth
from exporter.configuration.config import parse
from exporter.errors import ConfigError, FetchError, Reason
from exporter.runtime import ALIBABA_METADATA, HUAWEI_METADATA, Runtime
from exporter.secret import TextSecret
from exporter.source import SourceSettings
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.connector import Connector
from exporter.upstream.refusals.plain import read_refusal
from tests.faults.authority import Authority, establish

HIDDEN = "hunter2-never-shown"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Make the certificates once."""
    return establish(tmp_path_factory.mktemp("authority"))


def _connector(runtime: Runtime | None = None, **values: Any) -> Connector:
    runtime = runtime or Runtime(random=Random(1))
    settings = SourceSettings.model_validate({"name": "s", "platform": "p", "timeout": 5, **values})
    return Connector(
        settings, runtime=runtime, telemetry=Telemetry(), guards=GuardBook(clock=runtime.monotonic)
    )


async def _ask(url: str, auth: httpx.Auth | None = None, **values: Any) -> Any:
    connector = _connector(**values)
    try:
        api = connector.api(url, read_refusal=read_refusal, auth=auth)
        return await api.get_json("Op", ("path",))
    finally:
        await connector.aclose()


Welcome = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def _listening(welcome: Welcome, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Listen while the context is entered, and leave no connection behind."""
    tasks: set[asyncio.Task[None]] = set()
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        writers.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            await welcome(reader, writer)
        writer.close()
        tasks.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0)


# Protocols.


@contextlib.contextmanager
def _openssl_server(authority: Authority, *flags: str) -> Iterator[int]:
    """Run openssl's own server, which answers any request with a page."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    papers = ("-cert", "good.pem", "-key", "good_key.pem", "-cipher", "ALL:@SECLEVEL=0")
    with subprocess.Popen(
        ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-www", "-quiet", *papers, *flags],
        cwd=authority.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            for _ in range(200):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.02)
            yield port
        finally:
            process.kill()


def _spoken(authority: Authority, port: int) -> str:
    """Return what openssl's own client, told to take anything, agrees on with a server."""
    shown = subprocess.run(
        [
            *("openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", "ca.pem"),
            *("-min_protocol", "TLSv1", "-cipher", "ALL:@SECLEVEL=0"),
        ],
        cwd=authority.folder,
        input="",
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    ).stdout
    lines = (line.strip() for line in shown.splitlines())
    return next(line.partition(":")[2].strip() for line in lines if line.startswith("Protocol"))


@pytest.mark.parametrize(("flag", "name"), [("-tls1", "TLSv1"), ("-tls1_1", "TLSv1.1")])
@pytest.mark.parametrize("verified", [True, False])
def test_server_that_speaks_only_old_tls_is_refused_even_without_verification(
    authority: Authority, flag: str, name: str, verified: bool
) -> None:
    tls = {"ca_file": authority.ca_file} if verified else {"insecure_skip_verify": True}
    with _openssl_server(authority, flag) as port:
        assert _spoken(authority, port) == name
        with pytest.raises(FetchError) as caught:
            asyncio.run(_ask(f"https://127.0.0.1:{port}", tls=tls))
    assert caught.value.reason is Reason.TLS


@pytest.mark.parametrize("flag", ["-tls1_2", "-tls1_3"])
def test_server_that_speaks_new_tls_is_listened_to(authority: Authority, flag: str) -> None:
    with _openssl_server(authority, flag) as port, pytest.raises(FetchError) as caught:
        asyncio.run(_ask(f"https://127.0.0.1:{port}", tls={"ca_file": authority.ca_file}))
    # It answers with a page about the connection: TLS was well.
    assert caught.value.reason is Reason.INVALID_RESPONSE


# Redirects.


class Listener:
    """Answer every request with the same bytes, and remember what came."""

    def __init__(self, answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") -> None:
        self.heads: list[str] = []
        self.connections = 0
        self.port = 0
        self._answer = answer

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["Listener"]:
        """Listen while the context is entered."""
        async with _listening(self._welcome) as self.port:
            yield self

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while True:
            self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"))
            writer.write(self._answer)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("proxied", [False, True])
def test_redirect_takes_no_credentials_anywhere(status: int, proxied: bool) -> None:
    """Neither over our own connections nor over those of the library that speaks to proxies."""

    async def scenario() -> tuple[int, int, FetchError]:
        async with Listener().open() as thief:
            place = f"http://127.0.0.1:{thief.port}/stolen"
            head = f"HTTP/1.1 {status} Moved\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n"
            async with Listener(head.encode()).open() as service:
                values = {"proxy_url": f"http://127.0.0.1:{service.port}"} if proxied else {}
                url = "http://api.test" if proxied else f"http://127.0.0.1:{service.port}"
                auth = BasicAuth("user", TextSecret(HIDDEN))
                with pytest.raises(FetchError) as caught:
                    await _ask(url, auth=auth, **values)
                return thief.connections, len(service.heads), caught.value

    stolen, asked, error = asyncio.run(scenario())
    assert (stolen, asked, error.reason) == (0, 1, Reason.SERVER)
    assert HIDDEN not in str(error)


# Endpoints.

GOOD = (
    "https://dli.cn-north-4.myhuaweicloud.com",
    "https://10.1.2.3:8443/base",
    "https://[2001:db8::1]:443",
    "http://127.0.0.1:8081",
    "http://localhost:8081",
    "http://[::1]:8081",
)
BAD = (
    "dli.cn-north-4.myhuaweicloud.com",
    "ftp://dli.test",
    "file:///etc/passwd",
    "gopher://dli.test",
    "https://",
    "https:///path",
    "https://user:password@dli.test",
    "https://user@dli.test",
    "https://dli.test?x=1",
    "https://dli.test/#x",
    "https://dli.test\\@elsewhere.test",
    "https://dli.test:0",
    "https://dli.test:65536",
    "https://dli.test:port",
    "https://dli.test/a b",
    "https://dli.test/\x00",
    "https://dli.test/\r\nX: y",
    "https://dli\x7f.test",
    "https://dli.test/\u202e",
    "https://dli.test/\x1b[2J",
    "https://[::1",
)
_SOURCES = {
    "huawei_dli": "project_id: p, auth: {access_key: a, secret_key: b}",
    "alibaba_blink": "projects: [p], auth: {access_key_id: a, access_key_secret: b}",
    "apache_flink": "",
}


def _check(platform: str, endpoint: str) -> None:
    extra = f", {_SOURCES[platform]}" if _SOURCES[platform] else ""
    # JSON is YAML, and has a way to write every character.
    place = json.dumps(endpoint)
    text = f"sources:\n  - {{name: s, platform: {platform}, endpoint: {place}{extra}}}\n"
    parse(text, environ={}, directory=Path())


@pytest.mark.parametrize("platform", _SOURCES)
@pytest.mark.parametrize("endpoint", GOOD)
def test_endpoint_that_is_an_address_is_taken(platform: str, endpoint: str) -> None:
    _check(platform, endpoint)


@pytest.mark.parametrize("platform", _SOURCES)
@pytest.mark.parametrize("endpoint", BAD)
def test_endpoint_that_is_anything_else_is_refused(platform: str, endpoint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _check(platform, endpoint)
    assert [problem.path for problem in caught.value.problems] == ["sources[0].endpoint"]
    assert "password" not in str(caught.value)


@pytest.mark.parametrize("endpoint", BAD)
def test_address_of_the_login_is_held_to_the_same_rules(endpoint: str) -> None:
    iam = f"{{endpoint: {json.dumps(endpoint)}, username: u, password: p, domain: d}}"
    source = (
        f"name: s, platform: huawei_dli, region: cn-north-4, project_id: p, auth: {{iam: {iam}}}"
    )
    with pytest.raises(ConfigError) as caught:
        parse(f"sources:\n  - {{{source}}}\n", environ={}, directory=Path())
    assert [problem.path for problem in caught.value.problems] == ["sources[0].auth.iam.endpoint"]


# Proxies.


class Proxy:
    """A small CONNECT proxy that asks for a password and notes what goes through it."""

    def __init__(self, user: str = "proxy-user", password: str = HIDDEN) -> None:
        self.lines: list[str] = []
        self.port = 0
        self._wanted = base64.b64encode(f"{user}:{password}".encode()).decode()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["Proxy"]:
        """Serve while the context is entered."""
        async with _listening(self._welcome) as self.port:
            yield self

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *headers = head.splitlines()
        self.lines.append(line)
        if f"proxy-authorization: basic {self._wanted}".lower() not in [
            header.lower() for header in headers
        ]:
            writer.write(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n")
            return
        host, _, port = line.split(" ")[1].rpartition(":")
        assert host == "service.test"
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            await asyncio.gather(_pipe(reader, far_writer), _pipe(far_reader, writer))
        finally:
            far_writer.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


@contextlib.asynccontextmanager
async def _service(authority: Authority) -> AsyncIterator[tuple[int, list[str]]]:
    heads: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")

    async with _listening(answer, authority.context("good")) as port:
        yield port, heads


def test_request_goes_through_the_tunnel_of_the_proxy_and_its_secrets_stay_inside(
    authority: Authority,
) -> None:
    """The proxy sees where to; the name is checked against the certificate all the same."""

    async def scenario() -> tuple[list[str], int, list[str]]:
        async with _service(authority) as (port, heads), Proxy().open() as proxy:
            url = f"http://proxy-user:{HIDDEN}@127.0.0.1:{proxy.port}"
            auth = BasicAuth("user", TextSecret("secret-of-the-service"))
            tls = {"ca_file": authority.ca_file}
            place = f"https://service.test:{port}"
            assert await _ask(place, auth=auth, proxy_url=url, tls=tls) == {}
            return proxy.lines, port, heads

    lines, port, heads = asyncio.run(scenario())
    assert lines == [f"CONNECT service.test:{port} HTTP/1.1"]
    assert len(heads) == 1
    assert "proxy-authorization" not in heads[0].lower()
    assert "authorization: basic" in heads[0].lower()


def test_proxy_that_refuses_its_password_is_told_without_the_password(
    authority: Authority,
) -> None:
    async def scenario() -> FetchError:
        async with _service(authority) as (port, _), Proxy(password="another").open() as proxy:
            url = f"http://proxy-user:{HIDDEN}@127.0.0.1:{proxy.port}"
            with pytest.raises(FetchError) as caught:
                await _ask(f"https://service.test:{port}", proxy_url=url)
            return caught.value

    error = asyncio.run(scenario())
    assert error.reason is Reason.CONNECTION
    shown: BaseException | None = error
    while shown is not None:
        assert HIDDEN not in f"{shown!r} {shown}"
        shown = shown.__cause__ or shown.__context__


def test_settings_do_not_show_the_password_of_the_proxy() -> None:
    settings = SourceSettings.model_validate(
        {"name": "s", "platform": "p", "proxy_url": f"http://u:{HIDDEN}@proxy.test:3128"}
    )
    assert HIDDEN not in repr(settings)


@pytest.mark.parametrize("exempt", ["127.0.0.1", "localhost,127.0.0.1", "*"])
def test_host_that_no_proxy_names_is_asked_directly(
    monkeypatch: pytest.MonkeyPatch, exempt: str
) -> None:
    async def scenario() -> tuple[int, int]:
        async with Listener().open() as service, Listener().open() as proxy:
            monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
            monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
            monkeypatch.setenv("NO_PROXY", exempt)
            assert await _ask(f"http://127.0.0.1:{service.port}") == {}
            return len(service.heads), proxy.connections

    assert asyncio.run(scenario()) == (1, 0)


# Instance metadata.


def test_metadata_services_are_at_their_documented_addresses() -> None:
    assert HUAWEI_METADATA == Runtime().huawei_metadata == "http://169.254.169.254"
    assert ALIBABA_METADATA == Runtime().alibaba_metadata == "http://100.100.100.200"


@pytest.mark.parametrize("way", ["environment", "setting"])
def test_metadata_is_asked_directly_whoever_names_a_proxy(
    monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Keys of the instance must pass through nobody, and a proxy's own must not be taken for it."""

    async def scenario() -> tuple[int, int]:
        async with Listener().open() as service, Listener().open() as proxy:
            url = f"http://127.0.0.1:{proxy.port}"
            values = {"proxy_url": url} if way == "setting" else {}
            if way == "environment":
                for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
                    monkeypatch.setenv(name, url)
            metadata = f"http://127.0.0.1:{service.port}"
            connector = _connector(Runtime(alibaba_metadata=metadata), **values)
            await connector.send(httpx.Request("GET", f"{metadata}/latest"), "metadata")
            await connector.aclose()
            return len(service.heads), proxy.connections

    assert asyncio.run(scenario()) == (1, 0)


@pytest.mark.parametrize("status", [301, 302, 307])
def test_metadata_that_points_elsewhere_is_not_followed(status: int) -> None:
    async def scenario() -> tuple[int, int]:
        async with Listener().open() as thief:
            place = f"http://127.0.0.1:{thief.port}/keys"
            head = f"HTTP/1.1 {status} Moved\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n"
            async with Listener(head.encode()).open() as service:
                metadata = f"http://127.0.0.1:{service.port}"
                connector = _connector(Runtime(huawei_metadata=metadata))
                request = httpx.Request("GET", f"{metadata}/openstack/latest/securitykey")
                answer = await connector.send(request, "metadata")
                await connector.aclose()
            return answer.status_code, thief.connections

    assert asyncio.run(scenario()) == (status, 0)
