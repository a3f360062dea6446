"""Count what the exporter itself does.

These are the only live instruments: everything about jobs is built anew from snapshots. They sit in
a registry of their own, because the client library's default registry calls every collector when it
is registered.
"""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, disable_created_metrics
from prometheus_client.platform_collector import PlatformCollector

from exporter.errors import Reason
from exporter.telemetry.histogram import Histogram
from exporter.telemetry.instruments import Counter, Gauge, Info, Registry
from exporter.telemetry.process_metrics import (
    Family,
    ProcessMetrics,
    garbage_metrics,
    process_metrics,
)

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_SOURCE = ("source", "platform")


class Telemetry:
    """The exporter's own metrics, in one registry.

    Series that are certain to come are created at 0 when their source is added, so that the first
    failure already shows as an increase.
    """

    def __init__(
        self, registry: CollectorRegistry | None = None, *, lines_lost: Callable[[], int] = int
    ) -> None:
        # One more series beside each counter, of which Prometheus makes nothing by default.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry or Registry()
        self._loads: dict[str, bool] = {}
        self.polls = Counter(
            "streaming_source_polls",
            "Polls of a source that have ended, well or not.",
            _SOURCE,
            registry=self.registry,
        )
        self.poll_failures = Counter(
            "streaming_source_poll_failures",
            "Polls of a source that failed, by reason; its last good values stay meanwhile.",
            (*_SOURCE, "reason"),
            registry=self.registry,
        )
        self.detail_failures = Counter(
            "streaming_source_detail_failures",
            "Requests for the details of one job that failed while the listing worked, by reason.",
            (*_SOURCE, "reason"),
            registry=self.registry,
        )
        self.poll_overruns = Counter(
            "streaming_source_poll_overruns",
            "Polls that took longer than poll_interval, so that the next one started late.",
            _SOURCE,
            registry=self.registry,
        )
        self.unknown_states = Counter(
            "streaming_source_unknown_states",
            "Times a poll met a state word that the exporter does not know.",
            _SOURCE,
            registry=self.registry,
        )
        self.unreadable_fields = Counter(
            "streaming_source_unreadable_fields",
            "Fields of API answers that were not of the documented kind and were skipped.",
            _SOURCE,
            registry=self.registry,
        )
        self.api_requests = Counter(
            "streaming_exporter_api_requests",
            "Requests to the platforms' APIs, logins and retries included, by HTTP status; code is "
            "the failure's reason when there was no answer.",
            ("source", "operation", "code"),
            registry=self.registry,
        )
        self.api_request_duration = Histogram(
            "streaming_exporter_api_request_duration_seconds",
            "Time from sending a request to a platform's API to the end of its answer.",
            ("source", "operation"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.api_throttled = Counter(
            "streaming_exporter_api_throttled",
            "Requests that a platform's API refused because there were too many.",
            ("source", "operation"),
            registry=self.registry,
        )
        self.api_metrics_requested = Counter(
            "streaming_exporter_api_metrics_requested",
            "Figures that were asked of a platform's monitoring, which some charge for one by one.",
            ("source", "operation"),
            registry=self.registry,
        )
        self.build = Info(
            "streaming_exporter_build",
            "Version of the exporter, always 1.",
            registry=self.registry,
        )
        self.shard = Info(
            "streaming_exporter_shard",
            "Which of the exporters that share the jobs this one is, always 1.",
            registry=self.registry,
        )
        self.shards = Gauge(
            "streaming_exporter_shards",
            "How many exporters share the jobs.",
            registry=self.registry,
        )
        self.reload_successful = Gauge(
            "streaming_exporter_config_last_reload_successful",
            "Whether the last attempts to load the configuration, and that of the listener, "
            "succeeded.",
            registry=self.registry,
        )
        self.reload_success_time = Gauge(
            "streaming_exporter_config_last_reload_success_timestamp_seconds",
            "Time of the last successful load of the configuration.",
            registry=self.registry,
        )
        # Counted by whoever writes the log, in a thread of its own.
        lost = Family(
            name="streaming_exporter_log_lines_lost",
            kind="counter",
            documentation="Lines of the log that could not be written, or were too many to wait.",
        )
        ProcessMetrics([lost], lambda: [float(lines_lost())], registry=self.registry)
        _tell_platform(self.registry)
        process_metrics(self.registry)
        garbage_metrics(self.registry)

    def add_source(self, source: str, platform: str) -> None:
        """Create the series of a source at 0."""
        for counter in self._per_source():
            counter.labels(source, platform)
        for reason in Reason:
            self.poll_failures.labels(source, platform, reason.value)
            self.detail_failures.labels(source, platform, reason.value)

    def remove_source(self, source: str) -> None:
        """Withdraw the series of a source that is no longer configured."""
        for counter in (
            *self._per_source(),
            self.poll_failures,
            self.detail_failures,
            self.api_requests,
            self.api_throttled,
            self.api_metrics_requested,
        ):
            counter.remove_by_labels({"source": source})
        self.api_request_duration.remove_by_labels({"source": source})

    def request_done(self, source: str, operation: str, code: str, seconds: float) -> None:
        """Count one request to a platform's API; every request is counted, for this is the bill."""
        self.api_requests.labels(source, operation, code).inc()
        self.api_request_duration.labels(source, operation).observe(seconds)

    def request_repeated(self, source: str, operation: str, code: str) -> None:
        """Count a request that was sent again within one exchange, because its token had ended."""
        self.api_requests.labels(source, operation, code).inc()

    def throttled(self, source: str, operation: str) -> None:
        """Count a request that the platform refused because there were too many."""
        self.api_throttled.labels(source, operation).inc()

    def metrics_requested(self, source: str, operation: str, count: int) -> None:
        """Count figures that are asked for within one request: this, too, is the bill."""
        self.api_metrics_requested.labels(source, operation).inc(count)

    def reloaded(self, *, successful: bool, now: float) -> None:
        """Note how loading the configuration went."""
        self._note_load("configuration", successful)
        if successful:
            self.reload_success_time.set(now)

    def web_reloaded(self, *, successful: bool) -> None:
        """Note how loading the configuration of the listener went."""
        self._note_load("web configuration", successful)

    def _note_load(self, what: str, successful: bool) -> None:
        # One alert for both: a certificate that is not renewed wants a person just as well.
        self._loads[what] = successful
        self.reload_successful.set(1 if all(self._loads.values()) else 0)

    def _per_source(self) -> Iterable[Counter]:
        return (self.polls, self.poll_overruns, self.unknown_states, self.unreadable_fields)


def _tell_platform(registry: CollectorRegistry) -> None:
    """Show what the client library finds out about the Python that runs this, once for all."""
    for metric in PlatformCollector(registry=None).collect():
        for sample in metric.samples:
            gauge = Gauge(metric.name, metric.documentation, (*sample.labels,), registry=registry)
            gauge.labels(*sample.labels.values()).set(sample.value)
