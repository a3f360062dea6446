"""Durations and numbers are refused when they are none, or out of their range."""

import pytest

from tests.configuration.configurations import DURATION, MINIMAL, flink, problems

RULES: dict[str, tuple[str, list[str]]] = {
    "durations": (
        flink("poll_interval: fast, timeout: -5s, detail_interval: 5 m, ended_retention: [1]"),
        [
            f"sources[0].poll_interval: {DURATION}",
            f"sources[0].detail_interval: {DURATION}",
            f"sources[0].timeout: {DURATION}",
            f"sources[0].ended_retention: {DURATION}",
        ],
    ),
    "durations that are no time": (
        flink("poll_interval: .nan, timeout: .inf, detail_interval: -1, stale_after: " + "9" * 400),
        [
            f"sources[0].poll_interval: {DURATION}",
            f"sources[0].detail_interval: {DURATION}",
            f"sources[0].timeout: {DURATION}",
            f"sources[0].stale_after: {DURATION}",
        ],
    ),
    "durations of zero": (
        flink("poll_interval: 0s, timeout: 0, detail_interval: 0ms, stale_after: 0.0"),
        [
            "sources[0].poll_interval: expected a duration longer than zero",
            "sources[0].detail_interval: expected a duration longer than zero",
            "sources[0].timeout: expected a duration longer than zero",
            "sources[0].stale_after: expected a duration longer than zero",
        ],
    ),
    "null where a duration belongs": (flink("timeout: null"), [f"sources[0].timeout: {DURATION}"]),
    "true where a number belongs": (
        flink("timeout: true, rate_limit: yes, concurrency: off, ended_retention: false"),
        [
            "sources[0].timeout: expected a number, not true or false",
            "sources[0].rate_limit: expected a number, not true or false",
            "sources[0].concurrency: expected a number, not true or false",
            "sources[0].ended_retention: expected a number, not true or false",
        ],
    ),
    "numbers out of range": (
        flink("rate_limit: 0, concurrency: 0"),
        [
            "sources[0].rate_limit: expected greater than 0",
            "sources[0].concurrency: expected greater than or equal to 1",
        ],
    ),
    "numbers far out of range": (
        flink("rate_limit: 10001, concurrency: 1001"),
        [
            "sources[0].rate_limit: expected less than or equal to 10000",
            "sources[0].concurrency: expected less than or equal to 1000",
        ],
    ),
    "negative numbers": (
        flink("rate_limit: -1.5, concurrency: -1"),
        [
            "sources[0].rate_limit: expected greater than 0",
            "sources[0].concurrency: expected greater than or equal to 1",
        ],
    ),
    "infinite numbers": (
        flink("rate_limit: .inf, concurrency: .inf"),
        [
            "sources[0].rate_limit: expected less than or equal to 10000",
            "sources[0].concurrency: expected a finite number",
        ],
    ),
    "numbers that are none": (
        flink("rate_limit: .nan, concurrency: many"),
        [
            "sources[0].rate_limit: expected less than or equal to 10000",
            "sources[0].concurrency: expected a whole number",
        ],
    ),
    "number with more colons than a float can hold": (
        flink("rate_limit: " + "1:" * 200 + "1.5"),
        ["line 1, column 81: not valid YAML: a number that is too large"],
    ),
    "number with more colons than are read": (
        flink("rate_limit: " + "1:" * 500 + "1.5"),
        ["line 1, column 81: not valid YAML: a number that is too large"],
    ),
    "half a request at a time": (
        flink("concurrency: 1.5"),
        ["sources[0].concurrency: expected a whole number"],
    ),
    "stale before the next poll": (
        flink("poll_interval: 5m, stale_after: 5m"),
        ["sources[0]: stale_after must be longer than poll_interval: every job would go"],
    ),
    "stale before the next poll, by the defaults": (
        "defaults: {poll_interval: 10m}\n" + MINIMAL,
        ["sources[0]: stale_after must be longer than poll_interval: every job would go"],
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_configuration_is_refused_with_these_lines(rule: str) -> None:
    text, lines = RULES[rule]
    assert problems(text) == lines
