"""What is put on the wire is what was signed: read back from a plain TCP socket."""

import asyncio
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx
import pytest

from exporter.auth import canonical
from exporter.auth.alibaba import signature as alibaba_signature
from exporter.auth.alibaba.signature import AlibabaSignatureAuth
from exporter.auth.credentials import Credentials, StaticProvider
from exporter.auth.huawei import signature as huawei_signature
from exporter.auth.huawei.signature import HuaweiSignatureAuth
from exporter.secret import TextSecret
from exporter.upstream.transport import AiohttpTransport, PlainClient
from tests.auth.tools import Clock

KEY = Credentials("AKEXAMPLE", "SKEXAMPLE", "tok")
PROVIDER = StaticProvider(TextSecret("AKEXAMPLE"), TextSecret("SKEXAMPLE"), TextSecret("tok"))
TARGETS = [
    canonical.path("v1.0", "0123", "streaming", "jobs")
    + "?"
    + canonical.query([("name", "a b/é~*+%"), ("limit", "100"), ("tags", "b=2"), ("tags", "a=1")]),
    canonical.path("jobs", "订单 实时/~*+%&=?#;:@!$'()[]{}|\\^`\"<>,"),
    "/",
]


@dataclass
class Wire:
    """One request as the server read it, byte by byte."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


def _aiohttp() -> httpx.AsyncBaseTransport:
    context = ssl.create_default_context()
    return AiohttpTransport(context=context, connections=1)


Carrier = Callable[[], httpx.AsyncBaseTransport]
carriers = pytest.mark.parametrize("carrier", [_aiohttp, httpx.AsyncHTTPTransport])
"""Sources without a proxy use the one, those with a proxy the other."""


async def on_the_wire(
    carrier: Carrier,
    auth: httpx.Auth,
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes,
) -> Wire:
    """Send one request to a bare socket."""
    seen: list[Wire] = []
    served = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
        line, *lines = head.rstrip("\r\n").split("\r\n")
        pairs = (each.split(":", 1) for each in lines)
        # Only what RFC 9112 allows around a value is taken off, so that nothing else is hidden.
        sent = {name.lower(): value.strip(" \t") for name, value in pairs}
        content = await reader.readexactly(int(sent.get("content-length", "0")))
        verb, raw, _ = line.split(" ")
        seen.append(Wire(verb, raw, sent, content))
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        served.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    client = PlainClient(carrier())
    async with server:
        host, port = server.sockets[0].getsockname()
        url = f"http://{host}:{port}{target}"
        request = httpx.Request(method, url, headers=headers, content=body or None)
        response = await client.send(request, auth=auth, follow_redirects=False, stream=True)
        assert response.status_code == 204
        await response.aread()
        await served.wait()
        await client.aclose()
    (wire,) = seen
    return wire


def signed_headers(wire: Wire) -> dict[str, str]:
    match = re.search(r"SignedHeaders=([^,]*)", wire.headers["authorization"])
    assert match
    return {name: wire.headers[name] for name in match[1].split(";")}


@carriers
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("body", [b"", '{"名": 1}'.encode()])
def test_huawei_request_is_sent_as_signed(carrier: Carrier, target: str, body: bytes) -> None:
    """Request line, headers and body from the socket give the signature that came with them."""
    auth = HuaweiSignatureAuth(PROVIDER, project_id="0123", clock=Clock(1_704_067_200.0))
    headers = {"Content-Type": "application/json", "workspace": "w"}
    wire = asyncio.run(on_the_wire(carrier, auth, "POST" if body else "GET", target, headers, body))
    assert (wire.target, wire.body) == (target, body)
    signed = signed_headers(wire)
    assert list(signed) == [
        *("content-type", "host", "workspace", "x-project-id", "x-sdk-date", "x-security-token")
    ]
    again = huawei_signature.sign(wire.method, wire.target, signed, wire.body, KEY, 1_704_067_200.0)
    assert wire.headers["x-sdk-date"] == "20240101T000000Z"
    assert wire.headers["authorization"] == again["Authorization"]


@carriers
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("body", [b"", '{"名": 1}'.encode()])
def test_alibaba_request_is_sent_as_signed(carrier: Carrier, target: str, body: bytes) -> None:
    """Request line, headers and body from the socket give the signature that came with them."""
    auth = AlibabaSignatureAuth(PROVIDER, clock=Clock(1_704_164_645.0), nonce=lambda: "n" * 32)
    headers = {
        "Content-Type": "application/json",
        "x-acs-action": "ListDeployments",
        "x-acs-version": "2022-07-18",
        "workspace": "w",
    }
    wire = asyncio.run(on_the_wire(carrier, auth, "POST" if body else "GET", target, headers, body))
    assert (wire.target, wire.body) == (target, body)
    again = alibaba_signature.sign(
        wire.method,
        wire.target,
        signed_headers(wire),
        wire.body,
        KEY,
        timestamp=1_704_164_645.0,
        nonce="n" * 32,
    )
    assert wire.headers["x-acs-date"] == "2024-01-02T03:04:05Z"
    assert wire.headers["x-acs-content-sha256"] == again["x-acs-content-sha256"]
    assert wire.headers["authorization"] == again["Authorization"]
