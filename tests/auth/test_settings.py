"""The `auth` sections take what the design shows and say clearly what they miss."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from exporter.auth.settings import AlibabaAuthSettings, FlinkAuthSettings, HuaweiAuthSettings
from exporter.secret import Secret
from exporter.settings import Section
from tests.auth.tools import MARK

ENDPOINT = "expected http(s)://host[:port][/path], without credentials or query"
IAM = {"endpoint": "https://iam.example.com", "username": "u", "password": MARK, "domain": "d"}


def revealed(secret: Secret | None) -> str | None:
    return secret.reveal() if secret is not None else None


def problems(section: type[Section], given: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        section.model_validate(given)
    assert MARK not in str(caught.value)
    return [
        (".".join(str(part) for part in error["loc"]), error["msg"])
        for error in caught.value.errors()
    ]


def test_huawei_keys_are_given_as_text_or_file(tmp_path: Path) -> None:
    """Each secret has its file twin; relative names are relative to the configuration file."""
    (tmp_path / "sk").write_text(f"{MARK}\n")
    given = {"access_key": "ak", "secret_key_file": "sk", "security_token": f"{MARK}-t"}
    settings = HuaweiAuthSettings.model_validate(given, context={"directory": tmp_path})
    assert revealed(settings.secret("access_key")) == "ak"
    assert revealed(settings.secret("secret_key")) == MARK
    assert revealed(settings.secret("security_token")) == f"{MARK}-t"
    assert settings.iam is None
    assert MARK not in repr(settings) + str(settings) + settings.model_dump_json()


def test_huawei_iam_login_is_given_instead() -> None:
    """The name of the project is optional: the source has its id."""
    settings = HuaweiAuthSettings.model_validate({"iam": IAM})
    assert settings.iam is not None
    assert settings.iam.project_name == ""
    assert revealed(settings.iam.secret("password")) == MARK
    assert MARK not in repr(settings) + str(settings) + settings.model_dump_json()


EITHER = "give either access_key and secret_key, or iam"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, [("", EITHER)]),
        ({"iam": IAM, "access_key": MARK, "secret_key": MARK}, [("", EITHER)]),
        ({"access_key": MARK}, [("", "secret_key or secret_key_file is required")]),
        ({"secret_key": MARK}, [("", "access_key or access_key_file is required")]),
        ({"security_token": MARK}, [("", "access_key or access_key_file is required")]),
        (
            {"access_key": MARK, "secret_key": " "},
            [("secret_key", "expected a non-empty text")],
        ),
        (
            {"access_key": MARK, "secret_key_file": "/no/such/file"},
            [("secret_key_file", "no such file: /no/such/file")],
        ),
        (
            {"iam": {name: value for name, value in IAM.items() if name != "password"}},
            [("iam", "password or password_file is required")],
        ),
        (
            {"iam": IAM | {"endpoint": "iam.example.com"}},
            [("iam.endpoint", ENDPOINT)],
        ),
        (
            {"iam": IAM | {"endpoint": f"https://u:{MARK}@iam.example.com"}},
            [("iam.endpoint", ENDPOINT)],
        ),
    ],
)
def test_huawei_settings_say_what_is_wrong(
    given: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    """Without quoting what was given."""
    assert problems(HuaweiAuthSettings, given) == expected


def test_alibaba_keys_are_given_as_text_or_file(tmp_path: Path) -> None:
    """The vendor's own names: access_key_id and access_key_secret."""
    path = tmp_path / "secret"
    path.write_text(MARK)
    settings = AlibabaAuthSettings.model_validate(
        {"access_key_id": "id", "access_key_secret_file": str(path)}
    )
    assert revealed(settings.secret("access_key_id")) == "id"
    assert revealed(settings.secret("access_key_secret")) == MARK
    assert revealed(settings.secret("security_token")) is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, [("", "access_key_id or access_key_id_file is required")]),
        (
            {"access_key_id": MARK},
            [("", "access_key_secret or access_key_secret_file is required")],
        ),
        (
            {"access_key": MARK, "access_key_id": MARK, "access_key_secret": MARK},
            [("access_key", "Extra inputs are not permitted")],
        ),
    ],
)
def test_alibaba_settings_say_what_is_wrong(
    given: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    """Without quoting what was given."""
    assert problems(AlibabaAuthSettings, given) == expected


def test_flink_takes_basic_or_bearer() -> None:
    """One of both, each with its secret."""
    basic = FlinkAuthSettings.model_validate({"basic": {"username": "u", "password": MARK}})
    assert basic.basic is not None
    assert revealed(basic.basic.secret("password")) == MARK
    bearer = FlinkAuthSettings.model_validate({"bearer": {"token": MARK}})
    assert bearer.bearer is not None
    assert revealed(bearer.bearer.secret("token")) == MARK
    assert MARK not in repr(basic) + repr(bearer)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, [("", "give either basic or bearer")]),
        (
            {"basic": {"username": "u", "password": MARK}, "bearer": {"token": MARK}},
            [("", "give either basic or bearer")],
        ),
        ({"basic": {"username": "u"}}, [("basic", "password or password_file is required")]),
        (
            {"basic": {"username": "u:v", "password": MARK}},
            [("basic.username", "a user name cannot hold a colon")],
        ),
        ({"bearer": {}}, [("bearer", "token or token_file is required")]),
    ],
)
def test_flink_settings_say_what_is_wrong(
    given: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    """Without quoting what was given."""
    assert problems(FlinkAuthSettings, given) == expected
