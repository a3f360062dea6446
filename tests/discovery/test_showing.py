"""The clusters that were found are counted, named and explained wherever a source is shown."""

import json

import pytest

from exporter.exposition.metrics import SOURCE_FAMILIES
from exporter.model import ClusterCounts, ClusterStatus, Condition
from exporter.serving.job_json import encode_source
from tests.jobs import snapshot
from tests.pages.overviews import overview_of

COUNTS = ClusterCounts(
    reached=2,
    unreached=1,
    skipped=1,
    named=(
        ClusterStatus(name="b\u202e", condition=Condition.UNREACHED, reason="timeout"),
        ClusterStatus(name="m", condition=Condition.SKIPPED, reason="a link-local address"),
        ClusterStatus(name="a", condition=Condition.REACHED),
        ClusterStatus(name="c", condition=Condition.REACHED),
    ),
)
FAMILY = next(each for each in SOURCE_FAMILIES if each.name == "streaming_source_clusters")


def test_clusters_are_counted_by_condition() -> None:
    assert list(FAMILY.samples(snapshot(clusters=COUNTS))) == [
        (("dli", "huawei_dli", "reached"), 2.0),
        (("dli", "huawei_dli", "unreached"), 1.0),
        (("dli", "huawei_dli", "skipped"), 1.0),
    ]


@pytest.mark.parametrize("facts", [{"clusters": None}, {"clusters": COUNTS, "outdated": True}])
def test_what_is_not_known_has_no_sample(facts: dict[str, object]) -> None:
    assert list(FAMILY.samples(snapshot(**facts))) == []


def test_page_names_clusters_with_why() -> None:
    (clusters,) = overview_of(snapshot(clusters=COUNTS), snapshot(source="x")).clusters
    assert clusters.source == "dli"
    assert clusters.counts == "2 reached, 1 unreached, 1 skipped"
    assert [row.reason for row in clusters.lacking] == ["timeout", "a link-local address"]
    assert "\u202e" not in clusters.lacking[0].name
    assert clusters.reached == ("a", "c")
    assert clusters.more == 0


def test_page_names_only_so_many_clusters_and_says_how_many_more() -> None:
    named = tuple(
        ClusterStatus(name=f"c{number}", condition=Condition.UNREACHED, reason="x" * 1000)
        for number in range(2000)
    )
    counts = ClusterCounts(reached=100, unreached=2000, skipped=0, named=named)
    (clusters,) = overview_of(snapshot(clusters=counts)).clusters
    assert len(clusters.lacking) == 500
    assert clusters.more == 1600
    assert len(clusters.lacking[0].reason) < 200


def test_json_of_a_source_has_its_clusters() -> None:
    told = json.loads(encode_source(snapshot(clusters=COUNTS)))["clusters"]
    assert (told["reached"], told["unreached"], told["skipped"]) == (2, 1, 1)
    assert told["named"][1] == {
        "name": "m",
        "condition": "skipped",
        "reason": "a link-local address",
    }
    assert json.loads(encode_source(snapshot()))["clusters"] is None
