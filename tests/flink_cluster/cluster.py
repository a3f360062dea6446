"""Start, restart and stop one JobManager and one TaskManager on this machine."""

import json
import os
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from tests.flink_cluster.distribution import FlinkDistribution
from tests.flink_cluster.jobs import JobSpec, submit
from tests.flink_cluster.process import GuardedProcess
from tests.flink_cluster.waiting import holds

_JOBMANAGER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
_TASKMANAGER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"

LOCAL = dict.fromkeys(
    (
        "jobmanager.rpc.address",
        "jobmanager.bind-host",
        "taskmanager.host",
        "taskmanager.bind-host",
        "rest.address",
        "rest.bind-address",
    ),
    "127.0.0.1",
)

# Flink's start scripts derive these from one total; without the scripts all have to be given.
MEMORY = {
    "taskmanager.cpu.cores": "2",
    "taskmanager.memory.framework.heap.size": "128m",
    "taskmanager.memory.framework.off-heap.size": "128m",
    "taskmanager.memory.task.heap.size": "256m",
    "taskmanager.memory.task.off-heap.size": "0m",
    "taskmanager.memory.managed.size": "64m",
    "taskmanager.memory.network.min": "64m",
    "taskmanager.memory.network.max": "64m",
    "taskmanager.memory.jvm-metaspace.size": "256m",
    "taskmanager.memory.jvm-overhead.min": "128m",
    "taskmanager.memory.jvm-overhead.max": "128m",
}

# Flink serves cached answers and takes its time to notice a lost peer. Tests wait for both.
_IMPATIENT = {
    "web.refresh-interval": "1000 ms",
    "metrics.fetcher.update-interval": "1000 ms",
    "heartbeat.interval": "2 s",
    "heartbeat.timeout": "20 s",
    "cluster.registration.error-delay": "1 s",
    "cluster.registration.refused-registration-delay": "1 s",
}


PATIENT = {"web.refresh-interval": "3000 ms", "metrics.fetcher.update-interval": "10000 ms"}
"""Flink's own intervals, for tests of what they do to whoever asks."""


class FlinkClusterError(Exception):
    """The cluster, or a job in it, did not get where it was expected in time."""


