"""What DNS says is told from what it does not say, and names become clusters."""

import asyncio
from typing import Any

import pytest

from exporter.discovery.clusters import Cluster, Clusters
from exporter.discovery.dns import DnsDiscovery, DnsSettings
from exporter.discovery.dns_records import Lookup, Record
from exporter.errors import FetchError, Reason

SILENT = FetchError(Reason.TIMEOUT, "discovery", detail="no answer from DNS")
Answers = dict[str, tuple[Record, ...] | FetchError]


def _discovery(answers: Answers, **settings: Any) -> DnsDiscovery:
    async def lookup(name: str, kind: str) -> tuple[Record, ...]:
        answer = answers[name]
        if isinstance(answer, FetchError):
            raise answer
        return answer

    async def open_lookup() -> Lookup:
        return lookup

    return DnsDiscovery(
        DnsSettings.model_validate({"names": list(answers), **settings}), open_lookup
    )


def _find(discovery: DnsDiscovery) -> Clusters:
    return asyncio.run(discovery.find())


def test_each_target_of_a_service_is_a_cluster() -> None:
    """A host may have several: without its port it would not tell which."""
    targets = (Record(host="b.test", port=2), Record(host="a.test", port=1))
    found = _find(_discovery({"_rest._tcp.test": targets}, scheme="https", path="/flink"))
    assert found.living == (
        Cluster(name="a.test:1", addresses=("https://a.test:1/flink",)),
        Cluster(name="b.test:2", addresses=("https://b.test:2/flink",)),
    )


def test_each_name_is_a_cluster_where_that_is_asked_for() -> None:
    targets = (Record(host="b.test", port=2), Record(host="a.test", port=1))
    found = _find(_discovery({"orders.test": targets}, cluster="name"))
    assert found.living == (
        Cluster(name="orders.test", addresses=("http://a.test:1", "http://b.test:2")),
    )


def test_addresses_are_those_of_one_cluster_and_its_certificate_is_of_its_name() -> None:
    for kind, host, location in (("A", "10.0.0.1", "10.0.0.1"), ("AAAA", "fd00::1", "[fd00::1]")):
        answers: Answers = {"orders.test": (Record(host=host),), "none.test": ()}
        found = _find(_discovery(answers, type=kind, port=8081, scheme="https"))
        assert found.living == (
            Cluster(
                name="orders.test",
                addresses=(f"https://{location}:8081",),
                server_name="orders.test",
            ),
        )
        assert found.complete


def test_name_that_nobody_answers_keeps_what_it_told_last() -> None:
    answers: Answers = {"a": (Record(host="1.1.1.1"),), "b": (Record(host="2.2.2.2"),)}
    discovery = _discovery(answers, type="A", port=1)
    _find(discovery)
    answers["a"], answers["b"] = SILENT, ()
    found = _find(discovery)
    assert [cluster.name for cluster in found.living] == ["a"]
    assert [(each.name, each.reason) for each in found.skipped] == [("DNS a", SILENT.detail)]
    assert found.failures == (SILENT,)
    assert found.complete


def test_name_that_was_never_answered_leaves_the_look_incomplete() -> None:
    answers: Answers = {"a": SILENT, "b": (Record(host="2.2.2.2"),)}
    found = _find(_discovery(answers, type="A", port=1))
    assert [cluster.name for cluster in found.living] == ["b"]
    assert not found.complete


def test_look_fails_when_no_name_is_answered() -> None:
    answers: Answers = {"a": (Record(host="1.1.1.1"),)}
    discovery = _discovery(answers, type="A", port=1)
    _find(discovery)
    answers["a"] = SILENT
    with pytest.raises(FetchError) as caught:
        _find(discovery)
    assert caught.value is SILENT


def test_look_fails_where_dns_is_not_set_up() -> None:
    async def open_lookup() -> Lookup:
        raise OSError("/etc/resolv.conf names no server")

    discovery = DnsDiscovery(DnsSettings(names=("a",)), open_lookup)
    with pytest.raises(FetchError, match=r"resolv\.conf names no server"):
        _find(discovery)
    asyncio.run(discovery.aclose())
