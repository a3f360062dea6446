"""Count how often something took how long, in a way that is cheap to show.

Like all of `exporter.telemetry.instruments`, a histogram keeps its lines until it changes.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.utils import floatToGoString

from exporter.telemetry.instruments import Instrument
from exporter.telemetry.sample_lines import LineWriter, format_number


class HistogramSeries:
    """How often something took how long."""

    __slots__ = ("_bounds", "_changed", "_lines", "_template", "counts", "total")

    def __init__(self, bounds: Sequence[float], template: str, changed: Callable[[], None]) -> None:
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0
        self._bounds = bounds
        self._template = template
        self._changed = changed
        self._lines = ""

    def observe(self, amount: float) -> None:
        """Count one more, of this size."""
        self.counts[bisect_left(self._bounds, amount)] += 1
        self.total += amount
        self._lines = ""
        self._changed()

    def lines(self) -> str:
        """Return the lines of the histogram."""
        if not self._lines:
            sums = [format_number(float(count)) for count in accumulate(self.counts)]
            self._lines = self._template % (*sums, sums[-1], format_number(self.total))
        return self._lines


class Histogram(Instrument[HistogramSeries]):
    """A family of histograms with the same buckets."""

    kind = "histogram"

    def __init__(
        self,
        name: str,
        documentation: str,
        labels: Sequence[str] = (),
        *,
        buckets: Sequence[float],
        registry: CollectorRegistry | None,
    ) -> None:
        self._bounds = tuple(buckets)
        self._edges = tuple(map(_edge, (*buckets, float("inf"))))
        super().__init__(name, documentation, labels, registry=registry)

    def observe(self, amount: float) -> None:
        """Observe with the only series of a family that has no labels."""
        self.labels().observe(amount)

    def collect(self) -> Iterator[Metric]:
        """Yield the family as the client library wants it."""
        family = HistogramMetricFamily(self.name, self.documentation, labels=self._names)
        for values, series in self._series.items():
            sums = map(float, accumulate(series.counts))
            family.add_metric(values, list(zip(self._edges, sums, strict=True)), series.total)
        yield family

    def _make(self, labels: Mapping[str, str]) -> HistogramSeries:
        return HistogramSeries(self._bounds, "".join(self._templates(labels)), self._changed)

    def _templates(self, labels: Mapping[str, str]) -> Iterable[str]:
        for edge in self._edges:
            yield _template(f"{self.name}_bucket", {**labels, "le": edge})
        yield _template(f"{self.name}_count", labels)
        yield _template(f"{self.name}_sum", labels)


def _edge(bound: float) -> str:
    text: str = floatToGoString(bound)  # type: ignore[no-untyped-call]
    return text


def _template(name: str, labels: Mapping[str, str]) -> str:
    """Return a line of a series with its number left open."""
    line = LineWriter(name, labels, ()).line((), 0.0)
    return line.replace("%", "%%").removesuffix("0.0\n") + "%s\n"
