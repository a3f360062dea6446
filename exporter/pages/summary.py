"""Say in a line how it stands with all jobs and sources, and which of them are shown."""

from collections import Counter
from collections.abc import Iterable, Sequence

from exporter.model import Snapshot, State
from exporter.pages.attention import is_said_by_state
from exporter.pages.filtering import Found
from exporter.pages.query import Query, Sort
from exporter.pages.texts.words import Words

HEALTH = {True: "up", False: "down", None: "waiting"}
"""What the last poll of a source says of it."""


def headline(
    snapshots: Sequence[Snapshot], rows: int, worrying: int, unseen: int, down: int, words: Words
) -> str:
    """Return the headline of the overview: how many jobs there are, and what is wrong."""
    if not snapshots:
        return words["no_sources"]
    unread = sum(each.up is not False and not each.counts_jobs for each in snapshots)
    parts = []
    if worrying:
        told = words.count("need_a_look", worrying)
        parts.append(words.count("of_them_unseen", unseen, told=told) if unseen else told)
    if down:
        parts.append(words.count("sources_down", down))
    if unread:
        parts.append(words.count("sources_unread", unread))
    known = words["no_jobs_known"]
    if any_counts(snapshots):
        jobs = words.count("count_jobs", rows - unseen)
        sources = words.count("count_sources", len(snapshots))
        known = words.say("jobs_in_sources", jobs=jobs, sources=sources)
    # All is well only where all was looked at.
    rest = words["between_clauses"].join(parts) or words["all_is_well"]
    return words.say("headline", known=known, rest=rest)


def any_counts(snapshots: Iterable[Snapshot]) -> bool:
    """Say whether the jobs of any source are known."""
    return any(each.counts_jobs for each in snapshots)


def tally_of_health(snapshots: Iterable[Snapshot], words: Words) -> str:
    """Return how many sources are well, and how many are not."""
    counts = Counter(HEALTH[snapshot.up] for snapshot in snapshots)
    return words["between_clauses"].join(
        words.count("sources_in_health", counts[word], health=words[f"health_{word}"])
        for word in HEALTH.values()
        if counts[word]
    )


def announcement(
    snapshots: Sequence[Snapshot], worrying: Iterable[Found], down: int, words: Words
) -> str:
    """Return what a screen reader is told when it changes: only what is wrong, not what moves."""
    states = Counter(
        found.state
        if found.attention is not None and is_said_by_state(found.attention.worst, found.state)
        else None
        for found in worrying
    )
    parts = [
        words.count("jobs_in_state", states[state], state=words.glossed(state))
        for state in State
        if states[state]
    ]
    if states[None]:
        parts.append(words.count("jobs_otherwise", states[None]))
    told = words["told_no_trouble" if any_counts(snapshots) else "told_no_jobs"]
    if parts:
        told = words.say("told_of_jobs", parts=words["between_clauses"].join(parts))
    return words.count("told_with_sources", down, told=told) if down else told


def tally(
    asked: int, rows: int, unseen: int, query: Query, place: tuple[int, int], words: Words
) -> str:
    """Return how many jobs are shown; `place` is the page, and how many there are."""
    text = words.count("count_jobs", rows - unseen)
    if unseen:
        text = words.count("jobs_and_unseen", unseen, jobs=text)
    if query.narrowed:
        text = words.say("found_of", found=f"{asked:,}", jobs=text)
    if query.sort is Sort.ATTENTION and not query.descending and asked > 1:
        text = words.say("found_worst_first", found=text)
    page, pages = place
    return words.say("found_on_page", found=text, page=page, pages=pages) if pages > 1 else text
