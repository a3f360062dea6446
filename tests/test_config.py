"""A configuration is understood whole, or refused with every problem at its place."""

import re
import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter import platforms
from exporter.config import Config, load, parse
from exporter.errors import ConfigError
from exporter.secret import TextSecret

HIDDEN = "hunter2-never-shown"
NOWHERE = Path("/nowhere")
DURATION = "expected a duration such as 30s, 5m or 1h30m"
ENDPOINT = "expected http(s)://host[:port][/path], without credentials or query"
MINIMAL = """
sources:
  - {name: flink, platform: apache_flink, endpoint: http://localhost:8081}
"""


def read(text: str, environ: Mapping[str, str] | None = None, directory: Path = NOWHERE) -> Config:
    return parse(textwrap.dedent(text), environ=environ or {}, directory=directory)


def problems(
    text: str, environ: Mapping[str, str] | None = None, directory: Path = NOWHERE
) -> list[str]:
    """Return the lines of the error that a configuration makes."""
    with pytest.raises(ConfigError) as caught:
        read(text, environ, directory)
    lines = str(caught.value).splitlines()
    assert lines == [str(problem) for problem in caught.value.problems]
    return lines


def flink(settings: str) -> str:
    """Return a configuration of one Flink source with these settings, in YAML's flow style."""
    return (
        "sources: [{name: f, platform: apache_flink, endpoint: 'http://h:1', " + settings + "}]\n"
    )


# What is understood.


def test_source_has_the_documented_defaults() -> None:
    (source,) = read(MINIMAL).sources
    settings = source.settings
    assert source.platform.name == "apache_flink"
    assert (settings.name, settings.platform) == ("flink", "apache_flink")
    assert (settings.poll_interval, settings.detail_interval) == (30.0, 120.0)
    assert (settings.timeout, settings.stale_after) == (10.0, 300.0)
    assert (settings.rate_limit, settings.concurrency) == (50.0, 8)
    assert (settings.ended_retention, settings.state_series) == (86400.0, "all")
    assert (settings.expect, settings.label_pairs, settings.proxy_url) == ((), (), None)
    assert settings.jobs.model_dump() == {"include": (), "exclude": (), "ids": (), "drafts": False}
    assert set(settings.tls.model_dump().values()) == {None, False}


def test_defaults_hold_for_each_source_unless_it_says_otherwise() -> None:
    config = read("""
        defaults:
          poll_interval: 1m
          rate_limit: 7
          labels: {team: a}
          jobs: {drafts: true, include: [x]}
        sources:
          - {name: one, platform: apache_flink, endpoint: http://h}
          - name: two
            platform: apache_flink
            endpoint: http://h
            poll_interval: 5s
            labels: {}
            jobs: {include: [y]}
        """)
    one, two = (source.settings for source in config.sources)
    assert (one.poll_interval, one.rate_limit, one.label_pairs) == (60.0, 7.0, (("team", "a"),))
    assert (one.jobs.drafts, one.jobs.include) == (True, ("x",))
    assert (two.poll_interval, two.rate_limit, two.label_pairs) == (5.0, 7.0, ())
    assert (two.jobs.drafts, two.jobs.include) == (False, ("y",))


def test_every_platform_of_the_documentation_is_understood(tmp_path: Path) -> None:
    for name in ("sk", "pw", "aks"):
        (tmp_path / name).write_text(f"{name}-{HIDDEN}\n")
    config = read(
        """
        defaults:
          poll_interval: 30s
          detail_interval: 2m
          timeout: 10s
          stale_after: 5m
          rate_limit: 10
          concurrency: 8
          ended_retention: 24h
          state_series: all
        sources:
          - name: dli-prod
            platform: huawei_dli
            region: cn-north-4
            project_id: 330e068af1334c9782f4226acc00a2e2
            endpoint: https://dli.cn-north-4.myhuaweicloud.com
            auth: {access_key: "${HUAWEICLOUD_SDK_AK}", secret_key_file: sk}
            jobs: {include: ["prod_.*"], exclude: [], ids: [], drafts: false}
            expect: ["orders_.*"]
            labels: {team: payments}
          - name: dli-token
            platform: huawei_dli
            region: ap-southeast-3
            project_id: 330e068af1334c9782f4226acc00a2e2
            auth: {iam: {endpoint: https://iam.x, username: u, password_file: pw, domain: d}}
          - {name: f, platform: huawei_dataarts, region: cn-north-4, project_id: p, workspace: w}
          - name: blink
            platform: alibaba_blink
            region: cn-shanghai
            projects: [project1]
            auth: {access_key_id: i, access_key_secret_file: aks}
          - {name: v, platform: alibaba_flink, region: cn-hangzhou, workspace: w, namespaces: [n]}
          - name: flink
            platform: apache_flink
            endpoint: http://localhost:8081
            auth: {basic: {username: u, password_file: pw}}
        """,
        {"HUAWEICLOUD_SDK_AK": f"AK-{HIDDEN}"},
        tmp_path,
    )
    assert [source.platform.name for source in config.sources] == [
        *("huawei_dli", "huawei_dli", "huawei_dataarts"),
        *("alibaba_blink", "alibaba_flink", "apache_flink"),
    ]
    assert HIDDEN not in repr(config)
    assert repr(config).count("<secret>") >= 5


