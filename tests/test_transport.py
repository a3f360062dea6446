"""aiohttp carries requests as they are, and nothing of it but connections is seen outside."""

import asyncio
import contextlib
import gc
import gzip
import socket
import ssl
import subprocess
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
from aiohttp import http_exceptions
from aiohttp.client_reqrep import ConnectionKey, RequestInfo
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from exporter.auth import canonical
from exporter.client import reason_of
from exporter.errors import Reason
from exporter.transport import (
    FOREIGN,
    AiohttpTransport,
    PlainClient,
    _origin,
    _translated,
    resume_sessions,
)

HIDDEN = "hunter2-never-shown"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Peer:
    """A bare server that remembers heads and bodies as they came, and counts connections."""

    answer: bytes | Script = OK
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    resumed: list[bool] = field(default_factory=list)
    port: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    idle: asyncio.Event = field(default_factory=asyncio.Event)

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        tls = writer.get_extra_info("ssl_object")
        if tls is not None:
            self.resumed.append(tls.session_reused)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = [h for h in head.lower().split(b"\r\n") if h.startswith(b"content-length")]
                body = await reader.readexactly(int(length[0].split(b":")[1]) if length else 0)
                self.requests.append(head + body)
                self.asked.set()
                if isinstance(self.answer, bytes):
                    writer.write(self.answer)
                    await writer.drain()
                else:
                    await self.answer(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open -= 1
            if not self.open:
                self.idle.set()
            if writer.can_write_eof() and not writer.is_closing():
                writer.write_eof()
            writer.close()


@contextlib.asynccontextmanager
async def serving(
    answer: bytes | Script = OK, context: ssl.SSLContext | None = None
) -> AsyncIterator[Peer]:
    peer = Peer(answer)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        await peer.converse(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    peer.port = server.sockets[0].getsockname()[1]
    async with server:
        yield peer
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks)


def _transport(context: ssl.SSLContext | None = None, **changes: Any) -> AiohttpTransport:
    values = {"connections": 8, **changes}
    return AiohttpTransport(context=context or ssl.create_default_context(), **values)


@contextlib.asynccontextmanager
async def client(context: ssl.SSLContext | None = None, **changes: Any) -> AsyncIterator["Asking"]:
    plain = PlainClient(_transport(context, **changes))
    try:
        yield Asking(plain)
    finally:
        await plain.aclose()


@dataclass
class Asking:
    client: PlainClient

    async def ask(self, url: str, method: str = "GET", **values: Any) -> httpx.Response:
        auth = values.pop("auth", None)
        request = httpx.Request(method, url, **values)
        answer = await self.client.send(request, auth=auth, follow_redirects=False, stream=True)
        try:
            await answer.aread()
        finally:
            await answer.aclose()
        return answer


# What is on the wire.


@pytest.mark.parametrize(
    "target",
    [
        "/",
        canonical.path("jobs", "订单 实时/~*+%&=?#;:@!$'()[]{}|\\^`\"<>,"),
        "/a%2Fb%2a%2A/%7E?b=%20&a=%2B&a=1",
        "/v1//double/?x",
    ],
)
def test_target_is_sent_byte_by_byte(target: str) -> None:
    async def scenario() -> Peer:
        async with serving() as peer, client() as asking:
            await asking.ask(f"http://127.0.0.1:{peer.port}{target}")
        return peer

    (request,) = asyncio.run(scenario()).requests
    assert request.split(b"\r\n")[0] == f"GET {target} HTTP/1.1".encode()


def test_headers_are_sent_in_order_as_they_are_written_and_none_is_added() -> None:
    async def scenario() -> tuple[int, list[bytes]]:
        async with serving() as peer, client() as asking:
            headers = [("x-B", "2"), ("X-a", "1"), ("X-Sdk-Date", "20240101T000000Z"), ("x-B", "3")]
            await asking.ask(f"http://127.0.0.1:{peer.port}/", headers=headers)
        return peer.port, peer.requests

    port, (request,) = asyncio.run(scenario())
    assert request.decode().split("\r\n")[1:] == [
        f"Host: 127.0.0.1:{port}",
        *("x-B: 2", "X-a: 1", "X-Sdk-Date: 20240101T000000Z", "x-B: 3"),
        *("", ""),
    ]


def test_body_is_sent_with_its_length_and_without_a_type_of_aiohttps_choice() -> None:
    async def scenario() -> Peer:
        async with serving() as peer, client() as asking:
            await asking.ask(f"http://127.0.0.1:{peer.port}/", "POST", content='{"名": 1}'.encode())
            await asking.ask(f"http://127.0.0.1:{peer.port}/", "POST", content=b"")
        return peer

    full, empty = asyncio.run(scenario()).requests
    assert full.endswith('\r\n\r\n{"名": 1}'.encode())
    assert b"content-type" not in full.lower()
    assert b"content-length: 0\r\n" in empty.lower()


def test_host_header_is_the_one_that_was_signed() -> None:
    async def scenario() -> Peer:
        async with serving() as peer, client() as asking:
            url = f"http://127.0.0.1:{peer.port}/"
            await asking.ask(url, headers={"Host": "dli.example"})
        return peer

    (request,) = asyncio.run(scenario()).requests
    assert request.lower().count(b"host:") == 1
    assert b"\r\nHost: dli.example\r\n" in request


# What comes back.


def test_answer_has_its_status_headers_and_body() -> None:
    answer = (
        b"HTTP/1.1 404 Gone Away\r\nX-Request-Id: r\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
        b"Content-Length: 4\r\n\r\nnone"
    )

    async def scenario() -> httpx.Response:
        async with serving(answer) as peer, client() as asking:
            return await asking.ask(f"http://127.0.0.1:{peer.port}/")

    response = asyncio.run(scenario())
    assert (response.status_code, response.text) == (404, "none")
    assert response.headers["x-request-id"] == "r"
    assert response.headers.get_list("set-cookie") == ["a=1", "b=2"]


def test_cookies_are_not_sent_back() -> None:
    answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nContent-Length: 0\r\n\r\n"

    async def scenario() -> Peer:
        async with serving(answer) as peer, client() as asking:
            for _ in range(2):
                await asking.ask(f"http://127.0.0.1:{peer.port}/")
        return peer

    assert not any(b"cookie" in request.lower() for request in asyncio.run(scenario()).requests)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_an_answer_and_is_not_followed(status: int) -> None:
    answer = f"HTTP/1.1 {status} Go\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"

    async def scenario() -> tuple[int, int]:
        async with serving(answer.encode()) as peer, client() as asking:
            response = await asking.ask(f"http://127.0.0.1:{peer.port}/")
        return response.status_code, len(peer.requests)

    assert asyncio.run(scenario()) == (status, 1)


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)]
)
def test_body_is_decompressed_once(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    # Once each: gzip writes the time into what it packs.
    once = pack(b"text")
    packed = pack(once)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(packed)}\r\n"

    async def scenario() -> httpx.Response:
        async with serving(head.encode() + b"\r\n" + packed) as peer, client() as asking:
            return await asking.ask(f"http://127.0.0.1:{peer.port}/")

    assert asyncio.run(scenario()).content == once


