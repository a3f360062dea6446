"""Answers are read without trusting any of their fields, and without quoting any value."""

import json
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.fields import Flaw, Flaws, Record, as_number

HIDDEN = "hunter2-never-shown"
Reader = Callable[[Record], Any]

READERS: dict[str, Reader] = {
    "text": lambda record: record.text("x"),
    "long_text": lambda record: record.long_text("x"),
    "number": lambda record: record.number("x"),
    "integer": lambda record: record.integer("x"),
    "count": lambda record: record.count("x"),
    "boolean": lambda record: record.boolean("x"),
    "milliseconds": lambda record: record.milliseconds("x"),
    "time_milliseconds": lambda record: record.time_milliseconds("x"),
    "time_seconds": lambda record: record.time_seconds("x"),
    "time_either": lambda record: record.time_either("x"),
    "record": lambda record: bool(record.record("x")),
    "records": lambda record: record.records("x"),
}
EMPTY: dict[str, Any] = {"text": "", "long_text": "", "record": False, "records": []}
EXPECTED = {
    "text": "a text",
    "long_text": "a text",
    "number": "a number",
    "integer": "a whole number",
    "count": "a whole number",
    "boolean": "true or false",
    "milliseconds": "a number",
    "time_milliseconds": "a number",
    "time_seconds": "a number",
    "time_either": "a time",
    "record": "an object",
    "records": "a list",
}
TEXTS = ("text", "long_text")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def _read(reader: str, value: object) -> tuple[Any, list[str]]:
    """Read the field `x` of a job; return what came out and what was noted."""
    flaws = Flaws()
    found = READERS[reader](Record({"x": value}, "job", flaws))
    return found, [str(flaw) for flaw in flaws.unreadable]


@pytest.mark.parametrize("reader", READERS)
def test_field_is_empty_without_a_flaw_when_it_is_absent_or_null(reader: str) -> None:
    flaws = Flaws()
    for fields in ({}, {"x": None}, {"y": 1}):
        assert READERS[reader](Record(fields, "job", flaws)) == EMPTY.get(reader)
    assert flaws.unreadable == []


@pytest.mark.parametrize("reader", READERS)
def test_field_is_empty_and_noted_when_it_is_of_another_kind(reader: str) -> None:
    wrong: object = ["a"] if reader in (*TEXTS, "record") else HIDDEN
    found, flaws = _read(reader, wrong)
    assert found == EMPTY.get(reader)
    assert flaws == [f"job.x: expected {EXPECTED[reader]}"]


@pytest.mark.parametrize("reader", [*TEXTS, "number", "integer", "count", "time_seconds"])
def test_field_of_true_or_false_is_neither_text_nor_number(reader: str) -> None:
    found, flaws = _read(reader, True)
    assert found == EMPTY.get(reader)
    assert flaws == [f"job.x: expected {EXPECTED[reader]}"]


@pytest.mark.parametrize("reader", READERS)
@given(value=json_values)
def test_field_is_read_or_noted_whatever_it_holds(reader: str, value: object) -> None:
    found, flaws = _read(reader, value)
    assert len(flaws) <= 1 or reader == "records"
    assert all("\n" not in flaw and flaw.startswith("job.x") for flaw in flaws)
    if flaws and reader != "records":
        assert found == EMPTY.get(reader)
    if isinstance(found, float):
        assert math.isfinite(found)


@pytest.mark.parametrize("reader", TEXTS)
def test_text_never_holds_half_a_surrogate_pair(reader: str) -> None:
    assert _read(reader, json.loads('"a\\ud800b"')) == ("a?b", [])
    assert _read(reader, json.loads('"\\ud83d\\ude00 任务"')) == ("😀 任务", [])


@given(st.text(alphabet=st.characters(categories=["Cs", "Lo", "So", "Ll"])))
def test_text_can_always_be_encoded(text: str) -> None:
    for reader in TEXTS:
        _read(reader, text)[0].encode()


def test_text_is_cut_when_it_is_too_long_for_a_label() -> None:
    assert _read("text", "x" * 5000) == ("x" * 1024, [])
    assert _read("text", int("9" * 2000)) == ("9" * 1024, [])


