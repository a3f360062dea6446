"""Read what the process itself uses at each scrape, faster than the client library does.

The families are those of the library's own collectors, and it can print them too. All values of a
collector come from one reading; their lines are ready but for the numbers.
"""

import gc
import os
import resource
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from exporter.telemetry.sample_lines import LineWriter, format_number

Read = Callable[[], Sequence[float]]
_GENERATIONS = ("0", "1", "2")
_LARGEST = 4096
"""Bytes of a file about a process, which the kernel gives all at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One family whose series never change, only their values."""

    name: str
    """Without `_total`, which the samples of a counter have."""
    documentation: str
    kind: str = "gauge"
    label: str = ""
    values: tuple[str, ...] = ("",)
    """The values of its label, one for each series; one empty one where it has none."""

    @property
    def beginnings(self) -> tuple[str, ...]:
        """Return the line of each series up to its number."""
        name = f"{self.name}_total" if self.kind == "counter" else self.name
        return tuple(
            LineWriter(name, {self.label: value} if self.label else {}, ())
            .line((), 0.0)
            .removesuffix("0.0\n")
            for value in self.values
        )


class ProcessMetrics(Collector):
    """Families whose values come from one reading, in the order of their series.

    A reading that is empty, as where there is no /proc, means that there is nothing to tell; one
    that ends early, that there is nothing to tell of the last families.
    """

    def __init__(
        self, families: Sequence[Family], read: Read, *, registry: CollectorRegistry | None
    ) -> None:
        self._families = tuple(families)
        self._beginnings = tuple(family.beginnings for family in families)
        self._read = read
        if registry is not None:
            registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """Return the families as the client library knows them."""
        values = iter(self._read())
        found: list[Metric] = []
        for family in self._families:
            kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
            names = [family.label] if family.label else []
            metric = kind(family.name, family.documentation, labels=names)
            for label, value in zip(family.values, values, strict=False):
                metric.add_metric([label] if names else [], value)
            found.append(metric)
        return [metric for metric in found if metric.samples]

    def texts(self) -> Iterable[tuple[Family, str]]:
        """Return the families with their lines."""
        numbers = [format_number(value) for value in self._read()]
        if not numbers:
            return []
        found, place = [], 0
        for family, beginnings in zip(self._families, self._beginnings, strict=True):
            lines = [
                f"{beginning}{number}\n"
                for beginning, number in zip(beginnings, numbers[place:], strict=False)
            ]
            if lines:
                found.append((family, "".join(lines)))
            place += len(beginnings)
        return found


def process_metrics(
    registry: CollectorRegistry | None, *, proc: Path = Path("/proc")
) -> ProcessMetrics:
    """Return the memory, processor time and files of this process (proc(5))."""
    families = (
        Family(name="process_virtual_memory_bytes", documentation="Virtual memory size in bytes."),
        Family(
            name="process_resident_memory_bytes", documentation="Resident memory size in bytes."
        ),
        Family(
            name="process_start_time_seconds",
            documentation="Start time of the process since unix epoch in seconds.",
        ),
        Family(
            name="process_cpu_seconds",
            kind="counter",
            documentation="Total user and system CPU time spent in seconds.",
        ),
        Family(name="process_open_fds", documentation="Number of open file descriptors."),
        Family(name="process_max_fds", documentation="Maximum number of open file descriptors."),
    )
    return ProcessMetrics(families, _Process(proc).read, registry=registry)


def garbage_metrics(registry: CollectorRegistry | None) -> ProcessMetrics:
    """Return what Python's garbage collector has done."""

    def read() -> Sequence[float]:
        stats = gc.get_stats()
        return [
            float(stat[what])
            for what in ("collected", "uncollectable", "collections")
            for stat in stats
        ]

    def family(name: str, documentation: str) -> Family:
        return Family(
            name=f"python_gc_{name}",
            documentation=documentation,
            kind="counter",
            label="generation",
            values=_GENERATIONS,
        )

    families = (
        family("objects_collected", "Objects collected during gc"),
        family("objects_uncollectable", "Uncollectable objects found during GC"),
        family("collections", "Number of times this generation was collected"),
    )
    return ProcessMetrics(families, read, registry=registry)


class _Process:
    """The files of /proc about this process."""

    def __init__(self, proc: Path) -> None:
        self._stat = str(proc / "self" / "stat")
        self._descriptors = str(proc / "self" / "fd")
        self._ticks = os.sysconf("SC_CLK_TCK")
        self._page = os.sysconf("SC_PAGE_SIZE")
        self._booted_at = _boot_time(proc / "stat")

    def read(self) -> Sequence[float]:
        if self._booted_at is None:
            return []
        try:
            # The name of the program stands in brackets and can hold anything, spaces too.
            parts = _contents(self._stat).rpartition(b")")[2].split()
            opened = len(os.listdir(self._descriptors))
        except OSError:
            # There are no file descriptors left, for instance.
            return []
        most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return [
            float(parts[20]),
            float(parts[21]) * self._page,
            float(parts[19]) / self._ticks + self._booted_at,
            float(parts[11]) / self._ticks + float(parts[12]) / self._ticks,
            float(opened),
            float("inf") if most == resource.RLIM_INFINITY else float(most),
        ]


def _contents(path: str) -> bytes:
    # A file object would take three times as long, at every scrape.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, _LARGEST)
    finally:
        os.close(descriptor)


def _boot_time(path: Path) -> float | None:
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return None
    return next((float(line.split()[1]) for line in lines if line.startswith(b"btime ")), None)
