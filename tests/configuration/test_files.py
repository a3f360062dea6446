"""A configuration is a file and names others: secrets, certificates and keys."""

from pathlib import Path

import pytest

from exporter.configuration.config import load
from exporter.errors import ConfigError
from tests.configuration.configurations import HIDDEN, MINIMAL, flink, problems

RULES: dict[str, tuple[str, list[str]]] = {
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
}


@pytest.mark.parametrize("rule", RULES)
def test_configuration_is_refused_with_these_lines(rule: str) -> None:
    text, lines = RULES[rule]
    assert problems(text) == lines


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


def test_file_is_read_and_names_in_it_are_relative_to_it(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t\n")
    path = tmp_path / "exporter.yml"
    path.write_text(flink("auth: {bearer: {token_file: token}}, labels: {a: '${A}'}"))
    config = load(path, {"A": "x"})
    assert config.sources[0].settings.label_pairs == (("a", "x"),)


def test_file_that_is_not_there_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "absent.yml", {})
    assert str(caught.value) == (
        f"{tmp_path}/absent.yml: No such file or directory; `streaming-job-exporter init` writes "
        "one, `streaming-job-exporter demo` needs none"
    )


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