def test_large_body_comes_in_pieces_of_bounded_size() -> None:
    size = 3_000_000
    answer = f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode() + b"x" * size

    async def scenario() -> list[int]:
        async with serving(answer) as peer, client() as asking:
            request = httpx.Request("GET", f"http://127.0.0.1:{peer.port}/")
            response = await asking.client.send(
                request, auth=None, follow_redirects=False, stream=True
            )
            sizes = [len(piece) async for piece in response.aiter_raw()]
            await response.aclose()
            return sizes

    sizes = asyncio.run(scenario())
    assert sum(sizes) == size
    assert max(sizes) <= 65536


def test_answer_in_chunks_without_a_length_is_read_to_its_end() -> None:
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n1\r\n \r\n0\r\n\r\n"

    async def scenario() -> tuple[bytes, int]:
        async with serving(answer) as peer, client() as asking:
            first = await asking.ask(f"http://127.0.0.1:{peer.port}/")
            await asking.ask(f"http://127.0.0.1:{peer.port}/")
            return first.content, peer.connections

    assert asyncio.run(scenario()) == (b"{} ", 1)


# Connections.


def test_connection_is_used_again() -> None:
    async def scenario() -> Peer:
        async with serving() as peer, client() as asking:
            for _ in range(5):
                await asking.ask(f"http://127.0.0.1:{peer.port}/")
        return peer

    peer = asyncio.run(scenario())
    assert (len(peer.requests), peer.connections) == (5, 1)


