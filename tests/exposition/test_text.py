"""Every line is what Prometheus' own client library would print."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.utils import floatToGoString

from exporter.exposition import Exposition, LineWriter, escape, format_value
from exporter.model import Snapshot
from tests.exposition.expositions import (
    AS_OPENMETRICS,
    AS_TEXT,
    OWN,
    Accept,
    Clock,
    exposition_of,
    page_of,
    store_of,
)
from tests.exposition.reference import expected_page
from tests.exposition.snapshot_strategies import HOSTILE, snapshots
from tests.jobs import job, snapshot


@pytest.mark.parametrize("accept", [AS_TEXT, AS_OPENMETRICS], ids=["text", "openmetrics"])
@settings(max_examples=50, deadline=None)
@given(given_snapshots=st.lists(snapshots, max_size=3))
def test_page_is_byte_for_byte_what_the_client_library_prints(
    accept: Accept, given_snapshots: list[Snapshot]
) -> None:
    store = store_of(*given_snapshots)
    page = page_of(Exposition(store, OWN, clock=Clock()), accept)
    assert page == expected_page(store.snapshots.values(), accept)


@pytest.mark.parametrize("accept", [AS_TEXT, AS_OPENMETRICS], ids=["text", "openmetrics"])
@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_label_value_is_printed_as_the_client_library_does(
    accept: Accept, value: str
) -> None:
    hostile = job(value, project=value, queue=value, error_id=value, tasks=((value, 1),))
    held = snapshot(hostile, labels=(("team", value),), absent=(value,))
    assert page_of(exposition_of(held), accept) == expected_page([held], accept)


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_label_value_comes_back_from_the_page_as_it_was(value: str) -> None:
    page = page_of(exposition_of(snapshot(job("x", queue=value)))).decode()
    # The parser of the library splits at "\n" only, as Prometheus does.
    (info,) = (
        sample
        for family in parse_text(page)
        for sample in family.samples
        if sample.name == "streaming_job_info"
    )
    assert info.labels["queue"] == value


def _as_go(value: float) -> str:
    text: str = floatToGoString(value)  # type: ignore[no-untyped-call]
    return text


@given(st.floats() | st.integers(-(10**18), 10**18).map(float))
def test_number_is_written_as_go_writes_it(value: float) -> None:
    assert format_value(value) == _as_go(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (999999.0, "999999.0"),
        (1e6, "1e+06"),
        (1234567.0, "1.234567e+06"),
        (-1234567.0, "-1234567.0"),
        (1_700_000_000.123, "1.700000000123e+09"),
        (1e15, "1e+15"),
        (1e16, "1e+16"),
        (1e100, "1e+100"),
        (1e-7, "1e-07"),
        (float("inf"), "+Inf"),
        (float("-inf"), "-Inf"),
        (float("nan"), "NaN"),
    ],
)
def test_number_is_written_so(value: float, text: str) -> None:
    assert format_value(value) == text == _as_go(value)


@pytest.mark.parametrize(
    ("value", "escaped"),
    [("\\", "\\\\"), ("\n", "\\n"), ('"', '\\"'), ("\\n", "\\\\n"), ("\r\u2028'", "\r\u2028'")],
)
def test_label_value_is_escaped_so(value: str, escaped: str) -> None:
    assert escape(value) == escaped


def test_line_has_its_labels_sorted_by_name() -> None:
    writer = LineWriter("m", {"b": "1", "d": "2"}, ("c", "a"))
    assert writer.line(("3", "4"), 5.0) == 'm{a="4",b="1",c="3",d="2"} 5.0\n'
    assert writer.line(('"', "\\"), 6.0) == 'm{a="\\\\",b="1",c="\\"",d="2"} 6.0\n'


def test_line_without_labels_has_no_braces() -> None:
    assert LineWriter("m", {}, ()).line((), 1.0) == "m 1.0\n"
    assert LineWriter("m", {"a": "1"}, ()).line((), 1.0) == 'm{a="1"} 1.0\n'
    assert LineWriter("m", {}, ("a",)).line(("1",), 1.0) == 'm{a="1"} 1.0\n'


@pytest.mark.parametrize("values", [(), ("1",), ("1", "2", "3")])
def test_line_is_refused_when_the_labels_are_not_as_many_as_the_family_has(
    values: tuple[str, ...],
) -> None:
    with pytest.raises(ValueError, match=r"^m: expected 2 label values"):
        LineWriter("m", {"x": "0"}, ("a", "b")).line(values, 1.0)


@pytest.mark.parametrize(
    ("fixed", "remaining"), [({"a": "1"}, ("a",)), ({}, ("a", "a")), ({"b": ""}, ("a", "b"))]
)
def test_writer_is_refused_when_a_label_is_given_twice(
    fixed: dict[str, str], remaining: tuple[str, ...]
) -> None:
    with pytest.raises(ValueError, match=r"^m: a label is given twice$"):
        LineWriter("m", fixed, remaining)
