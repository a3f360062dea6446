"""Durations, moments, sizes and errors are told in a few words that hide nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.pages.formatting import duration, latency, moment, share, shorten, size, visible
from tests.jobs import job, snapshot
from tests.pages.overviews import NOW, READER, overview_of
from tests.virtual_time import EPOCH


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0, "0 s"),
        (0.25, "0.2 s"),
        (9.99, "10 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (125, "2 min 5 s"),
        (3599, "59 min"),
        (3600, "1 h"),
        (7265, "2 h 1 min"),
        (86400, "1 d"),
        (100 * 86400 + 7200, "100 d 2 h"),
    ],
)
def test_durations_show_their_two_largest_units(seconds: float | None, text: str) -> None:
    assert duration(seconds, READER.words) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, ""), (0.0254, "25 ms"), (0.999, "999 ms"), (1, "1 s"), (60, "1 min")],
)
def test_latencies_show_milliseconds_where_they_are_short(seconds: float | None, text: str) -> None:
    assert latency(seconds, READER.words) == text


@pytest.mark.parametrize("timestamp", [None, -1.0, float("nan"), float("inf"), 1e18])
def test_times_beyond_any_calendar_are_not_shown(timestamp: float | None) -> None:
    assert moment(timestamp, READER) is None


def test_moments_are_told_from_now() -> None:
    found = [moment(NOW + shift, READER) for shift in (-3700, -0.4, 0.4, 90)]
    assert [each and each.relative for each in found] == [
        *("1 h 1 min ago", "now", "now", "in 1 min 30 s"),
    ]
    epoch = moment(EPOCH, READER)
    assert epoch is not None
    assert epoch.absolute == "2023-11-14 22:13:20 UTC"
    assert epoch.machine == "2023-11-14T22:13:20Z"


@pytest.mark.parametrize(
    ("count", "text"), [(None, ""), (0, "0 B"), (999, "999 B"), (1536, "1.5 kB"), (3e12, "3.0 TB")]
)
def test_sizes_have_a_unit(count: float | None, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(("ratio", "text"), [(None, ""), (0, "0 %"), (0.124, "12 %"), (1, "100 %")])
def test_shares_are_told_as_per_cent(ratio: float | None, text: str) -> None:
    assert share(ratio, READER.words) == text


def test_characters_that_turn_or_hide_others_are_shown_as_code_points() -> None:
    assert visible("evil\u202egpj.exe") == "evil‹U+202E›gpj.exe"
    assert visible("a\0b\u200bc\ufeff") == "a‹U+0000›b‹U+200B›c‹U+FEFF›"
    assert visible("每日对账 مرحبا\n\tat x") == "每日对账 مرحبا\n\tat x"


@given(text=st.text(), length=st.integers(2, 50))
def test_shortened_text_is_one_line_of_that_length_at_most(text: str, length: int) -> None:
    line = shorten(text, length)
    assert len(line) <= length
    assert "\n" not in line


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({}, ""),
        ({"error_id": "RUNTIME.1"}, "RUNTIME.1"),
        ({"error_type": "java.lang.OutOfMemoryError"}, "OutOfMemoryError"),
        (
            {"error_type": "a.b.JobException", "error_text": "a.b.c.JobException: no\n\tat x.y"},
            "JobException: no at x.y",
        ),
        ({"error_id": "17", "error_text": "disk full"}, "17: disk full"),
        ({"error_text": "x" * 500}, "x" * 159 + "…"),
    ],
)
def test_last_error_is_told_in_a_few_words(facts: dict[str, Any], text: str) -> None:
    assert [row.error for row in overview_of(snapshot(job(**facts))).rows] == [text]
