"""Any configuration is loaded, or refused with the place of everything that is wrong with it."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporter.configuration.config import Config, parse
from exporter.configuration.places import Origin
from exporter.errors import ConfigError
from fuzz import examples
from fuzz.changes import Change, How, Twin, apply, write
from tests.fuzzing.strategies import changes, json_values

HERE = Path(__file__).parent
HIDDEN = "hunter2-never-shown"
WHOLE = re.compile(r"not valid YAML: |too large: |expected a mapping with the key sources")
"""What is said of a document that has no places."""

SECRETS = yaml.safe_load(f"""
sources:
  - name: dli
    platform: huawei_dli
    region: cn-north-4
    project_id: p
    auth: {{access_key: AK, secret_key: {HIDDEN}}}
  - name: vvp
    platform: alibaba_flink
    region: cn-hangzhou
    workspace: w
    namespaces: [default]
    auth: {{access_key_id: a, access_key_secret: {HIDDEN}}}
  - name: flink
    platform: apache_flink
    endpoint: http://h:1
    auth: {{bearer: {{token: {HIDDEN}}}}}
edge: {{database: e.db, projects: {{p: {{token: {HIDDEN}}}}}}}
""")

FRAGMENTS = (
    *(
        "sources:",
        "edge:",
        "defaults:",
        "- ",
        "  - ",
        "\n",
        "\n  ",
        "\n    ",
        " ",
        "{",
        "}",
        "[",
        "]",
    ),
    *(
        "]",
        ", ",
        ": ",
        "? ",
        "name: ",
        "platform: ",
        "apache_flink",
        "huawei_dli",
        "&a ",
        "*a",
        "<<: ",
    ),
    *("&b ", "*b", "!!set ", "!!omap ", "!!binary ", "!!python/object:os.system ", "!!int ", "!x "),
    *("!!timestamp ", "!!bool ", "!!float ", "!!null ", "!!pairs ", "|\n", ">\n", "'", '"', "#"),
    *("---\n", "...\n", "%YAML 1.1\n", "%TAG ! tag:x,2000:\n", "0x" + "f" * 5000, "9" * 5000),
    *(
        "1:" * 2000 + "1",
        "1:" * 200 + "1.5",
        "0o17",
        ".nan",
        "-.inf",
        "1e999",
        "2001-12-14t21:59:43.10-05:00",
        "~",
    ),
    *("2001-99-99", "yes", "${NAME}", "${UNSET}", "$${NAME}", "\t", "\x00", "\x85", "\u2028"),
    *("\ufeff", "\ud800", "\\ud800", "😀", "a" * 2000, "=", "@", "`", "\x7f", "- - - - "),
)


def _read(text: str) -> Config | ConfigError:
    """Return what becomes of a configuration; whatever else is raised fails the test."""
    found: Config | ConfigError
    try:
        found = parse(text, environ={"NAME": "value"}, directory=HERE)
    except ConfigError as error:
        found = error
    if isinstance(found, ConfigError):
        assert found.problems
        assert all(each.message for each in found.problems)
        assert all(each.path or WHOLE.match(each.message) for each in found.problems)
        str(found).encode()
        # Where it is can be told of whatever is wrong, and quotes no more of it.
        placed = ConfigError(Origin("x.yml", text).place(found.problems))
        assert HIDDEN in str(found) or HIDDEN not in str(placed)
        assert all(line.startswith("x.yml") for line in map(str, placed.problems))
        str(placed).encode()
    return found


@settings(max_examples=200)
@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")))
def test_any_text_is_loaded_or_refused(text: str) -> None:
    _read(text)


@settings(max_examples=300)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join))
@example("sources: [{name: 0x" + "f" * 5000 + "}]")
@example("sources: [{platform: 0x" + "f" * 5000 + "}]")
@example("0x" + "f" * 5000 + ": 1")
@example("edge: {relay: {source: 0x" + "f" * 5000 + "}}")
@example("sources: [{name: f, platform: apache_flink, jobs: {ids: [0x" + "f" * 5000 + "]}}]")
@example("sources: [{? [a] : b, platform: apache_flink}]")
@example("&a [*a]")
@example("sources: &a [*a]")
@example("sources: &a {x: *a}")
@example("&a {? *a : 1}")
def test_yaml_of_any_pieces_is_loaded_or_refused(text: str) -> None:
    _read(text)


@settings(max_examples=200)
@given(json_values)
@example({"": "\ud800"})
def test_any_value_is_loaded_or_refused_as_yaml(value: Any) -> None:
    _read(yaml.safe_dump({"sources": value, "edge": value, "defaults": value}))
    _read(yaml.safe_dump(value))


@settings(max_examples=300)
@given(st.sampled_from(examples.CONFIGURATIONS[:3]), changes)
def test_changed_configuration_is_loaded_or_refused(text: bytes, made: list[Change]) -> None:
    # JSON is YAML, and can be written with keys given twice.
    _read(write(apply(yaml.safe_load(text), made)).decode())


@settings(max_examples=300)
@given(changes)
def test_refusal_of_a_changed_configuration_quotes_no_secret(made: list[Change]) -> None:
    found = _read(write(apply(SECRETS, made)).decode())
    assert HIDDEN not in str(found)
    assert HIDDEN not in repr(found)


@settings(max_examples=200)
@given(st.data())
def test_refusal_of_a_configuration_without_some_blanks_quotes_no_secret(
    data: st.DataObject,
) -> None:
    pieces = yaml.safe_dump(SECRETS, default_flow_style=True, width=100_000).split(": ")
    joints = data.draw(st.lists(st.sampled_from([": ", ":", " :", "="]), min_size=len(pieces)))
    text = "".join(f"{piece}{joint}" for piece, joint in zip(pieces, joints, strict=False))
    found = _read(text[: -len(joints[len(pieces) - 1])])
    assert HIDDEN not in str(found)
    assert HIDDEN not in repr(found)


def test_configuration_with_the_secrets_is_a_good_one() -> None:
    assert isinstance(_read(write(SECRETS).decode()), Config)


def test_places_of_several_problems_are_all_named() -> None:
    twice = [Change(0, How.REPLACE, {"sources": [{"name": "a"}], "nonsense": 1})]
    found = _read(write(apply({}, twice)).decode())
    assert isinstance(found, ConfigError)
    assert {problem.path for problem in found.problems} == {"nonsense", "sources[0].platform"}


LAUGHS = "a0: &a0 [x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30)
)
MERGES = "a0: &a0 {k: 1}\n" + "".join(
    f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 30)
)


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS,
        MERGES,
        "[" * 100_000,
        "{a: " * 100_000,
        "- " * 100_000,
        "? " * 100_000,
        "sources: [" + "1," * 200_001 + "]",
        "sources: " + "[" * 400 + "]" * 400,
        write(apply({"sources": 1}, [Change(1, How.DOUBLE, 2)])).decode(),
        write({Twin("sources"): [], "sources": []}).decode(),
    ],
    ids=[
        *("laughs", "merges", "deep lists", "deep mappings", "deep entries", "deep keys"),
        *("many values", "four hundred levels", "a key twice", "the key twice"),
    ],
)
def test_bomb_is_refused(text: str) -> None:
    assert isinstance(_read(text), ConfigError)
