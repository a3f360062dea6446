"""What the process uses is told as the client library tells it."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.process_collector import ProcessCollector

from exporter.exposition.deflated_text import Deflater
from exporter.exposition.self_metrics import SelfMetrics
from exporter.telemetry.instruments import Registry
from exporter.telemetry.process_metrics import (
    Family,
    ProcessMetrics,
    garbage_metrics,
    process_metrics,
)


def _without_numbers(page: str) -> list[str]:
    return sorted(re.sub(r"[0-9.e+]+$", "", line) for line in page.splitlines())


def _values(page: str) -> dict[str, float]:
    lines = (line for line in page.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_families_are_those_of_the_client_library() -> None:
    theirs, ours = CollectorRegistry(), CollectorRegistry()
    ProcessCollector(registry=theirs)
    GCCollector(registry=theirs)
    process_metrics(ours)
    garbage_metrics(ours)
    expected, found = generate_latest(theirs).decode(), generate_latest(ours).decode()
    assert _without_numbers(found) == _without_numbers(expected)
    before, after = _values(expected), _values(found)
    for name in ("process_start_time_seconds", "process_max_fds"):
        assert after[name] == before[name]
    assert after["process_cpu_seconds_total"] == pytest.approx(
        before["process_cpu_seconds_total"], abs=1
    )
    assert after["process_resident_memory_bytes"] == pytest.approx(
        before["process_resident_memory_bytes"], rel=0.1
    )
    assert after["process_open_fds"] == pytest.approx(before["process_open_fds"], abs=3)


def test_lines_are_those_that_the_client_library_prints() -> None:
    registry = Registry()
    families = (
        Family(name="used_bytes", documentation='Of "each" \\ kind.'),
        Family(name="done", kind="counter", documentation="Done.", label="to", values=("a", 'b"')),
    )
    ProcessMetrics(families, lambda: [1.5e9, 2.0, 3.25], registry=registry)
    own = SelfMetrics(registry, Deflater())
    assert own.text(as_openmetrics=False) == generate_latest(registry)
    expected: bytes = openmetrics.generate_latest(registry)  # type: ignore[no-untyped-call]
    assert own.text(as_openmetrics=True) == expected
    assert b'done_total{to="b\\""} 3.25\n' in own.text(as_openmetrics=False)


@pytest.mark.parametrize(
    "files",
    [{}, {"stat": "cpu 1\n"}, {"stat": "cpu 1\nbtime 5\n"}],
    ids=["no /proc", "no time of the start", "no process"],
)
def test_nothing_is_told_where_nothing_can_be_read(tmp_path: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    registry = Registry()
    readings = process_metrics(registry, proc=tmp_path)
    assert list(readings.collect()) == []
    assert SelfMetrics(registry, Deflater()).text(as_openmetrics=False) == b""


def test_name_of_the_program_can_hold_anything(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("btime 1000\n")
    numbers: Sequence[object] = [*"S", *range(4, 53)]
    folder = tmp_path / "self"
    (folder / "fd").mkdir(parents=True)
    (folder / "stat").write_text(f"1 (a) b (c)) {' '.join(map(str, numbers))}\n")
    registry = Registry()
    process_metrics(registry, proc=tmp_path)
    found = _values(SelfMetrics(registry, Deflater()).text(as_openmetrics=False).decode())
    ticks = os.sysconf("SC_CLK_TCK")
    assert found["process_virtual_memory_bytes"] == 23
    assert found["process_resident_memory_bytes"] == 24 * os.sysconf("SC_PAGE_SIZE")
    assert found["process_start_time_seconds"] == 1000 + 22 / ticks
    assert found["process_cpu_seconds_total"] == pytest.approx((14 + 15) / ticks)
    assert found["process_open_fds"] == 0
