"""Connections are opened as the settings of a source say, and checked unless told otherwise."""

import asyncio
import contextlib
import gzip
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from exporter import __version__
from exporter.auth.guard import GuardBook
from exporter.connector import Connector, ssl_context
from exporter.errors import ConfigError, FetchError, Reason
from exporter.refusals.plain import read_refusal
from exporter.source import SourceSettings, TlsSettings
from exporter.telemetry import Telemetry
from exporter.transport import PlainClient
from exporter.world import World
from tests.virtual_time import run, virtual_world

HIDDEN = "hunter2-never-shown"


@dataclass(frozen=True)
class Papers:
    """Certificates and keys of a small authority that exists for these tests only."""

    folder: Path

    def __getattr__(self, name: str) -> Path:
        """Return the PEM file of that name: `ca`, `server_key`, ..."""
        return self.folder / f"{name}.pem"


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=60)


def _certify(folder: Path, name: str, alternative_names: str) -> None:
    """Make a key and have the authority sign a certificate for it."""
    (folder / "names").write_text(f"subjectAltName={alternative_names}\n")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc")
    request = ("-keyout", f"{name}_key.pem", "-out", "request.pem", "-subj", f"/CN={name}")
    _openssl(folder, "req", "-new", *key, *request)
    authority = ("-CA", "ca.pem", "-CAkey", "ca_key.pem", "-CAcreateserial", "-days", "2")
    signed = ("-in", "request.pem", "-out", f"{name}.pem", "-extfile", "names")
    _openssl(folder, "x509", "-req", *authority, *signed)


@pytest.fixture(scope="session")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    """Make an authority, a server it vouches for, one of another name, and a client."""
    folder = tmp_path_factory.mktemp("tls")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc")
    for name in ("ca", "other_ca"):
        made = ("-keyout", f"{name}_key.pem", "-out", f"{name}.pem", "-subj", f"/CN={name}")
        _openssl(folder, "req", "-x509", "-new", *key, *made, "-days", "2")
    _certify(folder, "server", "IP:127.0.0.1,DNS:localhost")
    _certify(folder, "stranger", "DNS:elsewhere.example")
    _certify(folder, "client", "DNS:client.example")
    locked = ("-in", "client_key.pem", "-out", "locked_key.pem", "-aes256")
    _openssl(folder, "ec", *locked, "-passout", f"pass:{HIDDEN}")
    (folder / "junk.pem").write_text("this is no certificate\n")
    (folder / "empty.pem").write_text("")
    return Papers(folder)


def _settings(**values: Any) -> SourceSettings:
    return SourceSettings.model_validate({"name": "s", "platform": "p", "timeout": 5, **values})


def _tls(**values: Any) -> TlsSettings:
    return TlsSettings.model_validate(values)


def _connector(world: World, **values: Any) -> tuple[Connector, Telemetry]:
    telemetry = Telemetry()
    guards = GuardBook(clock=world.monotonic)
    settings = _settings(**values)
    return Connector(settings, world=world, telemetry=telemetry, guards=guards), telemetry


def _counted(telemetry: Telemetry) -> dict[tuple[str, str], float]:
    return {
        (sample.labels["operation"], sample.labels["code"]): sample.value
        for family in telemetry.registry.collect()
        for sample in family.samples
        if sample.name == "streaming_exporter_api_requests_total"
    }


# The context.


def test_context_verifies_certificate_and_name_unless_told_otherwise() -> None:
    context = ssl_context(TlsSettings())
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname is True


@pytest.mark.parametrize("skip", [False, True])
def test_context_speaks_no_protocol_older_than_tls_1_2(skip: bool) -> None:
    context = ssl_context(_tls(insecure_skip_verify=skip))
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_context_trusts_the_given_authority_alone(papers: Papers) -> None:
    context = ssl_context(_tls(ca_file=papers.ca))
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname is True
    (authority,) = context.get_ca_certs()
    assert authority["subject"] == ((("commonName", "ca"),),)


