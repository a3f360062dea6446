"""A variable of the environment is replaced in values, and one that is not set is a problem."""

import pytest

from exporter.secret import TextSecret
from tests.configuration.configurations import MINIMAL, flink, problems, read


@pytest.mark.parametrize(
    ("value", "environ", "expected"),
    [
        ("${A}", {"A": "x"}, "x"),
        ("pre-${A}-${B}-post", {"A": "x", "B": "y"}, "pre-x-y-post"),
        ("${A:-fallback}", {}, "fallback"),
        ("${A:-fallback}", {"A": ""}, "fallback"),
        ("${A:-fallback}", {"A": "x"}, "x"),
        ("${A:-}", {}, ""),
        ("${A:-a:-b c}", {}, "a:-b c"),
        ("$${A}", {"A": "x"}, "${A}"),
        ("$${A}${A}", {"A": "x"}, "${A}x"),
        ("$$${A}", {"A": "x"}, "$${A}"),
        ("$A", {"A": "x"}, "$A"),
        ("${}", {}, "${}"),
        ("${1A}", {"1A": "x"}, "${1A}"),
        ("${A", {"A": "x"}, "${A"),
        ("a$", {}, "a$"),
        ("${A}", {"A": "${B}", "B": "x"}, "${B}"),
        ("${A}", {"A": "two\nlines: {yaml: [}"}, "two\nlines: {yaml: [}"),
    ],
)
def test_variable_is_replaced_in_a_value(
    value: str, environ: dict[str, str], expected: str
) -> None:
    config = read(flink(f"labels: {{a: '{value}'}}"), environ)
    assert config.sources[0].settings.labels == {"a": expected}


def test_variable_is_replaced_in_lists_and_numbers_and_switches_too() -> None:
    text = flink(
        "expect: ['${E}'], rate_limit: '${R}', concurrency: '${C}', "
        "timeout: '${T}', jobs: {drafts: '${D}'}"
    )
    environ = {"E": "a.*", "R": "2.5", "C": "3", "T": "7s", "D": "true"}
    settings = read(text, environ).sources[0].settings
    assert (settings.expect, settings.rate_limit, settings.concurrency) == (("a.*",), 2.5, 3)
    assert (settings.timeout, settings.jobs.drafts) == (7.0, True)


def test_variable_is_not_replaced_in_a_key() -> None:
    assert problems(flink("labels: {'${A}': x}"), {"A": "b"}) == [
        "sources[0].labels: ${A}: not a label name"
    ]


def test_secret_of_the_environment_is_not_expanded_again() -> None:
    config = read(flink("auth: {bearer: {token: '${T}'}}"), {"T": "a${B}$${C}"})
    auth = getattr(config.sources[0].settings, "auth", None)
    assert auth is not None
    assert auth.bearer.secret("token") == TextSecret("a${B}$${C}")


@pytest.mark.parametrize("environ", [{}, {"A": ""}])
def test_variable_without_a_value_is_one_problem_at_its_place(environ: dict[str, str]) -> None:
    not_set = "environment variable A is not set"
    assert problems(flink("labels: {a: 'x${A}'}"), environ) == [f"sources[0].labels.a: {not_set}"]
    # The empty text it leaves is no second problem.
    assert problems(flink("timeout: '${A}'"), environ) == [f"sources[0].timeout: {not_set}"]
    assert problems(flink("auth: {bearer: {token: '${A}'}}"), environ) == [
        f"sources[0].auth.bearer.token: {not_set}"
    ]
    assert problems("defaults: {timeout: '${A}'}\n" + MINIMAL, environ) == [
        f"defaults.timeout: {not_set}"
    ]


def test_every_unset_variable_is_named() -> None:
    assert problems(flink("expect: ['${A}', x, '${B}'], labels: {c: '${C}'}")) == [
        "sources[0].expect[0]: environment variable A is not set",
        "sources[0].expect[2]: environment variable B is not set",
        "sources[0].labels.c: environment variable C is not set",
    ]


def test_value_that_is_no_utf_8_is_refused_since_no_page_could_show_it() -> None:
    assert problems(flink("labels: {a: \"x\\ud800\", b: '${B}'}"), {"B": "\udcff"}) == [
        "sources[0].labels.a: not UTF-8 text",
        "sources[0].labels.b: not UTF-8 text",
    ]


def test_all_variables_of_a_value_that_are_not_set_are_named() -> None:
    assert problems(flink("proxy_url: 'http://${USER}:${PASSWORD}@${USER}:1'")) == [
        "sources[0].proxy_url: environment variables USER, PASSWORD are not set"
    ]