@pytest.mark.parametrize(
    "text",
    [
        MINIMAL,
        "\ufeff" + MINIMAL,
        MINIMAL.replace("\n", "\r\n"),
        "defaults:\n" + MINIMAL,
        "defaults: {}\n" + MINIMAL,
        "# 注释\n" + MINIMAL,
        '{"sources": [{"name": "f", "platform": "apache_flink", "endpoint": "http://h"}]}',
    ],
)
def test_same_configuration_is_understood_in_every_dress(text: str) -> None:
    assert len(read(text).sources) == 1


def test_two_readings_of_the_same_text_are_equal_and_of_another_are_not() -> None:
    text = flink("auth: {bearer: {token: '${T}'}}, labels: {a: b}")
    assert read(text, {"T": "1"}) == read(text, {"T": "1"})
    assert read(text, {"T": "1"}) != read(text, {"T": "2"})


def test_job_ids_may_be_written_as_numbers() -> None:
    config = read("""
        sources: [{name: d, platform: huawei_dli, region: cn-north-4, project_id: p,
                   jobs: {ids: [140512, "140513"]}}]
        """)
    assert config.sources[0].settings.jobs.ids == ("140512", "140513")


def test_anchors_and_merges_may_be_used() -> None:
    config = read("""
        sources:
          - &one
            name: one
            platform: apache_flink
            endpoint: http://h
            labels: &labels {team: a}
          - <<: *one
            name: two
            labels: {<<: *labels, stage: b}
          - <<: [*one]
            name: three
        """)
    assert [source.settings.label_pairs for source in config.sources] == [
        (("team", "a"),),
        (("stage", "b"), ("team", "a")),
        (("team", "a"),),
    ]


def test_merge_that_overrides_a_key_is_no_repeated_key_however_deep_it_stands() -> None:
    config = read("""
        sources:
          - name: one
            platform: apache_flink
            endpoint: http://h
            labels: &base {team: a, stage: b}
          - name: two
            platform: apache_flink
            endpoint: http://h
            jobs: {include: [], exclude: []}
            labels: &more {<<: *base, team: c}
          - {name: three, platform: apache_flink, endpoint: http://h, labels: {<<: *more, x: "1"}}
        """)
    assert [dict(source.settings.labels) for source in config.sources] == [
        {"team": "a", "stage": "b"},
        {"team": "c", "stage": "b"},
        {"team": "c", "stage": "b", "x": "1"},
    ]


# The environment.


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


# What is refused: the text, and the exact lines of the error.

