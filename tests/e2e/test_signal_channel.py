"""Reloads that wait are one, SIGTERM waits for none, and clients leave descriptors for the rest."""

import contextlib
import resource
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.errors import ConfigError
from exporter.listening.addresses import listen
from tests.e2e.exporter_streams import Exporter, configured, flink, until

SOURCES = 300
MANY = 100


@pytest.fixture(name="flink", scope="module")
def _flink() -> Iterator[str]:
    with flink() as address:
        yield address


def _large(folder: Path, address: str) -> Path:
    """Write a configuration that takes a while to be read."""
    config = configured(folder, address)
    asleep = (
        f"  - {{name: s{number}, platform: apache_flink, endpoint: '{address}', "
        f"poll_interval: 1h, stale_after: 3h, labels: {{turn: '0'}}}}\n"
        for number in range(SOURCES)
    )
    config.write_text(
        "sources:\n"
        f"  - {{name: flink, platform: apache_flink, endpoint: '{address}', poll_interval: 1s}}\n"
        + "".join(asleep)
    )
    return config


def _loads(log: Path) -> int:
    return log.read_text().count('event="configuration loaded"')


def _load_seconds(exporter: Exporter, log: Path) -> float:
    """Return how long one reload takes here and now."""
    before, started = _loads(log), time.monotonic()
    exporter.reload()
    until(lambda: _loads(log) > before)
    return time.monotonic() - started


def test_sigterm_does_not_wait_behind_a_hundred_reloads(tmp_path: Path, flink: str) -> None:
    log = tmp_path / "log"
    config = _large(tmp_path, flink)
    with log.open("wb") as stream, Exporter(config, stderr=stream) as exporter:
        exporter.until_ready(log.read_text)
        one = _load_seconds(exporter, log)
        before = _loads(log)
        for _ in range(MANY):
            exporter.reload()
            time.sleep(0.002)
        ended = exporter.ends(60)
        assert ended < 4 + 2 * one, one
        assert _loads(log) - before <= 4


def test_a_hundred_requests_to_reload_hold_up_no_scrape_and_are_all_answered(
    tmp_path: Path, flink: str
) -> None:
    log = tmp_path / "log"
    config = _large(tmp_path, flink)
    with log.open("wb") as stream, Exporter(config, stderr=stream) as exporter:
        exporter.until_ready(log.read_text)
        one = _load_seconds(exporter, log)
        before = _loads(log)
        answers: list[int] = []
        threads = [
            threading.Thread(target=lambda: answers.append(exporter.ask("/-/reload", "POST")[0]))
            for _ in range(MANY)
        ]
        for thread in threads:
            thread.start()
        slowest = 0.0
        while any(thread.is_alive() for thread in threads):
            started = time.monotonic()
            assert exporter.ask("/metrics")[0] == 200
            slowest = max(slowest, time.monotonic() - started)
        assert answers == [200] * MANY
        assert _loads(log) - before < MANY / 5
        assert slowest < max(1.0, one), (slowest, one)


@contextlib.contextmanager
def _idle(port: int, count: int) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        yield


@pytest.mark.parametrize(("nofile", "idle"), [(64, 100), (64, 500), (48, 100), (128, 300)])
def test_idle_connections_leave_descriptors_for_scrapes_and_polls(
    tmp_path: Path, flink: str, nofile: int, idle: int
) -> None:
    log = tmp_path / "log"
    config = configured(tmp_path, flink)
    with log.open("wb") as stream, Exporter(config, stderr=stream, nofile=nofile) as exporter:
        exporter.until_ready(log.read_text)
        with _idle(exporter.port, idle):
            before = exporter.value("process_cpu_seconds_total")
            started = time.monotonic()
            exporter.polls_go_on()
            for _ in range(20):
                assert exporter.ask("/metrics")[0] == 200
            used = exporter.value("process_cpu_seconds_total") - before
            assert used < 0.5 + (time.monotonic() - started) / 2
        assert exporter.value("streaming_source_poll_failures_total") == 0
        said = log.read_text()
        assert said.count("fewer connections than asked for") == 1
        assert f"descriptors={nofile}" in said
        assert "Too many open files" not in said


def test_soft_limit_is_raised_as_far_as_the_hard_one(tmp_path: Path, flink: str) -> None:
    config = configured(tmp_path, flink)
    log = tmp_path / "log"
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard >= 4096, "this machine allows too few descriptors to tell"
    prefix = ("sh", "-c", 'ulimit -Sn 64; exec "$@"', "sh")
    with log.open("wb") as stream, Exporter(config, prefix=prefix, stderr=stream) as exporter:
        exporter.until_ready(log.read_text)
        with _idle(exporter.port, 200):
            assert exporter.value("process_max_fds") >= 4096
            assert exporter.value("process_open_fds") > 200
        assert "fewer connections" not in log.read_text()


@pytest.mark.parametrize("address", ["[::]", "[::1]"])
def test_port_of_another_is_not_shared_by_halves(address: str) -> None:
    """Where IPv6 is there and only the port is taken, IPv4 alone is not what was asked for."""
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as other:
        other.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        other.bind((address.strip("[]"), 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match="Address already in use"):
            listen(f":{port}").close()
