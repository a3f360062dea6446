"""Endpoints that are no plain addresses are refused before anything is sent."""

import json
from pathlib import Path

import pytest

from exporter.configuration.config import parse
from exporter.errors import ConfigError

GOOD = (
    "https://dli.cn-north-4.myhuaweicloud.com",
    "https://10.1.2.3:8443/base",
    "https://[2001:db8::1]:443",
    "http://127.0.0.1:8081",
    "http://localhost:8081",
    "http://[::1]:8081",
)
BAD = (
    "dli.cn-north-4.myhuaweicloud.com",
    "ftp://dli.test",
    "file:///etc/passwd",
    "gopher://dli.test",
    "https://",
    "https:///path",
    "https://user:password@dli.test",
    "https://user@dli.test",
    "https://dli.test?x=1",
    "https://dli.test/#x",
    "https://dli.test\\@elsewhere.test",
    "https://dli.test:0",
    "https://dli.test:65536",
    "https://dli.test:port",
    "https://dli.test/a b",
    "https://dli.test/\x00",
    "https://dli.test/\r\nX: y",
    "https://dli\x7f.test",
    "https://dli.test/\u202e",
    "https://dli.test/\x1b[2J",
    "https://[::1",
)
_SOURCES = {
    "huawei_dli": "project_id: p, auth: {access_key: a, secret_key: b}",
    "alibaba_blink": "projects: [p], auth: {access_key_id: a, access_key_secret: b}",
    "apache_flink": "",
}


def _check(platform: str, endpoint: str) -> None:
    extra = f", {_SOURCES[platform]}" if _SOURCES[platform] else ""
    # JSON is YAML, and has a way to write every character.
    place = json.dumps(endpoint)
    text = f"sources:\n  - {{name: s, platform: {platform}, endpoint: {place}{extra}}}\n"
    parse(text, environ={}, directory=Path())


@pytest.mark.parametrize("platform", _SOURCES)
@pytest.mark.parametrize("endpoint", GOOD)
def test_endpoint_that_is_an_address_is_taken(platform: str, endpoint: str) -> None:
    _check(platform, endpoint)


@pytest.mark.parametrize("platform", _SOURCES)
@pytest.mark.parametrize("endpoint", BAD)
def test_endpoint_that_is_anything_else_is_refused(platform: str, endpoint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _check(platform, endpoint)
    assert [problem.path for problem in caught.value.problems] == ["sources[0].endpoint"]
    assert "password" not in str(caught.value)


@pytest.mark.parametrize("endpoint", BAD)
def test_address_of_the_login_is_held_to_the_same_rules(endpoint: str) -> None:
    iam = f"{{endpoint: {json.dumps(endpoint)}, username: u, password: p, domain: d}}"
    source = (
        f"name: s, platform: huawei_dli, region: cn-north-4, project_id: p, auth: {{iam: {iam}}}"
    )
    with pytest.raises(ConfigError) as caught:
        parse(f"sources:\n  - {{{source}}}\n", environ={}, directory=Path())
    assert [problem.path for problem in caught.value.problems] == ["sources[0].auth.iam.endpoint"]
