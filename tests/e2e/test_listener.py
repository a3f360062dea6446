"""The protected listener, with the programs that people really use: curl, sslscan, Prometheus."""

import base64
import contextlib
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import bcrypt
import httpx
import pytest
import yaml

from tests.e2e.listener_program import TOKEN, Program
from tests.flink_cluster.process import GuardedProcess
from tests.listening.certificates import HASH, PASSWORD, Papers, make_papers

TLS = {"cert_file": "server.pem", "key_file": "server.key"}
CLIENTS = {
    "client_auth_type": "RequireAndVerifyClientCert",
    "client_ca_file": "ca.pem",
    "client_allowed_sans": ["prometheus.example"],
}
TRUST = ("--cacert", "ca.pem")
CLIENT = ("--cert", "client.pem", "--key", "client.key")
USER = ("--user", f"alice:{PASSWORD}")
_WITHIN = 60.0


def web(**parts: object) -> str:
    return yaml.safe_dump(parts)


@pytest.fixture(name="papers")
def _papers(tmp_path: Path) -> Papers:
    return make_papers(tmp_path)


@pytest.fixture(name="guarded")
def _guarded(papers: Papers) -> Iterator[Program]:
    """Run an exporter that asks for a certificate and a password."""
    text = web(tls_server_config={**TLS, **CLIENTS}, basic_auth_users={"alice": HASH})
    with Program(papers.folder, text) as program:
        yield program


def test_curl_needs_the_right_authority_certificate_and_password(
    guarded: Program, papers: Papers
) -> None:
    papers.authority("other")
    papers.signed("stranger", by="other", sans="DNS:prometheus.example")
    papers.signed("unnamed", sans="DNS:other.example")
    assert guarded.address.startswith("https://127.0.0.1:")
    assert guarded.curl("/metrics", *TRUST, *CLIENT, *USER) == (0, 200)
    assert "streaming_source_info" in (papers.folder / "answer").read_text()
    # 60: the server's certificate is not trusted.
    assert guarded.curl("/metrics", *CLIENT, *USER) == (60, 0)
    assert guarded.curl("/metrics", "--cacert", "other.pem", *CLIENT, *USER) == (60, 0)
    for certificate in ((), *(("--cert", f"{n}.pem", "--key", f"{n}.key") for n in WRONG)):
        code, status = guarded.curl("/-/healthy", *TRUST, *certificate, *USER)
        assert (code != 0, status) == (True, 0)
    for user in ((), ("--user", "alice:wrong"), ("--user", f"bob:{PASSWORD}")):
        for path in ("/metrics", "/", "/api/v1/jobs", "/job", "/nothing"):
            assert guarded.curl(path, *TRUST, *CLIENT, *user) == (0, 401)
        assert guarded.curl("/-/reload", "-X", "POST", *TRUST, *CLIENT, *user) == (0, 401)
    assert guarded.curl("/-/reload", "-X", "POST", *TRUST, *CLIENT, *USER) == (0, 200)
    assert guarded.curl("/-/healthy", *TRUST, *CLIENT) == (0, 200)
    assert guarded.curl("/-/ready", *TRUST, *CLIENT)[1] in (200, 503)


WRONG = ("stranger", "unnamed")


def test_report_needs_its_token_and_no_user(guarded: Program, papers: Papers) -> None:
    path = "/v1/p/edgesrv/job-report"
    report = ("--data", json.dumps({}), "--header", "Content-Type: application/json")
    token = ("--header", f"X-Auth-Token: {TOKEN}")
    # 400: it was let in, and is no report.
    assert guarded.curl(path, *TRUST, *CLIENT, *report, *token) == (0, 400)
    assert guarded.curl(path, *TRUST, *CLIENT, *report) == (0, 401)
    assert guarded.curl(path, *TRUST, *CLIENT, *report, *USER) == (0, 401)
    # The certificate is asked for before anything else.
    assert guarded.curl(path, *TRUST, *report, *token)[0] != 0


def test_scan_shows_nothing_below_tls_1_2_and_nothing_weak(papers: Papers) -> None:
    with Program(papers.folder, web(tls_server_config=TLS)) as program:
        found = papers.folder / "scan.xml"
        subprocess.run(
            ["sslscan", "--no-colour", f"--xml={found}", f"127.0.0.1:{program.port}"],
            check=True,
            capture_output=True,
            timeout=120,
        )
    (scan,) = ElementTree.parse(found).iter("ssltest")
    enabled = {
        (each.get("type"), each.get("version"))
        for each in scan.iter("protocol")
        if each.get("enabled") == "1"
    }
    assert enabled == {("tls", "1.2"), ("tls", "1.3")}
    ciphers = list(scan.iter("cipher"))
    assert {each.get("sslversion") for each in ciphers} == {"TLSv1.2", "TLSv1.3"}
    for each in ciphers:
        assert each.get("strength") in ("acceptable", "strong")
        assert "GCM" in str(each.get("cipher")) or "CHACHA20" in str(each.get("cipher"))
    assert [each.get("supported") for each in scan.iter("renegotiation")] == ["0"]
    assert {each.get("vulnerable") for each in scan.iter("heartbleed")} == {"0"}


