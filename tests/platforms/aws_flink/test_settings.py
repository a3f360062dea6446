"""Settings are whole before anything is asked, and every service has an address."""

from pathlib import Path

import pytest

from exporter.configuration.config import parse
from exporter.configuration.config_warnings import config_warnings
from exporter.errors import ConfigError
from exporter.platforms.aws_flink import Settings

ROLE = "arn:aws:iam::123456789012:role/reader"
KEY = "access_key_id: AK, secret_access_key: SK"
ELSEWHERE = "endpoint: 'https://proxy.internal'"


def _text(settings: str) -> str:
    return f"sources: [{{name: msf, platform: aws_flink, {settings}}}]"


def _settings(settings: str) -> Settings:
    (source,) = parse(_text(settings), environ={}, directory=Path()).sources
    assert isinstance(source.settings, Settings)
    return source.settings


def _problems(settings: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(_text(settings), environ={}, directory=Path())
    assert "SK" not in str(caught.value)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ("metrics: [restarts]", "sources[0].region: required"),
        ("region: eu-west-1, auth: {}", "sources[0].auth: give access_key_id and secret"),
        ("region: eu-west-1, auth: {access_key_id: AK}", "secret_access_key or"),
        ("region: eu-west-1, auth: {session_token: SK}", "access_key_id or access_key_id_file"),
        (f"region: eu-west-1, auth: {{{KEY}, profile: p}}", "either access_key_id or profile"),
        (f"region: eu-west-1, auth: {{{KEY}, external_id: x1}}", "external_id goes with role_arn"),
        (f"region: eu-west-1, auth: {{{KEY}, role_arn: reader}}", "sources[0].auth.role_arn"),
        ("region: eu-west-1, metrics: [restarts, restarts]", "a name is listed twice"),
        ("region: eu-west-1, metrics: [lag]", "sources[0].metrics"),
        (f"region: eu-west-1, {ELSEWHERE}", "cloudwatch_endpoint is required"),
        (
            f"region: eu-west-1, {ELSEWHERE}, metrics_interval: 0, "
            f"auth: {{{KEY}, role_arn: '{ROLE}'}}",
            "sts_endpoint is required",
        ),
    ],
)
def test_what_is_not_whole_is_told_with_its_place(settings: str, line: str) -> None:
    told = _problems(settings)
    assert any(line in each for each in told), told


def test_settings_of_the_documentation_are_understood(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("SK\n")
    text = _text(
        "region: eu-west-1, metrics_interval: 5m, auth: {access_key_id: AK, "
        f"secret_access_key_file: secret, role_arn: '{ROLE}', external_id: x1}}"
    )
    (source,) = parse(text, environ={}, directory=tmp_path).sources
    settings = source.settings
    assert isinstance(settings, Settings)
    assert (settings.metrics_interval, settings.rate_limit) == (300.0, 5.0)
    assert settings.asks_cloudwatch
    assert settings.known_cloudwatch_endpoint == "https://monitoring.eu-west-1.amazonaws.com"
    assert settings.known_sts_endpoint == "https://sts.eu-west-1.amazonaws.com"


def test_services_of_another_partition_are_in_it() -> None:
    settings = _settings("region: cn-north-1")
    assert settings.known_cloudwatch_endpoint == "https://monitoring.cn-north-1.amazonaws.com.cn"


def test_private_endpoint_of_aws_says_where_the_others_are() -> None:
    endpoint = "https://vpce-1-2.kinesisanalytics.eu-west-1.vpce.amazonaws.com"
    settings = _settings(f"region: eu-west-1, endpoint: '{endpoint}'")
    assert settings.known_sts_endpoint == "https://sts.eu-west-1.amazonaws.com"


def test_addresses_without_tls_are_warned_of() -> None:
    text = _text(
        "region: eu-west-1, endpoint: 'http://a.internal', cloudwatch_endpoint: "
        "'http://b.internal', sts_endpoint: 'http://c.internal'"
    )
    told = [str(each) for each in config_warnings(parse(text, environ={}, directory=Path()))]
    assert [each.partition(":")[0] for each in told] == [
        *("sources[0].endpoint", "sources[0].sts_endpoint", "sources[0].cloudwatch_endpoint"),
    ]
