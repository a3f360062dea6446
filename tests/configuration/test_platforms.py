"""A source is refused without a name, without a platform, or without what its platform needs."""

import pytest

from exporter import platforms
from tests.configuration.configurations import problems

NAMES = ", ".join(platforms.names())
RULES: dict[str, tuple[str, list[str]]] = {
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
}


@pytest.mark.parametrize("rule", RULES)
def test_configuration_is_refused_with_these_lines(rule: str) -> None:
    text, lines = RULES[rule]
    assert problems(text) == lines
