"""Every problem is told at once and at its place, and none quotes what may be a secret."""

import pytest

from exporter.errors import ConfigError
from tests.configuration.configurations import (
    DURATION,
    ENDPOINT,
    HIDDEN,
    MINIMAL,
    flink,
    problems,
    read,
)

RULES: dict[str, tuple[str, list[str]]] = {
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
    "several problems of several sources": (
        "defaults: {pol_interval: 1s}\n"
        "sorces: []\n"
        "sources:\n"
        "  - {name: a b, platform: apache_flink, endpoint: nowhere, timeout: soon}\n"
        "  - {name: b, platform: apache_flnk}\n"
        "  - {name: c, platform: apache_flink, endpoint: 'http://h', expect: ['${E}', '(']}\n",
        [
            "sources[2].expect[0]: environment variable E is not set",
            "sorces: unknown key; did you mean sources?",
            "defaults.pol_interval: unknown key; did you mean poll_interval?",
            "sources[0].name: expected up to 63 letters, digits, dots, dashes or underscores",
            f"sources[0].timeout: {DURATION}",
            f"sources[0].endpoint: {ENDPOINT}",
            "sources[1].platform: 'apache_flnk': no such platform; did you mean apache_flink?",
            "sources[2].expect[1]: not a regular expression: "
            "missing ), unterminated subpattern at position 0",
        ],
    ),
}

SECRET_PLACES = (
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
    flink("auth: {bearer: {token:HIDDEN}}"),
    flink("auth: {bearer: {token=HIDDEN, a：HIDDEN, b HIDDEN, c/HIDDEN, d@HIDDEN}}"),
    flink("auth: {bearer: {token:HIDDEN, token:HIDDEN}}"),
    flink("auth: {bearer: {? token:HIDDEN : ${UNSET}}}"),
    flink("auth: {bearer: {? token:HIDDEN : [{x: ${UNSET}}]}}"),
    flink("auth: {bearer:HIDDEN}"),
    flink("auth:HIDDEN"),
    flink("auth: {basic: {username: u, password:HIDDEN}}, proxy_url:http://u:HIDDEN@h"),
    flink("auth: {basic: {<<: {password:HIDDEN}, <<:HIDDEN : x}}"),
    flink("labels: {a:HIDDEN, b=HIDDEN}"),
    flink("labels: {'a:HIDDEN': x}"),
    flink("labels: {'a=HIDDEN': x}"),
    "sources: [{name: f, platform: {apache_flink: {token: HIDDEN}}}]",
    "sources: [{name: f, platform: 'apache_flink:HIDDEN'}]",
    "sources: [{name: f, platform:HIDDEN}]",
    "sources: [{name:HIDDEN, platform: apache_flink}]",
    "defaults: {timeout:HIDDEN, attention: {x:HIDDEN}, labels: {a:HIDDEN}}\nsources:HIDDEN : 1\n",
    "edge: {database: /tmp/x, projects: {p: {token:HIDDEN}, q:HIDDEN}}",
    "edge: {database: /tmp/x, projects: {p: {token: t}}, relay:HIDDEN}",
    "edge: {database: /tmp/x, projects: {p: {token: t}}, relay: {source: 'x:HIDDEN'}}",
    "edge: {database: /tmp/x, projects: {p: {token: t}}, relay: {source: 'x HIDDEN'}}\nsources: []",
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
)
"""Texts in which HIDDEN stands where a secret may."""


@pytest.mark.parametrize("rule", RULES)
def test_configuration_is_refused_with_these_lines(rule: str) -> None:
    text, lines = RULES[rule]
    assert problems(text) == lines


@pytest.mark.parametrize("text", SECRET_PLACES)
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