def test_no_more_connections_are_open_to_a_host_than_allowed() -> None:
    async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.01)
        writer.write(OK)

    async def scenario() -> tuple[Peer, Peer]:
        async with serving(slowly) as one, serving(slowly) as two, client(connections=3) as asking:
            urls = [f"http://127.0.0.1:{peer.port}/" for peer in (one, two) for _ in range(12)]
            await asyncio.gather(*(asking.ask(url) for url in urls))
        return one, two

    for peer in asyncio.run(scenario()):
        assert (len(peer.requests), peer.connections) == (12, 3)


def test_answer_that_is_not_read_to_its_end_costs_its_connection_and_no_other() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nx"

    async def scenario() -> tuple[int, int]:
        async with serving(answer) as peer, client(connections=1) as asking:
            for _ in range(2):
                request = httpx.Request("GET", f"http://127.0.0.1:{peer.port}/")
                response = await asking.client.send(
                    request, auth=None, follow_redirects=False, stream=True
                )
                await response.aclose()
            return peer.connections, len(peer.requests)

    assert asyncio.run(scenario()) == (2, 2)


def test_cancelled_request_gives_its_place_back() -> None:
    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3600)

    async def scenario() -> bytes:
        async with serving(never) as silent, serving() as peer, client(connections=1) as asking:
            for _ in range(3):
                task = asyncio.create_task(asking.ask(f"http://127.0.0.1:{silent.port}/"))
                await silent.asked.wait()
                silent.asked.clear()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            return (await asking.ask(f"http://127.0.0.1:{peer.port}/")).content

    assert asyncio.run(scenario()) == b"{}"


def test_connection_that_the_server_has_closed_is_replaced() -> None:
    answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

    async def scenario() -> Peer:
        async with serving(answer) as peer, client() as asking:
            for _ in range(3):
                await asking.ask(f"http://127.0.0.1:{peer.port}/")
        return peer

    assert asyncio.run(scenario()).connections == 3


def test_names_are_looked_up_once_for_many_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up = []
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, *arguments: Any, **values: Any) -> Any:
        looked_up.append(host)
        return real("127.0.0.1" if host == "dli.example" else host, *arguments, **values)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

    async def scenario() -> int:
        async with serving(answer) as peer, client() as asking:
            for _ in range(4):
                await asking.ask(f"http://dli.example:{peer.port}/")
            return peer.connections

    assert asyncio.run(scenario()) == 4
    assert looked_up.count("dli.example") == 1


def test_nothing_is_left_open_after_closing() -> None:
    async def scenario() -> PlainClient:
        async with serving() as peer, client() as asking:
            await asyncio.gather(*(asking.ask(f"http://127.0.0.1:{peer.port}/") for _ in range(4)))
            await asking.client.aclose()
            await asking.client.aclose()
            await peer.idle.wait()
            with pytest.raises(RuntimeError, match="closed"):
                await asking.ask(f"http://127.0.0.1:{peer.port}/")
        return asking.client

    assert asyncio.run(scenario()).is_closed
    # What was not closed warns when it is collected, and warnings are errors.
    gc.collect()


