"""Watch a real cluster with the whole exporter, as a process that is scraped."""

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from tests.e2e.exporter_process import free_port
from tests.flink_cluster.process import GuardedProcess
from tests.scrape import samples

ROOT = Path(__file__).parents[2]
_CONFIG = """\
sources:
  - name: flink
    platform: apache_flink
    endpoint: {url}
    poll_interval: {poll}
    detail_interval: {detail}
{more}"""


class WatchingExporter:
    """An exporter that watches one cluster, and what its pages say of each job."""

    def __init__(
        self,
        url: str,
        workdir: Path,
        *,
        poll: str = "20s",
        detail: str = "40s",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Take where the cluster is; `settings` of the source are written as in YAML."""
        config = workdir / "exporter.yml"
        more = "".join(f"    {name}: {value}\n" for name, value in (settings or {}).items())
        config.write_text(_CONFIG.format(url=url, poll=poll, detail=detail, more=more))
        self._port = free_port()
        listen = f"--web.listen-address=127.0.0.1:{self._port}"
        self._process = GuardedProcess(
            [sys.executable, "-m", "exporter", f"--config.file={config}", listen],
            log=workdir / "exporter.log",
            environ={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        self._client = httpx.Client(trust_env=False, timeout=10)

    def __enter__(self) -> Self:
        self._wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client.close()
        self._process.kill()

    def page(self) -> str:
        """Return what it exports now."""
        return self._client.get(f"http://127.0.0.1:{self._port}/metrics").text

    def figures(self, *families: str) -> dict[str, dict[str, float]]:
        """Return the values of these families of jobs, by the names of the jobs."""
        found: dict[str, dict[str, float]] = {family: {} for family in families}
        names = (f"streaming_job_{family}" for family in families)
        for sample in samples(self.page(), *names):
            found[sample.name.removeprefix("streaming_job_")][sample.labels["job_name"]] = (
                sample.value
            )
        return found

    def problems(self) -> frozenset[tuple[str, str]]:
        """Return the problems that it tells, each with the name of its job."""
        name = "streaming_job_problem_since_timestamp_seconds"
        return frozenset(
            (sample.labels["problem"], sample.labels["job_name"])
            for sample in samples(self.page(), name)
        )

    def calls(self) -> float:
        """Return how many questions it has sent."""
        name = "streaming_exporter_api_requests_total"
        return sum(sample.value for sample in samples(self.page(), name))

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                self.page()
            except httpx.HTTPError:
                if time.monotonic() > deadline or self._process.ended is not None:
                    raise AssertionError(self._process.tail()) from None
                time.sleep(0.2)
            else:
                return


@dataclass(slots=True)
class Tallies:
    """What the jobs of one folder have counted for themselves, over time."""

    folder: Path
    history: list[tuple[float, float, float]] = field(default_factory=list)
    """Moments, with what was read and written by then since the last restart."""

    def note(self) -> None:
        """Look at the counts."""
        self.history.append((time.monotonic(), *self.counts()))

    def counts(self) -> tuple[float, float]:
        """Return what was read and written since the last restart."""
        return self._sum("read"), self._sum("written")

    def crash(self) -> None:
        """Make one of the tasks fail at its next record."""
        (self.folder / "crash").touch()

    def ages(self, read: float | None, written: float | None) -> tuple[float | None, float | None]:
        """Return how long ago these were the counts; None for what is not told."""
        return self._age(1, read), self._age(2, written)

    def _sum(self, name: str) -> float:
        texts = [each.read_text() or "0" for each in self.folder.glob(f"{name}-*")]
        return float(sum(int(text) for text in texts))

    def _age(self, place: int, value: float | None) -> float | None:
        if value is None:
            return None
        now = self.history[-1][0]
        for before, after in zip(self.history[-2::-1], self.history[::-1], strict=False):
            if before[place] <= value <= after[place]:
                return now - before[0]
        return float("inf")
