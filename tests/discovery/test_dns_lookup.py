"""Answers of name servers, a real one among them, are told apart."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import pytest

from exporter.auth.guard import GuardBook
from exporter.discovery.dns import open_dns
from exporter.discovery.dns_lookup import DnsLookup
from exporter.discovery.dns_records import Record
from exporter.discovery.surroundings import Surroundings
from exporter.errors import FetchError, Reason
from exporter.platforms.apache_flink import Settings
from exporter.runtime import Runtime
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.connector import Connector
from tests.discovery.name_servers import answering, dnsmasq

MANY = [f"srv-host=_many._tcp.flink.test,jm-{n:03d}.long.flink.test,{n}" for n in range(1, 201)]


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    records = (
        "srv-host=_rest._tcp.flink.test,jm-1.flink.test,8081,10,5",
        "srv-host=_rest._tcp.flink.test,jm-2.flink.test,8082",
        "srv-host=_none._tcp.flink.test",
        "host-record=orders.flink.test,10.0.0.1,fd00::1",
        "host-record=orders.flink.test,10.0.0.2",
        "cname=alias.flink.test,orders.flink.test",
    )
    with dnsmasq(tmp_path_factory.mktemp("dnsmasq"), *records, *MANY) as found:
        yield found


def _ask(port: int, name: str, kind: str) -> set[Record]:
    lookup = DnsLookup(servers=(("127.0.0.1", port),), timeout=2.0)
    return set(asyncio.run(lookup(name, kind)))


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "kind", "records"),
    [
        ("_rest._tcp.flink.test", "SRV", {("jm-1.flink.test", 8081), ("jm-2.flink.test", 8082)}),
        ("orders.flink.test", "A", {("10.0.0.1", None), ("10.0.0.2", None)}),
        ("orders.flink.test", "AAAA", {("fd00::1", None)}),
        ("alias.flink.test", "A", {("10.0.0.1", None), ("10.0.0.2", None)}),
        # No records of this type, no such name, and a service that is decidedly not there.
        ("orders.flink.test", "SRV", set()),
        ("nobody.flink.test", "A", set()),
        ("_none._tcp.flink.test", "SRV", set()),
    ],
)
def test_real_server_is_understood(
    port: int, name: str, kind: str, records: set[tuple[str, int | None]]
) -> None:
    assert _ask(port, name, kind) == {Record(host=host, port=at) for host, at in records}


@pytest.mark.real
def test_answer_that_is_too_long_for_a_datagram_comes_by_tcp(port: int) -> None:
    assert len(_ask(port, "_many._tcp.flink.test", "SRV")) == len(MANY)


@pytest.mark.real
def test_server_that_refuses_says_nothing(port: int) -> None:
    with pytest.raises(FetchError, match=r"example\.org: REFUSED") as caught:
        _ask(port, "example.org", "A")
    assert caught.value.reason is Reason.SERVER


def _with_code(code: dns.rcode.Rcode) -> Callable[[dns.message.Message], bytes]:
    def answer(question: dns.message.Message) -> bytes:
        message = dns.message.make_response(question)
        message.set_rcode(code)
        return message.to_wire()

    return answer


@pytest.mark.parametrize(
    ("answer", "reason", "detail"),
    [
        (_with_code(dns.rcode.SERVFAIL), Reason.SERVER, "SERVFAIL"),
        (_with_code(dns.rcode.REFUSED), Reason.SERVER, "REFUSED"),
        (_with_code(dns.rcode.NOTIMP), Reason.SERVER, "NOTIMP"),
        (lambda _: None, Reason.TIMEOUT, "no answer from DNS"),
        (lambda _: b"garbage", None, ""),
    ],
    ids=["servfail", "refused", "notimp", "silent", "garbage"],
)
def test_answer_that_says_nothing_is_a_failure(
    answer: Callable[[dns.message.Message], bytes | None], reason: Reason | None, detail: str
) -> None:
    async def scenario() -> FetchError:
        async with answering(answer) as port:
            lookup = DnsLookup(servers=(("127.0.0.1", port),), timeout=0.5)
            with pytest.raises(FetchError) as caught:
                await lookup("orders.flink.test", "A")
            return caught.value

    failure = asyncio.run(scenario())
    assert reason in (None, failure.reason)
    assert f"orders.flink.test: {detail}" in failure.detail


@pytest.mark.parametrize("code", [dns.rcode.NOERROR, dns.rcode.NXDOMAIN])
def test_answer_that_there_is_nothing_is_one(code: dns.rcode.Rcode) -> None:
    async def scenario() -> tuple[Record, ...]:
        async with answering(_with_code(code)) as port:
            return await DnsLookup(servers=(("127.0.0.1", port),), timeout=2)("x.test", "A")

    assert asyncio.run(scenario()) == ()


def test_answer_that_is_cut_and_never_comes_by_tcp_is_a_failure() -> None:
    def cut(question: dns.message.Message) -> bytes:
        message = dns.message.make_response(question)
        message.flags |= dns.flags.TC
        return message.to_wire()

    async def scenario() -> None:
        async with answering(cut) as port:
            with pytest.raises(FetchError):
                await DnsLookup(servers=(("127.0.0.1", port),), timeout=0.5)("x.test", "A")

    asyncio.run(scenario())


@pytest.mark.real
def test_discovery_is_opened_with_its_servers(port: int, tmp_path: Path) -> None:
    async def scenario() -> list[str]:
        settings = Settings.model_validate(
            {
                "name": "f",
                "platform": "apache_flink",
                "discovery": {
                    "dns": {"names": ["_rest._tcp.flink.test"], "servers": [f"127.0.0.1:{port}"]}
                },
            }
        )
        assert settings.discovery is not None
        assert settings.discovery.dns is not None
        runtime = Runtime(environ={})
        connector = Connector(
            settings,
            runtime=runtime,
            telemetry=Telemetry(),
            guards=GuardBook(clock=runtime.monotonic),
        )
        surroundings = Surroundings(settings=settings, connector=connector, refresh=60.0)
        discovery = open_dns(settings.discovery.dns, surroundings)
        found = await discovery.find()
        await connector.aclose()
        return [cluster.name for cluster in found.living]

    assert asyncio.run(scenario()) == ["jm-1.flink.test:8081", "jm-2.flink.test:8082"]