# TLS.


def _certificate(folder: Path) -> Path:
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc")
    names = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    files = ("-keyout", "key.pem", "-out", "cert.pem", "-days", "2")
    command = ["openssl", "req", "-x509", "-new", *key, *names, *files]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)
    return folder / "cert.pem"


@pytest.fixture(name="certificate", scope="module")
def _certificate_fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _certificate(tmp_path_factory.mktemp("tls"))


def _server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    return context


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_session_is_resumed_by_the_next_connection(
    certificate: Path, version: ssl.TLSVersion
) -> None:
    async def scenario() -> list[bool]:
        context = ssl.create_default_context(cafile=certificate)
        context.maximum_version = version
        resume_sessions(context)
        answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
        server_context = _server_context(certificate)
        async with serving(answer, server_context) as peer, client(context) as asking:
            for host in ("localhost", "localhost", "127.0.0.1", "127.0.0.1", "localhost"):
                await asking.ask(f"https://{host}:{peer.port}/")
            return peer.resumed

    # A session belongs to the name that was checked when it began.
    assert asyncio.run(scenario()) == [False, True, False, True, True]


def test_certificate_that_is_not_trusted_is_a_tls_failure_with_its_own_words(
    certificate: Path,
) -> None:
    async def scenario() -> httpx.TransportError:
        server_context = _server_context(certificate)
        async with serving(OK, server_context) as peer, client() as asking:
            with pytest.raises(httpx.ConnectError) as caught:
                await asking.ask(f"https://localhost:{peer.port}/")
            return caught.value

    error = asyncio.run(scenario())
    assert reason_of(error) is Reason.TLS
    assert isinstance(error.__cause__, ssl.SSLCertVerificationError)
    assert error.__cause__.verify_message == "self-signed certificate"


def test_failure_of_tls_after_the_handshake_is_a_tls_failure(certificate: Path) -> None:
    """Since TLS 1.3 a client learns only from the first read that its certificate was missed."""

    server_context = _server_context(certificate)
    server_context.verify_mode = ssl.CERT_REQUIRED
    server_context.load_verify_locations(certificate)

    def refuse(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                plain, _ = listener.accept()
                with server_context.wrap_socket(
                    plain, server_side=True, do_handshake_on_connect=False
                ) as connection:
                    with pytest.raises(ssl.SSLError, match="did not return a certificate"):
                        connection.do_handshake()
                    # Closed at once, with the request unread, it would take the alert along.
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65536):
                        pass

    async def scenario() -> httpx.TransportError:
        context = ssl.create_default_context(cafile=certificate)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            refusing = asyncio.create_task(asyncio.to_thread(refuse, listener))
            async with client(context) as asking:
                with pytest.raises(httpx.TransportError) as caught:
                    await asking.ask(f"https://localhost:{listener.getsockname()[1]}/")
            listener.shutdown(socket.SHUT_RDWR)
            await refusing
        return caught.value

    assert reason_of(asyncio.run(scenario())) is Reason.TLS


# Time-outs, each of its phase.


def _times(**seconds: float) -> dict[str, Any]:
    phases: dict[str, float | None] = {"connect": None, "read": None, "write": None, "pool": None}
    return {"extensions": {"timeout": {**phases, **seconds}}}


def test_silent_server_is_a_read_timeout() -> None:
    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3600)

    async def scenario() -> None:
        async with serving(never) as peer, client() as asking:
            await asking.ask(f"http://127.0.0.1:{peer.port}/", **_times(read=0.01))

    with pytest.raises(httpx.ReadTimeout) as caught:
        asyncio.run(scenario())
    assert reason_of(caught.value) is Reason.TIMEOUT


