"""Work out what the overview says: the sources, how many jobs are in each state, a page of jobs.

All jobs are searched and sorted, but only those of one page are put into words: that is what keeps
ten thousand jobs cheap for the server and for the browser.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from exporter.model import ClusterCounts, Condition, Snapshot, State
from exporter.pages.filtering import STATE_ORDER, all_jobs, in_order, matching
from exporter.pages.formatting import Moment, duration, moment, shorten, visible
from exporter.pages.job_rows import LONGEST_ERROR, LONGEST_NAME, JobRow, job_rows
from exporter.pages.query import Query, Sort
from exporter.pages.reader import Reader
from exporter.pages.summary import (
    HEALTH,
    announcement,
    any_counts,
    headline,
    tally,
    tally_of_health,
)
from exporter.pages.texts.words import Words

PAGE_SIZE = 200
_BAR_WIDTH = 1000
_CLUSTERS_NAMED = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """One source in the table of sources."""

    name: str
    platform: str
    health: str
    """`up`, `down` or `waiting`."""
    failure: str
    absent: tuple[str, ...]
    jobs: int | None
    """None where the source was never read, or not for too long."""
    link: str
    last_success: Moment | None
    next_poll: Moment | None
    poll_duration: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterRow:
    """One cluster that a source has found and does not reach."""

    name: str
    condition: Condition
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterList:
    """The clusters that a source has found."""

    source: str
    counts: str
    """How many there are in each condition, in words."""
    lacking: tuple[ClusterRow, ...]
    """Those that are not reached."""
    reached: tuple[str, ...]
    more: int
    """How many are not named here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChip:
    """How many of the jobs asked for are in one state, and the link that asks for these only."""

    state: State
    count: int
    chosen: bool
    link: str
    bar_start: float
    bar_width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """The head of a column of jobs."""

    sort: Sort
    title: str
    link: str
    direction: str
    """`ascending`, `descending`, or empty when the table is sorted by something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Everything that the overview says."""

    query: Query
    headline: str
    announcement: str
    found: str
    total: int
    attention: int
    sources: tuple[SourceRow, ...]
    clusters: tuple[ClusterList, ...]
    source_names: tuple[str, ...]
    platform_names: tuple[str, ...]
    sources_down: int
    sources_health: str
    chips: tuple[StateChip, ...]
    columns: tuple[Column, ...]
    rows: tuple[JobRow, ...]
    page: int
    pages: int
    previous: str
    next: str
    everything: str
    """The link that leaves no job out."""
    worst_first: str
    """The link to the usual order."""


_COLUMNS = tuple(sort for sort in Sort if sort is not Sort.ATTENTION)


def overview(snapshots: Sequence[Snapshot], query: Query, reader: Reader) -> Overview:
    """Return what the overview says of these snapshots to a reader who asks this."""
    words = reader.words
    everything = all_jobs(snapshots)
    asked = matching(everything, query)
    counts = Counter(found.job.state for found in asked if found.job is not None)
    if query.states:
        asked = [found for found in asked if found.state in query.states]
    pages = max(1, -(-len(asked) // PAGE_SIZE))
    page = min(query.page, pages)
    shown = in_order(asked, query)[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    worrying = [found for found in everything if found.attention is not None]
    down = sum(snapshot.up is False for snapshot in snapshots)
    unseen = sum(found.job is None for found in worrying)
    known = any_counts(snapshots) or not snapshots or unseen
    return Overview(
        query=query,
        headline=headline(snapshots, len(everything), len(worrying), unseen, down, words),
        announcement=announcement(snapshots, worrying, down, words),
        found=tally(len(asked), len(everything), unseen, query, (page, pages), words)
        if known
        else "",
        total=len(everything) - unseen,
        attention=len(worrying),
        sources=source_rows(snapshots, reader),
        clusters=cluster_lists(snapshots, words),
        source_names=tuple(sorted({snapshot.source for snapshot in snapshots})),
        platform_names=tuple(sorted({snapshot.platform for snapshot in snapshots})),
        sources_down=down,
        sources_health=tally_of_health(snapshots, words),
        chips=_chips(counts, query),
        columns=_columns(query, words),
        rows=job_rows(shown, reader),
        page=page,
        pages=pages,
        previous=query.link(page=page - 1) if page > 1 else "",
        next=query.link(page=page + 1) if page < pages else "",
        everything=Query(
            sort=query.sort, descending=query.descending, language=query.language
        ).link(),
        worst_first=query.link(sort=Sort.ATTENTION, descending=False),
    )


def source_rows(snapshots: Iterable[Snapshot], reader: Reader) -> tuple[SourceRow, ...]:
    """Return the table of sources, those in trouble first."""
    ordered = sorted(
        snapshots,
        key=lambda each: (each.up is not False, not each.absent, each.source),
    )
    return tuple(
        SourceRow(
            name=visible(snapshot.source),
            platform=visible(snapshot.platform),
            health=HEALTH[snapshot.up],
            failure=visible(snapshot.failure),
            absent=tuple(visible(entry) for entry in snapshot.absent),
            jobs=len(snapshot.jobs) if snapshot.counts_jobs else None,
            link=Query(sources=frozenset({snapshot.source}), language=reader.chosen).link(),
            last_success=moment(snapshot.last_success_timestamp, reader),
            next_poll=moment(snapshot.next_poll_timestamp, reader),
            poll_duration=duration(snapshot.poll_duration_seconds, reader.words),
        )
        for snapshot in ordered
    )


def cluster_lists(snapshots: Iterable[Snapshot], words: Words) -> tuple[ClusterList, ...]:
    """Return the clusters of each source that looks for them; of very many only so many by name."""
    return tuple(
        _cluster_list(snapshot.source, snapshot.clusters, words)
        for snapshot in snapshots
        if snapshot.clusters is not None
    )


def _cluster_list(source: str, counts: ClusterCounts, words: Words) -> ClusterList:
    named = counts.named[:_CLUSTERS_NAMED]
    return ClusterList(
        source=visible(source),
        counts=words["between_clauses"].join(
            words.count("clusters_in_condition", number, condition=words.glossed(word))
            for word, number in counts.by_condition
        ),
        lacking=tuple(
            ClusterRow(
                name=shorten(visible(each.name), LONGEST_NAME),
                condition=each.condition,
                reason=shorten(visible(each.reason), LONGEST_ERROR),
            )
            for each in named
            if each.condition is not Condition.REACHED
        ),
        reached=tuple(
            shorten(visible(each.name), LONGEST_NAME)
            for each in named
            if each.condition is Condition.REACHED
        ),
        more=sum(number for _, number in counts.by_condition) - len(named),
    )


def _chips(counts: Counter[State], query: Query) -> tuple[StateChip, ...]:
    total = sum(counts.values()) or 1
    chips = []
    start = 0.0
    for state in sorted(State, key=STATE_ORDER.__getitem__):
        width = _BAR_WIDTH * counts[state] / total
        if counts[state] or state in query.states:
            chips.append(
                StateChip(
                    state=state,
                    count=counts[state],
                    chosen=state in query.states,
                    link=query.toggled(state),
                    bar_start=round(start, 2),
                    bar_width=round(width, 2),
                )
            )
        start += width
    return tuple(chips)


def _columns(query: Query, words: Words) -> tuple[Column, ...]:
    direction = "descending" if query.descending else "ascending"
    return tuple(
        Column(
            sort=sort,
            title=words[f"column_{sort.value}"],
            link=query.sorted_by(sort),
            direction=direction if sort is query.sort else "",
        )
        for sort in _COLUMNS
    )
