"""The file of the listener means what it says, and what is wrong with it is told with its place."""

import re
import ssl
from pathlib import Path

import bcrypt
import pytest
from pydantic import ValidationError

from exporter.errors import ConfigError
from exporter.listening.cipher_suites import openssl_suites
from exporter.listening.protection import Protection, read_protection
from exporter.listening.settings import WebSettings
from tests.listening.certificates import HASH, Papers, make_papers

TLS = "cert_file: server.pem, key_file: server.key"


@pytest.fixture(name="papers", scope="module")
def _papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return make_papers(tmp_path_factory.mktemp("papers"))


def read(papers: Papers, text: str) -> Protection:
    path = papers.folder / "web.yml"
    path.write_text(text)
    return read_protection(path)


def told(papers: Papers, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(papers, text)
    lines = str(caught.value).split("\n")
    return [re.sub(r"^\S*/(web\.yml)(:\d+:\d+)?: ", r"\1: ", line) for line in lines]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tls_server_config:\nbasic_auth_users:\nhttp_server_config:\nrate_limit:\n",
        "http_server_config: {http2: false, headers: }",
    ],
)
def test_file_that_asks_for_nothing_protects_nothing(papers: Papers, text: str) -> None:
    found = read(papers, text)
    assert (found.context, found.users, found.headers) == (None, {}, ())
    assert found.rate_limit.interval == 0


def test_everything_of_the_format_is_understood(papers: Papers) -> None:
    text = f"""
tls_server_config:
  cert_file: server.pem
  key_file: server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.pem
  client_allowed_sans: [prometheus.example]
  min_version: TLS12
  max_version: TLS13
  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256]
  prefer_server_cipher_suites: false
  curve_preferences: [X25519]
http_server_config:
  http2: true
  headers:
    X-Frame-Options: sameorigin
    Strict-Transport-Security: max-age=60
    X-XSS-Protection: ""
basic_auth_users: {{alice: {HASH}}}
rate_limit: {{interval: 1s, burst: 20}}
"""
    found = read(papers, text)
    assert found.context is not None
    assert found.context.verify_mode is ssl.CERT_REQUIRED
    assert found.context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert not found.context.options & ssl.OP_CIPHER_SERVER_PREFERENCE
    older = {each["name"] for each in found.context.get_ciphers() if each["protocol"] != "TLSv1.3"}
    assert older == {"ECDHE-ECDSA-AES128-GCM-SHA256"}
    assert found.allowed_sans == frozenset({"prometheus.example"})
    assert found.users == {"alice": HASH.encode()}
    assert found.headers == (
        (b"x-frame-options", b"sameorigin"),
        (b"strict-transport-security", b"max-age=60"),
    )
    assert (found.rate_limit.interval, found.rate_limit.burst) == (1.0, 20)
    assert [path.name for path, _ in found.stamps] == [
        *("web.yml", "server.pem", "server.key", "ca.pem"),
    ]


@pytest.mark.parametrize("comment", ["", "# Zertifizierungsstelle für Prüfungen 认证机构\n"])
def test_certificate_key_and_authority_can_stand_in_the_file(papers: Papers, comment: str) -> None:
    def inline(name: str) -> str:
        text = (papers.folder / name).read_text()
        return f"{comment}{text}{comment}".replace("\n", "\n    ")

    text = (
        f"tls_server_config:\n  cert: |\n    {inline('server.pem')}\n"
        f"  key: |\n    {inline('server.key')}\n  client_ca: |\n    {inline('ca.pem')}\n"
        "  client_auth_type: VerifyClientCertIfGiven\n"
    )
    found = read(papers, text)
    assert found.context is not None
    assert found.context.verify_mode is ssl.CERT_OPTIONAL
    assert len(found.context.get_ca_certs()) == 1
    assert len(found.stamps) == 1


def test_without_a_choice_every_suite_is_forward_secret_and_authenticated(papers: Papers) -> None:
    found = read(papers, f"tls_server_config: {{{TLS}}}")
    assert found.context is not None
    assert found.context.options & ssl.OP_CIPHER_SERVER_PREFERENCE
    for suite in found.context.get_ciphers():
        assert suite["aead"]
        assert suite["kea"] in ("kx-ecdhe", "kx-any")


