"""Certificates are checked unless the settings of a source say otherwise."""

import asyncio
import ssl
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from exporter.errors import ConfigError, FetchError, Reason
from exporter.runtime import Runtime
from exporter.source import TlsSettings
from exporter.upstream.connector import ssl_context
from tests.upstream.connectors import HIDDEN, ask_once, open_connector, serving


@dataclass(frozen=True)
class Papers:
    """Certificates and keys of a small authority that exists for these tests only."""

    folder: Path

    def __getattr__(self, name: str) -> Path:
        """Return the PEM file of that name: `ca`, `server_key`, ..."""
        return self.folder / f"{name}.pem"


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=60)


def _certify(folder: Path, name: str, alternative_names: str) -> None:
    """Make a key and have the authority sign a certificate for it."""
    (folder / "names").write_text(f"subjectAltName={alternative_names}\n")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc")
    request = ("-keyout", f"{name}_key.pem", "-out", "request.pem", "-subj", f"/CN={name}")
    _openssl(folder, "req", "-new", *key, *request)
    authority = ("-CA", "ca.pem", "-CAkey", "ca_key.pem", "-CAcreateserial", "-days", "2")
    signed = ("-in", "request.pem", "-out", f"{name}.pem", "-extfile", "names")
    _openssl(folder, "x509", "-req", *authority, *signed)


@pytest.fixture(scope="session")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    """Make an authority, a server it vouches for, one of another name, and a client."""
    folder = tmp_path_factory.mktemp("tls")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc")
    for name in ("ca", "other_ca"):
        made = ("-keyout", f"{name}_key.pem", "-out", f"{name}.pem", "-subj", f"/CN={name}")
        _openssl(folder, "req", "-x509", "-new", *key, *made, "-days", "2")
    _certify(folder, "server", "IP:127.0.0.1,DNS:localhost")
    _certify(folder, "stranger", "DNS:elsewhere.example")
    _certify(folder, "client", "DNS:client.example")
    locked = ("-in", "client_key.pem", "-out", "locked_key.pem", "-aes256")
    _openssl(folder, "ec", *locked, "-passout", f"pass:{HIDDEN}")
    (folder / "junk.pem").write_text("this is no certificate\n")
    (folder / "empty.pem").write_text("")
    return Papers(folder)


def _tls(**values: Any) -> TlsSettings:
    return TlsSettings.model_validate(values)


def test_context_verifies_certificate_and_name_unless_told_otherwise() -> None:
    context = ssl_context(TlsSettings())
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname is True


@pytest.mark.parametrize("skip", [False, True])
def test_context_speaks_no_protocol_older_than_tls_1_2(skip: bool) -> None:
    context = ssl_context(_tls(insecure_skip_verify=skip))
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_context_trusts_the_given_authority_alone(papers: Papers) -> None:
    context = ssl_context(_tls(ca_file=papers.ca))
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname is True
    (authority,) = context.get_ca_certs()
    assert authority["subject"] == ((("commonName", "ca"),),)


def test_context_checks_nothing_when_told_so(papers: Papers) -> None:
    for tls in (
        _tls(insecure_skip_verify=True),
        _tls(insecure_skip_verify=True, ca_file=papers.ca),
    ):
        context = ssl_context(tls)
        assert context.verify_mode is ssl.CERT_NONE
        assert context.check_hostname is False


@pytest.mark.parametrize(
    ("files", "place"),
    [
        ({"ca_file": "junk"}, "tls.ca_file"),
        ({"ca_file": "empty"}, "tls.ca_file"),
        ({"ca_file": "client_key"}, "tls.ca_file"),
        ({"cert_file": "junk", "key_file": "client_key"}, "tls.cert_file"),
        ({"cert_file": "client", "key_file": "junk"}, "tls.cert_file"),
        ({"cert_file": "client", "key_file": "server_key"}, "tls.cert_file"),
        ({"cert_file": "client", "key_file": "locked_key"}, "tls.cert_file"),
    ],
)
def test_file_without_what_it_should_hold_is_a_config_error(
    papers: Papers, files: dict[str, str], place: str
) -> None:
    tls = _tls(**{key: papers.folder / f"{name}.pem" for key, name in files.items()})
    with pytest.raises(ConfigError) as caught:
        ssl_context(tls)
    assert str(caught.value) == f"{place}: not a usable PEM file"


def test_file_that_vanished_since_it_was_checked_is_a_config_error(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("x")
    tls = _tls(ca_file=path)
    path.unlink()
    with pytest.raises(ConfigError, match=r"^tls\.ca_file: No such file or directory$"):
        ssl_context(tls)


def test_connector_cannot_be_made_with_a_bad_file(papers: Papers) -> None:
    with pytest.raises(ConfigError, match=r"^tls\.ca_file: not a usable PEM file$"):
        open_connector(Runtime(), tls={"ca_file": papers.junk})


def _server_context(papers: Papers, name: str = "server") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(papers.folder / f"{name}.pem", papers.folder / f"{name}_key.pem")
    return context


def _ask_over_tls(papers: Papers, server: str, tls: Mapping[str, Any], host: str) -> Any:
    async def scenario() -> Any:
        async with serving(_server_context(papers, server)) as peer:
            return await ask_once(f"https://{host}:{peer.port}", tls=tls)

    return asyncio.run(scenario())


def test_certificate_of_an_unknown_authority_is_not_accepted(papers: Papers) -> None:
    error = _ask_over_tls(papers, "server", {}, "localhost")
    assert error.reason is Reason.TLS
    assert not error.retryable
    assert error.detail.startswith("certificate not accepted: ")
    assert "issuer certificate" in error.detail


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_certificate_of_the_given_authority_is_accepted(papers: Papers, host: str) -> None:
    assert _ask_over_tls(papers, "server", {"ca_file": papers.ca}, host) == {}


def test_certificate_is_not_accepted_when_another_authority_is_given(papers: Papers) -> None:
    error = _ask_over_tls(papers, "server", {"ca_file": papers.other_ca}, "localhost")
    assert error.reason is Reason.TLS


def test_certificate_of_another_host_is_not_accepted(papers: Papers) -> None:
    error = _ask_over_tls(papers, "stranger", {"ca_file": papers.ca}, "localhost")
    assert error.reason is Reason.TLS
    assert "ostname mismatch" in error.detail


@pytest.mark.parametrize("server", ["server", "stranger"])
def test_any_certificate_is_accepted_when_told_so(papers: Papers, server: str) -> None:
    assert _ask_over_tls(papers, server, {"insecure_skip_verify": True}, "localhost") == {}


def test_server_that_speaks_no_tls_is_a_tls_failure() -> None:
    async def scenario() -> Any:
        async with serving() as peer:
            return await ask_once(f"https://127.0.0.1:{peer.port}")

    error = asyncio.run(scenario())
    assert (error.reason, error.retryable) == (Reason.TLS, False)


def test_client_certificate_is_shown_to_a_server_that_asks_for_it(papers: Papers) -> None:
    async def scenario(**tls: Path) -> Any:
        context = _server_context(papers)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(papers.ca)
        async with serving(context) as peer:
            tls["ca_file"] = papers.ca
            return await ask_once(f"https://localhost:{peer.port}", tls=tls)

    assert asyncio.run(scenario(cert_file=papers.client, key_file=papers.client_key)) == {}
    assert isinstance(asyncio.run(scenario()), FetchError)
