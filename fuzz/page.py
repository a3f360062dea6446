"""Show jobs on a page and read it back the way everyone does who scrapes it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.samples import Sample

from exporter.attention.tracker import SourceAttention
from exporter.attention_settings import AttentionSettings
from exporter.collecting.store import Store
from exporter.exposition import Exposition
from exporter.model import Job, Snapshot
from exporter.pages.details import details
from exporter.pages.languages import Language
from exporter.pages.overview import overview
from exporter.pages.query import parse
from exporter.pages.reader import Reader
from exporter.pages.rendering import Frame, render_details, render_overview
from exporter.process.steps import finished

NOW = 1_700_000_000.0
"""When everything is observed; fuzzing has no clock."""

_FOR_EVER = 1e12
_IDENTITY = ("project", "job_id", "job_name")


class Unsound(AssertionError):
    """Something came out that no reader of the page would accept."""


class Pages:
    """A page that shows one source after the other."""

    def __init__(self) -> None:
        self._store = Store()
        self._exposition = Exposition(self._store, CollectorRegistry(), clock=lambda: NOW)

    def show(self, jobs: Sequence[Job], *, read_back: bool) -> None:
        """Render the jobs, and read the page back if asked to: that takes most of the time.

        Raises Unsound, or whatever the rendering or a parser raises.
        """
        snapshot = Snapshot(
            source="fuzz", platform="fuzz", up=True, stale_after=_FOR_EVER, jobs=tuple(jobs)
        )
        # At first sight: what came before must not change what an input does.
        problems = finished(SourceAttention(AttentionSettings()).take(None, snapshot))
        snapshot = replace(snapshot, problems=problems)
        self._store.put(snapshot)
        self._exposition.refresh()
        for trail in self._exposition.unrendered.values():
            raise Unsound(f"not rendered: {trail}")
        if not read_back:
            return
        show_people(snapshot, NOW)
        samples = read_page(*self.texts())
        shown = {
            tuple(sample.labels[name] for name in _IDENTITY)
            for sample in samples
            if sample.name == "streaming_job_info"
        }
        # The later one of two jobs with one key is shown.
        wanted = {job.key: (job.project, job.job_id, job.job_name) for job in jobs}
        if shown != set(wanted.values()):
            raise Unsound(f"{len(shown)} of {len(wanted)} jobs are on the page as they are")

    def texts(self) -> tuple[bytes, bytes]:
        """Return the page in the text format and as OpenMetrics."""
        return (
            self._exposition.scrape()[0],
            self._exposition.scrape(accept="application/openmetrics-text")[0],
        )


def show_people(snapshot: Snapshot, now: float) -> None:
    """Make the pages of a source and of each of its jobs; raises what making them raises."""
    for language in Language:
        reader = Reader(now=now, language=language)
        frame = Frame(reader=reader, metrics="metrics", elsewhere="./")
        page = overview([snapshot], parse([]), reader)
        render_overview(page, frame).encode("utf-8")
        for job in snapshot.jobs:
            render_details(details(job, snapshot, (), reader), frame).encode("utf-8")


def read_page(text: bytes, openmetrics: bytes) -> list[Sample]:
    """Return the samples of a page.

    Raises Unsound when a series is there twice, or when the two formats say different things, and
    ValueError when a parser does not understand it.
    """
    samples = _samples(parse_text(text.decode("utf-8")))
    others = _samples(parse_openmetrics(openmetrics.decode("utf-8")))  # type: ignore[no-untyped-call]
    counts = Counter(_series(sample) for sample in samples)
    twice = [series for series, count in counts.items() if count > 1]
    if twice:
        raise Unsound(f"{len(twice)} series are on the page twice")
    if _jobs_only(samples) != _jobs_only(others):
        raise Unsound("the two formats say different things")
    return samples


def _samples(families: Iterable[Metric]) -> list[Sample]:
    return [sample for family in families for sample in family.samples]


def _series(sample: Sample) -> tuple[object, ...]:
    return sample.name, *sorted(sample.labels.items())


def _jobs_only(samples: Iterable[Sample]) -> dict[tuple[object, ...], float]:
    # The exporter's own metrics are counters too, which the two formats name differently.
    return {_series(each): each.value for each in samples if each.name.startswith("streaming_job_")}
