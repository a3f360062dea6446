"""Work out what the overview says: the sources, how many jobs are in each state, a page of jobs.

All jobs are searched and sorted, but only those of one page are put into words: that is what keeps
ten thousand jobs cheap for the server and for the browser.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from exporter.model import ClusterCounts, Condition, Job, Snapshot, State, latest_gone
from exporter.pages.attention import Level
from exporter.pages.filtering import STATE_ORDER, Found, all_jobs, in_order, matching
from exporter.pages.formatting import Moment, count, duration, moment, number, shorten, visible
from exporter.pages.query import Query, Sort, job_link

PAGE_SIZE = 200
_LONGEST_NAME = 120
_MOST_GONE = 5
_LONGEST_ERROR = 160
_BAR_WIDTH = 1000
_CLUSTERS_NAMED = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class GoneRow:
    """One job that is gone without an end that anybody told."""

    name: str
    last_state: State
    seen_at: Moment | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """One source in the table of sources."""

    name: str
    platform: str
    health: str
    """`up`, `down` or `waiting`."""
    failure: str
    absent: tuple[str, ...]
    gone: tuple[GoneRow, ...]
    """The last ones of the jobs that are gone, nobody knows how."""
    gone_more: int
    """How many there are beside those."""
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
    condition: str
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
class JobRow:
    """One job in the table of jobs."""

    link: str
    name: str
    identity: str
    """Its id, when another job of its source on the same page has its name."""
    source: str
    platform: str
    state: State
    level: Level | None
    reason: str
    since: Moment | None
    duration: str
    restarts: str
    delay: str
    error: str
    error_at: Moment | None


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


_HEALTH = {True: "up", False: "down", None: "waiting"}
_PACKAGE = re.compile(r"\b(?:[a-z_][\w$]*\.){2,}(?=[A-Z])")
"""The package before the name of a Java class."""


_TITLES = {
    Sort.NAME: "Job",
    Sort.STATE: "State",
    Sort.SOURCE: "Source",
    Sort.SINCE: "Since",
    Sort.DURATION: "Duration",
    Sort.RESTARTS: "Restarts",
    Sort.DELAY: "Delay",
    Sort.ERROR: "Last error",
}


def overview(snapshots: Sequence[Snapshot], query: Query, now: float) -> Overview:
    """Return what the overview says of these snapshots to somebody who asks this."""
    everything = all_jobs(snapshots, now)
    asked = matching(everything, query)
    counts = Counter(found.job.state for found in asked)
    if query.states:
        asked = [found for found in asked if found.job.state in query.states]
    pages = max(1, -(-len(asked) // PAGE_SIZE))
    page = min(query.page, pages)
    shown = in_order(asked, query)[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    worrying = [found for found in everything if found.attention is not None]
    down = sum(snapshot.up is False for snapshot in snapshots)
    known = _any_counts(snapshots) or not snapshots
    return Overview(
        query=query,
        headline=_headline(snapshots, len(everything), len(worrying), down),
        announcement=_announcement(snapshots, worrying, down),
        found=_tally(len(asked), len(everything), query, page, pages) if known else "",
        total=len(everything),
        attention=len(worrying),
        sources=source_rows(snapshots, now),
        clusters=cluster_lists(snapshots),
        source_names=tuple(sorted({snapshot.source for snapshot in snapshots})),
        platform_names=tuple(sorted({snapshot.platform for snapshot in snapshots})),
        sources_down=down,
        sources_health=_health(snapshots),
        chips=_chips(counts, query),
        columns=_columns(query),
        rows=_rows(shown, now),
        page=page,
        pages=pages,
        previous=query.link(page=page - 1) if page > 1 else "",
        next=query.link(page=page + 1) if page < pages else "",
        everything=Query(sort=query.sort, descending=query.descending).link(),
        worst_first=query.link(sort=Sort.ATTENTION, descending=False),
    )


def source_rows(snapshots: Iterable[Snapshot], now: float) -> tuple[SourceRow, ...]:
    """Return the table of sources, those in trouble first."""
    ordered = sorted(
        snapshots,
        key=lambda each: (each.up is not False, not (each.absent or each.gone), each.source),
    )
    return tuple(
        SourceRow(
            name=visible(snapshot.source),
            platform=visible(snapshot.platform),
            health=_HEALTH[snapshot.up],
            failure=visible(snapshot.failure),
            absent=tuple(visible(entry) for entry in snapshot.absent),
            gone=_gone_rows(snapshot, now),
            gone_more=max(0, len(snapshot.gone) - _MOST_GONE),
            jobs=len(snapshot.jobs) if snapshot.counts_jobs else None,
            link=Query(sources=frozenset({snapshot.source})).link(),
            last_success=moment(snapshot.last_success_timestamp, now),
            next_poll=moment(snapshot.next_poll_timestamp, now),
            poll_duration=duration(snapshot.poll_duration_seconds),
        )
        for snapshot in ordered
    )


def _gone_rows(snapshot: Snapshot, now: float) -> tuple[GoneRow, ...]:
    return tuple(
        GoneRow(
            name=shorten(visible(gone.job_name or gone.key.job_id), _LONGEST_NAME),
            last_state=gone.last_state,
            seen_at=moment(gone.last_seen_timestamp, now),
        )
        for gone in latest_gone(snapshot, _MOST_GONE)
    )


def cluster_lists(snapshots: Iterable[Snapshot]) -> tuple[ClusterList, ...]:
    """Return the clusters of each source that looks for them; of very many only so many by name."""
    return tuple(
        _cluster_list(snapshot.source, snapshot.clusters)
        for snapshot in snapshots
        if snapshot.clusters is not None
    )


def _cluster_list(source: str, counts: ClusterCounts) -> ClusterList:
    named = counts.named[:_CLUSTERS_NAMED]
    return ClusterList(
        source=visible(source),
        counts=", ".join(f"{number:,} {word.value}" for word, number in counts.by_condition),
        lacking=tuple(
            ClusterRow(
                name=shorten(visible(each.name), _LONGEST_NAME),
                condition=each.condition.value,
                reason=shorten(visible(each.reason), _LONGEST_ERROR),
            )
            for each in named
            if each.condition is not Condition.REACHED
        ),
        reached=tuple(
            shorten(visible(each.name), _LONGEST_NAME)
            for each in named
            if each.condition is Condition.REACHED
        ),
        more=sum(number for _, number in counts.by_condition) - len(named),
    )


def _rows(shown: Sequence[Found], now: float) -> tuple[JobRow, ...]:
    names = Counter((found.snapshot.source, found.job.job_name) for found in shown)
    return tuple(
        _row(found, now, unique=names[found.snapshot.source, found.job.job_name] == 1)
        for found in shown
    )


def _row(found: Found, now: float, *, unique: bool) -> JobRow:
    job, snapshot = found.job, found.snapshot
    return JobRow(
        link=job_link(snapshot.source, job),
        name=shorten(visible(job.job_name or job.job_id), _LONGEST_NAME),
        identity="" if unique else shorten(visible(job.job_id), 40),
        source=visible(snapshot.source),
        platform=visible(snapshot.platform),
        state=job.state,
        level=None if found.attention is None else found.attention.level,
        reason="" if found.attention is None else shorten(visible(found.attention.reason), 80),
        since=moment(job.state_since_timestamp, now),
        duration=duration(job.duration_seconds),
        restarts=number(job.restart_times),
        delay=duration(job.input_delay_seconds),
        error=_error(job),
        error_at=moment(job.last_error_timestamp, now),
    )


def _error(job: Job) -> str:
    """Return the last error in a few words: the class or code, and how its text begins."""
    kind = job.error_type.rpartition(".")[2] or job.error_id
    text = _PACKAGE.sub("", job.error_text[: 4 * _LONGEST_ERROR])
    if kind not in text:
        text = f"{kind}: {text}" if text else kind
    return visible(shorten(text, _LONGEST_ERROR))


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


def _columns(query: Query) -> tuple[Column, ...]:
    direction = "descending" if query.descending else "ascending"
    return tuple(
        Column(
            title=title,
            link=query.sorted_by(sort),
            direction=direction if sort is query.sort else "",
        )
        for sort, title in _TITLES.items()
    )


def _headline(snapshots: Sequence[Snapshot], jobs: int, worrying: int, down: int) -> str:
    if not snapshots:
        return "No sources are configured."
    unread = sum(each.up is not False and not each.counts_jobs for each in snapshots)
    parts = []
    if worrying:
        parts.append(f"{worrying:,} need{'s' * (worrying == 1)} a look")
    if down:
        parts.append(f"{count(down, 'source is', 'sources are')} down")
    if unread:
        parts.append(f"{count(unread, 'source has', 'sources have')} not been read yet")
    sources = count(len(snapshots), "source")
    known = f"{count(jobs, 'job')} in {sources}" if _any_counts(snapshots) else "No jobs are known"
    # All is well only where all was looked at.
    return f"{known}: {', '.join(parts) or 'all is well'}"


def _any_counts(snapshots: Iterable[Snapshot]) -> bool:
    return any(each.counts_jobs for each in snapshots)


def _health(snapshots: Iterable[Snapshot]) -> str:
    words = Counter(_HEALTH[snapshot.up] for snapshot in snapshots)
    return ", ".join(f"{words[word]} {word}" for word in _HEALTH.values() if words[word])


def _announcement(snapshots: Sequence[Snapshot], worrying: Iterable[Found], down: int) -> str:
    """Return what a screen reader is told when it changes: only what is wrong, not what moves."""
    states = Counter(
        found.job.state.value if not found.attention or not found.attention.reason else "other"
        for found in worrying
    )
    parts = [f"{states[state.value]:,} {state.value}" for state in State if states[state.value]]
    if states["other"]:
        parts.append(f"{states['other']:,} with other trouble")
    jobs = "No job needs a look." if _any_counts(snapshots) else "No jobs are known."
    if parts:
        jobs = f"Jobs: {', '.join(parts)}."
    return jobs + (f" {count(down, 'source')} down." if down else "")


def _tally(asked: int, total: int, query: Query, page: int, pages: int) -> str:
    jobs = count(total, "job")
    text = f"{asked:,} of {jobs}" if query.narrowed else jobs
    if query.sort is Sort.ATTENTION and not query.descending and asked > 1:
        text += ", worst first"
    return f"{text}, page {page} of {pages}" if pages > 1 else text
