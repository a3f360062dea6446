"""Each problem is told with file, line, column and name of its source, in the order of lines."""

import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest

from exporter.configuration.config import load, parse
from exporter.configuration.places import Origin
from exporter.errors import About, ConfigError, ConfigProblem
from tests.configuration.configurations import DURATION, ENDPOINT, HIDDEN, MINIMAL
from tests.configuration.test_problems import SECRET_PLACES

FLINK = "platform: apache_flink, endpoint: 'http://h:1'"


def told(text: str, environ: Mapping[str, str] | None = None) -> list[str]:
    """Return the lines that are told of the text as a file x.yml."""
    with pytest.raises(ConfigError) as caught:
        parse(text, environ=environ or {}, directory=Path("/nowhere"), file="x.yml")
    return str(caught.value).splitlines()


def test_problems_are_told_in_the_order_of_lines_with_what_was_found_and_is_expected() -> None:
    text = """\
    sources:
      - name: dli-prod
        platform: apache_flink
        endpoint: http://h:1
        rate_limit: many
        timeout: 5 min
        jobs:
          drafts: [yes]
        expect: a
        pol_interval: 30s
      - name: two
        platform: apache_flink
        endpoint: nowhere
        labels: {source: a}
        concurrency: 0
    sorces: 1
    """
    assert told(textwrap.dedent(text)) == [
        'x.yml:5:17: sources[0] "dli-prod": rate_limit: expected a number, found "many"',
        f'x.yml:6:14: sources[0] "dli-prod": timeout: {DURATION}, found "5 min"',
        'x.yml:8:7: sources[0] "dli-prod": jobs.drafts: expected true or false, found a list',
        'x.yml:9:13: sources[0] "dli-prod": expect: expected a list, found a text',
        'x.yml:10:5: sources[0] "dli-prod": pol_interval: unknown key; did you mean poll_interval?',
        f'x.yml:13:15: sources[1] "two": endpoint: {ENDPOINT}',
        'x.yml:14:5: sources[1] "two": labels: source: this label is the exporter\'s own',
        'x.yml:15:18: sources[1] "two": concurrency: expected greater than or equal to 1, found 0',
        "x.yml:16:1: sorces: unknown key; did you mean sources?",
    ]


def test_value_of_an_alias_or_a_merge_is_where_it_was_written() -> None:
    text = f"""\
    defaults: {{timeout: &t soon}}
    sources:
      - &a
        name: a
        {FLINK.split(", ")[0]}
        endpoint: http://h:1
        detail_interval: later
      - <<: *a
        name: b
        poll_interval: *t
      - <<: [{{name: c}}, *a]
        detail_interval: 1s
        labels: {{<<: {{x.y: 1}}}}
    """
    assert told(textwrap.dedent(text)) == [
        f'x.yml:1:21: defaults.timeout: {DURATION}, found "soon"',
        f'x.yml:1:21: sources[1] "b": poll_interval: {DURATION}, found "soon"',
        f'x.yml:7:22: sources[0] "a": detail_interval: {DURATION}, found "later"',
        f'x.yml:7:22: sources[1] "b": detail_interval: {DURATION}, found "later"',
        'x.yml:13:24: sources[2] "c": labels.x.y: expected a text, found a number',
    ]


def test_what_the_environment_gave_is_named_and_never_shown() -> None:
    text = "sources:\n- {name: '${TEAM}-prod', " + FLINK + ",\n   timeout: '${WAIT}'}\n"
    assert told(text, {"TEAM": "core", "WAIT": HIDDEN}) == [
        f'x.yml:3:13: sources[0] "core-prod": timeout: {DURATION}, found what ${{WAIT}} stands for'
    ]
    assert told(text, {"TEAM": "core"}) == [
        'x.yml:3:13: sources[0] "core-prod": timeout: environment variable WAIT is not set'
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: [b\n", ":2:1: not valid YAML: expected ',' or ']', but got '<stream end>'"),
        ("sources: []\nsources: []\n", ":2:1: not valid YAML: the key sources is given twice"),
        ("- a\n", ": expected a mapping with the key sources"),
        ("", ": expected a mapping with the key sources"),
        ("a: &a [*a]\n", ": too large: more than 200000 values"),
        ("sources: 5\n", ":1:10: sources: expected a list of at least one source, found a number"),
        ("sources: \n", ":1:9: sources: expected a list of at least one source, found nothing"),
        ("defaults: 1\n" + MINIMAL, ":1:11: defaults: expected a mapping, found a number"),
        (
            "sources: [a]\n",
            ":1:11: sources[0]: expected a mapping with name and platform, found a text",
        ),
        ("edge: on\n", ":1:7: edge: expected a mapping with database and projects, found on"),
        ("'': 1\n" + MINIMAL, ":1:1: '': unknown key"),
    ],
)
def test_problem_of_the_document_has_the_place_there_is(text: str, line: str) -> None:
    assert told(text) == [f"x.yml{line}"]