def test_server_that_stops_in_the_middle_of_a_body_is_a_read_timeout() -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        await asyncio.sleep(3600)

    async def scenario() -> None:
        async with serving(half) as peer, client() as asking:
            await asking.ask(f"http://127.0.0.1:{peer.port}/", **_times(read=0.01))

    with pytest.raises(httpx.ReadTimeout):
        asyncio.run(scenario())


def test_handshake_that_does_not_end_is_a_connect_timeout() -> None:
    async def scenario() -> None:
        # Waits for the end of a line, which a handshake does not have.
        async with serving() as peer, client() as asking:
            await asking.ask(f"https://127.0.0.1:{peer.port}/", **_times(connect=0.01))

    with pytest.raises(httpx.ConnectTimeout) as caught:
        asyncio.run(scenario())
    assert reason_of(caught.value) is Reason.TIMEOUT


def test_wait_for_a_free_connection_has_an_end_too() -> None:
    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3600)

    async def scenario() -> None:
        async with serving(never) as peer, client(connections=1) as asking:
            url = f"http://127.0.0.1:{peer.port}/"
            first = asyncio.create_task(asking.ask(url))
            await peer.asked.wait()
            try:
                await asking.ask(url, **_times(connect=0.01, pool=0.01))
            finally:
                first.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await first

    with pytest.raises(httpx.ConnectTimeout):
        asyncio.run(scenario())


# Failures.


async def _hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    writer.close()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (_hang_up, httpx.RemoteProtocolError),
        (_break_off, httpx.RemoteProtocolError),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000, httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\njunk", None),
    ],
)
def test_broken_answer_is_an_exception_of_httpx(
    answer: bytes | Script, kind: type[Exception] | None
) -> None:
    async def scenario() -> None:
        async with serving(answer) as peer, client() as asking:
            await asking.ask(f"http://127.0.0.1:{peer.port}/")

    with pytest.raises(kind or httpx.DecodingError):
        asyncio.run(scenario())


def test_refused_connection_and_unknown_name_are_connect_errors() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    async def scenario(url: str) -> BaseException | None:
        async with client() as asking:
            with pytest.raises(httpx.ConnectError) as caught:
                await asking.ask(url)
            return caught.value.__cause__

    assert isinstance(asyncio.run(scenario(f"http://127.0.0.1:{port}/")), ConnectionRefusedError)
    assert isinstance(asyncio.run(scenario("http://nowhere.invalid/")), OSError)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "http://127.1/"])
def test_address_that_aiohttp_does_not_speak_to_is_unsupported(url: str) -> None:
    async def scenario() -> None:
        async with client() as asking:
            await asking.ask(url)

    with pytest.raises(httpx.TransportError) as caught:
        asyncio.run(scenario())
    assert reason_of(caught.value) is Reason.CONNECTION


def test_header_that_cannot_be_written_is_refused_without_quoting_it() -> None:
    async def scenario() -> httpx.TransportError:
        async with serving() as peer, client() as asking:
            headers = {"X-Auth-Token": f"{HIDDEN}\r\nX: y"}
            with pytest.raises(httpx.LocalProtocolError) as caught:
                await asking.ask(f"http://127.0.0.1:{peer.port}/", headers=headers)
            assert peer.requests == []
            return caught.value

    error = asyncio.run(scenario())
    assert HIDDEN not in str(error) + repr(error)


def _exceptions(module: Any) -> dict[str, type[Exception]]:
    return {
        name: kind
        for name, kind in vars(module).items()
        if isinstance(kind, type) and issubclass(kind, Exception)
    }


_NOT_OF_REQUESTS = {
    # Of WebSockets, of HTTP servers, of reading with aiohttp's own readers.
    *("WSMessageTypeError", "WebSocketError", "EofStream", "NotAppKeyWarning"),
    *("BadContentDispositionHeader", "BadContentDispositionParam"),
}
_EXCEPTIONS = {
    name: kind
    for name, kind in {**_exceptions(aiohttp), **_exceptions(http_exceptions)}.items()
    if name not in _NOT_OF_REQUESTS
}
_TIMEOUTS = {"ServerTimeoutError", "ConnectionTimeoutError", "SocketTimeoutError"}
_KEY = ConnectionKey("api.example", 443, True, True, None, None, None)
_INFO = RequestInfo(URL(f"https://x/{HIDDEN}"), "GET", CIMultiDictProxy(CIMultiDict()), URL("x"))