def test_prometheus_scrapes_with_certificate_and_password(guarded: Program, papers: Papers) -> None:
    secured = {
        "scheme": "https",
        "static_configs": [{"targets": [f"127.0.0.1:{guarded.port}"]}],
        "tls_config": {"ca_file": "ca.pem", "cert_file": "client.pem", "key_file": "client.key"},
    }
    (papers.folder / "password").write_text(PASSWORD)
    user = {"username": "alice", "password_file": "password"}
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "scrape_configs": [
            {"job_name": "right", "basic_auth": user, **secured},
            {"job_name": "nobody", **secured},
            {
                "job_name": "bare",
                "basic_auth": user,
                **secured,
                "tls_config": {"ca_file": "ca.pem"},
            },
        ],
    }
    (papers.folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    prometheus = GuardedProcess(
        (
            *("prometheus", f"--config.file={papers.folder / 'prometheus.yml'}"),
            f"--storage.tsdb.path={papers.folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ),
        log=papers.folder / "prometheus.log",
        environ={"PATH": "/usr/bin:/bin"},
    )
    try:
        targets = _scraped(f"http://127.0.0.1:{port}/api/v1/targets", prometheus)
    finally:
        prometheus.kill()
    assert targets["right"] == ("up", "")
    assert targets["nobody"] == ("down", "server returned HTTP status 401 Unauthorized")
    assert targets["bare"][0] == "down"
    assert "certificate" in targets["bare"][1]


def _scraped(url: str, prometheus: GuardedProcess) -> dict[str, tuple[str, str]]:
    """Wait until Prometheus has scraped everything; return health and last error by job."""
    deadline = time.monotonic() + _WITHIN
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            found = httpx.get(url, trust_env=False, timeout=5).raise_for_status().json()
            health = {
                each["labels"]["job"]: (each["health"], each["lastError"])
                for each in found["data"]["activeTargets"]
            }
            if health and all(state != "unknown" for state, _ in health.values()):
                return health
        assert prometheus.ended is None, prometheus.tail()
        time.sleep(0.2)
    raise AssertionError(prometheus.tail())


def test_certificate_is_renewed_while_serving(papers: Papers) -> None:
    with Program(papers.folder, web(tls_server_config=TLS)) as program:
        assert program.curl("/metrics", *TRUST) == (0, 200)
        papers.authority("next")
        papers.signed("renewed", by="next")
        # The certificate comes before its key, as with any tool that writes two files.
        shutil.copy(papers.folder / "renewed.pem", papers.folder / "server.pem")
        _until(program, lambda: "not loaded" in program.log.read_text())
        assert program.curl("/metrics", *TRUST) == (0, 200)
        shutil.copy(papers.folder / "renewed.key", papers.folder / "server.key")
        _until(program, lambda: program.curl("/-/healthy", "--cacert", "next.pem") == (0, 200))
        assert program.curl("/metrics", *TRUST) == (60, 0)
        said = program.log.read_text()
        assert said.count("web configuration not loaded") == 1
        assert said.count("web configuration loaded") == 1


def test_user_is_removed_while_serving(papers: Papers) -> None:
    both = {"alice": HASH, "bob": HASH}
    with Program(papers.folder, web(basic_auth_users=both)) as program:
        assert program.curl("/metrics", *USER) == (0, 200)
        (papers.folder / "web.yml").write_text(web(basic_auth_users={"bob": HASH}))
        _until(program, lambda: program.curl("/metrics", *USER) == (0, 401))
        assert program.curl("/metrics", "--user", f"bob:{PASSWORD}") == (0, 200)
        # An empty file is one that is just being written.
        (papers.folder / "web.yml").write_text("")
        _until(program, lambda: "no longer there" in program.log.read_text())
        assert program.curl("/metrics") == (0, 401)


def _until(program: Program, fact: object) -> None:
    assert callable(fact)
    deadline = time.monotonic() + _WITHIN
    while not fact():
        assert time.monotonic() < deadline, program.process.tail()
        program.curl("/-/healthy", "--insecure")
        time.sleep(0.1)


def test_bad_file_ends_the_program_at_its_start_and_is_found_by_the_check(
    papers: Papers,
) -> None:
    (papers.folder / "web.yml").write_text(web(tls_server_config={**TLS, "min_version": "TLS11"}))
    (papers.folder / "exporter.yml").write_text("edge: {database: e.db, projects: {p: {token: t}}}")
    files = ("--config.file=exporter.yml", "--web.config.file=web.yml")
    # Another test may have the default port.
    for command in (("--web.listen-address=127.0.0.1:0",), ("check-config",)):
        done = subprocess.run(
            [shutil.which("streaming-job-exporter") or _program(), *command, *files],
            cwd=papers.folder,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 2
        assert "\nweb.yml:4:16: tls_server_config.min_version: TLS11: refused" in f"\n{done.stderr}"


def _program() -> str:
    return str(Path(sys.executable).parent / "streaming-job-exporter")


@pytest.mark.parametrize("secured", [False, True], ids=["plain", "tls"])
def test_scrapes_go_on_while_500_connections_send_a_byte_now_and_then(
    papers: Papers, *, secured: bool
) -> None:
    text = web(tls_server_config=TLS) if secured else ""
    with Program(papers.folder, text) as program, contextlib.ExitStack() as stack:
        lazy = []
        for _ in range(500):
            line = stack.enter_context(socket.create_connection(("127.0.0.1", program.port)))
            line.sendall(b"\x16\x03\x01" if secured else b"GET /metrics HTTP/1.1\r\nHost: a\r\n")
            lazy.append(line)
        for number in range(20):
            for line in lazy:
                with contextlib.suppress(OSError):
                    line.sendall(b"\x02" if secured else b"A")
            assert program.curl("/metrics", *TRUST) == (0, 200), number
        # They do not stay for ever.
        for line in lazy:
            line.settimeout(_WITHIN)
            with contextlib.suppress(ConnectionError):
                while line.recv(100):
                    pass
        assert program.curl("/metrics", *TRUST) == (0, 200)


def test_more_connections_than_allowed_push_out_the_oldest_and_it_is_said_once(
    papers: Papers,
) -> None:
    with (
        Program(papers.folder, "", "--web.max-connections=50") as program,
        contextlib.ExitStack() as stack,
    ):
        for _ in range(500):
            stack.enter_context(socket.create_connection(("127.0.0.1", program.port)))
        assert program.curl("/metrics") == (0, 200)
        assert program.log.read_text().count("too many connections") == 1
        handles = len(list(Path(f"/proc/{program.process.pid}/fd").iterdir()))
        assert handles < 120


def test_flood_of_wrong_passwords_lets_known_users_through(papers: Papers) -> None:
    # Dear: each check takes about half a second of a processor.
    dear = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(13)).decode()
    with Program(papers.folder, web(basic_auth_users={"alice": dear})) as program:
        assert program.curl("/metrics", *USER) == (0, 200)
        ended = threading.Event()
        statuses: list[int] = []

        def flood(name: str) -> None:
            with httpx.Client(base_url=program.address, trust_env=False, timeout=60) as client:
                count = 0
                while not ended.is_set():
                    count += 1
                    wrong = base64.b64encode(f"alice:{name}{count}".encode()).decode()
                    answer = client.get("/metrics", headers={"Authorization": f"Basic {wrong}"})
                    statuses.append(answer.status_code)

        threads = [threading.Thread(target=flood, args=(f"x{number}-",)) for number in range(8)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(20):
                assert program.curl("/metrics", *USER) == (0, 200)
        finally:
            ended.set()
            for thread in threads:
                thread.join()
        assert set(statuses) == {401, 503}


def test_systemd_is_told_of_start_reload_life_and_end(papers: Papers) -> None:
    address = papers.folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        manager.settimeout(_WITHIN)

        def until(word: str) -> list[str]:
            while True:
                lines = manager.recv(4096).decode().split("\n")
                if word in lines:
                    return lines

        environ = {"NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": "200000"}
        with Program(papers.folder, "", **environ) as program:
            first = manager.recv(4096).decode().split("\n")
            assert first == ["READY=1", "STATUS=sources: 2, jobs: 0"]
            assert program.curl("/-/healthy") == (0, 200)
            for _ in range(3):
                until("WATCHDOG=1")
            program.signal(signal.SIGHUP)
            assert until("RELOADING=1")[1].startswith("MONOTONIC_USEC=")
            until("READY=1")
            program.signal(signal.SIGTERM)
            until("STOPPING=1")
            deadline = time.monotonic() + _WITHIN
            while program.process.ended is None and time.monotonic() < deadline:
                time.sleep(0.05)
            assert program.process.ended == 0