class FlinkCluster:
    """A session cluster with `slots` task slots, ready when the `with` block is entered.

    `settings` are added to Flink's configuration. Everything it writes goes under `workdir`:
    configuration, logs and temporary files.
    """

    def __init__(
        self,
        distribution: FlinkDistribution,
        workdir: Path,
        *,
        rest_port: int | None = None,
        slots: int = 12,
        settings: Mapping[str, str] | None = None,
        start_timeout: float = 120,
    ) -> None:
        self._distribution = distribution
        self._workdir = workdir
        free_rest, rpc = free_ports(2)
        self.rest_port = rest_port or free_rest
        self.url = f"http://127.0.0.1:{self.rest_port}"
        self._slots = slots
        self._settings = {
            **LOCAL,
            **MEMORY,
            **_IMPATIENT,
            "rest.port": str(self.rest_port),
            "jobmanager.rpc.port": str(rpc),
            "taskmanager.numberOfTaskSlots": str(slots),
            "io.tmp.dirs": str(workdir / "tmp"),
            **(settings or {}),
        }
        self._start_timeout = start_timeout
        self._processes: dict[str, GuardedProcess] = {}
        # A proxy of the environment must not see requests to this machine. To cancel a job that is
        # INITIALIZING takes as long as its initialization.
        self._client = httpx.Client(base_url=self.url, timeout=30, trust_env=False)

    def __enter__(self) -> Self:
        try:
            self.start()
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

    def start(self) -> None:
        """Start both processes and wait until the cluster takes jobs."""
        (self._workdir / "tmp").mkdir(parents=True, exist_ok=True)
        self._write_configuration()
        self._spawn_both()
        # Started now, its JVM is warm by the time the cluster is ready.
        self._spawn_submitter()
        self._wait_until_ready()

    def stop(self) -> None:
        """Kill everything this cluster started. Safe to repeat."""
        for process in self._processes.values():
            process.kill()
        self._processes.clear()
        self._client.close()

    def add_taskmanager(self) -> int:
        """Start one more TaskManager, wait until it has joined, and return its process id."""
        before = self.get("/overview")["taskmanagers"]
        name = f"taskmanager-{len(self._processes)}"
        self._spawn(name, _TASKMANAGER, heap="128m")

        def joined() -> bool:
            return bool(self.get("/overview")["taskmanagers"] > before)

        self.wait_until(joined, timeout=self._start_timeout, what="another TaskManager")
        return self.pids[name]

    def stop_jobmanager(self) -> None:
        """Kill the JobManager as a power cut would: it forgets every job."""
        self._processes.pop("jobmanager").kill()

    def start_jobmanager(self) -> None:
        """Start the JobManager again on the same port and wait until it takes jobs."""
        # A TaskManager that lost its JobManager joins the next one when its heartbeat has timed
        # out, in 20 s; a new one is there in a third of that, and no test can tell the difference.
        self._processes.pop("taskmanager").kill()
        self._spawn_both()
        self._wait_until_ready()

    def restart_jobmanager(self) -> None:
        """Kill the JobManager and start another one on the same port."""
        self.stop_jobmanager()
        self.start_jobmanager()

    @property
    def version(self) -> str:
        """Return the version of Flink."""
        return self._distribution.version

    @property
    def pids(self) -> dict[str, int]:
        """Return the process ids by role."""
        return {name: process.pid for name, process in self._processes.items()}

    def get(self, path: str, **parameters: str) -> Any:
        """Return the decoded answer of the REST API, as long as it is a success."""
        return self._client.get(path, params=parameters).raise_for_status().json()

    def submit(self, jobs: Iterable[JobSpec]) -> dict[str, str]:
        """Submit jobs and return their ids by name, without waiting for them to run."""
        return submit(self._processes["submitter"], jobs, self._distribution.numbers)

    def cancel(self, jid: str) -> None:
        """Ask Flink to cancel a job."""
        self._client.patch(f"/jobs/{jid}", params={"mode": "cancel"}).raise_for_status()

    def cancel_all(self) -> None:
        """Cancel every job that has not ended, and wait until none occupies a slot."""
        for job in self.get("/jobs/overview")["jobs"]:
            if job["end-time"] == -1:
                self.cancel(job["jid"])
        self._wait_until_ready()

    def state(self, jid: str) -> str:
        """Return Flink's word for the state of a job."""
        return str(self.get(f"/jobs/{jid}")["state"])

    def wait_for(self, jid: str, state: str, timeout: float = 60) -> None:
        """Wait until a job is in a state."""
        self.wait_until(
            lambda: self.state(jid) == state,
            timeout=timeout,
            what=f"job {jid} to be {state}",
        )

    def wait_until(self, condition: Callable[[], bool], *, timeout: float = 60, what: str) -> None:
        """Wait until a condition holds; an HTTP failure counts as not yet."""
        deadline = time.monotonic() + timeout
        while not holds(condition):
            self._raise_if_ended()
            if time.monotonic() > deadline:
                raise FlinkClusterError(f"waited {timeout:.0f} s for {what}\n{self._tails()}")
            time.sleep(0.1)

    def _wait_until_ready(self) -> None:
        def ready() -> bool:
            overview = self.get("/overview")
            return bool(overview["slots-available"] >= self._slots)

        self.wait_until(ready, timeout=self._start_timeout, what="the cluster to be ready")

    def _raise_if_ended(self) -> None:
        for name, process in self._processes.items():
            if process.ended is not None:
                raise FlinkClusterError(f"{name} ended with {process.ended}\n{self._tails()}")

    def _tails(self) -> str:
        return "\n".join(f"--- {name}\n{p.tail()}" for name, p in self._processes.items())

    def _write_configuration(self) -> None:
        if self._distribution.numbers >= (1, 19):
            # Flink reads YAML; a JSON string is a YAML string, whatever it holds.
            lines = [f"{key}: {json.dumps(value)}\n" for key, value in self._settings.items()]
            name = "config.yaml"
        else:
            # Before, a line was a key and a text, and some times were numbers of milliseconds.
            lines = [f"{key}: {_as_number(value)}\n" for key, value in self._settings.items()]
            name = "flink-conf.yaml"
        (self._workdir / name).write_text("".join(lines), encoding="utf-8")

    def _environ(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if key in ("PATH", "LANG", "HOME")}
        return kept | {
            "FLINK_CONF_DIR": str(self._workdir),
            "FLINK_LIB_DIR": str(self._distribution.home / "lib"),
            "FLINK_PLUGINS_DIR": str(self._distribution.plugins),
        }

    def _spawn_both(self) -> None:
        self._spawn("jobmanager", _JOBMANAGER, heap="448m")
        self._spawn("taskmanager", _TASKMANAGER, heap="384m")

    def _spawn(self, name: str, main: str, *, heap: str) -> None:
        arguments = ("-c", str(self._workdir))
        command = self._distribution.command(main, *arguments, heap=heap)
        log = self._workdir / f"{name}.log"
        self._processes[name] = GuardedProcess(command, log=log, environ=self._environ())

    def _spawn_submitter(self) -> None:
        arguments = ("127.0.0.1", str(self.rest_port))
        self._processes["submitter"] = GuardedProcess(
            self._distribution.command("Submit", *arguments, heap="256m"),
            log=self._workdir / "submitter.log",
            environ=self._environ(),
            interactive=True,
        )


def _as_number(value: str) -> str:
    """Return milliseconds as every version reads them; what is no time stays."""
    number, _, unit = value.partition(" ")
    return {"ms": number, "s": f"{number}000"}.get(unit, value) if number.isdigit() else value


def free_ports(count: int) -> list[int]:
    """Return ports nobody listens on; all are held at once, so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for held in sockets:
            held.bind(("127.0.0.1", 0))
        return [held.getsockname()[1] for held in sockets]
    finally:
        for held in sockets:
            held.close()
