"""A key is refused when nobody knows it, when it is given twice, or when it can be no label."""

import pytest

from tests.configuration.configurations import MINIMAL, flink, problems

RULES: dict[str, tuple[str, list[str]]] = {
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
        ["line 4, column 5: not valid YAML: the key name is given twice"],
    ),
    "key given twice in a label": (
        flink("labels: {a: x, b: y, a: z}"),
        ["line 1, column 90: not valid YAML: the key a is given twice"],
    ),
    "key given twice at the top": (
        MINIMAL + MINIMAL,
        ["line 5, column 1: not valid YAML: the key sources is given twice"],
    ),
    "key that is a mapping": (
        "? {a: b}\n: c\n",
        ["line 1, column 3: not valid YAML: found unhashable key"],
    ),
    "key without a space after the colon": (
        flink("auth: {basic: {username: u, password:p}, bearer:x}, timeout:5s, zzz:1")
        + "edge:{}: 1\nsorces：x: 1\n",
        [
            "edge…: unknown key; a space may be missing after the colon; did you mean edge?",
            "sorces…: unknown key; a space may be missing after the colon; did you mean sources?",
            "sources[0].auth.basic.password…: unknown key; "
            "a space may be missing after the colon; did you mean password?",
            "sources[0].auth.bearer…: unknown key; "
            "a space may be missing after the colon; did you mean bearer?",
            "sources[0].timeout…: unknown key; "
            "a space may be missing after the colon; did you mean timeout?",
            "sources[0].zzz…: unknown key; a space may be missing after the colon",
        ],
    ),
    "key of defaults without a space after the colon": (
        "defaults: {timeout:5s, zzz:x}\n" + MINIMAL,
        [
            "defaults.timeout…: unknown key; "
            "a space may be missing after the colon; did you mean timeout?",
            "defaults.zzz…: unknown key; a space may be missing after the colon",
        ],
    ),
    "label without a space after the colon": (
        flink("labels: {team:core}"),
        ["sources[0].labels.team…: expected a text; a space may be missing after the colon"],
    ),
    "label with a value in its name": (
        flink("labels: {'team:core': x}"),
        ["sources[0].labels: team…: not a label name"],
    ),
    "key of something else than letters, digits and the like": (
        flink("'timeout = 5s': 1, 'a/b': 2, '/': 3, " + "k" * 65 + ": 4"),
        [
            "sources[0].timeout…: unknown key; did you mean timeout?",
            "sources[0].a…: unknown key",
            "sources[0].…: unknown key",
            f"sources[0].{'k' * 64}…: unknown key",
        ],
    ),
    "key without a space given twice": (
        flink("timeout:5s, timeout:5s"),
        ["line 1, column 81: not valid YAML: the key timeout… is given twice"],
    ),
    "labels that are no label names": (
        flink("labels: {a-b: x}"),
        ["sources[0].labels: a-b: not a label name"],
    ),
    "labels that Prometheus keeps for itself": (
        flink("labels: {__name__: x}"),
        ["sources[0].labels: __name__: not a label name"],
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
