"""The exporter counts what it does itself, from the first moment a source is configured."""

from collections.abc import Mapping

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from exporter.errors import Reason
from exporter.telemetry.telemetry import Telemetry
from tests.virtual_time import EPOCH

LABELS = {"source": "dli", "platform": "huawei_dli"}
PER_SOURCE = (
    *("streaming_source_polls_total", "streaming_source_poll_overruns_total"),
    *("streaming_source_unknown_states_total", "streaming_source_unreadable_fields_total"),
)
PER_REASON = ("streaming_source_poll_failures_total", "streaming_source_detail_failures_total")


def _value(
    telemetry: Telemetry, name: str, labels: Mapping[str, str] | None = None
) -> float | None:
    return telemetry.registry.get_sample_value(name, dict(labels or {}))


def _series(telemetry: Telemetry, source: str) -> list[str]:
    """Return the names of all samples about a source."""
    return [
        sample.name
        for family in telemetry.registry.collect()
        for sample in family.samples
        if sample.labels.get("source") == source
    ]


def test_series_of_a_source_are_0_before_anything_happens() -> None:
    telemetry = Telemetry()
    telemetry.add_source("dli", "huawei_dli")
    for name in PER_SOURCE:
        assert _value(telemetry, name, LABELS) == 0
    for name in PER_REASON:
        for reason in Reason:
            assert _value(telemetry, name, {**LABELS, "reason": reason.value}) == 0


def test_source_added_again_keeps_what_was_counted() -> None:
    telemetry = Telemetry()
    telemetry.add_source("dli", "huawei_dli")
    telemetry.polls.labels("dli", "huawei_dli").inc()
    telemetry.add_source("dli", "huawei_dli")
    assert _value(telemetry, "streaming_source_polls_total", LABELS) == 1


def test_everything_of_a_removed_source_goes_and_nothing_of_another() -> None:
    telemetry = Telemetry()
    for name in ("dli", "flink"):
        telemetry.add_source(name, "p")
        telemetry.request_done(name, "List", "200", 0.1)
        telemetry.throttled(name, "List")
    before = _series(telemetry, "flink")
    telemetry.remove_source("dli")
    assert _series(telemetry, "dli") == []
    assert _series(telemetry, "flink") == before


def test_removing_a_source_that_never_was_does_no_harm() -> None:
    telemetry = Telemetry()
    telemetry.add_source("dli", "p")
    telemetry.remove_source("other")
    assert len(_series(telemetry, "dli")) == len(PER_SOURCE) + len(PER_REASON) * len(Reason)


def test_request_is_counted_by_operation_and_code_and_timed_by_operation() -> None:
    telemetry = Telemetry()
    telemetry.request_done("dli", "List", "200", 0.3)
    telemetry.request_done("dli", "List", "200", 40.0)
    telemetry.request_done("dli", "List", "timeout", 10.0)
    name, labels = "streaming_exporter_api_requests_total", {"source": "dli", "operation": "List"}
    assert _value(telemetry, name, {**labels, "code": "200"}) == 2
    assert _value(telemetry, name, {**labels, "code": "timeout"}) == 1
    duration = "streaming_exporter_api_request_duration_seconds"
    assert _value(telemetry, f"{duration}_count", labels) == 3
    assert _value(telemetry, f"{duration}_sum", labels) == pytest.approx(50.3)
    buckets = {"0.25": 0, "0.5": 1, "10.0": 2, "30.0": 2, "+Inf": 3}
    for bound, count in buckets.items():
        assert _value(telemetry, f"{duration}_bucket", {**labels, "le": bound}) == count


def test_repeated_request_is_counted_without_a_time_of_its_own() -> None:
    telemetry = Telemetry()
    telemetry.request_repeated("dli", "List", "401")
    labels = {"source": "dli", "operation": "List"}
    name = "streaming_exporter_api_requests_total"
    assert _value(telemetry, name, {**labels, "code": "401"}) == 1
    count = "streaming_exporter_api_request_duration_seconds_count"
    assert _value(telemetry, count, labels) is None


def test_throttled_requests_are_counted_by_operation() -> None:
    telemetry = Telemetry()
    telemetry.throttled("dli", "List")
    telemetry.throttled("dli", "List")
    labels = {"source": "dli", "operation": "List"}
    assert _value(telemetry, "streaming_exporter_api_throttled_total", labels) == 2


def test_time_of_the_last_good_configuration_stays_when_a_reload_fails() -> None:
    telemetry = Telemetry()
    successful = "streaming_exporter_config_last_reload_successful"
    at = "streaming_exporter_config_last_reload_success_timestamp_seconds"
    telemetry.reloaded(successful=True, now=EPOCH)
    assert (_value(telemetry, successful), _value(telemetry, at)) == (1, EPOCH)
    telemetry.reloaded(successful=False, now=EPOCH + 60)
    assert (_value(telemetry, successful), _value(telemetry, at)) == (0, EPOCH)
    telemetry.reloaded(successful=True, now=EPOCH + 90)
    assert (_value(telemetry, successful), _value(telemetry, at)) == (1, EPOCH + 90)


def test_version_and_process_are_told() -> None:
    telemetry = Telemetry()
    telemetry.build.info({"version": "1.2.3"})
    assert _value(telemetry, "streaming_exporter_build_info", {"version": "1.2.3"}) == 1
    page = generate_latest(telemetry.registry).decode()
    for name in ("process_cpu_seconds_total", "process_resident_memory_bytes", "python_info"):
        assert f"\n{name}" in page
    assert "python_gc_objects_collected_total" in page


def test_counters_have_no_series_of_their_making() -> None:
    telemetry = Telemetry()
    telemetry.add_source("dli", "p")
    telemetry.request_done("dli", "List", "200", 0.1)
    assert "_created" not in generate_latest(telemetry.registry).decode()


def test_registry_is_the_exporters_own_or_the_one_given() -> None:
    one, other, given = Telemetry(), Telemetry(), CollectorRegistry()
    one.throttled("dli", "List")
    assert _series(other, "dli") == []
    assert Telemetry(given).registry is given