def test_source_whose_name_is_none_is_told_by_its_number() -> None:
    for name in (HIDDEN + " x", "[1]", "{a: 1}", "''"):
        (line, *_) = told(f"sources: [{{name: {name}, {FLINK}}}]")
        assert line.startswith("x.yml:1:1")
        assert "sources[0].name: " in line
        assert HIDDEN not in line


def test_key_with_dots_and_brackets_in_it_is_found() -> None:
    text = f"sources:\n- {{name: a, {FLINK},\n  labels: {{a: b,\n   'a.b[0].c': [x]}}}}\n"
    assert told(text) == [
        'x.yml:4:4: sources[0] "a": labels.a.b[0].c: expected a text, found a list'
    ]


def test_key_that_is_not_shown_whole_is_found() -> None:
    text = f"sources:\n- {{name: a, {FLINK},\n  labels: {{a: b,\n   team:{HIDDEN},\n   c/d: 1}}}}\n"
    assert told(text) == [
        'x.yml:4:4: sources[0] "a": labels.team…: expected a text; '
        "a space may be missing after the colon",
        'x.yml:5:9: sources[0] "a": labels.c…: expected a text, found a number',
    ]


def test_limits_for_all_that_do_not_agree_with_those_of_a_source_are_told_at_the_source() -> None:
    text = (
        "attention: {restarts: {within: 2h}}\nsources:\n"
        f"- {{name: a, {FLINK}}}\n- {{name: b, {FLINK},\n"
        "   attention: {restarts: {budget_within: 1h}}}\n"
    )
    assert told(text) == [
        'x.yml:5:16: sources[1] "b": attention.restarts: budget_within must not be shorter than '
        "within"
    ]


@pytest.mark.parametrize("text", SECRET_PLACES)
def test_no_place_quotes_what_may_be_a_secret(text: str) -> None:
    lines = told(text.replace("HIDDEN", HIDDEN))
    assert all(line.startswith("x.yml") for line in lines)
    assert HIDDEN not in "\n".join(line for line in lines if "no such file" not in line)


def test_many_problems_and_keys_take_no_longer_for_each() -> None:
    keys = "".join(f"  k{number}.a[0]: 1\n" for number in range(20_000))
    problems = [
        ConfigProblem(f"a.k{number}.a[0]", "unknown key", About.KEY) for number in range(20_000)
    ]
    placed = Origin("x.yml", f"a:\n{keys}").place(problems)
    assert [str(each) for each in placed[:2]] == [
        "x.yml:2:3: a.k0.a[0]: unknown key",
        "x.yml:3:3: a.k1.a[0]: unknown key",
    ]
    assert placed[-1].place is not None
    assert placed[-1].place.line == 20_001


def test_origin_that_is_no_file_leaves_problems_as_they_are() -> None:
    problem = ConfigProblem("a", "wrong")
    assert Origin().place([problem]) == (problem,)


def test_file_that_is_loaded_is_named_as_it_was_given(tmp_path: Path) -> None:
    path = tmp_path / "exporter.yml"
    path.write_text("sources: []\n")
    with pytest.raises(ConfigError, match=rf"^{path}:1:1: sources: "):
        load(path, {})


def test_text_merged_into_itself_is_placed_without_end() -> None:
    place = Origin("x.yml", "a: &a {<<: *a, b: 1}\n").place([ConfigProblem("a.c", "wrong")])
    assert str(place[0]) == "x.yml:1:1: a.c: wrong"
