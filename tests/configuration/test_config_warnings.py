"""Who configures what gives secrets away is told so, once."""

from pathlib import Path

import pytest

from exporter.configuration.config import parse
from exporter.configuration.config_warnings import config_warnings

PLAIN = "plain HTTP: whoever is on the way reads and changes what is sent, credentials included"
UNVERIFIED = "any certificate is accepted: whoever is on the way can pass for the platform"
OPERATOR = (
    "name: ops, platform: flink_operator, endpoint: 'https://kubernetes', details: rest, "
    "auth: {bearer: {token: t}}, namespaces: [streams], job_managers: "
)
FLEET = "name: fleet, platform: apache_flink, discovery: "
SECRET = "auth: {bearer: {token: t}}"
DLI = "name: dli, platform: huawei_dli, project_id: p"
IAM = "username: u, domain: d, password: p"


def _told(*sources: str) -> list[str]:
    text = "sources:\n" + "".join(f"- {{{source}}}\n" for source in sources)
    return [str(warning) for warning in config_warnings(parse(text, environ={}, directory=Path()))]


@pytest.mark.parametrize(
    "source",
    [
        f"{DLI}, region: cn-north-4",
        f"{DLI}, endpoint: 'https://dli.internal'",
        f"{DLI}, endpoint: 'http://127.0.0.1:8080'",
        f"{DLI}, endpoint: 'http://[::1]:8080'",
        f"{DLI}, endpoint: 'http://localhost'",
        "name: flink, platform: apache_flink, endpoint: 'http://jobmanager:8081'",
        "name: flink, platform: apache_flink, endpoints: ['http://a:8081', 'http://b:8081']",
        f"{OPERATOR} {{address: 'http://{{name}}.{{namespace}}.internal'}}",
        f"{FLEET} {{http: {{url: 'http://targets'}}}}, history_endpoint: 'http://history:8082'",
    ],
)
def test_what_gives_nothing_away_is_not_talked_about(source: str) -> None:
    assert _told(source) == []


@pytest.mark.parametrize(
    ("source", "place"),
    [
        (f"{DLI}, endpoint: 'http://dli.internal'", "endpoint"),
        (
            "name: vvp, platform: alibaba_flink, region: cn-hangzhou, workspace: w, "
            "namespaces: [n], auth: {sts_endpoint: 'http://sts.internal'}",
            "auth.sts_endpoint",
        ),
        (f"{DLI}, endpoint: 'http://10.0.0.1'", "endpoint"),
        (
            f"{DLI}, region: cn-north-4, "
            f"auth: {{iam: {{{IAM}, endpoint: 'http://iam.internal:5000'}}}}",
            "auth.iam.endpoint",
        ),
        (
            "name: flink, platform: apache_flink, endpoint: 'http://jobmanager:8081', "
            "auth: {bearer: {token: t}}",
            "endpoint",
        ),
        (
            "name: flink, platform: apache_flink, endpoints: ['https://a', 'http://b'], "
            "auth: {bearer: {token: t}}",
            "endpoints[1]",
        ),
        (
            f"{OPERATOR} {{address: 'http://{{name}}.{{namespace}}.internal', hosts: ['.*'], "
            f"{SECRET}}}",
            "job_managers.address",
        ),
        (f"{FLEET} {{http: {{url: 'http://targets', {SECRET}}}}}", "discovery.http.url"),
        (
            f"{FLEET} {{files: {{paths: [f.json]}}}}, history_endpoint: 'http://history:8082', "
            "history_auth: {bearer: {token: t}}",
            "history_endpoint",
        ),
    ],
)
def test_credentials_over_plain_http_are_named_with_their_place(source: str, place: str) -> None:
    other = "name: other, platform: huawei_dli, project_id: p, region: cn-north-4"
    assert _told(other, source) == [f"sources[1].{place}: {PLAIN}"]


def test_certificates_that_are_not_verified_are_named_with_their_place() -> None:
    source = "name: f, platform: apache_flink, endpoint: 'https://f', "
    assert _told(source + "tls: {insecure_skip_verify: true}") == [
        f"sources[0].tls.insecure_skip_verify: {UNVERIFIED}"
    ]