def test_long_text_is_cut_at_its_own_limit() -> None:
    assert len(_read("long_text", "x" * 100_000)[0]) == 65536
    record = Record({"x": "abcdef"}, "job", Flaws())
    assert record.long_text("x", limit=3) == "abc"


def test_text_is_taken_from_the_digits_of_a_number_but_a_long_text_is_not() -> None:
    assert _read("text", 140512) == ("140512", [])
    assert _read("text", 1.5) == ("", ["job.x: expected a text"])
    assert _read("long_text", 5) == ("", ["job.x: expected a text"])


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (7, 7.0),
        (-7, -7.0),
        (0, 0.0),
        (1.5, 1.5),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("+.5", 0.5),
        ("-1.5e3", -1500.0),
        ("1.", 1.0),
        (True, None),
        (None, None),
        ("", None),
        ("x", None),
        ("0x10", None),
        ("1_000", None),
        ("inf", None),
        ("nan", None),
        ("1e999", None),
        ("9" * 41, None),
        (10**400, None),
        (float("inf"), None),
        (float("nan"), None),
        ([], None),
        ({}, None),
    ],
)
def test_number_is_finite_or_none(value: object, number: float | None) -> None:
    assert as_number(value) == number
    assert _read("number", value)[0] == number


@pytest.mark.parametrize("reader", ["number", "integer", "count", "boolean", "milliseconds"])
def test_empty_text_means_no_value_where_a_number_or_a_switch_belongs(reader: str) -> None:
    assert _read(reader, "") == (None, [])


@pytest.mark.parametrize(
    ("value", "integer"), [(3, 3), (3.0, 3), ("3", 3), ("3.0", 3), (-4, -4), (0, 0)]
)
def test_integer_is_read_when_the_number_is_whole(value: object, integer: int) -> None:
    found, flaws = _read("integer", value)
    assert (found, type(found), flaws) == (integer, int, [])


@pytest.mark.parametrize("value", [1.5, "1.5", "x", True, float("nan"), 10**400])
def test_integer_is_noted_when_the_number_is_not_whole(value: object) -> None:
    assert _read("integer", value) == (None, ["job.x: expected a whole number"])


def test_count_of_minus_one_is_how_vendors_write_none() -> None:
    assert _read("count", -1) == (None, [])
    assert _read("count", "-1") == (None, [])
    assert _read("count", -2) == (None, ["job.x: expected a count"])
    assert _read("count", 0) == (0, [])
    assert _read("count", "12") == (12, [])


@pytest.mark.parametrize(
    ("value", "boolean"),
    [(True, True), (False, False), ("true", True), (" FALSE ", False), ("True", True)],
)
def test_boolean_is_read_in_any_case(value: object, boolean: bool) -> None:
    assert _read("boolean", value) == (boolean, [])


@pytest.mark.parametrize("value", [1, 0, "yes", "1", [], 0.0])
def test_boolean_is_noted_when_it_is_neither(value: object) -> None:
    assert _read("boolean", value) == (None, ["job.x: expected true or false"])


def test_duration_in_milliseconds_becomes_seconds_and_negative_means_none() -> None:
    assert _read("milliseconds", 1500) == (1.5, [])
    assert _read("milliseconds", "1500") == (1.5, [])
    assert _read("milliseconds", 0) == (0.0, [])
    assert _read("milliseconds", -1) == (None, [])
    assert _read("milliseconds", -99999999) == (None, [])


@pytest.mark.parametrize("reader", ["time_milliseconds", "time_seconds", "time_either"])
@pytest.mark.parametrize("value", [0, -1, "0", "-1", -62135596800000])
def test_time_of_zero_or_less_means_none(reader: str, value: object) -> None:
    assert _read(reader, value) == (None, [])


def test_time_is_read_in_its_unit() -> None:
    assert _read("time_milliseconds", 1_700_000_000_123) == (1_700_000_000.123, [])
    assert _read("time_seconds", "1700000000") == (1_700_000_000.0, [])
    assert _read("time_either", 1_700_000_000_123) == (1_700_000_000.123, [])
    assert _read("time_either", "1700000000123") == (1_700_000_000.123, [])
    assert _read("time_either", 1_700_000_000) == (1_700_000_000.0, [])


