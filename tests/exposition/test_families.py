"""The table of families keeps the rules of Prometheus, and a full page passes its tools."""

import re
import subprocess
from dataclasses import fields
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from exporter.exposition import Exposition
from exporter.exposition.family import IDENTITY, JobFamily, SourceFamily
from exporter.exposition.metrics import JOB_FAMILIES, SOURCE_FAMILIES
from exporter.model import (
    ClusterCounts,
    Job,
    JobKey,
    JobKind,
    Node,
    Problem,
    ProblemKind,
    Snapshot,
    State,
)
from exporter.telemetry.telemetry import Telemetry
from tests.exposition.expositions import AS_OPENMETRICS, AS_TEXT, Accept, Clock, page_of, store_of
from tests.jobs import job, snapshot
from tests.virtual_time import EPOCH

FAMILIES: tuple[JobFamily | SourceFamily, ...] = (*JOB_FAMILIES, *SOURCE_FAMILIES)


def _full_snapshot(all_states: bool = True) -> Snapshot:
    """Return a snapshot in which every family has a sample."""
    by_type: dict[object, Any] = {float | None: EPOCH - 60, int | None: 3, bool | None: True}
    moved: dict[str, Any] = {each.name: 2.5 for each in fields(Node) if each.type == float | None}
    facts = {name: by_type[kind] for name, kind in Job.__annotations__.items() if kind in by_type}
    facts |= {name: name for name, kind in Job.__annotations__.items() if kind is str}
    facts |= {
        "tasks": (("running", 2), ("failed", 1)),
        "nodes": (Node(name="n", node_type="t", run_id="1", **moved), Node(name="m")),
    }
    del facts["job_id"], facts["job_name"]
    known = {each.name: 1.5 for each in fields(Snapshot) if each.type == float | None}
    others = (job("second"), job('thi"rd\n', state=State.FAILED))
    return snapshot(
        job("full", **facts),
        *others,
        labels=(("team", "a"),),
        absent=("orders_.*",),
        problems=(
            Problem(
                kind=ProblemKind.FAILED,
                key=JobKey(project='pro"ject', job_id="third"),
                job_name='thi"rd\n',
                job_kind=JobKind.BATCH,
                since_timestamp=EPOCH - 0.25,
            ),
        ),
        clusters=ClusterCounts(reached=1, unreached=0, skipped=0),
        all_states=all_states,
        **known | {"last_success_timestamp": EPOCH},
    )


def _full_page(accept: Accept = AS_TEXT) -> str:
    telemetry = Telemetry()
    telemetry.add_source("dli", "huawei_dli")
    telemetry.request_done("dli", "ListJobs", "200", 0.25)
    telemetry.throttled("dli", "ListJobs")
    telemetry.reloaded(successful=True, now=EPOCH)
    telemetry.build.info({"version": "1.0"})
    store = store_of(_full_snapshot(), snapshot(job(), source="flink", all_states=False))
    exposition = Exposition(store, telemetry.registry, clock=Clock())
    return page_of(exposition, accept).decode()


def test_full_page_has_a_sample_of_every_family() -> None:
    sampled = {re.split(r"[{ ]", line)[0] for line in _full_page().splitlines() if line[0] != "#"}
    assert {family.name for family in FAMILIES} <= sampled


@pytest.mark.real
def test_promtool_finds_nothing_to_say_about_a_full_page() -> None:
    checked = subprocess.run(
        ["promtool", "check", "metrics"],
        input=_full_page().encode(),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (checked.stdout + checked.stderr).decode() == ""
    assert checked.returncode == 0


@pytest.mark.real
def test_promtool_does_find_something_to_say_about_a_bad_page() -> None:
    bad = _full_page() + "# TYPE bad_counter counter\nbad_counter 1\n"
    checked = subprocess.run(
        ["promtool", "check", "metrics"],
        input=bad.encode(),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert checked.returncode != 0


def test_full_page_in_openmetrics_passes_the_strict_parser() -> None:
    families = {family.name for family in parse_openmetrics(_full_page(AS_OPENMETRICS))}  # type: ignore[no-untyped-call]
    assert {family.name for family in FAMILIES} <= families


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_help_is_one_plain_sentence_so_that_both_formats_agree(
    family: JobFamily | SourceFamily,
) -> None:
    assert family.help.isascii()
    assert family.help.isprintable()
    assert not set(family.help) & set('"\\\n')
    assert family.help[0].isupper()
    assert family.help.endswith(".")
    assert "  " not in family.help


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_name_of_a_family_keeps_the_rules_of_prometheus(family: JobFamily | SourceFamily) -> None:
    assert re.fullmatch(r"streaming_(job|source|edge)(_[a-z]+)+", family.name)
    words = family.name.split("_")
    assert not set(words) & {"gauge", "counter", "histogram", "summary", "metric"}
    units = {"s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d"}
    others = {"milliseconds", "minutes", "hours", "days", "bits", "kilobytes", "percent"}
    assert not set(words) & (units | others)
    # These gauges are no counters, and none of these suffixes belongs to a gauge.
    assert words[-1] not in ("total", "count", "sum", "bucket", "created")
    assert ("timestamp" in words) <= family.name.endswith("_timestamp_seconds")


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_labels_of_a_family_keep_the_rules_of_prometheus(family: JobFamily | SourceFamily) -> None:
    labels = (*IDENTITY, *family.labels) if isinstance(family, JobFamily) else family.labels
    assert len(set(labels)) == len(labels)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", label) for label in labels)
    assert not set(labels) & {"le", "quantile", "job", "instance", "name", "__name__", "unit"}


def test_every_name_of_a_family_is_there_once() -> None:
    own = [family.name for family in Telemetry().registry.collect()]
    names = [family.name for family in FAMILIES] + own
    assert len(set(names)) == len(names)


def test_families_that_are_always_1_are_named_info_or_say_so() -> None:
    page = _full_page()
    for family in FAMILIES:
        if family.name.endswith("_info"):
            values = re.findall(rf"^{family.name}{{.*}} (.+)$", page, re.MULTILINE)
            assert set(values) == {"1.0"}
            assert "lways 1" in family.help
