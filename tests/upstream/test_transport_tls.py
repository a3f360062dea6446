"""TLS sessions are resumed, and every failure of TLS is told as one."""

import asyncio
import contextlib
import gc
import socket
import ssl
import subprocess
import weakref
from pathlib import Path

import httpx
import pytest

from exporter.errors import Reason
from exporter.upstream.exchange import reason_of
from exporter.upstream.transport import resume_sessions
from tests.upstream.transport_peer import OK, client, serving


def _certificate(folder: Path) -> Path:
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc")
    names = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    files = ("-keyout", "key.pem", "-out", "cert.pem", "-days", "2")
    command = ["openssl", "req", "-x509", "-new", *key, *names, *files]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)
    return folder / "cert.pem"


@pytest.fixture(name="certificate", scope="module")
def _certificate_fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _certificate(tmp_path_factory.mktemp("tls"))


def _server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    return context


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_session_is_resumed_by_the_next_connection(
    certificate: Path, version: ssl.TLSVersion
) -> None:
    async def scenario() -> list[bool]:
        context = ssl.create_default_context(cafile=certificate)
        context.maximum_version = version
        resume_sessions(context)
        answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
        server_context = _server_context(certificate)
        async with serving(answer, server_context) as peer, client(context) as asking:
            for host in ("localhost", "localhost", "127.0.0.1", "127.0.0.1", "localhost"):
                await asking.ask(f"https://{host}:{peer.port}/")
            return peer.resumed

    # A session belongs to the name that was checked when it began.
    assert asyncio.run(scenario()) == [False, True, False, True, True]


def test_certificate_that_is_not_trusted_is_a_tls_failure_with_its_own_words(
    certificate: Path,
) -> None:
    async def scenario() -> httpx.TransportError:
        server_context = _server_context(certificate)
        async with serving(OK, server_context) as peer, client() as asking:
            with pytest.raises(httpx.ConnectError) as caught:
                await asking.ask(f"https://localhost:{peer.port}/")
            return caught.value

    error = asyncio.run(scenario())
    assert reason_of(error) is Reason.TLS
    assert isinstance(error.__cause__, ssl.SSLCertVerificationError)
    assert error.__cause__.verify_message == "self-signed certificate"


def test_failure_of_tls_after_the_handshake_is_a_tls_failure(certificate: Path) -> None:
    """Since TLS 1.3 a client learns only from the first read that its certificate was missed."""

    server_context = _server_context(certificate)
    server_context.verify_mode = ssl.CERT_REQUIRED
    server_context.load_verify_locations(certificate)

    def refuse(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                plain, _ = listener.accept()
                with server_context.wrap_socket(
                    plain, server_side=True, do_handshake_on_connect=False
                ) as connection:
                    with pytest.raises(ssl.SSLError, match="did not return a certificate"):
                        connection.do_handshake()
                    # Closed at once, with the request unread, it would take the alert along.
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65536):
                        pass

    async def scenario() -> httpx.TransportError:
        context = ssl.create_default_context(cafile=certificate)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            refusing = asyncio.create_task(asyncio.to_thread(refuse, listener))
            async with client(context) as asking:
                with pytest.raises(httpx.TransportError) as caught:
                    await asking.ask(f"https://localhost:{listener.getsockname()[1]}/")
            listener.shutdown(socket.SHUT_RDWR)
            await refusing
        return caught.value

    assert reason_of(asyncio.run(scenario())) is Reason.TLS


def test_sessions_of_hosts_that_come_and_go_are_forgotten(certificate: Path) -> None:
    """Pods have another name each time, for as long as the exporter runs."""
    server_context = _server_context(certificate)
    context = ssl.create_default_context(cafile=certificate)
    context.check_hostname = False
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    resume_sessions(context)
    kept = []

    def connect(name: str) -> bool:
        ours, theirs = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = context.wrap_bio(ours, theirs, server_hostname=name)
        server = server_context.wrap_bio(theirs, ours, server_side=True)
        for end in (client, server) * 4:
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
        kept.append(weakref.ref(client))
        return bool(client.session_reused)

    assert [connect("always") for _ in range(2)] == [False, True]
    for number in range(1000):
        assert not connect(f"pod-{number}")
        assert number % 100 or connect("always")
    gc.collect()
    assert sum(each() is not None for each in kept) <= 256
    assert connect("pod-999")
    assert not connect("pod-0")