@pytest.mark.parametrize(
    ("reader", "value"),
    [
        ("time_seconds", 1_700_000_000_000),
        ("time_milliseconds", 1_700_000_000_000_000),
        ("time_either", 1e300),
        ("time_either", "9999-12-31T23:59:59Z"),
    ],
)
def test_time_beyond_the_year_3000_is_in_another_unit_or_means_never(
    reader: str, value: object
) -> None:
    assert _read(reader, value) == (None, ["job.x: expected a time"])


@pytest.mark.parametrize(
    "text",
    [
        "2023-11-14T22:13:20Z",
        "2023-11-14T22:13:20+00:00",
        "2023-11-15T06:13:20+08:00",
        "2023-11-14T22:13:20",
        "2023-11-14 22:13:20",
        "2023-11-14T22:13:20.000Z",
    ],
)
def test_time_as_text_is_utc_unless_it_says_otherwise(text: str) -> None:
    assert _read("time_either", text) == (1_700_000_000.0, [])


@pytest.fixture
def _far_from_greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let this machine stand in Shanghai."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Shanghai")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("_far_from_greenwich")
def test_time_as_text_is_utc_wherever_the_exporter_runs() -> None:
    assert _read("time_either", "2023-11-14T22:13:20") == (1_700_000_000.0, [])


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z"])
def test_time_as_text_means_none_when_it_is_the_zero_of_a_language(text: str) -> None:
    assert _read("time_either", text) == (None, [])


@pytest.mark.parametrize("text", ["yesterday", "2023-13-01", "14.11.2023", " "])
def test_time_as_text_is_noted_when_it_is_none(text: str) -> None:
    assert _read("time_either", text) == (None, ["job.x: expected a time"])


@pytest.mark.parametrize("value", [[], {}, True])
def test_time_of_another_kind_is_noted_once(value: object) -> None:
    assert _read("time_either", value) == (None, ["job.x: expected a number"])


def test_first_name_that_is_present_and_not_null_is_read() -> None:
    record = Record({"a": None, "b": "second", "c": "third"}, "job", Flaws())
    assert record.text("a", "b", "c") == "second"
    assert record.has("a", "b")
    assert not record.has("a")
    assert not record.has("absent", "a")
    assert Record({"b": 0}, "job", Flaws()).has("b")


def test_flaw_names_the_field_that_was_found_among_several_spellings() -> None:
    flaws = Flaws()
    record = Record({"b": []}, "job", flaws)
    assert record.number("a", "b") is None
    assert record.count("a", "b") is None
    assert flaws.unreadable == [Flaw("job.b", "a number"), Flaw("job.b", "a whole number")]


def test_record_that_is_no_object_is_empty_and_noted() -> None:
    flaws = Flaws()
    record = Record([1], "answer", flaws)
    assert not record
    assert list(record.names()) == []
    assert record.text("x") == ""
    assert flaws.unreadable == [Flaw("answer", "an object")]


def test_record_that_is_null_is_empty_and_not_noted() -> None:
    flaws = Flaws()
    assert not Record(None, "answer", flaws)
    assert flaws.unreadable == []


def test_record_with_fields_is_true_and_lists_their_names() -> None:
    record = Record({"a": 1, "b": None}, "job", Flaws())
    assert record
    assert list(record.names()) == ["a", "b"]


def test_inner_records_note_flaws_with_their_whole_place() -> None:
    flaws = Flaws()
    answer = {"job": {"parts": [{"size": 1}, "x", {"size": HIDDEN}, None]}}
    parts = Record(answer, "answer", flaws).record("job").records("parts")
    assert [part.number("size") for part in parts] == [1.0, None]
    assert [str(flaw) for flaw in flaws.unreadable] == [
        "answer.job.parts[1]: expected an object",
        "answer.job.parts[3]: expected an object",
        "answer.job.parts[2].size: expected a number",
    ]


def test_missing_identity_is_noted_by_name() -> None:
    flaws = Flaws()
    Record({}, "job", flaws).missing("job_id")
    assert [str(flaw) for flaw in flaws.unreadable] == [
        "job.job_id: expected a value, as the vendor documents it"
    ]


def test_unknown_states_are_kept_in_the_order_they_are_met() -> None:
    flaws = Flaws()
    flaws.note_state("job_dancing")
    flaws.note_state("job_sleeping")
    flaws.note_state("job_dancing")
    assert flaws.unknown_states == ["job_dancing", "job_sleeping", "job_dancing"]
