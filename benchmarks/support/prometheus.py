"""Start a real Prometheus, ask it, and see what it needs."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.support.servers import memory_of

RULES = Path(__file__).parents[2] / "prometheus" / "rules"
JOB = "streaming-jobs"
INSTANCE = "exporter:10370"
_READY_WITHIN = 60.0


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A Prometheus that runs."""

    port: int
    process_id: int
    config: Path
    interval: str
    evaluation: str

    def scrape_no_more(self) -> None:
        """Have it ask nobody any more: for two intervals all series stay as they are."""
        self.config.write_text(json.dumps(_config(None, self.interval, self.evaluation)))
        os.kill(self.process_id, signal.SIGHUP)

    def ask(self, path: str, fields: Mapping[str, object]) -> Any:
        """Return the data of an answer of the API. Raises RuntimeError with its words."""
        form = urllib.parse.urlencode(fields)
        try:
            if path.startswith("label/"):
                answer = json.loads(self.send(f"/api/v1/{path}?{form}"))
            else:
                answer = json.loads(self.send(f"/api/v1/{path}", form.encode()))
        except urllib.error.HTTPError as exc:
            raise RuntimeError(exc.read().decode()) from exc
        return answer["data"]

    def send(
        self, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> bytes:
        """Send a request, a POST when there is a body; return the body of the answer."""
        url = f"http://127.0.0.1:{self.port}{path}"
        request = urllib.request.Request(url, data=body, headers=dict(headers or {}))
        with urllib.request.urlopen(request, timeout=300) as answer:
            found: bytes = answer.read()
            return found

    def value(self, query: str) -> float:
        """Return the sum of what a query finds now; 0 when it finds nothing."""
        found = self.ask("query", {"query": query})["result"]
        return sum(float(each["value"][1]) for each in found)

    def own(self, metric: str, label: str = "") -> float:
        """Return the sum of one of its own metrics, of the series that have a text in a label."""
        lines = self.send("/metrics").decode().splitlines()
        lines = [line for line in lines if _named(line) == metric and label in line]
        found = (line.rpartition(" ")[2] for line in lines)
        return sum(map(float, found))

    @property
    def memory(self) -> float:
        """Return the megabytes that its process holds."""
        return memory_of(self.process_id)

    @property
    def processor(self) -> float:
        """Return the seconds of processor time that it has taken."""
        fields = Path(f"/proc/{self.process_id}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def in_use(self) -> float:
        """Return the megabytes that are in use after its garbage was collected."""
        self.send("/debug/pprof/heap?gc=1")
        return self.own("go_memstats_heap_inuse_bytes") / 1e6


def is_there() -> bool:
    """Say whether Debian's package prometheus is there."""
    return shutil.which("prometheus") is not None


@contextlib.contextmanager
def prometheus(
    *, target: int | None, interval: str, evaluation: str = "", flags: tuple[str, ...] = ()
) -> Iterator[Prometheus]:
    """Run a Prometheus that scrapes a local port, or nobody.

    With an `evaluation` interval it evaluates the shipped rules.
    """
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "prometheus.yml"
        # JSON is YAML.
        config.write_text(json.dumps(_config(target, interval, evaluation)))
        command = [
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
            *flags,
        ]
        with subprocess.Popen(command, cwd=folder) as process:
            try:
                server = Prometheus(port, process.pid, config, interval, evaluation)
                _wait_until_ready(server)
                yield server
            finally:
                process.kill()


def _config(target: int | None, interval: str, evaluation: str) -> dict[str, Any]:
    times = {"scrape_interval": interval, "scrape_timeout": interval}
    config: dict[str, Any] = {"global": times}
    if evaluation:
        config["global"] = {**times, "evaluation_interval": evaluation}
        config["rule_files"] = [str(path) for path in sorted(RULES.glob("*.yml"))]
    if target is not None:
        relabel = {"target_label": "instance", "replacement": INSTANCE}
        config["scrape_configs"] = [
            {
                "job_name": JOB,
                "static_configs": [{"targets": [f"127.0.0.1:{target}"]}],
                "relabel_configs": [relabel],
            }
        ]
    return config


def _wait_until_ready(server: Prometheus) -> None:
    deadline = time.monotonic() + _READY_WITHIN
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            server.send("/-/ready")
            return
        time.sleep(0.1)
    raise TimeoutError(server.port)


def _named(line: str) -> str:
    return line.partition("{")[0].partition(" ")[0]
