"""Print the exporter's own metrics, which are fresh at each scrape."""

from collections.abc import Callable, Iterable
from functools import lru_cache

from prometheus_client import CollectorRegistry
from prometheus_client import exposition as text_format
from prometheus_client.core import Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.samples import Sample

from exporter.instruments import Registry
from exporter.lines import LineWriter, format_number
from exporter.readings import Readings

_END = b"# EOF\n"
_SIMPLE = ("gauge", "counter", "info")


class OwnMetrics:
    """What the client library would print for a registry, faster where that can be had."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._known = registry if isinstance(registry, Registry) else None

    def text(self, *, as_openmetrics: bool) -> bytes:
        """Return the lines of all families."""
        if self._known is None:
            return _by_the_library(self._registry, as_openmetrics)
        parts: list[str] = []
        for collector, instrument in self._known.collectors:
            if isinstance(collector, Readings):
                for told, lines in collector.texts():
                    parts.append(_header(told.name, told.kind, told.documentation, as_openmetrics))
                    parts.append(lines)
            elif instrument is None:
                parts.extend(_family(metric, as_openmetrics) for metric in collector.collect())
            else:
                family = (instrument.name, instrument.kind, instrument.documentation)
                parts.append(_header(*family, as_openmetrics))
                parts.append(instrument.text())
        return "".join(parts).encode() + (_END if as_openmetrics else b"")


@lru_cache(256)
def _header(name: str, kind: str, documentation: str, as_openmetrics: bool) -> str:
    text = documentation.replace("\\", r"\\").replace("\n", r"\n")
    if as_openmetrics:
        text = text.replace('"', r"\"")
    elif kind in ("counter", "info"):
        name += {"counter": "_total", "info": "_info"}[kind]
        kind = {"counter": "counter", "info": "gauge"}[kind]
    return f"# HELP {name} {text}\n# TYPE {name} {kind}\n"


def _family(metric: Metric, as_openmetrics: bool) -> str:
    if not _is_simple(metric):
        return _by_the_library(_Only(metric), as_openmetrics).removesuffix(_END).decode()
    header = _header(metric.name, metric.type, metric.documentation, as_openmetrics)
    return header + "".join(map(_line, metric.samples))


def _is_simple(metric: Metric) -> bool:
    """Say whether each sample is a line of its own and the same in both formats."""
    if metric.type not in _SIMPLE or metric.unit:
        return False
    created = f"{metric.name}_created"
    return not any(
        sample.name == created or sample.exemplar is not None or sample.timestamp is not None
        for sample in metric.samples
    )


def _line(sample: Sample) -> str:
    return (
        f"{_beginning(sample.name, *sample.labels.items())}{format_number(float(sample.value))}\n"
    )


@lru_cache(256)
def _beginning(name: str, *labels: tuple[str, str]) -> str:
    return LineWriter(name, dict(labels), ()).line((), 0.0).removesuffix("0.0\n")


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