@pytest.mark.parametrize("version", ["TLS12", "TLS13"])
def test_versions_are_those_asked_for(papers: Papers, version: str) -> None:
    text = f"tls_server_config: {{{TLS}, min_version: {version}, max_version: {version}}}"
    context = read(papers, text).context
    assert context is not None
    assert context.minimum_version == context.maximum_version
    assert context.minimum_version.name == version.replace("TLS1", "TLSv1_")


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("[]", ["web.yml: expected a mapping"]),
        ("a: [", ["web.yml: not valid YAML: expected the node content, but "]),
        ("tls: {}", ["web.yml: tls: unknown key"]),
        (
            "tls_server_config: {cert_fil: x}",
            ["web.yml: tls_server_config.cert_fil: unknown key; did you mean cert_file?"],
        ),
        ("tls_server_config: {}", ["web.yml: tls_server_config: cert or cert_file is required"]),
        (
            "tls_server_config: {cert_file: server.pem}",
            ["web.yml: tls_server_config: key or key_file is required"],
        ),
        (
            f"tls_server_config: {{{TLS}, cert: x}}",
            ["web.yml: tls_server_config: give either cert or cert_file"],
        ),
        (
            f"tls_server_config: {{{TLS}, min_version: TLS10}}",
            ["web.yml: tls_server_config.min_version: TLS10: refused: TLS 1.0 and 1.1 are "],
        ),
        (
            f"tls_server_config: {{{TLS}, min_version: TLS13, max_version: TLS12}}",
            ["web.yml: tls_server_config: max_version is less than min_version"],
        ),
        (
            f"tls_server_config: {{{TLS}, max_version: SSL30}}",
            ["web.yml: tls_server_config.max_version: expected TLS12 or TLS13"],
        ),
        (
            f"tls_server_config: {{{TLS}, cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]}}",
            [
                "web.yml: tls_server_config.cipher_suites[0]: no such cipher suite, or not a safe "
                "one: TLS_RSA_WITH_RC4_128_SHA"
            ],
        ),
        (
            f"tls_server_config: {{{TLS}, cipher_suites: [TLS_AES_128_GCM_SHA256]}}",
            ["web.yml: tls_server_config: cipher_suites names none of TLS 1.2; expected min_ver"],
        ),
        (
            f"tls_server_config: {{{TLS}, curve_preferences: [CurveP256, X25519]}}",
            ["web.yml: tls_server_config.curve_preferences: expected one curve: Python's TLS "],
        ),
        (
            f"tls_server_config: {{{TLS}, curve_preferences: [P256]}}",
            ["web.yml: tls_server_config.curve_preferences: no such curve: P256; expected one of "],
        ),
        *(
            (
                f"tls_server_config: {{{TLS}, client_auth_type: {kind}}}",
                [f"web.yml: tls_server_config.client_auth_type: cannot be {kind}: certificates "],
            )
            for kind in ("RequestClientCert", "RequireAnyClientCert")
        ),
        (
            f"tls_server_config: {{{TLS}, client_auth_type: Maybe}}",
            ["web.yml: tls_server_config.client_auth_type: expected 'NoClientCert', 'VerifyClie"],
        ),
        (
            f"tls_server_config: {{{TLS}, client_auth_type: RequireAndVerifyClientCert}}",
            ["web.yml: tls_server_config: client_ca or client_ca_file is required by client_auth"],
        ),
        (
            f"tls_server_config: {{{TLS}, client_ca_file: ca.pem}}",
            ["web.yml: tls_server_config: client_ca has no effect without client_auth_type"],
        ),
        (
            f"tls_server_config: {{{TLS}, client_auth_type: VerifyClientCertIfGiven, "
            "client_ca_file: ca.pem, client_allowed_sans: [a]}",
            ["web.yml: tls_server_config: client_allowed_sans needs client_auth_type: RequireAnd"],
        ),
        (
            "tls_server_config: {cert_file: server.pem, key_file: client.key}",
            ["web.yml: tls_server_config.cert_file: not a usable certificate and its key"],
        ),
        (
            "tls_server_config: {cert: nonsense, key: nonsense}",
            ["web.yml: tls_server_config.cert: not a usable certificate and its key"],
        ),
        (
            f"tls_server_config: {{{TLS}, client_auth_type: VerifyClientCertIfGiven, "
            "client_ca_file: server.key}",
            ["web.yml: tls_server_config.client_ca_file: not a usable certificate"],
        ),
        (
            f"tls_server_config: {{{TLS}, client_auth_type: VerifyClientCertIfGiven, "
            "client_ca: nonsense}",
            ["web.yml: tls_server_config.client_ca: not a usable certificate"],
        ),
        (
            f"tls_server_config: {{{TLS}, client_auth_type: VerifyClientCertIfGiven, "
            "client_ca: '-----BEGIN CERTIFICATE-----\n\né\n\n-----END CERTIFICATE-----'}",
            ["web.yml: tls_server_config.client_ca: not a usable certificate"],
        ),
        (
            f"tls_server_config: {{{TLS}, client_auth_type: VerifyClientCertIfGiven, "
            'client_ca: "\\ud800"}',
            ["web.yml: tls_server_config.client_ca: not a usable certificate"],
        ),
        (
            f"basic_auth_users: {{alice: secret, 'a:b': {HASH}}}",
            [
                "web.yml: basic_auth_users.alice: expected a bcrypt hash, such as $2y$10$ and 53 ",
                "web.yml: basic_auth_users.a…: not a possible name: it is empty, long or has a ",
            ],
        ),
        (
            "basic_auth_users: {alice:$2y$10$x}",
            [
                "web.yml: basic_auth_users.alice…: not a possible name: it is empty, long or has ",
                "web.yml: basic_auth_users.alice…: expected a bcrypt hash, such as $2y$10$ and 53 "
                "letters; a space may be missing after the colon",
            ],
        ),
        (
            "rate_limit: {interval:1s, burst: 1}",
            [
                "web.yml: rate_limit.interval…: unknown key; "
                "a space may be missing after the colon; did you mean interval?"
            ],
        ),
        (
            f"basic_auth_users: {{alice: {HASH.replace('$04$', '$31$')}}}",
            ["web.yml: basic_auth_users.alice: expected a cost from 4 to 18"],
        ),
        (
            f"basic_auth_users: {{alice: {HASH[:28]}a{HASH[29:]}}}",
            ["web.yml: basic_auth_users.alice: expected a bcrypt hash, such as $2y$10$ and 53 "],
        ),
        (
            "http_server_config: {headers: {X-Frame-Option: deny}}",
            ["web.yml: http_server_config.headers: no header that can be set; did you mean X-Fra"],
        ),
        (
            "http_server_config: {headers: {X-Frame-Options: maybe}}",
            ["web.yml: http_server_config.headers: expected deny or sameorigin as X-Frame-Options"],
        ),
        (
            'http_server_config: {headers: {Content-Security-Policy: "a\\r\\nSet-Cookie: b"}}',
            ["web.yml: http_server_config.headers.Content-Security-Policy: expected printable A"],
        ),
        (
            "rate_limit: {interval: 1s}",
            ["web.yml: rate_limit: burst: expected 1 or more, or nobody is answered"],
        ),
        (
            "rate_limit: {interval: soon, burst: 1}",
            ["web.yml: rate_limit.interval: expected a duration such as 30s, 5m or 1h30m"],
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    papers: Papers, text: str, messages: list[str]
) -> None:
    found = told(papers, text)
    assert len(found) == len(messages)
    for full, start in zip(found, messages, strict=True):
        assert full.startswith(start)


