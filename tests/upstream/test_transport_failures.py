"""Every time-out and every failure is an exception of httpx that quotes no secret."""

import asyncio
import contextlib
import socket
import ssl
from typing import Any

import aiohttp
import httpx
import pytest
from aiohttp import http_exceptions
from aiohttp.client_reqrep import ConnectionKey, RequestInfo
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from exporter.errors import Reason
from exporter.upstream.exchange import reason_of
from exporter.upstream.transport import FOREIGN, _origin, _translated
from tests.upstream.transport_peer import HIDDEN, Script, client, serving


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
