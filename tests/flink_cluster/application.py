"""Run a job in application mode, and the HistoryServer that hears of its end."""

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import httpx

from tests.flink_cluster.cluster import LOCAL, MEMORY, FlinkClusterError, free_ports
from tests.flink_cluster.distribution import FlinkDistribution
from tests.flink_cluster.process import GuardedProcess
from tests.flink_cluster.waiting import holds

_APPLICATION = "org.apache.flink.container.entrypoint.StandaloneApplicationClusterEntryPoint"
_HISTORY = "org.apache.flink.runtime.webmonitor.history.HistoryServer"

End = Literal["finish", "fail", "cancel", "kill"]
"""How a job ends: of itself, by an exception, cancelled, or with its machine."""


class FlinkProcess:
    """One process of Flink that answers HTTP, once the `with` block is entered."""

    def __init__(
        self,
        distribution: FlinkDistribution,
        workdir: Path,
        *,
        main: str,
        arguments: tuple[str, ...],
        settings: Mapping[str, str],
        port: int,
        heap: str,
    ) -> None:
        self._distribution = distribution
        self._workdir = workdir
        self._main = main
        self._arguments = arguments
        self._settings = settings
        self._heap = heap
        self.url = f"http://127.0.0.1:{port}"
        # A proxy of the environment must not see requests to this machine.
        self._client = httpx.Client(base_url=self.url, timeout=10, trust_env=False)
        self._process: GuardedProcess | None = None

    def __enter__(self) -> Self:
        try:
            self._start()
            self.wait_until(self._answers, what="it to answer")
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()
        self._client.close()

    def kill(self) -> None:
        """End it as a power cut would. Safe to repeat."""
        if self._process is not None:
            self._process.kill()

    @property
    def ended(self) -> int | None:
        """Return the exit status, or None while the process runs."""
        return None if self._process is None else self._process.ended

    def get(self, path: str) -> Any:
        """Return a decoded answer, as long as it is a success."""
        return self._client.get(path).raise_for_status().json()

    def patch(self, path: str) -> None:
        """Send a PATCH without a body."""
        self._client.patch(path).raise_for_status()

    def wait_until(self, condition: Callable[[], bool], *, what: str, timeout: float = 90) -> None:
        """Wait until a condition holds; an HTTP failure counts as not yet."""
        deadline = time.monotonic() + timeout
        while not holds(condition):
            process = self._process
            if process is None or process.ended is not None or time.monotonic() > deadline:
                tail = "" if process is None else process.tail()
                raise FlinkClusterError(f"waited for {what}\n{tail}")
            time.sleep(0.1)

    def _answers(self) -> bool:
        return bool(self.get("/config"))

    def _start(self) -> None:
        self._workdir.mkdir(parents=True, exist_ok=True)
        lines = [f"{key}: {json.dumps(value)}\n" for key, value in self._settings.items()]
        (self._workdir / "config.yaml").write_text("".join(lines), encoding="utf-8")
        kept = {key: value for key, value in os.environ.items() if key in ("PATH", "LANG", "HOME")}
        self._process = GuardedProcess(
            self._distribution.command(self._main, *self._arguments, heap=self._heap),
            log=self._workdir / "process.log",
            environ=kept
            | {
                "FLINK_CONF_DIR": str(self._workdir),
                "FLINK_LIB_DIR": str(self._distribution.home / "lib"),
                "FLINK_PLUGINS_DIR": str(self._distribution.plugins),
            },
        )


class FlinkApplication(FlinkProcess):
    """A cluster of one job, which has come to run when the `with` block is entered."""

    def __init__(
        self,
        distribution: FlinkDistribution,
        workdir: Path,
        *,
        name: str = "orders",
        archives: Path | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        rest, rpc = free_ports(2)
        self._order = workdir / "order"
        self.jid = ""
        super().__init__(
            distribution,
            workdir,
            main=_APPLICATION,
            arguments=(
                *("-c", str(workdir), "--job-classname", "Application"),
                *(name, str(self._order)),
            ),
            settings={
                **LOCAL,
                **MEMORY,
                "rest.port": str(rest),
                "jobmanager.rpc.port": str(rpc),
                "taskmanager.numberOfTaskSlots": "1",
                "io.tmp.dirs": str(workdir / "tmp"),
                "restart-strategy.type": "none",
                **({} if archives is None else {"jobmanager.archive.fs.dir": archives.as_uri()}),
                **(settings or {}),
            },
            port=rest,
            heap="512m",
        )

    def __enter__(self) -> Self:
        super().__enter__()
        try:
            self.wait_until(self._runs, what="the job to run")
        except BaseException:
            self.kill()
            raise
        return self

    def end(self, how: End) -> None:
        """Let the job end; the process does so by itself afterwards."""
        if how == "kill":
            self.kill()
        elif how == "cancel":
            self.patch(f"/jobs/{self.jid}?mode=cancel")
        else:
            scratch = self._order.with_suffix(".new")
            scratch.write_text(how, encoding="utf-8")
            scratch.rename(self._order)

    def _runs(self) -> bool:
        jobs = self.get("/jobs/overview")["jobs"]
        self.jid = jobs[0]["jid"] if jobs else ""
        return bool(jobs) and jobs[0]["state"] == "RUNNING" and jobs[0]["tasks"]["running"] > 0


class FlinkHistory(FlinkProcess):
    """A HistoryServer that looks for archives once a second."""

    def __init__(self, distribution: FlinkDistribution, workdir: Path, *, archives: Path) -> None:
        (port,) = free_ports(1)
        archives.mkdir(parents=True, exist_ok=True)
        super().__init__(
            distribution,
            workdir,
            main=_HISTORY,
            arguments=("--configDir", str(workdir)),
            settings={
                "historyserver.archive.fs.dir": archives.as_uri(),
                "historyserver.archive.fs.refresh-interval": "1000",
                "historyserver.web.address": "127.0.0.1",
                "historyserver.web.port": str(port),
                "historyserver.web.tmpdir": str(workdir / "web"),
            },
            port=port,
            heap="192m",
        )