NAMES = ", ".join(platforms.names())
RULES: dict[str, tuple[str, list[str]]] = {
    "nothing": ("", ["expected a mapping with the key sources"]),
    "only a comment": ("# none\n", ["expected a mapping with the key sources"]),
    "a list": ("- a\n", ["expected a mapping with the key sources"]),
    "a text": ("sources\n", ["expected a mapping with the key sources"]),
    "a number": ("5\n", ["expected a mapping with the key sources"]),
    "two documents": (
        MINIMAL + "---\n" + MINIMAL,
        ["not valid YAML: line 4, column 1: but found another document"],
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
    # Keys.
    "unknown key at the top": (
        "default: {}\nsource: []\nzzz: 1\n" + MINIMAL,
        [
            "default: unknown key; did you mean defaults?",
            "source: unknown key; did you mean sources?",
            "zzz: unknown key",
        ],
    ),
    "unknown key of another kind": (
        "2: a\ntrue: b\n" + MINIMAL,
        ["2: unknown key", "True: unknown key"],
    ),
    "unknown key in defaults": (
        "defaults: {poll_intervall: 5s, name: x, endpoint: y, platform: z, zzz: 1}\n" + MINIMAL,
        [
            "defaults.poll_intervall: unknown key; did you mean poll_interval?",
            "defaults.name: unknown key",
            "defaults.endpoint: unknown key",
            "defaults.platform: unknown key",
            "defaults.zzz: unknown key",
        ],
    ),
    "unknown key in a source": (
        flink("poll_intervall: 5s, label: {}, zzz: 1"),
        [
            "sources[0].poll_intervall: unknown key; did you mean poll_interval?",
            "sources[0].label: unknown key; did you mean labels?",
            "sources[0].zzz: unknown key",
        ],
    ),
    "unknown key in jobs": (
        flink("jobs: {includes: [], zzz: 1}"),
        [
            "sources[0].jobs.includes: unknown key; did you mean include?",
            "sources[0].jobs.zzz: unknown key",
        ],
    ),
    "unknown key in tls": (
        flink("tls: {cafile: x, skip_verify: true}"),
        [
            "sources[0].tls.cafile: unknown key; did you mean ca_file?",
            "sources[0].tls.skip_verify: unknown key; did you mean insecure_skip_verify?",
        ],
    ),
    "unknown key in auth": (
        flink("auth: {basics: {}, bearer: {token: t, tokenfile: x}}"),
        [
            "sources[0].auth.bearer.tokenfile: unknown key; did you mean token_file?",
            "sources[0].auth.basics: unknown key; did you mean basic?",
        ],
    ),
    "unknown key in jobs of defaults": (
        "defaults: {jobs: {draft: true}}\n" + MINIMAL,
        ["defaults.jobs.draft: unknown key; did you mean drafts?"],
    ),
    "key that is no text": (
        flink("1: x, labels: {2: y}"),
        [
            "sources[0].labels[2]: expected a text as the key",
            "sources[0][1]: expected a text as the key",
        ],
    ),
    "key given twice": (
        "sources:\n  - name: f\n    platform: apache_flink\n    name: g\n",
        ["not valid YAML: line 4, column 5: the key name is given twice"],
    ),
    "key given twice in a label": (
        flink("labels: {a: x, b: y, a: z}"),
        ["not valid YAML: line 1, column 90: the key a is given twice"],
    ),
    "key given twice at the top": (
        MINIMAL + MINIMAL,
        ["not valid YAML: line 5, column 1: the key sources is given twice"],
    ),
    "key that is a mapping": (
        "? {a: b}\n: c\n",
        ["not valid YAML: line 1, column 3: found unhashable key"],
    ),
    # Platforms and names.
    "platform missing": (
        "sources: [{name: f}]\n",
        [f"sources[0].platform: required; one of {NAMES}"],
    ),
    "platform mistyped": (
        "sources: [{platform: apache-flink}, {platform: huawei_dlf}, {platform: Alibaba_Blink}]\n",
        [
            "sources[0].platform: 'apache-flink': no such platform; did you mean apache_flink?",
            "sources[1].platform: 'huawei_dlf': no such platform; did you mean huawei_dli?",
            "sources[2].platform: 'Alibaba_Blink': no such platform; did you mean alibaba_blink?",
        ],
    ),
    "platform unheard of": (
        "sources: [{platform: spark}, {platform: 5}, {platform: [apache_flink]}, {platform: ''}]\n",
        [
            f"sources[0].platform: 'spark': no such platform; one of {NAMES}",
            f"sources[1].platform: 5: no such platform; one of {NAMES}",
            "sources[2].platform: ['apache_flink']: no such platform; did you mean apache_flink?",
            f"sources[3].platform: '': no such platform; one of {NAMES}",
        ],
    ),
    "platform that is a module of ours": (
        "sources: [{platform: __init__}, {platform: ..vendors.huawei}]\n",
        [
            f"sources[0].platform: '__init__': no such platform; one of {NAMES}",
            f"sources[1].platform: '..vendors.huawei': no such platform; one of {NAMES}",
        ],
    ),
    "name missing": (
        "sources: [{platform: apache_flink, endpoint: 'http://h'}]\n",
        ["sources[0].name: required"],
    ),
    "name that is no name": (
        "sources:\n"
        + "".join(
            f"  - {{name: {name}, platform: apache_flink, endpoint: 'http://h'}}\n"
            for name in ("'a b'", "''", "-a", "<b>", "任务", "'" + "x" * 64 + "'", '"a\\n"')
        ),
        [
            f"sources[{n}].name: expected up to 63 letters, digits, dots, dashes or underscores"
            for n in range(7)
        ],
    ),
    "name that is a number": (
        "sources: [{name: 5, platform: apache_flink, endpoint: 'http://h'}]\n",
        ["sources[0].name: expected a text"],
    ),
    "name given twice": (
        "sources:\n"
        + "".join(
            f"  - {{name: {name}, platform: apache_flink, endpoint: 'http://h'}}\n"
            for name in ("a", "b", "a", "A", "b", "a")
        ),
        [
            "sources[2].name: a: this name is already that of sources[0]",
            "sources[4].name: b: this name is already that of sources[1]",
            "sources[5].name: a: this name is already that of sources[0]",
        ],
    ),
    # Durations and numbers.
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
            "sources[0].concurrency: expected a valid integer, "
            "unable to parse string as an integer",
        ],
    ),
    "half a request at a time": (
        flink("concurrency: 1.5"),
        ["sources[0].concurrency: expected a valid integer, got a number with a fractional part"],
    ),
    "stale before the next poll": (
        flink("poll_interval: 5m, stale_after: 5m"),
        ["sources[0]: stale_after must be longer than poll_interval: every job would go"],
    ),
    "stale before the next poll, by the defaults": (
        "defaults: {poll_interval: 10m}\n" + MINIMAL,
        ["sources[0]: stale_after must be longer than poll_interval: every job would go"],
    ),
    "date that is none": (
        "sources: 2024-13-45\n",
        ["not valid YAML: nested too deeply or not a value of its kind"],
    ),
    # Kinds.
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
            "sources[0].jobs.drafts: expected a valid boolean, unable to interpret input",
            "sources[0].tls.insecure_skip_verify: "
            "expected a valid boolean, unable to interpret input",
        ],
    ),
    "word that is no choice": (
        flink("state_series: some"),
        ["sources[0].state_series: expected 'all' or 'current'"],
    ),
    # Patterns.
    "patterns": (
        flink("expect: ['a(', ok, '[b'], jobs: {include: ['*'], exclude: ['c)']}"),
        [
            "sources[0].jobs.include[0]: not a regular expression: nothing to repeat at position 0",
            "sources[0].jobs.exclude[0]: not a regular expression: "
            "unbalanced parenthesis at position 1",
            "sources[0].expect[0]: not a regular expression: "
            "missing ), unterminated subpattern at position 1",
            "sources[0].expect[2]: not a regular expression: "
            "unterminated character set at position 0",
        ],
    ),
    "pattern beyond counting": (
        flink("expect: ['a{99999999999}']"),
        ["sources[0].expect[0]: not a regular expression: the repetition number is too large"],
    ),
    # Labels.
    "labels that are no label names": (
        flink("labels: {a-b: x}"),
        ["sources[0].labels: a-b: not a label name"],
    ),
    "labels that Prometheus keeps for itself": (
        flink("labels: {__name__: x}"),
        ["sources[0].labels: __name__: not a label name"],
    ),
    # Addresses.
    "endpoint with credentials": (
        f"sources: [{{name: f, platform: apache_flink, endpoint: 'https://u:{HIDDEN}@h'}}]\n",
        [f"sources[0].endpoint: {ENDPOINT}"],
    ),
    "endpoint missing": (
        "sources: [{name: f, platform: apache_flink}]\n",
        ["sources[0]: give either endpoint or endpoints"],
    ),
    "proxy": (
        flink("proxy_url: 'socks5://h:1'"),
        ["sources[0].proxy_url: expected http(s)://host:port"],
    ),
    # Files and secrets.
    "files that are not there": (
        flink("tls: {ca_file: ca.pem, cert_file: /c.pem, key_file: ''}"),
        [
            "sources[0].tls.ca_file: no such file: /nowhere/ca.pem",
            "sources[0].tls.cert_file: no such file: /c.pem",
            "sources[0].tls.key_file: expected the name of a file",
        ],
    ),
    "file of a secret that is not there": (
        MINIMAL
        + "  - {name: a, platform: apache_flink, endpoint: 'http://h'}\n"
        + "  - {name: d, platform: huawei_dli, region: cn-north-4, project_id: p,\n"
        + "     auth: {access_key: AK, secret_key_file: /run/secrets/sk}}\n",
        ["sources[2].auth.secret_key_file: no such file: /run/secrets/sk"],
    ),
    "secret that is empty": (
        flink("auth: {basic: {username: u, password: ''}}"),
        ["sources[0].auth.basic.password: expected a non-empty text"],
    ),
    "secret that is missing": (
        flink("auth: {basic: {username: u}}"),
        ["sources[0].auth.basic: password or password_file is required"],
    ),
    "two ways to log in": (
        flink("auth: {basic: {username: u, password: p}, bearer: {token: t}}"),
        ["sources[0].auth: give either basic or bearer"],
    ),
    # What comes from the defaults.
    "problem of the defaults": (
        "defaults: {timeout: soon, labels: {a: 1}, jobs: {include: ['(']}}\n"
        + MINIMAL
        + "  - {name: g, platform: apache_flink, endpoint: 'http://h', timeout: later}\n",
        [
            f"defaults.timeout: {DURATION}",
            "defaults.jobs.include[0]: not a regular expression: "
            "missing ), unterminated subpattern at position 0",
            "defaults.labels.a: expected a text",
            f"sources[1].timeout: {DURATION}",
        ],
    ),
    # Platforms' own keys.
    "Huawei Cloud": (
        "sources:\n"
        "  - {name: a, platform: huawei_dli, project_id: p}\n"
        "  - {name: b, platform: huawei_dataarts, region: cn-north-4}\n"
        "  - {name: c, platform: huawei_dli, region: cn-north-4, project_id: p, workspace: w}\n",
        [
            "sources[0]: region or endpoint is required",
            "sources[1].project_id: required",
            "sources[2].workspace: unknown key",
        ],
    ),
    "Huawei Cloud login": (
        "sources:\n"
        "  - {name: a, platform: huawei_dli, region: cn-north-4, project_id: p, auth: {}}\n"
        "  - {name: b, platform: huawei_dli, region: cn-north-4, project_id: p,\n"
        "     auth: {iam: {usernam: u, domain: d, password: p, endpoint: 'https://i'}}}\n"
        "  - {name: c, platform: huawei_dli, region: cn-north-4, project_id: p,\n"
        "     auth: {acces_key: a, secret_key: s}}\n",
        [
            "sources[0].auth: give either access_key and secret_key, or iam",
            "sources[1].auth.iam.username: required",
            "sources[1].auth.iam.usernam: unknown key; did you mean username?",
            "sources[2].auth.acces_key: unknown key; did you mean access_key?",
        ],
    ),
    "Alibaba Cloud": (
        "sources:\n"
        "  - {name: a, platform: alibaba_blink, projects: [p]}\n"
        "  - {name: b, platform: alibaba_blink, region: cn-shanghai, project: [p]}\n"
        "  - {name: c, platform: alibaba_flink, region: cn-shanghai, workspace: w,\n"
        "     auth: {access_key_id: i}, namespaces: [n]}\n",
        [
            "sources[0]: region or endpoint is required",
            "sources[1].projects: required",
            "sources[1].project: unknown key; did you mean projects?",
            "sources[2].auth: access_key_secret or access_key_secret_file is required",
        ],
    ),
    # Everything at once.
    "several problems of several sources": (
        "defaults: {pol_interval: 1s}\n"
        "sorces: []\n"
        "sources:\n"
        "  - {name: a b, platform: apache_flink, endpoint: nowhere, timeout: soon}\n"
        "  - {name: b, platform: flink}\n"
        "  - {name: c, platform: apache_flink, endpoint: 'http://h', expect: ['${E}', '(']}\n",
        [
            "sources[2].expect[0]: environment variable E is not set",
            "sorces: unknown key; did you mean sources?",
            "defaults.pol_interval: unknown key; did you mean poll_interval?",
            "sources[0].name: expected up to 63 letters, digits, dots, dashes or underscores",
            f"sources[0].timeout: {DURATION}",
            f"sources[0].endpoint: {ENDPOINT}",
            "sources[1].platform: 'flink': no such platform; did you mean apache_flink?",
            "sources[2].expect[1]: not a regular expression: "
            "missing ), unterminated subpattern at position 0",
        ],
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_configuration_is_refused_with_these_lines(rule: str) -> None:
    text, lines = RULES[rule]
    assert problems(text) == lines


@pytest.mark.parametrize(
    "name",
    [
        *("source", "platform", "project", "job_id", "job_name", "job", "instance"),
        *("native_status", "graph_state", "expected_state", "job_type", "run_mode", "queue"),
        *("engine_version", "run_id", "le", "quantile"),
    ],
)
def test_label_of_the_exporter_itself_cannot_be_configured(name: str) -> None:
    assert problems(flink(f"labels: {{team: a, {name}: x}}")) == [
        f"sources[0].labels: {name}: this label is the exporter's own"
    ]


@pytest.mark.parametrize(
    "endpoint",
    [
        *("", "h", "h:1", "//h", "ftp://h", "https://", "https:///x", "https://h?a=b"),
        *("https://h#x", "https://u@h", "https://u:p@h", "https://h/a b", "https://h\\\\x"),
        *(" https://h", "https://h\\n", "https://:8081", "https://h:99999", "https://h:0"),
        *("https://[::1", "https://[zz]", "https://999.1.1.1", "https://xn--", "https://h:x"),
    ],
)
def test_endpoint_is_refused_when_it_is_no_plain_address(endpoint: str) -> None:
    text = f'sources: [{{name: f, platform: apache_flink, endpoint: "{endpoint}"}}]\n'
    assert problems(text) == [f"sources[0].endpoint: {ENDPOINT}"]


@pytest.mark.parametrize(
    ("endpoint", "kept"),
    [
        ("http://localhost:8081", "http://localhost:8081"),
        ("https://h/", "https://h"),
        ("https://h/a/b/", "https://h/a/b"),
        ("https://[::1]:8081/x", "https://[::1]:8081/x"),
        ("https://10.0.0.1", "https://10.0.0.1"),
        ("https://flink.例え.jp", "https://flink.例え.jp"),
    ],
)
def test_endpoint_is_kept_without_its_last_slash(endpoint: str, kept: str) -> None:
    text = f'sources: [{{name: f, platform: apache_flink, endpoint: "{endpoint}"}}]\n'
    assert read(text).sources[0].settings.endpoint == kept


@pytest.mark.parametrize(
    "proxy", ["h:1", "ftp://h:1", "socks5://h:1", "http://", "http://h:99999", "http://h:1/x?y"]
)
def test_proxy_is_refused_when_it_is_none(proxy: str) -> None:
    assert problems(flink(f"proxy_url: '{proxy}'")) == [
        "sources[0].proxy_url: expected http(s)://host:port"
    ]


@pytest.mark.parametrize("proxy", ["http://h:3128", "https://h", f"http://u:{HIDDEN}@h:1/"])
def test_proxy_is_kept_and_its_password_shown_nowhere(proxy: str) -> None:
    config = read(flink(f"proxy_url: '{proxy}'"))
    assert config.sources[0].settings.proxy_url == proxy
    assert HIDDEN not in repr(config)


def test_pattern_with_brackets_beyond_nesting_is_refused() -> None:
    (line,) = problems(flink(f"expect: ['{'(' * 3000}']"))
    assert line.startswith("sources[0].expect[0]: not a regular expression: ")


def test_certificate_and_key_go_together(tmp_path: Path) -> None:
    (tmp_path / "c.pem").write_text("x")
    expected = ["sources[0].tls: cert_file and key_file go together"]
    assert problems(flink("tls: {cert_file: c.pem}"), directory=tmp_path) == expected
    assert problems(flink("tls: {key_file: c.pem}"), directory=tmp_path) == expected


def test_secret_given_both_ways_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text(HIDDEN)
    text = flink(f"auth: {{bearer: {{token: {HIDDEN}, token_file: pw}}}}")
    assert problems(text, directory=tmp_path) == [
        "sources[0].auth.bearer: give either token or token_file"
    ]


# No secret in any message.


@pytest.mark.parametrize(
    "text",
    [
        flink("auth: {bearer: {token: *HIDDEN}}"),
        flink("auth: {bearer: {token: !HIDDEN}}"),
        flink("auth: {bearer: {token: !HIDDEN x}}"),
        flink("auth: {bearer: {token: !<HIDDEN> x}}"),
        flink("auth: {bearer: {token: !HIDDEN!x y}}"),
        flink("auth: {bearer: {token: &HIDDEN x, token_file: &HIDDEN y, a: *HIDDEN}}"),
        flink("auth: {bearer: {token: %HIDDEN}}"),
        flink("auth: {bearer: {token: @HIDDEN}}"),
        flink("auth: {bearer: {token: `HIDDEN`}}"),
        flink("auth: {bearer: {token: 'HIDDEN}}"),
        flink('auth: {bearer: {token: "HIDDEN\\x"}}'),
        flink("auth: {bearer: {token: HIDDEN: x}}"),
        flink("auth: {bearer: {token: [HIDDEN]}}"),
        flink("auth: {bearer: {token: {HIDDEN: x}}}"),
        flink("auth: {bearer: {token: !!binary HIDDEN=}}"),
        flink("auth: {bearer: {token: !!int HIDDEN}}"),
        flink("auth: {bearer: {token: !!timestamp HIDDEN}}"),
        flink("auth: {bearer: {token: !!bool HIDDEN}}"),
        flink("auth: {bearer: {token: !!float HIDDEN}}"),
        flink("auth: {bearer: {token: !!map HIDDEN}}"),
        flink("auth: {bearer: {token: !!int ''}}"),
        flink("auth: {bearer: {token: HIDDEN, token_file: HIDDEN-file-that-is-not-there}}"),
        flink("auth: HIDDEN"),
        flink("auth: {basic: HIDDEN}"),
        flink("auth: {basic: {username: 'HIDDEN:x', password: HIDDEN}}"),
        flink("auth: {basic: {username: u, password: HIDDEN, passwort_file: HIDDEN}}"),
        flink("proxy_url: 'http://u:HIDDEN@h:1?x'"),
        flink("timeout: HIDDEN, rate_limit: HIDDEN, concurrency: HIDDEN, state_series: HIDDEN"),
        flink("labels: HIDDEN, expect: HIDDEN, jobs: HIDDEN, tls: HIDDEN"),
        "sources: [{name: 'HIDDEN HIDDEN', platform: apache_flink, endpoint: 'http://u:HIDDEN@h'}]",
        "defaults: HIDDEN\nsources: HIDDEN\n",
        "sources: [HIDDEN]\n",
        "HIDDEN\n",
        "- HIDDEN\n",
        "%HIDDEN x\n---\n",
        "a: 'x\nHIDDEN",
        "a: b: HIDDEN\n",
        "a: HIDDEN\x01\n",
    ],
)
def test_value_that_may_be_a_secret_is_never_quoted(text: str) -> None:
    lines = problems(text.replace("HIDDEN", HIDDEN))
    shown = [line for line in lines if "no such file" not in line]
    assert HIDDEN not in "\n".join(shown)


def test_error_holds_no_exception_that_quotes_the_text() -> None:
    for text in (flink(f"auth: {{bearer: {{token: *{HIDDEN}}}}}"), f"a: '{HIDDEN}"):
        with pytest.raises(ConfigError) as caught:
            read(text)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__


def test_problem_of_the_yaml_is_told_with_its_place_and_kind() -> None:
    assert problems(flink("auth: {bearer: {token: *x}}")) == [
        "not valid YAML: line 1, column 92: found undefined alias"
    ]
    assert problems("a: !x b\n") == [
        "not valid YAML: line 1, column 4: could not determine a constructor for the tag"
    ]
    assert problems("%TAG !e! a\n%TAG !e! b\n---\n") == [
        "not valid YAML: line 2, column 1: duplicate tag handle"
    ]
    assert problems("a: [b\n") == [
        "not valid YAML: line 2, column 1: expected ',' or ']', but got '<stream end>'"
    ]


# Texts made to do harm.


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


# Files.


def test_file_is_read_and_names_in_it_are_relative_to_it(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t\n")
    path = tmp_path / "exporter.yml"
    path.write_text(flink("auth: {bearer: {token_file: token}}, labels: {a: '${A}'}"))
    config = load(path, {"A": "x"})
    assert config.sources[0].settings.label_pairs == (("a", "x"),)


def test_file_that_is_not_there_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "absent.yml", {})
    assert str(caught.value) == f"{tmp_path}/absent.yml: No such file or directory"


def test_file_that_is_a_folder_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, {})
    assert str(caught.value) == f"{tmp_path}: Is a directory"


def test_file_that_is_no_utf_8_is_a_config_error(tmp_path: Path) -> None:
    path = tmp_path / "exporter.yml"
    path.write_bytes(MINIMAL.encode() + b"# \xff\xfe " + HIDDEN.encode())
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert str(caught.value) == f"{path}: not a UTF-8 text file"
    # The exception it comes from holds the whole file.
    assert caught.value.__suppress_context__
