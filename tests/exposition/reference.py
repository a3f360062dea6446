"""Print snapshots the slow way, as Prometheus' own client library does."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry
from prometheus_client import exposition as text_format
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.openmetrics import exposition as openmetrics

from exporter.collecting.store import fresh
from exporter.exposition.family import IDENTITY, JobFamily
from exporter.exposition.metrics import JOB_FAMILIES, SOURCE_FAMILIES
from exporter.model import Job, Snapshot
from tests.exposition.expositions import OWN, Accept
from tests.virtual_time import EPOCH


class Reference:
    """Collect the same families the slow way."""

    def __init__(self, snapshots: Iterable[Snapshot]) -> None:
        self._snapshots = list(snapshots)

    def collect(self) -> Iterable[GaugeMetricFamily]:
        for family in JOB_FAMILIES:
            metric = GaugeMetricFamily(family.name, family.help)
            for each in self._snapshots:
                for one in {known.key: known for known in each.jobs}.values():
                    self._add(metric, family, one, each)
            yield metric
        for source_family in SOURCE_FAMILIES:
            metric = GaugeMetricFamily(source_family.name, source_family.help)
            for each in self._snapshots:
                for values, number in source_family.samples(each):
                    labels = dict(zip(source_family.labels, values, strict=True))
                    metric.add_sample(source_family.name, labels, number)
            yield metric

    @staticmethod
    def _add(metric: GaugeMetricFamily, family: JobFamily, one: Job, each: Snapshot) -> None:
        identity = (each.source, each.platform, one.project, one.job_id, one.job_name)
        names = (*IDENTITY, *family.labels)
        if family.configured_labels:
            names += tuple(name for name, _ in each.labels)
        for values, number in family.samples(one, each):
            labels = dict(zip(names, (*identity, *values), strict=True))
            metric.add_sample(family.name, labels, number)


def expected_page(snapshots: Iterable[Snapshot], accept: Accept, now: float = EPOCH) -> bytes:
    """Return what the client library prints of these snapshots and of the exporter itself."""
    registry = CollectorRegistry()
    registry.register(Reference(fresh(each, now) for each in snapshots))
    if not accept:
        return text_format.generate_latest(registry) + text_format.generate_latest(OWN)
    page: bytes = openmetrics.generate_latest(registry).removesuffix(b"# EOF\n")  # type: ignore[no-untyped-call]
    tail: bytes = openmetrics.generate_latest(OWN)  # type: ignore[no-untyped-call]
    return page + tail
