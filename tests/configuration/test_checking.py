"""What `check-config --online` says of a source that tells its jobs, but not all about them."""

import io
import re
import time
from pathlib import Path

import httpx
import pytest

from exporter import cli
from exporter.runtime import Runtime
from exporter.simulator.clouds import build_clouds, configuration
from tests.e2e.simulated_clouds import HOSTS, Network
from tests.platforms.flink_discovery.fleet import ZERO


def _check(tmp_path: Path, text: str, transport: httpx.AsyncBaseTransport) -> tuple[int, list[str]]:
    path = tmp_path / "exporter.yml"
    path.write_text(text)
    runtime = Runtime(environ={}, home=tmp_path, transport=lambda: transport)
    out, err = io.StringIO(), io.StringIO()
    arguments = ("check-config", "--online", f"--config.file={path}")
    code = cli.main(arguments, runtime=runtime, out=out, err=err)
    lines = [line for line in out.getvalue().splitlines() if ": warning: " not in line]
    return code, lines[1:]


@pytest.mark.parametrize(
    ("host", "source", "said"),
    [
        ("cloud_eye", "dli-prod", "BatchListMetricData failed: monitoring, connection"),
        ("monitor", "oceanus", "GetMonitorData failed: monitoring, connection"),
        ("cloudwatch", "msf", "GetMetricData failed: monitoring, connection"),
        ("managers", "operator", "/jobs/:jobid failed: connection, JobManager of streams/"),
    ],
)
def test_service_beside_the_platform_that_is_out_of_reach_fails_its_source_alone(
    host: str, source: str, said: str, tmp_path: Path
) -> None:
    network = Network(build_clouds(clock=time.time))
    network.down.add(host)
    text = configuration({each: f"https://{each}" for each in HOSTS})
    code, rows = _check(tmp_path, text, network)
    assert code == 1
    (failed,) = [row for row in rows if " FAILED " in row]
    # The jobs were counted all the same.
    assert re.match(rf"{source} +\w+ +FAILED +\d+ ", failed)
    assert said in failed
    assert len(rows) - 1 == sum(row.endswith("  ok") for row in rows)


_FLINK = "sources: [{name: flink, platform: apache_flink, endpoint: 'http://flink'}]"
_SECRET_WORDS = "the-word-that-nobody-may-read"


class _Flink(httpx.AsyncBaseTransport):
    """A cluster of two jobs that refuses what is asked at some paths."""

    def __init__(self, refused: str, status: int = 403) -> None:
        self._refused = refused
        self._status = status
        self.asked: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.asked.append(path)
        if path.endswith(self._refused):
            return httpx.Response(self._status, json={"errors": [_SECRET_WORDS]})
        jobs = [("f" * 32, "SUSPENDED"), (ZERO, "RUNNING")]
        if path == "/jobs/overview":
            rows = [{"jid": jid, "name": "x", "state": state} for jid, state in jobs]
            return httpx.Response(200, json={"jobs": rows})
        if path == f"/jobs/{ZERO}":
            return httpx.Response(200, json={"jid": ZERO, "name": "x", "state": "RUNNING"})
        return httpx.Response(200, json=[] if path.endswith("/metrics") else {})


@pytest.mark.parametrize(
    ("refused", "status", "said"),
    [
        # Of the listing; that a proxy keeps it to itself (403) is no failure of a source.
        ("/config", 404, "/config failed: not_found, HTTP 404"),
        ("/checkpoints", 403, "/jobs/:jobid/checkpoints failed: auth, HTTP 403"),
        ("/exceptions", 403, "/jobs/:jobid/exceptions failed: auth, HTTP 403"),
    ],
)
def test_part_that_is_refused_is_named_without_what_was_answered(
    refused: str, status: int, said: str, tmp_path: Path
) -> None:
    code, (row,) = _check(tmp_path, _FLINK, _Flink(refused, status))
    assert code == 1
    assert re.match(rf"flink +apache_flink +FAILED +2 +{said}", row)
    assert _SECRET_WORDS not in row


def test_job_that_runs_is_asked_about_before_one_that_does_not(tmp_path: Path) -> None:
    flink = _Flink("nothing")
    code, (row,) = _check(tmp_path, _FLINK, flink)
    assert (code, row.split()) == (0, ["flink", "apache_flink", "ok", "2", "ok"])
    assert f"/jobs/{ZERO}" in flink.asked


def test_every_part_that_is_missing_is_named_once(tmp_path: Path) -> None:
    _, (row,) = _check(tmp_path, _FLINK, _Flink("s"))
    refused = re.findall(r"/jobs/:jobid/(\w+) failed", row)
    assert sorted(refused) == sorted(set(refused))
    assert {"checkpoints", "exceptions"} <= set(refused)
