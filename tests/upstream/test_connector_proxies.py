"""Connections are opened directly or through a proxy, as the settings and the environment say."""

import asyncio
from typing import Any

import httpx
import pytest

from exporter import __version__
from exporter.errors import ConfigError, FetchError, Reason
from exporter.runtime import Runtime
from exporter.upstream.refusals.plain import read_refusal
from exporter.upstream.transport import PlainClient
from tests.upstream.connectors import HIDDEN, Peer, ask_once, open_connector, serving, unused_port


def test_refused_connection_is_told_without_the_address() -> None:
    port = unused_port()
    error = asyncio.run(ask_once(f"http://127.0.0.1:{port}"))
    assert str(error) == "Op failed: connection, Connection refused"


def test_port_that_cannot_be_is_a_connection_failure() -> None:
    error = asyncio.run(ask_once("http://127.0.0.1:99999"))
    assert error.reason is Reason.CONNECTION


def test_requests_say_who_asks() -> None:
    async def scenario() -> Peer:
        async with serving() as peer:
            await ask_once(f"http://127.0.0.1:{peer.port}")
        return peer

    (head,) = asyncio.run(scenario()).heads
    assert head["user-agent"] == f"streaming-job-exporter/{__version__}"
    assert head["accept"] == "application/json"


def test_requests_go_through_the_proxy_of_the_settings() -> None:
    async def scenario() -> Peer:
        async with serving() as peer:
            proxy = f"http://user:{HIDDEN}@127.0.0.1:{peer.port}"
            assert await ask_once("http://api.example", proxy_url=proxy) == {}
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
            assert await ask_once("http://api.example") == {}
        return peer

    assert asyncio.run(scenario()).lines == ["GET http://api.example/path HTTP/1.1"]


def test_host_that_the_environment_exempts_is_asked_without_the_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario() -> Peer:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{unused_port()}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        async with serving() as peer:
            assert await ask_once(f"http://127.0.0.1:{peer.port}") == {}
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
        connector, _ = open_connector(Runtime())
        await connector.aclose()
        return type(connector.http)

    assert asyncio.run(scenario()) is expected


@pytest.mark.parametrize("proxied", [False, True])
def test_cookies_are_not_kept(proxied: bool) -> None:
    async def scenario() -> Peer:
        async with serving(headers="Set-Cookie: session=1; Path=/\r\n") as peer:
            url = f"http://127.0.0.1:{peer.port}"
            connector, _ = open_connector(Runtime(), **({"proxy_url": url} if proxied else {}))
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
            monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{unused_port()}")
            url = f"http://127.0.0.1:{service.port}"
            connector, _ = open_connector(Runtime(huawei_metadata=url))
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
        open_connector(Runtime())
    assert str(caught.value) == "proxy_url: this proxy, or the environment's, cannot be used"
    assert caught.value.__cause__ is None
