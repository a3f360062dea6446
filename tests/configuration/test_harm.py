"""Texts made to do harm, and any others, are understood or refused with a config error."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.errors import ConfigError
from tests.configuration.configurations import flink, problems, read


def _ladder(steps: int, first: str, step: str) -> str:
    """Return a YAML mapping in which each line means ten times as much as the last."""
    lines = [f"a0: &a0 {first}"]
    for number in range(1, steps):
        lines.append(f"a{number}: &a{number} " + step.format(", ".join([f"*a{number - 1}"] * 10)))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (_ladder(12, "x", "[{}]"), "too large: more than 200000 values"),
        (_ladder(12, "{k: v}", "[{}]"), "too large: more than 200000 values"),
        ("a: &a [*a, *a]\n", "too large: more than 200000 values"),
        ("a: &a [*a]\n", "too large: more than 200000 values"),
        ("a: &a {b: *a}\n", "too large: more than 200000 values"),
        ("sources: " + "[" * 1_000 + "]" * 1_000, "not valid YAML: nested too deeply"),
        ("sources: " + "{a: " * 1_000, "not valid YAML: nested too deeply"),
    ],
)
def test_text_that_means_far_too_much_is_refused_at_once(text: str, line: str) -> None:
    (found,) = problems(text)
    assert found.startswith(line)


def test_merges_that_mean_far_too_much_are_refused_at_once() -> None:
    (line,) = problems(_ladder(12, "{k: v}", "{{<<: [{}]}}"))
    assert re.fullmatch(r"not valid YAML: line \d+, column \d+: too many keys are merged", line)


def test_mapping_that_is_merged_into_itself_does_no_harm() -> None:
    assert problems("a: &a {<<: *a, b: 1}\n")[0] == "a: unknown key"


def test_value_nested_deeper_than_any_setting_is_refused() -> None:
    text = flink("labels: {a: " + "[" * 60 + "]" * 60 + "}")
    lines = problems(text)
    assert any(line.endswith("]: nested too deeply") for line in lines)


def _as_yaml(value: object) -> str:
    """Write a value in YAML's flow style, texts in double quotes with all of them escaped."""
    if isinstance(value, dict):
        pairs = (f"{_as_yaml(key)}: {_as_yaml(each)}" for key, each in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_as_yaml(each) for each in value) + "]"
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(letter):08x}" for letter in value) + '"'
    if isinstance(value, float):
        return {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}.get(repr(value), repr(value))
    return {None: "null", True: "true", False: "false"}.get(value, str(value))  # type: ignore[call-overload, no-any-return]


@given(st.text(alphabet=st.sampled_from("ab:-[]{},&*!|>'\"%@`#?<= \n\t01.~")))
def test_any_text_is_understood_or_refused_with_a_config_error(text: str) -> None:
    with pytest.raises(ConfigError):
        read(text)


yaml_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = [
    *("poll_interval", "stale_after", "rate_limit", "concurrency", "state_series", "jobs", "tls"),
    *("expect", "labels", "proxy_url", "auth", "endpoint", "endpoints", "name", "platform"),
]


@given(key=st.sampled_from(KEYS), value=yaml_values)
def test_any_value_of_any_key_is_understood_or_refused_with_a_config_error(
    key: str, value: object
) -> None:
    entry = {"name": "f", "platform": "apache_flink", "endpoint": "http://h", key: value}
    text = f"sources: [{_as_yaml(entry)}]"
    try:
        read(text)
    except ConfigError as exc:
        places = [problem.path for problem in exc.problems]
    else:
        places = ["sources[0]"]
    assert all(place.startswith("sources[0]") for place in places)