def test_missing_and_unreadable_files_are_told(papers: Papers, tmp_path: Path) -> None:
    missing = papers.folder / "none.pem"
    text = "tls_server_config: {cert_file: none.pem, key_file: server.key}"
    assert told(papers, text)[0] == (
        f"web.yml: tls_server_config.cert_file: no such file: {missing}"
    )
    for path, content, message in (
        (tmp_path / "none.yml", None, "No such file or directory"),
        (tmp_path / "latin.yml", b"\xff", "not a UTF-8 text file"),
        (tmp_path / "large.yml", b"#" * (256 * 1024 + 1), "larger than 256 KiB"),
    ):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ConfigError) as caught:
            read_protection(path)
        assert str(caught.value) == f"{path}: {message}"


def test_no_error_and_no_text_of_the_settings_quotes_a_hash_or_a_key(papers: Papers) -> None:
    marked = HASH[:20]
    for text in (
        f"basic_auth_users: {{alice: {HASH}x}}",
        f"basic_auth_users: [{HASH}]",
        f"tls_server_config: {{cert: x, key: {HASH}}}",
        f"basic_auth_users: {{alice: *{HASH}}}",
        f"basic_auth_users: {{alice:{HASH}}}",
        f"basic_auth_users: {{alice:{HASH}, alice:{HASH}}}",
        f"basic_auth_users:{HASH}: x",
        f"tls_server_config: {{cert: x, key:{HASH}}}",
        f"http_server_config: {{headers: {{X-Frame-Options:{HASH}}}}}",
    ):
        assert marked not in "".join(told(papers, text))
    good = {"basic_auth_users": {"alice": HASH}}
    assert marked not in repr(WebSettings.model_validate(good))
    assert marked not in repr(read(papers, f"basic_auth_users: {{alice: {HASH}}}"))


def test_suites_keep_their_order_and_those_of_tls_13_are_no_choice() -> None:
    names = (
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        "TLS_CHACHA20_POLY1305_SHA256",
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    )
    assert openssl_suites(names) == "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-SHA"


@pytest.mark.parametrize("letter", [chr(number) for number in range(33, 127)])
def test_hash_is_accepted_if_and_only_if_bcrypt_can_check_it(letter: str) -> None:
    hashed = HASH[:28] + letter + HASH[29:]
    try:
        bcrypt.checkpw(b"", hashed.encode())
    except ValueError:
        with pytest.raises(ValidationError):
            WebSettings.model_validate({"basic_auth_users": {"alice": hashed}})
    else:
        WebSettings.model_validate({"basic_auth_users": {"alice": hashed}})
