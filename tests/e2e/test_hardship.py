"""The real program on a machine that lacks what a program takes for granted."""

import contextlib
import http.client
import json
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.e2e.exporter_process import ROOT, free_port

JOB = "0" * 31 + "1"
_OVERVIEW = {
    "jobs": [
        {
            "jid": JOB,
            "name": "orders",
            "state": "RUNNING",
            "start-time": 1_700_000_000_000,
            "end-time": -1,
            "duration": 1000,
            "last-modification": 1_700_000_000_000,
            "tasks": {"running": 1, "total": 1},
        }
    ]
}
_PATIENCE = 60.0


class _Flink(BaseHTTPRequestHandler):
    """Answer as Flink does, over a connection of its own each time."""

    def do_GET(self) -> None:
        known = {"/jobs/overview": _OVERVIEW, "/config": {"flink-version": "2.0.0"}}
        document = known.get(self.path, {"errors": ["not now"]})
        body = json.dumps(document).encode()
        self.send_response(200 if self.path in known else 404)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(name="flink", scope="module")
def _flink() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Flink) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


class Program:
    """The exporter as a process, with whatever is put before its command."""

    def __init__(
        self, folder: Path, flink: str, *prefix: str, listen: str = "127.0.0.1", nofile: int = 0
    ) -> None:
        self.config = folder / "exporter.yml"
        self.config.write_text(
            "defaults: {poll_interval: 1s, timeout: 2s}\n"
            f"sources: [{{name: flink, platform: apache_flink, endpoint: '{flink}'}}]\n"
        )
        self.port = free_port()
        self._log = folder / "log"
        arguments = [f"--config.file={self.config}", f"--web.listen-address={listen}:{self.port}"]

        def limit() -> None:
            if nofile:
                resource.setrlimit(resource.RLIMIT_NOFILE, (nofile, nofile))

        with self._log.open("w") as stream:
            self.process = subprocess.Popen(
                [*prefix, sys.executable, "-m", "exporter", *arguments],
                stderr=stream,
                cwd=ROOT,
                preexec_fn=limit,
            )

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=30)
        finally:
            self.process.kill()

    def log(self) -> list[str]:
        """Return what it has said."""
        return self._log.read_text().splitlines()

    def get(self, path: str) -> tuple[int, str]:
        """Ask for a page over a new connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def until_ready(self) -> None:
        """Wait until every source has been polled."""

        def ready() -> bool:
            assert self.process.poll() is None, self.log()
            with contextlib.suppress(OSError, http.client.HTTPException):
                return self.get("/-/ready")[0] == 200
            return False

        until(ready, self.log)

    def up(self) -> float | None:
        """Return whether the source is up, as the page says."""
        return _up(self.get("/metrics")[1])


def until(holds: Callable[[], bool], shown: Callable[[], object] = lambda: "") -> None:
    """Wait until something holds."""
    end = time.monotonic() + _PATIENCE
    while not holds():
        assert time.monotonic() < end, shown()
        time.sleep(0.05)


def _up(page: str) -> float | None:
    """Return whether the source is up; None while the page does not say."""
    found = re.search(r"^streaming_source_up\{[^}]*\} (\S+)$", page, re.MULTILINE)
    return float(found[1]) if found else None


def _failures(page: str) -> float:
    """Return how many polls have failed because nobody could be connected to."""
    name = r"^streaming_source_poll_failures_total"
    found = re.search(name + r'\{[^}]*reason="connection"[^}]*\} (\S+)$', page, re.MULTILINE)
    assert found, page[:500]
    return float(found[1])


def _shows_the_job(page: str) -> bool:
    return f'job_id="{JOB}"' in page and 'state="running"} 1' in page


def test_exporter_without_a_file_descriptor_left_serves_what_it_knows_and_recovers(
    tmp_path: Path, flink: str
) -> None:
    """The limit falls to what is open: polls fail and say why, the open connection is answered."""
    with Program(tmp_path, flink, nofile=48) as program:
        program.until_ready()
        kept = http.client.HTTPConnection("127.0.0.1", program.port, timeout=20)

        def page() -> str:
            kept.request("GET", "/metrics")
            return kept.getresponse().read().decode()

        until(lambda: _shows_the_job(page()))
        pid = program.process.pid
        opened = max(int(each.name) for each in Path(f"/proc/{pid}/fd").iterdir())
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (min(opened, 8), before[1]))
        idle = [socket.create_connection(("127.0.0.1", program.port)) for _ in range(60)]
        until(lambda: _up(page()) == 0, program.log)
        exhausted = page()
        assert _shows_the_job(exhausted)
        assert _failures(exhausted) > 0
        for each in idle:
            each.close()
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        kept.close()

        def is_up() -> bool:
            # The sixty are let in first, and whoever is idle makes room for them.
            with contextlib.suppress(OSError, http.client.HTTPException):
                return program.up() == 1
            return False

        until(is_up, program.log)
        # The machine says of each connection that it cannot be taken: not so the log.
        assert len(program.log()) < 20, program.log()[:30]
        said = [line for line in program.log() if 'event="poll' in line]
        assert len([line for line in said if "poll failed" in line]) == 1, said
        assert len([line for line in said if "succeeded again" in line]) == 1, said


@pytest.mark.parametrize(
    "prefix",
    [
        pytest.param(("env", "-u", "HOME"), id="unset"),
        pytest.param(("env", "HOME=/proc"), id="read-only"),
        pytest.param(("env", "HOME=/nonexistent"), id="missing"),
        pytest.param(
            ("unshare", "--user", "--map-user=54321", "env", "-u", "HOME"), id="of-an-unknown-user"
        ),
    ],
)
def test_exporter_needs_no_home(tmp_path: Path, flink: str, prefix: tuple[str, ...]) -> None:
    """As in a container that runs under a number that no name belongs to."""
    with Program(tmp_path, flink, *prefix) as program:
        program.until_ready()
        until(lambda: program.up() == 1, program.log)


def test_exporter_listens_where_there_is_no_ipv6(tmp_path: Path) -> None:
    """In a network without IPv6 and without the way to any platform; making one takes root."""
    setup = (
        "sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.lo.disable_ipv6=1; "
        'ip link set lo up; exec "$@"'
    )
    prefix = ("unshare", "--net", "sh", "-c", setup, "sh")
    with Program(tmp_path, "http://10.255.255.1:8081", *prefix, listen="") as program:
        inside = ("nsenter", f"--target={program.process.pid}", "--net")
        address = f"http://127.0.0.1:{program.port}/metrics"
        ask = f"import urllib.request as r; print(r.urlopen('{address}').read().decode())"

        def page() -> str:
            shown = subprocess.run(
                [*inside, sys.executable, "-c", ask], capture_output=True, text=True, check=False
            )
            return shown.stdout

        until(lambda: "\nstreaming_source_up{" in page(), program.log)
        assert _up(page()) == 0


class Scraper(threading.Thread):
    """Scrape again and again, over one connection that is opened anew when it is closed."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.pages = 0
        self.broken: list[str] = []
        self.refused = False
        self.stopped = threading.Event()
        self._port = port

    def run(self) -> None:
        """Scrape until told to stop or nobody listens any more."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        while not self.stopped.is_set():
            try:
                connection.connect()
            except OSError:
                self.refused = True
                break
            self._scrape(connection)
        connection.close()

    def _scrape(self, connection: http.client.HTTPConnection) -> None:
        while not self.stopped.is_set():
            try:
                connection.request("GET", "/metrics")
                answer = connection.getresponse()
            except ConnectionError:
                # Closed between two scrapes: this one was not heard.
                connection.close()
                return
            try:
                page = answer.read().decode()
            except (OSError, http.client.HTTPException) as exc:
                self.broken.append(repr(exc))
                return
            if answer.status != 200 or not _shows_the_job(page):
                self.broken.append(f"{answer.status}: {page[:200]}")
            self.pages += 1


def test_sigterm_during_scrapes_breaks_none_of_them(tmp_path: Path, flink: str) -> None:
    with Program(tmp_path, flink) as program:
        program.until_ready()
        until(lambda: _shows_the_job(program.get("/metrics")[1]))
        scrapers = [Scraper(program.port) for _ in range(4)]
        for scraper in scrapers:
            scraper.start()
        until(lambda: all(scraper.pages > 10 for scraper in scrapers))
        program.process.send_signal(signal.SIGTERM)
        assert program.process.wait(timeout=30) == 0
        for scraper in scrapers:
            scraper.stopped.set()
            scraper.join()
        assert [scraper.broken for scraper in scrapers] == [[]] * 4
        assert "event=stopping" in program.log()[-1]


def test_reload_under_load_loses_no_scrape(tmp_path: Path, flink: str) -> None:
    """By signal and by request in turn, ten times a second, with a change each time."""
    with Program(tmp_path, flink) as program:
        program.until_ready()
        until(lambda: _shows_the_job(program.get("/metrics")[1]))
        scrapers = [Scraper(program.port) for _ in range(2)]
        for scraper in scrapers:
            scraper.start()
        text = program.config.read_text()
        for turn in range(30):
            program.config.write_text(text.replace("}]", f", labels: {{turn: 't{turn}'}}}}]"))
            if turn % 2:
                program.process.send_signal(signal.SIGHUP)
            else:
                connection = http.client.HTTPConnection("127.0.0.1", program.port, timeout=20)
                connection.request("POST", "/-/reload")
                assert connection.getresponse().status == 200
                connection.close()
            time.sleep(0.1)
        for scraper in scrapers:
            scraper.stopped.set()
            scraper.join()
        assert [scraper.broken for scraper in scrapers] == [[], []]
        assert all(scraper.pages > 30 for scraper in scrapers)
        assert not any(scraper.refused for scraper in scrapers)
        until(lambda: 'turn="t29"' in program.get("/metrics")[1], program.log)


def test_condition_is_logged_when_it_begins_and_when_it_ends_and_not_at_every_poll(
    tmp_path: Path,
) -> None:
    port = free_port()
    with Program(tmp_path, f"http://127.0.0.1:{port}") as program:
        program.until_ready()

        until(lambda: _failures(program.get("/metrics")[1]) >= 4, program.log)
        with ThreadingHTTPServer(("127.0.0.1", port), _Flink) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            until(lambda: program.up() == 1, program.log)
            server.shutdown()
            thread.join()
        said = [line for line in program.log() if "poll " in line]
        assert len([line for line in said if "poll failed" in line]) == 1, said
        assert len([line for line in said if "poll succeeded again" in line]) == 1, said
