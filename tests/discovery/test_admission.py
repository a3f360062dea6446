"""What may be asked of what was found, and why the rest is not."""

import pytest

from exporter.discovery.admission import Admission
from exporter.discovery.clusters import Cluster, Clusters, SkippedTarget
from exporter.discovery.names import LONGEST_NAME, label_value
from exporter.errors import FetchError
from exporter.process.steps import finished
from exporter.upstream.addresses import AddressRules


def _admit(*clusters: Cluster, hosts: tuple[str, ...] = (), most: int = 500) -> Clusters:
    admission = Admission(hosts=hosts, rules=AddressRules(), max_clusters=most)
    skipped = (SkippedTarget(name="x\n", reason="y"),)
    return finished(admission.admit(Clusters(living=clusters, skipped=skipped)))


def _refusal(address: str, *hosts: str) -> str:
    return Admission(hosts=hosts, rules=AddressRules(), max_clusters=1).refusal(address)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://jm:8081", ""),
        ("https://JM.example.org/flink", ""),
        ("http://jm.evil.org:8081", "matches none of discovery.hosts"),
        ("http://jm.example.org.evil.org", "matches none of discovery.hosts"),
        ("http://jm@evil.org", "without credentials"),
        ("http://user:hunter2@jm", "without credentials"),
        ("http://jm?x=1", "without credentials"),
        ("http://jm\\@evil", "without credentials"),
        ("ftp://jm", "without credentials"),
        ("jm:8081", "without credentials"),
        ("http://169.254.169.254", "link-local"),
    ],
)
def test_address_is_judged_by_its_host(address: str, why: str) -> None:
    refusal = _refusal(address, r"jm|.*\.example\.org")
    assert (why in refusal) if why else not refusal
    assert "hunter2" not in refusal


def test_cluster_with_some_good_addresses_is_asked_at_those_and_named() -> None:
    found = _admit(Cluster(name="a", addresses=("http://127.0.0.1", "http://b", "http://b")))
    assert found.living == (Cluster(name="a", addresses=("http://b",)),)
    assert [each.name for each in found.skipped] == ["x", "a"]


def test_cluster_without_a_good_address_is_skipped() -> None:
    found = _admit(Cluster(name="a", addresses=("http://127.0.0.1",)), Cluster(name="new"))
    assert found.living == (Cluster(name="new"),)
    assert "loopback" in found.skipped[1].reason


def test_names_that_become_one_are_a_collision_that_is_named() -> None:
    long = "x" * LONGEST_NAME
    found = _admit(*(Cluster(name=name) for name in ("a", "a\u200b", long, long + "y", "\x00")))
    assert [cluster.name for cluster in found.living] == ["a", long]
    assert [each.reason for each in found.skipped[1:]] == [
        *("another cluster has this name",) * 2,
        "it has no name",
    ]


def test_name_has_a_bounded_length_and_nothing_that_nobody_sees() -> None:
    assert label_value(" a\tb\u202ec\n\u2028d\ud800 ") == "a b c d"
    assert label_value("订单-集群") == "订单-集群"
    assert len(label_value("a b" * 10_000)) <= LONGEST_NAME


def test_too_many_clusters_are_an_error() -> None:
    clusters = [Cluster(name=str(number)) for number in range(3)]
    assert len(_admit(*clusters, most=3).living) == 3
    with pytest.raises(FetchError, match=r"3 clusters were found, more than 2 \(max_clusters\)"):
        _admit(*clusters, most=2)
    with pytest.raises(FetchError, match="50001 clusters were found, more than 50000"):
        _admit(*([Cluster(name="")] * 50_001))


def test_cluster_with_very_many_addresses_is_skipped() -> None:
    many = tuple(f"http://jm-{number}" for number in range(33))
    found = _admit(Cluster(name="a", addresses=many))
    assert not found.living
    assert "more than 32 addresses" in found.skipped[1].reason


def test_clusters_are_judged_in_steps() -> None:
    admission = Admission(rules=AddressRules(), max_clusters=5000)
    clusters = tuple(Cluster(name=f"{n}", addresses=(f"http://h{n}",)) for n in range(3000))
    assert sum(1 for _ in admission.admit(Clusters(living=clusters))) == 30