def test_context_checks_nothing_when_told_so(papers: Papers) -> None:
    for tls in (
        _tls(insecure_skip_verify=True),
        _tls(insecure_skip_verify=True, ca_file=papers.ca),
    ):
        context = ssl_context(tls)
        assert context.verify_mode is ssl.CERT_NONE
        assert context.check_hostname is False


@pytest.mark.parametrize(
    ("files", "place"),
    [
        ({"ca_file": "junk"}, "tls.ca_file"),
        ({"ca_file": "empty"}, "tls.ca_file"),
        ({"ca_file": "client_key"}, "tls.ca_file"),
        ({"cert_file": "junk", "key_file": "client_key"}, "tls.cert_file"),
        ({"cert_file": "client", "key_file": "junk"}, "tls.cert_file"),
        ({"cert_file": "client", "key_file": "server_key"}, "tls.cert_file"),
        ({"cert_file": "client", "key_file": "locked_key"}, "tls.cert_file"),
    ],
)
def test_file_without_what_it_should_hold_is_a_config_error(
    papers: Papers, files: dict[str, str], place: str
) -> None:
    tls = _tls(**{key: papers.folder / f"{name}.pem" for key, name in files.items()})
    with pytest.raises(ConfigError) as caught:
        ssl_context(tls)
    assert str(caught.value) == f"{place}: not a usable PEM file"


