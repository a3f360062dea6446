"""A proxy is used where one is named, and its secrets stay inside."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator

import pytest

from exporter.auth.plain import BasicAuth
from exporter.errors import FetchError, Reason
from exporter.secret import TextSecret
from exporter.source import SourceSettings
from tests.faults.authority import Authority
from tests.upstream.security.sockets import HIDDEN, Listener, ask, listening


class Proxy:
    """A small CONNECT proxy that asks for a password and notes what goes through it."""

    def __init__(self, user: str = "proxy-user", password: str = HIDDEN) -> None:
        self.lines: list[str] = []
        self.port = 0
        self._wanted = base64.b64encode(f"{user}:{password}".encode()).decode()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["Proxy"]:
        """Serve while the context is entered."""
        async with listening(self._welcome) as self.port:
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

    async with listening(answer, authority.context("good")) as port:
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
            assert await ask(place, auth=auth, proxy_url=url, tls=tls) == {}
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
                await ask(f"https://service.test:{port}", proxy_url=url)
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
            assert await ask(f"http://127.0.0.1:{service.port}") == {}
            return len(service.heads), proxy.connections

    assert asyncio.run(scenario()) == (1, 0)
