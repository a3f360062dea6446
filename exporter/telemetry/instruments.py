"""Count in a way that is cheap to show: each series keeps its lines until its value changes.

The client library builds objects for every sample of every series at every scrape: with a hundred
sources that is seven thousand, and a tenth of a second. These instruments are collectors of that
library like any other, so that it can print them too; `exporter.exposition` asks them for their
lines instead. They belong to one thread, that of the event loop.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from exporter.telemetry.sample_lines import LineWriter


class _Series(Protocol):
    def lines(self) -> str:
        """Return the lines of the series."""
        ...


S = TypeVar("S", bound=_Series)


class Instrument(Collector, Generic[S]):
    """A family of series, one for each set of label values."""

    kind: str

    def __init__(
        self,
        name: str,
        documentation: str,
        labels: Sequence[str] = (),
        *,
        registry: CollectorRegistry | None,
    ) -> None:
        self.name = name
        self.documentation = documentation
        self._names = tuple(labels)
        self._series: dict[tuple[str, ...], S] = {}
        self._text: str | None = None
        if registry is not None:
            registry.register(self)
        if not labels:
            self.labels()

    def labels(self, *values: str) -> S:
        """Return the series of these label values, made when it is asked for first."""
        series = self._series.get(values)
        if series is None:
            if len(values) != len(self._names):
                raise ValueError(f"{self.name}: expected {len(self._names)} label values: {values}")
            series = self._series[values] = self._make(dict(zip(self._names, values, strict=True)))
            self._changed()
        return series

    def remove_by_labels(self, labels: Mapping[str, str]) -> None:
        """Withdraw every series that has all these label values."""
        wanted = labels.items()
        self._series = {
            values: series
            for values, series in self._series.items()
            if not wanted <= dict(zip(self._names, values, strict=True)).items()
        }
        self._changed()

    def text(self) -> str:
        """Return the lines of all series."""
        if self._text is None:
            self._text = "".join([series.lines() for series in self._series.values()])
        return self._text

    def _changed(self) -> None:
        self._text = None

    @abstractmethod
    def _make(self, labels: Mapping[str, str]) -> S:
        """Return a new series."""


class _NumberSeries:
    """One number and its line."""

    __slots__ = ("_changed", "_line", "_writer", "value")

    def __init__(self, writer: LineWriter, changed: Callable[[], None], value: float = 0.0) -> None:
        self.value = value
        self._writer = writer
        self._changed = changed
        self._line = ""

    def lines(self) -> str:
        """Return the line of the number."""
        if not self._line:
            self._line = self._writer.line((), self.value)
        return self._line

    def _become(self, value: float) -> None:
        self.value = float(value)
        self._line = ""
        self._changed()


class CounterSeries(_NumberSeries):
    """A number that only rises."""

    __slots__ = ()

    def inc(self, amount: float = 1.0) -> None:
        """Count one more, or so many more."""
        if amount < 0:
            raise ValueError("a counter never falls")
        self._become(self.value + amount)


class GaugeSeries(_NumberSeries):
    """A number that rises and falls."""

    __slots__ = ()

    def set(self, value: float) -> None:
        """Show another number."""
        self._become(value)


class Counter(Instrument[CounterSeries]):
    """A family of counters."""

    kind = "counter"

    def inc(self, amount: float = 1.0) -> None:
        """Count with the only series of a family that has no labels."""
        self.labels().inc(amount)

    def collect(self) -> Iterator[Metric]:
        """Yield the family as the client library wants it."""
        family = CounterMetricFamily(self.name, self.documentation, labels=self._names)
        for values, series in self._series.items():
            family.add_metric(values, series.value)
        yield family

    def _make(self, labels: Mapping[str, str]) -> CounterSeries:
        return CounterSeries(LineWriter(f"{self.name}_total", labels, ()), self._changed)


class Gauge(Instrument[GaugeSeries]):
    """A family of gauges."""

    kind = "gauge"

    def set(self, value: float) -> None:
        """Set the only series of a family that has no labels."""
        self.labels().set(value)

    def collect(self) -> Iterator[Metric]:
        """Yield the family as the client library wants it."""
        family = GaugeMetricFamily(self.name, self.documentation, labels=self._names)
        for values, series in self._series.items():
            family.add_metric(values, series.value)
        yield family

    def _make(self, labels: Mapping[str, str]) -> GaugeSeries:
        return GaugeSeries(LineWriter(self.name, labels, ()), self._changed)


class Info(Instrument[GaugeSeries]):
    """One series that is always 1; what there is to tell are its labels."""

    kind = "info"

    def info(self, labels: Mapping[str, str]) -> None:
        """Show these labels in place of all others."""
        self._names = tuple(labels)
        self._series = {}
        self.labels(*labels.values())

    def collect(self) -> Iterator[Metric]:
        """Yield the family as the client library wants it."""
        family = InfoMetricFamily(self.name, self.documentation, labels=self._names)
        for values in self._series:
            family.add_metric(values, {})
        yield family

    def _make(self, labels: Mapping[str, str]) -> GaugeSeries:
        return GaugeSeries(LineWriter(f"{self.name}_info", labels, ()), self._changed, 1.0)


class Registry(CollectorRegistry):
    """A registry that tells its collectors, in the order in which they came."""

    def __init__(self) -> None:
        super().__init__(auto_describe=False)
        self.collectors: tuple[tuple[Collector, Instrument[Any] | None], ...] = ()
        """Each collector, and the same once more if it is one of these instruments."""

    def register(self, collector: Collector) -> None:
        """Add a collector."""
        super().register(collector)
        instrument = collector if isinstance(collector, Instrument) else None
        self.collectors = (*self.collectors, (collector, instrument))

    def unregister(self, collector: Collector) -> None:
        """Take a collector away."""
        super().unregister(collector)
        self.collectors = tuple(each for each in self.collectors if each[0] is not collector)
