"""No address that others choose leads to a metadata service, to one link or to this machine."""

import asyncio
import socket
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from exporter.auth.guard import GuardBook
from exporter.errors import FetchError
from exporter.platforms.apache_flink import Settings
from exporter.runtime import Runtime
from exporter.source import TlsSettings
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.addresses import REFUSED, AddressRules, ForbiddenAddressError
from exporter.upstream.connector import Connector, ssl_context
from exporter.upstream.refusals import flink
from exporter.upstream.resolving import CheckedResolver
from tests.upstream.transport_peer import serving

METADATA = "a metadata service"
LINK = "link-local"
LOOPBACK = "a loopback address"
NOWHERE = "not the address of one machine"


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("169.254.169.254", LINK),
        ("169.254.0.1", LINK),
        ("100.100.100.200", METADATA),
        ("168.63.129.16", METADATA),
        ("fd00:ec2::254", METADATA),
        ("fd20:ce::254", METADATA),
        ("fe80::1", LINK),
        ("[fe80::1]", LINK),
        ("fe80::1%eth0", LINK),
        ("febf::1", LINK),
        ("::ffff:169.254.169.254", LINK),
        ("::ffff:a9fe:a9fe", LINK),
        ("::ffff:0:169.254.169.254", LINK),
        ("::169.254.169.254", LINK),
        ("64:ff9b::169.254.169.254", LINK),
        ("64:ff9b:1::a9fe:a9fe", LINK),
        ("2002:a9fe:a9fe::1", LINK),
        ("2852039166", LINK),
        ("0xa9fea9fe", LINK),
        ("0XA9.254.169.254", LINK),
        ("0251.0376.0251.0376", LINK),
        ("169.16689662", LINK),
        ("127.0.0.1", LOOPBACK),
        ("127.1", LOOPBACK),
        ("0x7f.1", LOOPBACK),
        ("127.99.0.1", LOOPBACK),
        ("::1", LOOPBACK),
        ("::ffff:127.0.0.1", LOOPBACK),
        ("0", NOWHERE),
        ("0.0.0.0", NOWHERE),
        ("::", NOWHERE),
        ("224.0.0.1", NOWHERE),
        ("ff02::1", NOWHERE),
        ("127.0.0.1.", "neither a name nor an address"),
        ("1.2.3.4.5", "neither a name nor an address"),
        ("4294967296", "neither a name nor an address"),
        ("a:b", "neither a name nor an address"),
    ],
)
def test_literal_is_refused_however_it_is_spelt(host: str, why: str) -> None:
    assert why in AddressRules().refusal_of_host(host)


@pytest.mark.parametrize(
    "host",
    [
        "10.0.0.1",
        "192.168.1.2",
        "100.100.100.201",
        "fd00::1",
        "2001:db8::1",
        "localhost",
        "jm-1",
        "169.254.169.254.example.org",
        "0x.example",
    ],
)
def test_other_hosts_are_not(host: str) -> None:
    assert AddressRules().refusal_of_host(host) == ""


def test_loopback_is_asked_where_it_is_allowed_and_nothing_else_with_it() -> None:
    rules = AddressRules(allow_loopback=True)
    for host in ("127.0.0.1", "::1", "::ffff:127.0.0.1", "2130706433"):
        assert rules.refusal_of_host(host) == ""
    for host in ("169.254.169.254", "::ffff:169.254.169.254", "0.0.0.0", "100.100.100.200"):
        assert rules.refusal_of_host(host)