def test_file_that_vanished_since_it_was_checked_is_a_config_error(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("x")
    tls = _tls(ca_file=path)
    path.unlink()
    with pytest.raises(ConfigError, match=r"^tls\.ca_file: No such file or directory$"):
        ssl_context(tls)


def test_connector_cannot_be_made_with_a_bad_file(papers: Papers) -> None:
    with pytest.raises(ConfigError, match=r"^tls\.ca_file: not a usable PEM file$"):
        _connector(World(), tls={"ca_file": papers.junk})


# Real connections.


@dataclass
class Peer:
    """A small HTTP server on this machine that remembers what it was asked."""

    port: int = 0
    lines: list[str] = field(default_factory=list)
    heads: list[Mapping[str, str]] = field(default_factory=list)


@contextlib.asynccontextmanager
async def serving(context: ssl.SSLContext | None = None, headers: str = "") -> AsyncIterator[Peer]:
    """Serve `{}` to whoever asks, over TLS when there is a context."""
    peer = Peer()
    conversations = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        start = await reader.readexactly(1)
        if start == b"\x16":
            # A TLS handshake: what comes back is the refusal of a plain web server.
            writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            return
        head = (start + await reader.readuntil(b"\r\n\r\n")).decode("ascii")
        first, *others = head.rstrip("\r\n").split("\r\n")
        peer.lines.append(first)
        peer.heads.append({k.lower(): v for k, v in (each.split(": ", 1) for each in others)})
        answer = f"HTTP/1.1 200 OK\r\n{headers}Content-Length: 2\r\nConnection: close\r\n\r\n{{}}"
        writer.write(answer.encode())
        await writer.drain()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversations.add(asyncio.current_task())
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await converse(reader, writer)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    peer.port = server.sockets[0].getsockname()[1]
    async with server:
        yield peer
    await asyncio.gather(*(each for each in conversations if each is not None))


def _server_context(papers: Papers, name: str = "server") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(papers.folder / f"{name}.pem", papers.folder / f"{name}_key.pem")
    return context


async def _ask(url: str, **values: Any) -> Any:
    """Ask a server once, with retries that do not wait; return its answer or the FetchError."""

    async def at_once(_: float) -> None:
        return

    connector, _ = _connector(replace(World(), sleep=at_once, random=Random(1)), **values)
    try:
        return await connector.api(url, read_refusal=read_refusal).get_json("Op", ("path",))
    except FetchError as exc:
        return exc
    finally:
        await connector.aclose()


def _ask_over_tls(papers: Papers, server: str, tls: Mapping[str, Any], host: str) -> Any:
    async def scenario() -> Any:
        async with serving(_server_context(papers, server)) as peer:
            return await _ask(f"https://{host}:{peer.port}", tls=tls)

    return asyncio.run(scenario())


def test_certificate_of_an_unknown_authority_is_not_accepted(papers: Papers) -> None:
    error = _ask_over_tls(papers, "server", {}, "localhost")
    assert error.reason is Reason.TLS
    assert not error.retryable
    assert error.detail.startswith("certificate not accepted: ")
    assert "issuer certificate" in error.detail


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_certificate_of_the_given_authority_is_accepted(papers: Papers, host: str) -> None:
    assert _ask_over_tls(papers, "server", {"ca_file": papers.ca}, host) == {}


def test_certificate_is_not_accepted_when_another_authority_is_given(papers: Papers) -> None:
    error = _ask_over_tls(papers, "server", {"ca_file": papers.other_ca}, "localhost")
    assert error.reason is Reason.TLS


def test_certificate_of_another_host_is_not_accepted(papers: Papers) -> None:
    error = _ask_over_tls(papers, "stranger", {"ca_file": papers.ca}, "localhost")
    assert error.reason is Reason.TLS
    assert "ostname mismatch" in error.detail


@pytest.mark.parametrize("server", ["server", "stranger"])
def test_any_certificate_is_accepted_when_told_so(papers: Papers, server: str) -> None:
    assert _ask_over_tls(papers, server, {"insecure_skip_verify": True}, "localhost") == {}


def test_server_that_speaks_no_tls_is_a_tls_failure() -> None:
    async def scenario() -> Any:
        async with serving() as peer:
            return await _ask(f"https://127.0.0.1:{peer.port}")

    error = asyncio.run(scenario())
    assert (error.reason, error.retryable) == (Reason.TLS, False)


def test_client_certificate_is_shown_to_a_server_that_asks_for_it(papers: Papers) -> None:
    async def scenario(**tls: Path) -> Any:
        context = _server_context(papers)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(papers.ca)
        async with serving(context) as peer:
            tls["ca_file"] = papers.ca
            return await _ask(f"https://localhost:{peer.port}", tls=tls)

    assert asyncio.run(scenario(cert_file=papers.client, key_file=papers.client_key)) == {}
    assert isinstance(asyncio.run(scenario()), FetchError)


def _unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_refused_connection_is_told_without_the_address() -> None:
    port = _unused_port()
    error = asyncio.run(_ask(f"http://127.0.0.1:{port}"))
    assert str(error) == "Op failed: connection, Connection refused"


def test_port_that_cannot_be_is_a_connection_failure() -> None:
    error = asyncio.run(_ask("http://127.0.0.1:99999"))
    assert error.reason is Reason.CONNECTION


def test_requests_say_who_asks() -> None:
    async def scenario() -> Peer:
        async with serving() as peer:
            await _ask(f"http://127.0.0.1:{peer.port}")
        return peer

    (head,) = asyncio.run(scenario()).heads
    assert head["user-agent"] == f"streaming-job-exporter/{__version__}"
    assert head["accept"] == "application/json"


def test_requests_go_through_the_proxy_of_the_settings() -> None:
    async def scenario() -> Peer:
        async with serving() as peer:
            proxy = f"http://user:{HIDDEN}@127.0.0.1:{peer.port}"
            assert await _ask("http://api.example", proxy_url=proxy) == {}
        return peer

    peer = asyncio.run(scenario())
    assert peer.lines == ["GET http://api.example/path HTTP/1.1"]
    assert peer.heads[0]["proxy-authorization"].startswith("Basic ")


def test_requests_go_through_the_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario() -> Peer:
        async with serving() as peer:
            monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{peer.port}")
            assert await _ask("http://api.example") == {}
        return peer

    assert asyncio.run(scenario()).lines == ["GET http://api.example/path HTTP/1.1"]


def test_host_that_the_environment_exempts_is_asked_without_the_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario() -> Peer:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{_unused_port()}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        async with serving() as peer:
            assert await _ask(f"http://127.0.0.1:{peer.port}") == {}
        return peer

    assert asyncio.run(scenario()).lines == ["GET /path HTTP/1.1"]


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("NO_PROXY", "*", PlainClient),
        ("FTP_PROXY", "http://127.0.0.1:1", PlainClient),
        ("ALL_PROXY", "http://127.0.0.1:1", httpx.AsyncClient),
        ("https_proxy", "http://127.0.0.1:1", httpx.AsyncClient),
    ],
)
def test_connections_are_aiohttps_unless_the_environment_names_a_proxy(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, expected: type[Any]
) -> None:
    monkeypatch.setenv(variable, value)

    async def scenario() -> type[Any]:
        connector, _ = _connector(World())
        await connector.aclose()
        return type(connector.http)

    assert asyncio.run(scenario()) is expected


