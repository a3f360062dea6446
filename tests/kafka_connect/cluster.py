"""Start, kill and stop a broker and the workers of one Connect cluster on this machine."""

import json
import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from tests.flink_cluster.cluster import free_ports
from tests.flink_cluster.process import GuardedProcess
from tests.kafka_connect.distribution import ConnectDistribution

_CONVERTER = "org.apache.kafka.connect.json.JsonConverter"
# A worker takes its time to notice a lost peer, and to move what ran on it. Tests wait for both.
_IMPATIENT = {
    "session.timeout.ms": "6000",
    "heartbeat.interval.ms": "2000",
    "rebalance.timeout.ms": "6000",
    "scheduled.rebalance.max.delay.ms": "10000",
    "offset.flush.interval.ms": "1000",
    "task.shutdown.graceful.timeout.ms": "500",
}


class ConnectClusterError(Exception):
    """The cluster, or a connector in it, did not get where it was expected in time."""


class ConnectCluster:
    """A broker and some workers; the first one is ready when the `with` block is entered.

    Everything that is written goes under `workdir`.
    """

    def __init__(
        self,
        distribution: ConnectDistribution,
        workdir: Path,
        *,
        workers: int = 1,
        settings: Mapping[str, str] | None = None,
        start_timeout: float = 180,
    ) -> None:
        self._distribution = distribution
        self._workdir = workdir
        self._settings = settings or {}
        self._start_timeout = start_timeout
        self._broker_port, *ports = free_ports(1 + workers)
        self.worker_ids = tuple(f"127.0.0.1:{port}" for port in ports)
        self.urls = tuple(f"http://{each}" for each in self.worker_ids)
        self.starting: list[httpx.Response] = []
        """What workers answered before they were ready."""
        self._processes: dict[str, GuardedProcess] = {}
        # A proxy of the environment must not see requests to this machine.
        self._client = httpx.Client(timeout=30, trust_env=False)

    def __enter__(self) -> Self:
        try:
            self.start_broker()
            for number in range(len(self.worker_ids)):
                self.start_worker(number)
            for number in range(len(self.worker_ids)):
                self.wait_until_ready(number)
        except BaseException:
            # Also on Ctrl-C: nobody else would stop what has been started so far.
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def version(self) -> str:
        """Return the version of Connect."""
        return self._distribution.version

    def stop(self) -> None:
        """Kill everything this cluster started. Safe to repeat."""
        for process in self._processes.values():
            process.kill()
        self._processes.clear()
        self._client.close()

    def start_broker(self) -> None:
        """Start the broker; it keeps everything in memory, and is ready at once."""
        address = f"tcp://127.0.0.1:{self._broker_port}"
        # It listens on all interfaces unless it is told otherwise.
        own = {"LISTENER_URL": address, "ADVERTISED_LISTENER_URL": address}
        self._spawn(
            "broker", self._distribution.broker, {**own, "STORAGE_ENGINE": "memory://tansu/"}
        )

    def kill_broker(self) -> None:
        """Kill the broker as a power cut would."""
        self._processes.pop("broker").kill()

    def start_worker(self, number: int) -> None:
        """Start a worker, without waiting for it."""
        properties = self._workdir / f"worker-{number}.properties"
        properties.write_text("".join(f"{k}={v}\n" for k, v in self._properties(number).items()))
        self._spawn(f"worker-{number}", self._distribution.worker(properties), {})

    def kill_worker(self, number: int) -> None:
        """Kill a worker as a power cut would."""
        self._processes.pop(f"worker-{number}").kill()

    def end_worker(self, number: int) -> None:
        """Ask a worker to end, and wait until it has."""
        process = self._processes.pop(f"worker-{number}")
        os.kill(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + 20
        while process.ended is None and time.monotonic() < deadline:
            time.sleep(0.1)
        process.kill()

    def get(self, path: str, number: int = 0) -> Any:
        """Return the decoded answer of a worker, as long as it is a success."""
        return self._client.get(f"{self.urls[number]}{path}").raise_for_status().json()

    def answer(self, path: str, number: int = 0, **options: Any) -> httpx.Response:
        """Return whatever a worker answers."""
        return self._client.get(f"{self.urls[number]}{path}", **options)

    def put(self, name: str, config: Mapping[str, str]) -> None:
        """Create a connector, or give it another configuration."""
        self._change("PUT", f"/connectors/{name}/config", dict(config))

    def create(self, name: str, config: Mapping[str, str]) -> None:
        """Create a connector of any name, also one that no path can hold."""
        self._change("POST", "/connectors", {"name": name, "config": {**config, "name": name}})

    def pause(self, name: str) -> None:
        """Pause a connector."""
        self._change("PUT", f"/connectors/{name}/pause")

    def resume(self, name: str) -> None:
        """Let a paused or stopped connector run."""
        self._change("PUT", f"/connectors/{name}/resume")

    def stop_connector(self, name: str) -> None:
        """Stop a connector: it has no tasks then."""
        self._change("PUT", f"/connectors/{name}/stop")

    def restart(self, name: str) -> None:
        """Restart a connector and those of its tasks that have failed."""
        path = f"/connectors/{name}/restart?includeTasks=true&onlyFailed=true"
        self._change("POST", path)

    def delete(self, name: str) -> None:
        """Delete a connector."""
        self._change("DELETE", f"/connectors/{name}")

    def words(self, name: str, number: int = 0) -> tuple[str, ...]:
        """Return what the listing says of a connector and its tasks; nothing of one it lacks."""
        entry = self.get("/connectors?expand=status", number).get(name)
        if entry is None:
            return ()
        status = entry["status"]
        return (status["connector"]["state"], *(task["state"] for task in status["tasks"]))

    def wait_for(self, name: str, *words: str, timeout: float = 60) -> None:
        """Wait until the listing says so of a connector and its tasks."""
        what = f"{name} to be {words}"
        self.wait_until(lambda: self.words(name) == words, timeout=timeout, what=what)

    def wait_until_ready(self, number: int) -> None:
        """Wait until a worker takes requests."""

        def ready() -> bool:
            answer = self.answer("/health", number)
            if answer.status_code == 404:
                self.starting.append(answer)
            return bool(answer.raise_for_status().json()["status"] == "healthy")

        self.wait_until(
            ready,
            timeout=self._start_timeout,
            what=f"worker {number} to be ready",
        )

    def wait_until(self, condition: Callable[[], bool], *, timeout: float = 60, what: str) -> None:
        """Wait until a condition holds; an HTTP failure counts as not yet."""
        deadline = time.monotonic() + timeout
        while True:
            with suppress(httpx.HTTPError):
                if condition():
                    return
            self._raise_if_ended()
            if time.monotonic() > deadline:
                raise ConnectClusterError(f"waited {timeout:.0f} s for {what}\n{self._tails()}")
            time.sleep(0.1)

    def _change(self, method: str, path: str, body: Any = None) -> None:
        """Send a change; during a rebalance Connect refuses it, and wants it again."""

        def sent() -> bool:
            content = None if body is None else json.dumps(body)
            headers = {"Content-Type": "application/json"}
            response = self._client.request(
                method, f"{self.urls[0]}{path}", content=content, headers=headers
            )
            if response.status_code not in (409, 500):
                response.raise_for_status()
                return True
            return False

        self.wait_until(sent, what=f"{method} {path}")

    def _properties(self, number: int) -> dict[str, str]:
        storage = {}
        for kind in ("offset", "config", "status"):
            storage[f"{kind}.storage.topic"] = f"connect-{kind}"
            storage[f"{kind}.storage.replication.factor"] = "1"
        return {
            "bootstrap.servers": f"127.0.0.1:{self._broker_port}",
            "group.id": "connect",
            "key.converter": _CONVERTER,
            "value.converter": _CONVERTER,
            **storage,
            "offset.storage.partitions": "1",
            "status.storage.partitions": "1",
            "listeners": self.urls[number],
            "rest.advertised.host.name": "127.0.0.1",
            "plugin.discovery": "service_load",
            **_IMPATIENT,
            **self._settings,
        }

    def _spawn(self, name: str, command: list[str], extra: Mapping[str, str]) -> None:
        kept = {key: value for key, value in os.environ.items() if key in ("PATH", "LANG", "HOME")}
        log = self._workdir / f"{name}.log"
        self._processes[name] = GuardedProcess(command, log=log, environ={**kept, **extra})

    def _raise_if_ended(self) -> None:
        for name, process in self._processes.items():
            if process.ended is not None:
                raise ConnectClusterError(f"{name} ended with {process.ended}\n{self._tails()}")

    def _tails(self) -> str:
        return "\n".join(f"--- {name}\n{p.tail()}" for name, p in self._processes.items())