class Names(AbstractResolver):
    """Resolves a name to one address after the other."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.closed = False

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host, host=each, port=port, family=socket.AF_INET, proto=0, flags=0
            )
            for each in self.answers.pop(0)
        ]

    async def close(self) -> None:
        self.closed = True


def test_name_is_judged_by_each_thing_it_means() -> None:
    """A name that meant something harmless a moment ago may mean the metadata service now."""

    async def scenario() -> None:
        names = Names(["10.0.0.1", "169.254.169.254"], ["169.254.169.254"], [])
        resolver = CheckedResolver(AddressRules(), names)
        assert [each["host"] for each in await resolver.resolve("x")] == ["10.0.0.1"]
        with pytest.raises(ForbiddenAddressError, match="its name leads to a link-local"):
            await resolver.resolve("x")
        assert await resolver.resolve("x") == []
        await resolver.close()
        assert names.closed

    asyncio.run(scenario())


def _connector(**options: Any) -> Connector:
    discovery = {"files": {"paths": ["x.json"]}, **options.pop("discovery", {})}
    settings = Settings.model_validate(
        {"name": "f", "platform": "apache_flink", "timeout": 2, "discovery": discovery, **options}
    )
    # The environment's proxy must not be asked: it would resolve names by itself.
    runtime = Runtime(environ={})
    return Connector(
        settings, runtime=runtime, telemetry=Telemetry(), guards=GuardBook(clock=runtime.monotonic)
    )


async def _ask(connector: Connector, url: str) -> FetchError | None:
    api = connector.api(url, read_refusal=flink.read_refusal)
    try:
        await api.get_json("/config", ("config",))
    except FetchError as exc:
        return exc
    finally:
        await connector.aclose()
    return None


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "[::ffff:127.0.0.1]", "127.1"]
)
def test_nothing_is_connected_to_that_is_refused(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with serving() as peer:
            monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{peer.port}")
            failure = await _ask(_connector(), f"http://{host}:{peer.port}")
            assert failure is not None
            assert failure.code == REFUSED
            assert "loopback" in failure.detail
            assert str(peer.port) not in str(failure)
            assert peer.connections == 0
            if host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]"):
                # Other spellings the HTTP library connects to or not, as it likes.
                allowed = _connector(discovery={"allow_loopback": True})
                assert await _ask(allowed, f"http://{host}:{peer.port}") is None
                assert peer.connections == 1

    asyncio.run(scenario())


def test_literal_is_refused_to_a_proxy_too() -> None:
    async def scenario() -> None:
        async with serving() as peer:
            connector = _connector(proxy_url=f"http://127.0.0.1:{peer.port}")
            failure = await _ask(connector, "http://169.254.169.254")
            assert failure is not None
            assert failure.code == REFUSED
            assert peer.connections == 0

    asyncio.run(scenario())


def test_redirect_is_not_followed_and_credentials_go_nowhere_else() -> None:
    async def scenario() -> None:
        async with serving() as stranger:
            location = f"Location: http://127.0.0.1:{stranger.port}/".encode()
            answer = b"HTTP/1.1 307 Moved\r\nContent-Length: 0\r\n" + location + b"\r\n\r\n"
            async with serving(answer) as peer:
                connector = _connector(discovery={"allow_loopback": True})
                failure = await _ask(connector, f"http://127.0.0.1:{peer.port}")
                assert failure is not None
                assert "redirected" in failure.detail
                assert stranger.connections == 0

    asyncio.run(scenario())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_connections_of_their_own_have_rules_of_their_own(host: str) -> None:
    """What is configured may be here, and yet lead to addresses that others choose."""

    async def scenario() -> None:
        async with serving() as peer:
            connector = _connector(discovery={"allow_loopback": True})
            url = f"http://{host}:{peer.port}"
            for rules, connections in ((AddressRules(), 0), (None, 1)):
                http = connector.open_http(ssl_context(TlsSettings()), rules=rules)
                api = connector.api(url, read_refusal=flink.read_refusal, http=http)
                if rules is None:
                    await api.get_json("/config", ("config",))
                else:
                    with pytest.raises(FetchError, match="loopback"):
                        await api.get_json("/config", ("config",))
                assert peer.connections == connections
                await http.aclose()
            await connector.aclose()

    asyncio.run(scenario())
