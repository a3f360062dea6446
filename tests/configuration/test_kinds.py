"""A part of a configuration is refused when it is not of the kind that belongs there."""

import pytest

from tests.configuration.configurations import MINIMAL, flink, problems

RULES: dict[str, tuple[str, list[str]]] = {
    "nothing": ("", ["expected a mapping with the key sources"]),
    "only a comment": ("# none\n", ["expected a mapping with the key sources"]),
    "a list": ("- a\n", ["expected a mapping with the key sources"]),
    "a text": ("sources\n", ["expected a mapping with the key sources"]),
    "a number": ("5\n", ["expected a mapping with the key sources"]),
    "two documents": (
        MINIMAL + "---\n" + MINIMAL,
        ["line 4, column 1: not valid YAML: but found another document"],
    ),
    "no sources": ("defaults: {}\n", ["sources: expected a list of at least one source"]),
    "empty sources": ("sources: []\n", ["sources: expected a list of at least one source"]),
    "null sources": ("sources:\n", ["sources: expected a list of at least one source"]),
    "sources as mapping": (
        "sources: {name: a}\n",
        ["sources: expected a list of at least one source"],
    ),
    "source as text": (
        "sources: [a, 5, null, [b]]\n",
        [f"sources[{n}]: expected a mapping with name and platform" for n in range(4)],
    ),
    "defaults as list": ("defaults: [a]\n" + MINIMAL, ["defaults: expected a mapping"]),
    "defaults as text": ("defaults: fast\n" + MINIMAL, ["defaults: expected a mapping"]),
    "date that is none": (
        "sources: 2024-13-45\n",
        ["not valid YAML: nested too deeply or not a value of its kind"],
    ),
    "lists that are none": (
        flink("expect: a, jobs: {include: b, exclude: {c: d}, ids: 5}"),
        [
            "sources[0].jobs.include: expected a list",
            "sources[0].jobs.exclude: expected a list",
            "sources[0].jobs.ids: expected a list",
            "sources[0].expect: expected a list",
        ],
    ),
    "mappings that are none": (
        flink("jobs: [a], labels: b, tls: 5, auth: c"),
        [
            "sources[0].jobs: expected a mapping",
            "sources[0].labels: expected a mapping",
            "sources[0].tls: expected a mapping",
            "sources[0].auth: expected a mapping",
        ],
    ),
    "texts that are none": (
        flink("expect: [5, [a]], labels: {a: 1, b: [c]}, jobs: {ids: [true, 1.5]}"),
        [
            "sources[0].jobs.ids[0]: expected a text",
            "sources[0].jobs.ids[1]: expected a text",
            "sources[0].expect[0]: expected a text",
            "sources[0].expect[1]: expected a text",
            "sources[0].labels.a: expected a text",
            "sources[0].labels.b: expected a text",
        ],
    ),
    "switches that are none": (
        flink("jobs: {drafts: maybe}, tls: {insecure_skip_verify: 7}"),
        [
            "sources[0].jobs.drafts: expected true or false",
            "sources[0].tls.insecure_skip_verify: expected true or false",
        ],
    ),
    "word that is no choice": (
        flink("state_series: some"),
        ["sources[0].state_series: expected 'all' or 'current'"],
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_configuration_is_refused_with_these_lines(rule: str) -> None:
    text, lines = RULES[rule]
    assert problems(text) == lines


def test_problem_of_the_yaml_is_told_with_its_place_and_kind() -> None:
    assert problems(flink("auth: {bearer: {token: *x}}")) == [
        "line 1, column 92: not valid YAML: found undefined alias"
    ]
    assert problems("a: !x b\n") == [
        "line 1, column 4: not valid YAML: could not determine a constructor for the tag"
    ]
    assert problems("%TAG !e! a\n%TAG !e! b\n---\n") == [
        "line 2, column 1: not valid YAML: duplicate tag handle"
    ]
    assert problems("a: [b\n") == [
        "line 2, column 1: not valid YAML: expected ',' or ']', but got '<stream end>'"
    ]