def _make(kind: type[Exception]) -> Exception:
    """Make an exception of aiohttp with whatever its kind needs."""
    if issubclass(kind, aiohttp.ClientConnectorCertificateError):
        return kind(_KEY, ssl.SSLCertVerificationError(1, HIDDEN))
    if issubclass(kind, aiohttp.ClientConnectorError):
        return kind(_KEY, OSError(1, HIDDEN))
    if issubclass(kind, aiohttp.ClientResponseError):
        return kind(_INFO, (), message=HIDDEN)
    if issubclass(kind, aiohttp.ServerFingerprintMismatch):
        return kind(b"", b"", "api.example", 443)
    if issubclass(kind, http_exceptions.LineTooLong):
        return kind(HIDDEN.encode(), 1)
    if kind is http_exceptions.HttpProcessingError:
        return http_exceptions.HttpProcessingError(message=HIDDEN)
    return kind(HIDDEN)


def test_list_of_exceptions_is_not_empty() -> None:
    assert len(_EXCEPTIONS) >= 25
    assert {*_TIMEOUTS, "ClientPayloadError", "BadStatusLine"} <= set(_EXCEPTIONS)


@pytest.mark.parametrize("name", _EXCEPTIONS)
def test_every_exception_of_aiohttp_becomes_one_of_httpx(name: str) -> None:
    exc = _make(_EXCEPTIONS[name])
    assert isinstance(exc, FOREIGN)
    translated = _translated(exc, httpx.Request("GET", "https://api.example/"))
    assert type(translated).__module__ == "httpx"
    assert HIDDEN not in str(translated) + repr(translated)
    expected = Reason.TIMEOUT if name in _TIMEOUTS else Reason.CONNECTION
    if "SSL" in name or "Certificate" in name:
        expected = Reason.TLS
        exc.__cause__ = ssl.SSLError(1, HIDDEN)
    translated.__cause__ = _origin(exc)
    assert reason_of(translated) is expected


# Authentication.


class TwoSteps(httpx.Auth):
    """Ask again with an answer to the first refusal."""

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        response = yield request
        if response.status_code == 401:
            request.headers["Authorization"] = "again"
            yield request


def test_request_is_sent_again_as_its_authentication_asks() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 401 No\r\nContent-Length: 4\r\n\r\nnope" if first() else OK)

    asked: list[int] = []

    def first() -> bool:
        asked.append(1)
        return len(asked) == 1

    async def scenario() -> tuple[httpx.Response, Peer]:
        async with serving(answer) as peer, client() as asking:
            return await asking.ask(f"http://127.0.0.1:{peer.port}/", auth=TwoSteps()), peer

    response, peer = asyncio.run(scenario())
    assert response.content == b"{}"
    assert [each.status_code for each in response.history] == [401]
    assert [b"Authorization: again" in request for request in peer.requests] == [False, True]


def test_authentication_that_fails_after_an_answer_lets_go_of_it() -> None:
    class Failing(httpx.Auth):
        async def async_auth_flow(
            self, request: httpx.Request
        ) -> AsyncGenerator[httpx.Request, httpx.Response]:
            yield request
            raise ValueError(HIDDEN)

    async def scenario() -> None:
        async with serving() as peer, client(connections=1) as asking:
            for _ in range(2):
                with pytest.raises(ValueError, match=HIDDEN):
                    await asking.ask(f"http://127.0.0.1:{peer.port}/", auth=Failing())
            assert (await asking.ask(f"http://127.0.0.1:{peer.port}/")).content == b"{}"

    asyncio.run(scenario())
