"""Print the exporter's own metrics, which are fresh at each scrape."""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry
from prometheus_client import exposition as text_format
from prometheus_client.core import Metric
from prometheus_client.openmetrics import exposition as openmetrics

from exporter.instruments import Instrument, Registry
from exporter.lines import LineWriter

_END = b"# EOF\n"
_SIMPLE = ("gauge", "counter", "info")


def own_text(registry: CollectorRegistry, *, as_openmetrics: bool) -> bytes:
    """Return what the client library would print for a registry, faster where it can be."""
    if not isinstance(registry, Registry):
        return _by_the_library(registry, as_openmetrics)
    parts = []
    for collector in registry.collectors:
        if isinstance(collector, Instrument):
            name, kind, help_text = collector.name, collector.kind, collector.documentation
            parts.append(_header(name, kind, help_text, as_openmetrics) + collector.text())
        else:
            parts.extend(_family(metric, as_openmetrics) for metric in collector.collect())
    return "".join(parts).encode() + (_END if as_openmetrics else b"")


def _header(name: str, kind: str, documentation: str, as_openmetrics: bool) -> str:
    text = documentation.replace("\\", r"\\").replace("\n", r"\n")
    if as_openmetrics:
        text = text.replace('"', r"\"")
    elif kind in ("counter", "info"):
        name += {"counter": "_total", "info": "_info"}[kind]
        kind = {"counter": "counter", "info": "gauge"}[kind]
    return f"# HELP {name} {text}\n# TYPE {name} {kind}\n"


def _family(metric: Metric, as_openmetrics: bool) -> str:
    ends = () if metric.type != "counter" else (f"{metric.name}_created",)
    if (
        metric.type not in _SIMPLE
        or metric.unit
        or any(
            sample.timestamp is not None or sample.exemplar or sample.name in ends
            for sample in metric.samples
        )
    ):
        return _by_the_library(_Only(metric), as_openmetrics).removesuffix(_END).decode()
    lines = (
        LineWriter(sample.name, sample.labels, ()).line((), float(sample.value))
        for sample in metric.samples
    )
    header = _header(metric.name, metric.type, metric.documentation, as_openmetrics)
    return header + "".join(lines)


class _Only(CollectorRegistry):
    """A registry of one family that is collected already."""

    def __init__(self, metric: Metric) -> None:
        super().__init__(auto_describe=False)
        self._metric = metric

    def collect(self) -> Iterable[Metric]:
        """Return the family."""
        return [self._metric]


def _by_the_library(registry: CollectorRegistry, as_openmetrics: bool) -> bytes:
    generate: Callable[[CollectorRegistry], bytes] = (
        openmetrics.generate_latest if as_openmetrics else text_format.generate_latest
    )
    return generate(registry)
