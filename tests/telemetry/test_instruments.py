"""The exporter's own metrics are printed as the client library would, and faster."""

import math
import zlib
from collections.abc import Sequence
from typing import Any

import prometheus_client as library
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.utils import floatToGoString

from exporter.exposition.deflated_text import DeflatedText, Deflater, contribution
from exporter.exposition.self_metrics import SelfMetrics
from exporter.telemetry.histogram import Histogram
from exporter.telemetry.instruments import Counter, Gauge, Info, Registry
from exporter.telemetry.sample_lines import format_number
from tests.virtual_time import EPOCH

HOSTILE = ['"', "\\", "\n", "%", "%s", "%%", "%(x)d", "{0}", "\u2028", "任务", "", "a,b=c", "a"]

label_values = st.sampled_from(HOSTILE) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=6
)
amounts = st.floats(0, 1e18) | st.sampled_from([0.0, 0.1, 1.0, 2.5, 1e6, 123456789.0])


def _as_the_library_prints(registry: CollectorRegistry, *, as_openmetrics: bool) -> str:
    if as_openmetrics:
        page: bytes = openmetrics.generate_latest(registry)  # type: ignore[no-untyped-call]
        return page.decode()
    return generate_latest(registry).decode()


def _assert_printed_alike(registry: CollectorRegistry, own: SelfMetrics | None = None) -> None:
    own = own or SelfMetrics(registry, Deflater())
    for as_openmetrics in (False, True):
        expected = _as_the_library_prints(registry, as_openmetrics=as_openmetrics)
        assert own.text(as_openmetrics=as_openmetrics).decode() == expected
        assert _unpacked(own.pieces(as_openmetrics=as_openmetrics)) == expected


def _unpacked(pieces: Sequence[DeflatedText]) -> str:
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    texts = [unpacker.decompress(piece.part) for piece in pieces]
    assert [len(text) for text in texts] == [piece.size for piece in pieces]
    assert [contribution(text) for text in texts] == [piece.checksum for piece in pieces]
    return b"".join(texts).decode()


@settings(deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["count", "observe", "set", "inform", "forget"]),
            st.tuples(label_values, label_values),
            amounts,
        ),
        max_size=12,
    )
)
def test_instruments_are_printed_as_the_library_prints_them_after_every_step(
    steps: list[tuple[str, tuple[str, str], float]],
) -> None:
    registry = Registry()
    counter = Counter("requests", 'Of "each".', ("z", "a"), registry=registry)
    histogram = Histogram(
        "seconds", "How\\long.", ("z", "le_x"), buckets=(0.1, 1, 2.5, 1e6), registry=registry
    )
    # What cannot be kept stands between what can.
    registry.register(Only(GaugeMetricFamily("a", "A.", value=1.0)))
    gauge = Gauge("size", "Size.", ("b", "a"), registry=registry)
    info = Info("build", "Build.", registry=registry)
    own = SelfMetrics(registry, Deflater())
    for kind, values, amount in steps:
        if kind == "count":
            counter.labels(*values).inc(amount)
        elif kind == "observe":
            histogram.labels(*values).observe(amount)
        elif kind == "set":
            gauge.labels(*values).set(-amount)
        elif kind == "inform":
            info.info(dict(zip(("version", "of"), values, strict=True)))
        else:
            counter.remove_by_labels({"z": values[0]})
            histogram.remove_by_labels({"z": values[0]})
            gauge.remove_by_labels({"b": values[0]})
        _assert_printed_alike(registry, own)


def test_instruments_without_labels_are_there_from_the_start() -> None:
    registry = Registry()
    counter = Counter("requests", "Requests.", registry=registry)
    histogram = Histogram("seconds", "Seconds.", buckets=(1.0,), registry=registry)
    gauge = Gauge("size", "Size.", registry=registry)
    info = Info("build", "Build.", registry=registry)
    assert registry.get_sample_value("size") == 0
    assert registry.get_sample_value("build_info") == 1
    _assert_printed_alike(registry)
    gauge.set(2)
    info.info({"version": "1"})
    assert registry.get_sample_value("size") == 2
    assert registry.get_sample_value("build_info", {"version": "1"}) == 1
    assert registry.get_sample_value("requests_total") == 0
    assert registry.get_sample_value("seconds_count") == 0
    counter.inc()
    counter.inc(2.5)
    histogram.observe(1.0)
    histogram.observe(1.5)
    assert registry.get_sample_value("requests_total") == 3.5
    assert registry.get_sample_value("seconds_bucket", {"le": "1.0"}) == 1
    assert registry.get_sample_value("seconds_bucket", {"le": "+Inf"}) == 2
    assert registry.get_sample_value("seconds_sum") == 2.5
    _assert_printed_alike(registry)


