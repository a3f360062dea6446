"""Show the same samples with the client library, as a collector of it would."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily

from exporter.exposition.family import IDENTITY
from exporter.exposition.metrics import JOB_FAMILIES
from exporter.model import Snapshot


class Ready(CollectorRegistry):
    """A registry whose families are made beforehand: only their printing is measured."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__(auto_describe=False)
        self._families = list(_families(snapshot))

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Return the families."""
        return self._families


def _families(snapshot: Snapshot) -> Iterable[GaugeMetricFamily]:
    for family in JOB_FAMILIES:
        metric = GaugeMetricFamily(family.name, family.help, labels=(*IDENTITY, *family.labels))
        for job in snapshot.jobs:
            identity = (snapshot.source, snapshot.platform, job.project, job.job_id, job.job_name)
            for values, number in family.samples(job, snapshot):
                metric.add_metric((*identity, *values), number)
        yield metric
