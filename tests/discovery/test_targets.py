"""Targets become clusters."""

import pytest

from exporter.discovery.clusters import Cluster, SkippedTarget
from exporter.discovery.target_groups import TargetGroup
from exporter.discovery.targets import address_of, clusters_of
from exporter.process.steps import finished


@pytest.mark.parametrize(
    ("target", "labels", "address"),
    [
        ("jm:8081", {}, "http://jm:8081"),
        ("jm", {"__scheme__": "https"}, "https://jm"),
        ("[2001:db8::1]:8081", {"__scheme__": ""}, "http://[2001:db8::1]:8081"),
        ("jm:1", {"__metrics_path__": "/metrics"}, "http://jm:1"),
        ("jm:1", {"__api_path__": "/flink/a/"}, "http://jm:1/flink/a"),
    ],
)
def test_target_stands_for_an_address(target: str, labels: dict[str, str], address: str) -> None:
    assert address_of(target, labels) == (address, "")


@pytest.mark.parametrize(
    ("target", "labels", "reason"),
    [
        ("http://jm:8081", {}, "expected a target as host:port"),
        ("jm:8081/x", {}, "expected a target as host:port"),
        ("", {}, "expected a target as host:port"),
        ("j m", {}, "expected a target as host:port"),
        ("jm:x", {}, "expected a target as host:port"),
        ("①②⑦.0.0.1:80", {}, "expected a target as host:port"),
        ("me:hunter2@jm:8081", {}, "a target holds no user and no password"),
        ("jm:1", {"__scheme__": "ftp"}, "expected http or https as __scheme__"),
    ],
)
def test_target_that_is_none_is_told_why(target: str, labels: dict[str, str], reason: str) -> None:
    assert address_of(target, labels) == ("", reason)


def test_targets_of_one_label_are_one_cluster() -> None:
    groups = (
        TargetGroup(targets=("jm-1:1", "jm-2:1"), labels={"name": "orders"}),
        TargetGroup(targets=("jm-3:1",), labels={"name": "orders", "cluster": "x"}),
        TargetGroup(targets=("jm-4:1", "jm-5:1", "jm-4:1"), labels={"name": ""}),
        TargetGroup(targets=("me:hunter2@jm-6:1", "x/y"), labels={}),
    )
    found = finished(clusters_of(groups, "name"))
    assert found.living == (
        Cluster(name="orders", addresses=("http://jm-1:1", "http://jm-2:1", "http://jm-3:1")),
        Cluster(name="jm-4:1", addresses=("http://jm-4:1",)),
        Cluster(name="jm-5:1", addresses=("http://jm-5:1",)),
    )
    assert found.skipped == (
        SkippedTarget(name="jm-6:1", reason="a target holds no user and no password"),
        SkippedTarget(name="x/y", reason="expected a target as host:port"),
    )
    assert found.complete


def test_many_targets_are_read_in_steps() -> None:
    targets = tuple(f"jm-{number}:1" for number in range(5000))
    assert sum(1 for _ in clusters_of([TargetGroup(targets=targets)], "cluster")) >= 10
