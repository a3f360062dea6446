"""Cut the jobs of a source into blocks, and render again only what changed within a block.

A block holds the finished lines of some dozens of jobs, one piece for each family. Where blocks
begin depends on the jobs themselves: a job that comes or goes moves the boundaries next to it and
no others. Larger blocks compress better, in smaller ones less is rendered for a job that changed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from exporter.exposition.deflated_text import DeflatedText, Deflater
from exporter.exposition.families import (
    IDENTITY_FIELDS,
    Columns,
    Frame,
    changed_fields,
    columns_of,
    has_zeros,
    moved_fields,
)
from exporter.model import Job

_LEAST, _MOST = 24, 96
_MASK = 15


@dataclass(slots=True)
class Block:
    """Some jobs of a source and their lines, one piece for each family; never changed."""

    jobs: tuple[Job, ...]
    columns: Columns
    identities: list[str]
    pieces: tuple[DeflatedText, ...]
    has_zeros: bool
    """Whether a number of them is zero, which may be written in two ways."""


def cut(jobs: tuple[Job, ...]) -> Iterator[tuple[Job, ...]]:
    """Yield all jobs in their order, some dozens at a time."""
    start, total = 0, len(jobs)
    while start < total:
        end, limit = min(start + _LEAST, total), min(start + _MOST, total)
        while end < limit and hash(jobs[end].job_id) & _MASK:
            end += 1
        yield jobs[start:end]
        start = end


def render(jobs: tuple[Job, ...], frame: Frame, before: Block | None, deflater: Deflater) -> Block:
    """Return the block of these jobs, with what is still true of an earlier one."""
    if before is not None and len(before.jobs) == len(jobs):
        columns, changed = _compare(jobs, before)
        if changed.isdisjoint(IDENTITY_FIELDS):
            identities = before.identities
            pieces = tuple(
                kept
                if changed.isdisjoint(reads)
                else deflater.piece(write(jobs, columns, identities).encode())
                for (reads, write), kept in zip(frame.families, before.pieces, strict=True)
            )
            return Block(jobs, columns, identities, pieces, has_zeros(columns))
    columns = columns_of(jobs)
    identities = frame.identities(columns)
    pieces = tuple(
        deflater.piece(write(jobs, columns, identities).encode()) for _, write in frame.families
    )
    return Block(jobs, columns, identities, pieces, has_zeros(columns))


def _compare(jobs: tuple[Job, ...], before: Block) -> tuple[Columns, set[int]]:
    """Return the columns of some jobs, and the numbers of those that are not as before."""
    if not before.has_zeros and all(map(Job.tells_same, jobs, before.jobs)):
        # Where nothing happens all are such, and this takes half the time.
        return moved_fields(jobs, before.columns)
    others = [place for place, job in enumerate(jobs) if job is not before.jobs[place]]
    if len(others) * 4 > len(jobs):
        columns = columns_of(jobs)
        return columns, changed_fields(columns, before.columns)
    # After a round of details most jobs are still the very same, and need not be read again.
    new = columns_of([jobs[place] for place in others])
    old = tuple([tuple([column[place] for place in others]) for column in before.columns])
    changed = changed_fields(new, old)
    patched = list(before.columns)
    for field in changed:
        column = list(patched[field])
        for place, value in zip(others, new[field], strict=True):
            column[place] = value
        patched[field] = tuple(column)
    return tuple(patched), changed