@pytest.mark.parametrize("proxied", [False, True])
def test_cookies_are_not_kept(proxied: bool) -> None:
    async def scenario() -> Peer:
        async with serving(headers="Set-Cookie: session=1; Path=/\r\n") as peer:
            url = f"http://127.0.0.1:{peer.port}"
            connector, _ = _connector(World(), **({"proxy_url": url} if proxied else {}))
            api = connector.api(url, read_refusal=read_refusal)
            for _ in range(2):
                await api.get("Op", ("path",))
            await connector.aclose()
        return peer

    heads = asyncio.run(scenario()).heads
    assert len(heads) == 2
    assert not any("cookie" in head for head in heads)


def test_metadata_service_is_asked_without_any_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> tuple[Peer, int]:
        async with serving() as service:
            monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{_unused_port()}")
            url = f"http://127.0.0.1:{service.port}"
            connector, _ = _connector(World(huawei_metadata=url))
            for _ in range(2):
                answer = await connector.send(httpx.Request("GET", f"{url}/latest"), "metadata")
            with pytest.raises(FetchError):
                await connector.send(httpx.Request("GET", f"{url}0/latest"), "metadata")
            await connector.aclose()
        return service, answer.status_code

    service, status = asyncio.run(scenario())
    assert status == 200
    assert service.lines == ["GET /latest HTTP/1.1"] * 2
    assert service.heads[0]["user-agent"] == f"streaming-job-exporter/{__version__}"


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", f"http://user:{HIDDEN}@[::1", "ftp://x"])
def test_proxy_of_the_environment_that_cannot_be_used_is_a_config_error(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(ConfigError) as caught:
        _connector(World())
    assert str(caught.value) == "proxy_url: this proxy, or the environment's, cannot be used"
    assert caught.value.__cause__ is None


# What clients share, and the way for logins.


class Counting:
    """Answer every request, and remember when each came."""

    def __init__(self, answer: httpx.Response | None = None) -> None:
        self.requests: list[httpx.Request] = []
        self.times: list[float] = []
        self._answer = answer

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.times.append(asyncio.get_running_loop().time())
        await asyncio.sleep(1.0)
        return self._answer or httpx.Response(200, content=b"{}")


def test_clients_of_a_source_share_its_rate_and_its_slots() -> None:
    async def scenario(**limits: Any) -> list[float]:
        service = Counting()
        world = virtual_world(httpx.MockTransport(service))
        connector, _ = _connector(world, **limits)
        one = connector.api("https://one.example", read_refusal=read_refusal)
        two = connector.api("https://two.example", read_refusal=read_refusal)
        await asyncio.gather(*(api.get("Op", ("x",)) for api in (one, two) * 2))
        return service.times

    assert run(scenario(rate_limit=1, concurrency=9)) == pytest.approx([0, 1, 2, 3])
    assert run(scenario(rate_limit=99, concurrency=1)) == pytest.approx([0, 1, 2, 3])
    assert run(scenario(rate_limit=99, concurrency=2)) == pytest.approx([0, 0, 1, 1])


def test_client_sends_the_headers_it_was_made_with() -> None:
    async def scenario() -> httpx.Request:
        service = Counting()
        connector, _ = _connector(virtual_world(httpx.MockTransport(service)))
        api = connector.api(
            "https://api.example/base/", read_refusal=read_refusal, headers={"workspace": "w"}
        )
        await api.get("Op", ("x",))
        return service.requests[0]

    request = run(scenario())
    assert str(request.url) == "https://api.example/base/x"
    assert request.headers["workspace"] == "w"


def test_login_is_counted_but_neither_paced_nor_repeated() -> None:
    async def scenario() -> tuple[list[float], dict[tuple[str, str], float], int]:
        service = Counting(httpx.Response(503))
        connector, telemetry = _connector(
            virtual_world(httpx.MockTransport(service)), rate_limit=0.001, concurrency=1
        )
        request = httpx.Request("POST", "https://iam.example/v3/auth/tokens", content=b"{}")
        answers = await asyncio.gather(*(connector.send(request, "Login") for _ in range(3)))
        await connector.aclose()
        return service.times, _counted(telemetry), answers[0].status_code

    times, counted, status = run(scenario())
    assert (times, counted, status) == ([0.0] * 3, {("Login", "503"): 3}, 503)


def test_login_that_has_no_answer_is_a_fetch_error() -> None:
    async def hang(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(3600)
        return httpx.Response(200)

    async def scenario() -> tuple[FetchError, float]:
        connector, _ = _connector(virtual_world(httpx.MockTransport(hang)))
        with pytest.raises(FetchError) as caught:
            await connector.send(httpx.Request("POST", "https://iam.example/"), "Login")
        return caught.value, asyncio.get_running_loop().time()

    error, now = run(scenario())
    assert (error.reason, error.operation) == (Reason.TIMEOUT, "Login")
    # Sooner than the request that waits for it: the failure is told as that of the login.
    assert now == pytest.approx(3.75)


def test_login_is_not_redirected() -> None:
    async def scenario() -> tuple[int, int]:
        service = Counting(httpx.Response(302, headers={"location": "https://evil.example/"}))
        connector, _ = _connector(virtual_world(httpx.MockTransport(service)))
        answer = await connector.send(httpx.Request("POST", "https://iam.example/"), "Login")
        return answer.status_code, len(service.requests)

    assert run(scenario()) == (302, 1)


def test_answer_of_a_login_is_ready_to_read_though_it_came_compressed() -> None:
    async def body() -> AsyncIterator[bytes]:
        yield gzip.compress(b'{"token": 1}')

    async def scenario() -> httpx.Response:
        headers = {"content-encoding": "gzip", "x-subject-token": "t", "content-type": "text/json"}
        service = Counting(httpx.Response(201, headers=headers, content=body()))
        connector, _ = _connector(virtual_world(httpx.MockTransport(service)))
        return await connector.send(httpx.Request("POST", "https://iam.example/"), "Login")

    answer = run(scenario())
    assert answer.json() == {"token": 1}
    assert answer.headers["x-subject-token"] == "t"
    assert "content-encoding" not in answer.headers
    assert str(answer.request.url) == "https://iam.example/"


def test_metadata_is_asked_through_the_transport_of_a_simulated_world() -> None:
    async def scenario() -> int:
        service = Counting()
        world = virtual_world(httpx.MockTransport(service))
        connector, _ = _connector(world)
        await connector.send(httpx.Request("GET", f"{world.alibaba_metadata}/latest"), "metadata")
        return len(service.requests)

    assert run(scenario()) == 1


def test_nothing_can_be_asked_once_the_connector_is_closed() -> None:
    async def scenario() -> list[httpx.Request]:
        service = Counting()
        connector, _ = _connector(virtual_world(httpx.MockTransport(service)))
        await connector.aclose()
        with pytest.raises(RuntimeError, match="closed"):
            await connector.send(httpx.Request("POST", "https://iam.example/"), "Login")
        return service.requests

    assert run(scenario()) == []
