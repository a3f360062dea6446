"""Render the jobs of one source, block by block."""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from operator import attrgetter, is_

from exporter.collecting.store import expires_at, fresh
from exporter.exposition.blocks import Block, cut, render
from exporter.exposition.deflated_text import DeflatedText, Deflater
from exporter.exposition.families import Frame
from exporter.exposition.problems import render_problems
from exporter.model import Job, Snapshot

_UNCHANGED_A_STEP = 64
_observed = attrgetter("observed_timestamp")
_key = attrgetter("project", "job_id")


@dataclass(slots=True)
class SourceBlocks:
    """The jobs of one source, rendered."""

    frame: Frame
    snapshot: Snapshot
    """What is fresh of the source's snapshot."""
    blocks: dict[object, Block] = field(default_factory=dict)
    """By the key of their first job, in the order of the jobs."""
    problems: list[DeflatedText] = field(default_factory=list)
    """The lines about problems, in pieces."""
    oldest: float | None = None
    """When the job was seen that has not been seen for the longest time."""

    @property
    def stale_at(self) -> float | None:
        """Return when the next value becomes stale."""
        snapshot = self.snapshot
        ends = [expires_at(replace(snapshot, jobs=()))]
        if self.oldest is not None:
            ends.append(self.oldest + snapshot.stale_after)
        if snapshot.last_success_timestamp is not None and not snapshot.outdated:
            # How many jobs there are is known for no longer, above all when there are none.
            ends.append(snapshot.last_success_timestamp + snapshot.stale_after)
        return min((end for end in ends if end is not None), default=None)


def render_source(
    snapshot: Snapshot, now: float, last: SourceBlocks | None, deflater: Deflater
) -> Iterator[SourceBlocks | None]:
    """Yield None after each step, which takes a millisecond or two, and at last the result."""
    snapshot = fresh(snapshot, now)
    yield None
    known: Mapping[object, Block] = {}
    if last is not None and last.frame.fits(snapshot):
        result = SourceBlocks(last.frame, snapshot)
        known = last.blocks
    else:
        result = SourceBlocks(Frame(snapshot), snapshot)
    for part in cut(snapshot.jobs):
        yield from _add(part, result, known, deflater)
    if (yield from _has_twins(result.blocks, known, len(snapshot.jobs))):
        # One key twice would be a duplicate series, which fails the whole scrape.
        result.blocks = {}
        for part in cut(tuple({_key(job): job for job in snapshot.jobs}.values())):
            yield from _add(part, result, known, deflater)
    if last is not None and last.snapshot.problems is snapshot.problems:
        result.problems = last.problems
    else:
        for piece in render_problems(snapshot, deflater):
            result.problems.append(piece)
            yield None
    yield result


def _add(
    jobs: tuple[Job, ...], result: SourceBlocks, known: Mapping[object, Block], deflater: Deflater
) -> Iterator[None]:
    """Add the block of some jobs, which is the one of the last time if they are the same."""
    seen = min(map(_observed, jobs))
    result.oldest = seen if result.oldest is None else min(seen, result.oldest)
    first = _key(jobs[0])
    block = known.get(first)
    if block is not None and len(block.jobs) == len(jobs) and all(map(is_, block.jobs, jobs)):
        result.blocks[first] = block
        if len(result.blocks) % _UNCHANGED_A_STEP == 0:
            yield
    else:
        result.blocks[first] = render(jobs, result.frame, block, deflater)
        yield


def _has_twins(
    blocks: Mapping[object, Block], known: Mapping[object, Block], count: int
) -> Generator[None, None, bool]:
    """Say whether two jobs have the same key, if any job was not there the last time."""
    if sum(len(block.jobs) for block in blocks.values()) != count:
        return True
    if all(
        (before := known.get(first)) is not None and before.identities is block.identities
        for first, block in blocks.items()
    ):
        return False
    keys: set[tuple[object, object]] = set()
    for block in blocks.values():
        keys.update(zip(*block.columns[:2], strict=True))
        yield
    return len(keys) != count
