"""No redirect and no proxy takes credentials anywhere else, of metadata services least of all."""

import asyncio

import httpx
import pytest

from exporter.auth.plain import BasicAuth
from exporter.errors import FetchError, Reason
from exporter.runtime import ALIBABA_METADATA, HUAWEI_METADATA, Runtime
from exporter.secret import TextSecret
from tests.upstream.security.sockets import HIDDEN, Listener, ask, new_connector


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
                    await ask(url, auth=auth, **values)
                return thief.connections, len(service.heads), caught.value

    stolen, asked, error = asyncio.run(scenario())
    assert (stolen, asked, error.reason) == (0, 1, Reason.SERVER)
    assert HIDDEN not in str(error)


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
            connector = new_connector(Runtime(alibaba_metadata=metadata), **values)
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
                connector = new_connector(Runtime(huawei_metadata=metadata))
                request = httpx.Request("GET", f"{metadata}/openstack/latest/securitykey")
                answer = await connector.send(request, "metadata")
                await connector.aclose()
            return answer.status_code, thief.connections

    assert asyncio.run(scenario()) == (status, 0)
