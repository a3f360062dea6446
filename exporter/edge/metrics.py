"""Count reports and watch the journal: the metrics that exist while edge reports are received."""

import contextlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from exporter.edge import journal_file
from exporter.edge.admission import Result
from exporter.errors import Reason
from exporter.telemetry.histogram import Histogram
from exporter.telemetry.instruments import Counter, CounterSeries, Gauge, GaugeSeries
from exporter.telemetry.process_metrics import Family, ProcessMetrics

EXPIRED = "expired"
REFUSED = "refused"
RELAY_REASONS = (*(reason.value for reason in Reason), REFUSED, EXPIRED)
"""Why passing a report on failed: those of any request, refused for good, or kept for too long."""

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_PROJECT = ("project",)


class EdgeMetrics:
    """The metrics of the receiver, the journal and the relay, in the exporter's registry."""

    def __init__(self, path: Path) -> None:
        self._registry: CollectorRegistry | None = None
        self.reports = Counter(
            "streaming_edge_reports",
            "Reports of edge jobs received, by what became of them.",
            ("project", "result"),
            registry=None,
        )
        self.report_time = Gauge(
            "streaming_edge_report_timestamp_seconds",
            "When a report of the project was last accepted.",
            _PROJECT,
            registry=None,
        )
        self.relay_pending = Gauge(
            "streaming_edge_relay_pending",
            "Reports of the project that are still to be passed on to DLI.",
            _PROJECT,
            registry=None,
        )
        self.relay_failures = Counter(
            "streaming_edge_relay_failures",
            "Attempts to pass a report on that failed; refused and expired ones are given up.",
            ("project", "reason"),
            registry=None,
        )
        self.commit_duration = Histogram(
            "streaming_edge_journal_commit_duration_seconds",
            "How long writing reports to the disk took, for all that were written together.",
            buckets=_SECONDS,
            registry=None,
        )
        self.files = ProcessMetrics(
            (
                Family(
                    name="streaming_edge_journal_size_bytes",
                    documentation="Bytes the journal takes on the disk, its log included.",
                ),
                Family(
                    name="streaming_edge_journal_damaged_files",
                    documentation="Damaged journals that were set aside and still lie beside the "
                    "present one.",
                ),
            ),
            lambda: _files(path),
            registry=None,
        )
        self.relay_age = _OldestAge()
        # Looking up a series by its labels takes longer than counting.
        self._accepted: dict[str, CounterSeries] = {}
        self._times: dict[str, GaugeSeries] = {}
        self._all: tuple[Collector, ...] = (
            *(self.reports, self.report_time, self.relay_pending, self.relay_failures),
            *(self.commit_duration, self.files, self.relay_age),
        )

    def register(self, registry: CollectorRegistry) -> None:
        """Show them all."""
        self._registry = registry
        for collector in self._all:
            registry.register(collector)

    def unregister(self) -> None:
        """Withdraw them all."""
        if self._registry is not None:
            for collector in self._all:
                self._registry.unregister(collector)
            self._registry = None

    def accepted(self, project: str) -> None:
        """Count a report that was stored."""
        if project in self._accepted:
            self._accepted[project].inc()

    def reported(self, project: str, moment: float) -> None:
        """Note when a report of a project was accepted."""
        # The last to come in counts, not the greatest: our clock may have been ahead.
        if project in self._times:
            self._times[project].set(moment)

    def add_project(self, project: str, *, relay: bool) -> None:
        """Create the series of a project at 0, so that the first failure shows as an increase."""
        for result in Result:
            self.reports.labels(project, result.value)
        self._accepted[project] = self.reports.labels(project, Result.ACCEPTED.value)
        self._times[project] = self.report_time.labels(project)
        if relay:
            self.relay_pending.labels(project)
            for reason in RELAY_REASONS:
                self.relay_failures.labels(project, reason)

    def remove_project(self, project: str) -> None:
        """Withdraw the series of a project that is no longer configured."""
        for found in (self._accepted, self._times):
            found.pop(project, None)
        for family in (self.reports, self.report_time, self.relay_pending, self.relay_failures):
            family.remove_by_labels({"project": project})


def _files(path: Path) -> Sequence[float]:
    """Return the size of a journal and how many damaged ones there are, as far as one can tell.

    Whatever has become of its place, the page has all else to tell.
    """
    found: list[float] = []
    with contextlib.suppress(OSError):
        found.append(float(journal_file.size(path)))
        found.append(float(len(journal_file.damaged_files(path))))
    return found


class _OldestAge(Collector):
    """Tell, at each scrape, how old the oldest report is that waits to be passed on."""

    def __init__(self) -> None:
        self.read: Callable[[], Iterable[tuple[str, float]]] = tuple

    def collect(self) -> Iterable[Metric]:
        """Return the family; a project with nothing to pass on has no sample."""
        family = GaugeMetricFamily(
            "streaming_edge_relay_oldest_age_seconds",
            "Age of the oldest report of the project that is still to be passed on to DLI.",
            labels=_PROJECT,
        )
        for project, age in self.read():
            family.add_metric([project], age)
        yield family
