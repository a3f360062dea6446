"""`healthy` is right about a real exporter: with and without TLS, on any port, when it hangs."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.listener_program import Program
from tests.listening.certificates import HASH, Papers, make_papers

TLS = "cert_file: server.pem, key_file: server.key"
CLIENTS = f"{TLS}, client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem"


@pytest.fixture(name="papers")
def _papers(tmp_path: Path) -> Papers:
    return make_papers(tmp_path)


def healthy(folder: Path, address: str, *flags: str) -> tuple[int, str]:
    """Ask as the health check of the image does; return the exit code and what is said."""
    done = subprocess.run(
        [sys.executable, "-m", "exporter", "healthy", f"--web.listen-address={address}", *flags],
        cwd=folder,
        # A proxy of the environment must have no say in it.
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "HTTP_PROXY": "http://h:1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


WELL = (0, "healthy\n")


def ill(sentence: str) -> tuple[int, str]:
    return 1, f"not healthy: {sentence}\n"


@pytest.mark.parametrize(
    "settings",
    [
        "",
        f"tls_server_config: {{{TLS}}}\n",
        f"tls_server_config: {{{TLS}}}\nbasic_auth_users: {{alice: '{HASH}'}}\n",
        f"tls_server_config: {{{TLS}, min_version: TLS13}}\n",
        f"tls_server_config: {{{CLIENTS}}}\n",
        f"tls_server_config: {{{CLIENTS}, max_version: TLS12}}\n",
    ],
    ids=["plain", "tls", "users", "tls-1.3", "client-certificate", "client-certificate-tls-1.2"],
)
def test_running_exporter_is_healthy_and_one_that_was_stopped_is_not(
    papers: Papers, settings: str
) -> None:
    flags = [f"--web.config.file={papers.folder / 'web.yml'}"] if settings else []
    with Program(papers.folder, settings) as program:
        assert healthy(papers.folder, f"127.0.0.1:{program.port}", *flags) == WELL
        assert healthy(papers.folder, f":{program.port}", *flags) == WELL
        assert healthy(papers.folder, f"0.0.0.0:{program.port}", *flags) == WELL
        program.signal(signal.SIGSTOP)
        before = time.monotonic()
        found = healthy(papers.folder, f":{program.port}", *flags)
        assert found == ill("no answer within 2 seconds")
        assert time.monotonic() - before < 20
        program.signal(signal.SIGCONT)
    found = healthy(papers.folder, f":{program.port}", *flags)
    assert found == ill("cannot be reached: Connection refused")


def test_certificate_of_somebody_else_is_not_believed(papers: Papers, tmp_path: Path) -> None:
    """Not even one that the same authority has signed for the same names."""
    papers.signed("other")
    with Program(papers.folder, f"tls_server_config: {{{TLS}}}\n") as program:
        other = tmp_path / "other.yml"
        other.write_text("tls_server_config: {cert_file: other.pem, key_file: other.key}\n")
        found = healthy(papers.folder, f":{program.port}", f"--web.config.file={other}")
    assert found == ill("it shows another certificate than the one in the web configuration")


def test_certificate_is_taken_though_its_time_is_over_and_its_name_another(papers: Papers) -> None:
    """To start a program again renews no certificate."""
    papers.signed("server", sans="DNS:elsewhere.example", days="-1")
    # The authority's comes after it, as in any file of a real one.
    chain = papers.folder / "server.pem"
    chain.write_text(chain.read_text() + (papers.folder / "ca.pem").read_text())
    web = papers.folder / "web.yml"
    with Program(papers.folder, f"tls_server_config: {{{TLS}}}\n") as program:
        assert healthy(papers.folder, f":{program.port}", f"--web.config.file={web}") == WELL


def test_exporter_is_not_healthy_to_whoever_speaks_otherwise(papers: Papers) -> None:
    web = papers.folder / "web.yml"
    with Program(papers.folder) as plain:
        web.write_text(f"tls_server_config: {{{TLS}}}\n")
        found = healthy(papers.folder, f":{plain.port}", f"--web.config.file={web}")
        assert found == ill("it does not speak TLS as the web configuration says")
        plain.log.unlink()
    with Program(papers.folder, f"tls_server_config: {{{TLS}}}\n") as secured:
        # The listener waits for the rest of a handshake that never comes.
        found = healthy(papers.folder, f":{secured.port}")
        assert found == ill("no answer within 2 seconds")


def test_exporter_on_ipv6_alone_is_found(papers: Papers) -> None:
    with Program(papers.folder, "", "--web.max-connections=9", address="[::]:0") as program:
        assert healthy(papers.folder, f"[::]:{program.port}") == WELL
        assert healthy(papers.folder, f"[::1]:{program.port}") == WELL


@pytest.fixture(name="impostor")
def _impostor() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "it answers, but not that it is healthy"),
        (b"x" * 5000, "it answers, but not that it is healthy"),
        (b"\xff\xfe\r\n", "it answers, but not that it is healthy"),
        (b"", "it closed the connection without an answer"),
    ],
)
def test_whoever_answers_otherwise_is_not_healthy(
    impostor: socket.socket, tmp_path: Path, answer: bytes, sentence: str
) -> None:
    def serve() -> None:
        connection, _ = impostor.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    assert healthy(tmp_path, f":{impostor.getsockname()[1]}") == ill(sentence)
    thread.join()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("tls_server_config: {cert_file: no.pem, key_file: server.key}", "no such file"),
        ("tls_server_config: {cert_file: server.key, key_file: server.key}", "not a usable cert"),
        ("basic_auth_users: {alice: secret-word}", "expected a bcrypt hash"),
        ("[", "not valid YAML"),
    ],
)
def test_web_configuration_that_cannot_be_used_is_one_sentence(
    papers: Papers, text: str, sentence: str
) -> None:
    web = papers.folder / "web.yml"
    web.write_text(text)
    code, said = healthy(papers.folder, ":1", f"--web.config.file={web}")
    assert code == 1
    assert said.startswith("not healthy: ")
    assert sentence in said
    assert said.count("\n") == 1
    assert "secret-word" not in said


def test_port_that_nobody_knows_is_said_so(tmp_path: Path) -> None:
    assert healthy(tmp_path, ":0") == ill("--web.listen-address: port 0 is another one each time")


def test_flags_of_a_process_are_found_out(papers: Papers) -> None:
    web = f"tls_server_config: {{{TLS}}}\n"
    with Program(papers.folder, web) as program:
        # This one chose its port itself, so its flags do not tell it; the file they do tell.
        pid = f"--pid={program.process.pid}"
        found = healthy(papers.folder, ":1", pid)
        assert found == ill("--web.listen-address: port 0 is another one each time")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = Program(papers.folder, web, address=f"127.0.0.1:{port}")
    program.log.unlink()
    with program:
        assert healthy(papers.folder, ":1", f"--pid={program.process.pid}") == WELL


def test_process_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    assert healthy(tmp_path, ":1", "--pid=9999999") == ill("--pid: no process 9999999 to be seen")


def test_address_that_is_none_is_said_so(tmp_path: Path) -> None:
    expected = "--web.listen-address: here: expected host:port, [host]:port or :port"
    assert healthy(tmp_path, "here") == ill(expected)
