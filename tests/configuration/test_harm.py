"""Texts made to do harm, and any others, are understood or refused with a config error."""

import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.commands.console import EXIT_USAGE
from exporter.errors import ConfigError
from tests.configuration.configurations import flink, problems, read


def _ladder(steps: int, first: str, step: str) -> str:
    """Return a YAML mapping in which each line means ten times as much as the last."""
    lines = [f"a0: &a0 {first}"]
    for number in range(1, steps):
        lines.append(f"a{number}: &a{number} " + step.format(", ".join([f"*a{number - 1}"] * 10)))
    return "\n".join(lines) + "\n"


HARMFUL = {
    "aliases of a text": _ladder(12, "x", "[{}]"),
    "aliases of a mapping": _ladder(12, "{k: v}", "[{}]"),
    "merges": _ladder(12, "{k: v}", "{{<<: [{}]}}"),
    "list within itself": "a: &a [*a, *a]\n",
    "list of itself": "a: &a [*a]\n",
    "mapping of itself": "a: &a {b: *a}\n",
    "mapping merged into itself": "a: &a {<<: *a, b: 1}\n",
    "deep lists": "sources: " + "[" * 1_000 + "]" * 1_000,
    "deep mappings": "sources: " + "{a: " * 1_000,
}


@pytest.mark.parametrize("text", HARMFUL.values(), ids=HARMFUL.keys())
def test_text_that_means_far_too_much_does_no_harm(tmp_path: Path, text: str) -> None:
    """Some of it PyYAML sees through in one version and not in another: here the outcome counts."""
    (tmp_path / "exporter.yml").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "exporter", "check-config"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        preexec_fn=_bounded,
        capture_output=True,
        text=True,
        timeout=60,
    )
    lines = done.stderr.splitlines()
    assert done.returncode == EXIT_USAGE, done.stderr
    assert lines
    assert [
        line for line in lines if not re.fullmatch(r"exporter\.yml(:\d+:\d+)?: .{1,200}", line)
    ] == []


def _bounded() -> None:
    """Bound processor time and memory: ten times what the largest sensible file takes."""
    resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))


def test_more_values_than_any_file_has_are_refused() -> None:
    many = "a: &a [" + "x, " * 2_500 + "]\nb: [" + "*a, " * 100 + "]\n"
    assert problems(many) == ["too large: more than 200000 values"]


def test_more_keys_than_any_mapping_has_are_refused_when_they_are_merged() -> None:
    many = "".join(f"k{number}: 1, " for number in range(10_001))
    (line,) = problems(f"a: &a {{{many}}}\nb: {{<<: *a}}\n")
    assert re.fullmatch(r"line \d+, column \d+: not valid YAML: too many keys are merged", line)


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
