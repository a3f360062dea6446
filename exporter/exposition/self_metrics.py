"""Print the exporter's own metrics, which are fresh at each scrape."""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import chain

from prometheus_client import CollectorRegistry
from prometheus_client import exposition as text_format
from prometheus_client.core import Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.samples import Sample

from exporter.exposition.deflated_text import DeflatedText, Deflater
from exporter.telemetry.instruments import Registry
from exporter.telemetry.process_metrics import ProcessMetrics
from exporter.telemetry.sample_lines import LineWriter, format_number

_END = b"# EOF\n"
_SIMPLE = ("gauge", "counter", "info")


class SelfMetrics:
    """What the client library would print for a registry, faster where that can be had.

    Instruments that stand next to each other in the registry make one piece, which is compressed
    again only when one of them has changed.
    """

    def __init__(self, registry: CollectorRegistry, deflater: Deflater) -> None:
        self._registry = registry
        self._known = registry if isinstance(registry, Registry) else None
        self._deflater = deflater
        self._kept: dict[tuple[bool, int], tuple[list[str], DeflatedText]] = {}

    def text(self, *, as_openmetrics: bool) -> bytes:
        """Return the lines of all families."""
        if self._known is None:
            return _by_the_library(self._registry, as_openmetrics)
        runs = _runs(self._known, as_openmetrics)
        return "".join(chain.from_iterable(texts for _, texts in runs)).encode()

    def pieces(self, *, as_openmetrics: bool) -> Sequence[DeflatedText]:
        """Return the same compressed."""
        if self._known is None:
            return [self._deflater.piece(self.text(as_openmetrics=as_openmetrics))]
        pieces = []
        for number, (can_be_kept, texts) in enumerate(_runs(self._known, as_openmetrics)):
            place = as_openmetrics, number
            kept = self._kept.get(place) if can_be_kept else None
            # Texts that have not changed are the same objects, which are quick to compare.
            if kept is None or kept[0] != texts:
                kept = texts, self._deflater.piece("".join(texts).encode())
                if can_be_kept:
                    self._kept[place] = kept
            pieces.append(kept[1])
        return pieces


def _runs(registry: Registry, as_openmetrics: bool) -> list[tuple[bool, list[str]]]:
    """Return the texts in their order, and of each run of them whether they are worth keeping."""
    runs: list[tuple[bool, list[str]]] = []
    texts: list[str] = []
    keeping: bool | None = None
    for collector, instrument in registry.collectors:
        if keeping is not (instrument is not None):
            keeping, texts = instrument is not None, []
            runs.append((keeping, texts))
        if instrument is not None:
            family = (instrument.name, instrument.kind, instrument.documentation)
            texts += _header(*family, as_openmetrics), instrument.text()
        elif isinstance(collector, ProcessMetrics):
            for told, lines in collector.texts():
                texts += _header(told.name, told.kind, told.documentation, as_openmetrics), lines
        else:
            texts += [_family(metric, as_openmetrics) for metric in collector.collect()]
    if as_openmetrics:
        runs.append((True, [_END.decode()]))
    return runs


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