@pytest.mark.parametrize("values", [(), ("1",), ("1", "2", "3")])
def test_series_is_refused_when_the_labels_are_not_as_many_as_the_family_has(
    values: tuple[str, ...],
) -> None:
    counter = Counter("requests", "Requests.", ("a", "b"), registry=None)
    with pytest.raises(ValueError, match=r"^requests: expected 2 label values: "):
        counter.labels(*values)


def test_counter_never_falls() -> None:
    counter = Counter("requests", "Requests.", registry=None)
    with pytest.raises(ValueError, match=r"^a counter never falls$"):
        counter.inc(-1)


def test_series_is_made_once_and_kept() -> None:
    counter = Counter("requests", "Requests.", ("a",), registry=None)
    assert counter.labels("x") is counter.labels("x")
    assert counter.labels("x") is not counter.labels("y")


def test_series_leave_by_any_of_their_labels() -> None:
    registry = Registry()
    counter = Counter("requests", "Requests.", ("source", "code"), registry=registry)
    for source, code in (("a", "1"), ("a", "2"), ("b", "1")):
        counter.labels(source, code).inc()
    counter.remove_by_labels({"source": "a", "code": "2"})
    counter.remove_by_labels({"source": "b"})
    counter.remove_by_labels({"source": "nobody"})
    samples = [sample.labels for family in registry.collect() for sample in family.samples]
    assert samples == [{"source": "a", "code": "1"}]


class Only:
    """A collector of one ready family."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> list[Metric]:
        return [self._metric]


def _with_unit() -> Metric:
    return GaugeMetricFamily("a_seconds", "A.", value=1.0, unit="seconds")


def _with_timestamp() -> Metric:
    family = GaugeMetricFamily("a", "A.", labels=["x"])
    family.add_metric(["1"], 1.0, timestamp=EPOCH)
    return family


def _with_its_making() -> Metric:
    return CounterMetricFamily("a", "A.", value=1.0, created=EPOCH)


def _of_an_unknown_kind() -> Metric:
    family = Metric("a", "A.", "unknown")
    family.add_sample("a", {"x": "1"}, 1.0)
    return family


@pytest.mark.parametrize(
    "make", [_with_unit, _with_timestamp, _with_its_making, _of_an_unknown_kind]
)
def test_unusual_family_is_left_to_the_library(make: Any) -> None:
    registry = Registry()
    Counter("before", "Before.", registry=registry)
    registry.register(Only(make()))
    Counter("after", "After.", registry=registry)
    _assert_printed_alike(registry)


def test_instruments_of_the_library_are_printed_as_it_prints_them() -> None:
    registry = Registry()
    library.Info("build", 'The "version".', registry=registry).info({"version": '1"\n\\%s'})
    library.Gauge("size", "Size\\of.", ["x"], registry=registry).labels("%").set(math.inf)
    library.Summary("took", "Took.", registry=registry).observe(0.25)
    _assert_printed_alike(registry)


def test_registry_of_the_library_is_printed_by_the_library() -> None:
    registry = CollectorRegistry()
    library.Gauge("size", "Size.", registry=registry).set(1)
    _assert_printed_alike(registry)


def test_collector_that_left_the_registry_is_printed_no_longer() -> None:
    registry = Registry()
    counter = Counter("requests", "Requests.", registry=registry)
    registry.unregister(counter)
    assert SelfMetrics(registry, Deflater()).text(as_openmetrics=False) == b""
    _assert_printed_alike(registry)


def test_change_after_a_scrape_is_on_the_next_one() -> None:
    registry = Registry()
    counter = Counter("requests", "Requests.", ("a",), registry=registry)
    own = SelfMetrics(registry, Deflater())
    series = counter.labels("x")
    for count in range(1, 4):
        series.inc()
        assert f'requests_total{{a="x"}} {count}.0\n' in own.text(as_openmetrics=False).decode()


def test_only_what_has_changed_is_compressed_again() -> None:
    registry = Registry()
    counter = Counter("requests", "Requests.", registry=registry)
    registry.register(Only(GaugeMetricFamily("a", "A.", value=1.0)))
    Gauge("size", "Size.", registry=registry)
    own = SelfMetrics(registry, Deflater())
    before = own.pieces(as_openmetrics=False)
    counter.inc()
    after = own.pieces(as_openmetrics=False)
    assert [one is other for one, other in zip(before, after, strict=True)] == [False, False, True]


times = st.integers(10**12, 10**13 - 1).map(lambda milliseconds: milliseconds / 1000)


@given(st.floats() | times | st.floats(9e8, 2e10))
def test_fast_way_to_write_a_number_writes_it_as_go_does(value: float) -> None:
    expected: str = floatToGoString(value)  # type: ignore[no-untyped-call]
    assert format_number(value) == expected
