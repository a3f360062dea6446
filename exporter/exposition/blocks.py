"""Cut the jobs of a source into blocks, and render again only what changed within a block.

A block holds the finished lines of some dozens of jobs, one piece for each family, as text and
compressed. Where blocks begin depends on the jobs themselves: a job that comes or goes moves the
boundaries next to it and no others.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from exporter.exposition.families import (
    IDENTITY_FIELDS,
    Columns,
    Frame,
    changed_fields,
    columns_of,
)
from exporter.model import Job

_LEAST, _MOST = 32, 128
_MASK = 31
LEVEL = 1  # Ten times cheaper than 9 for 3 % more bytes, measured on this very text.

_MEMORY = 9

Piece = tuple[bytes, bytes]
"""Some text, and the same as a part of a deflate stream."""
NOTHING: Piece = (b"", b"")


@dataclass(slots=True)
class Block:
    """Some jobs of a source and their lines, one piece for each family; never changed."""

    jobs: tuple[Job, ...]
    columns: Columns
    identities: list[str]
    pieces: tuple[Piece, ...]


class Deflater:
    """Compress pieces of text so that they can be put together in any order."""

    def __init__(self) -> None:
        # Making one anew for each piece would take longer than compressing it.
        self._stream = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, _MEMORY)

    def piece(self, text: bytes) -> Piece:
        """Return the text with its part of a stream, which refers to nothing before it."""
        if not text:
            return NOTHING
        return (text, self._stream.compress(text) + self._stream.flush(zlib.Z_FULL_FLUSH))


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
        others = [place for place, job in enumerate(jobs) if job is not before.jobs[place]]
        if len(others) == 1:
            changed = _render_one(jobs, frame, before, others[0], deflater)
        else:
            changed = _render_changed(jobs, frame, before, deflater)
        if changed is not None:
            return changed
    columns = columns_of(jobs)
    identities = frame.identities(columns)
    pieces = tuple(
        deflater.piece(write(jobs, columns, identities).encode()) for _, write in frame.families
    )
    return Block(jobs, columns, identities, pieces)


def _render_changed(
    jobs: tuple[Job, ...], frame: Frame, before: Block, deflater: Deflater
) -> Block | None:
    """Render the families that read what is new; None if these are other jobs."""
    columns = columns_of(jobs)
    changed = changed_fields(columns, before.columns)
    if changed & IDENTITY_FIELDS:
        return None
    identities = before.identities
    pieces = tuple(
        kept
        if changed.isdisjoint(reads)
        else deflater.piece(write(jobs, columns, identities).encode())
        for (reads, write), kept in zip(frame.families, before.pieces, strict=True)
    )
    return Block(jobs, columns, identities, pieces)


def _render_one(
    jobs: tuple[Job, ...], frame: Frame, before: Block, place: int, deflater: Deflater
) -> Block | None:
    """Exchange the lines of the only job that is another, as is usual after asking for details."""
    new = columns_of(jobs[place : place + 1])
    old = tuple([column[place : place + 1] for column in before.columns])
    changed = changed_fields(new, old)
    if changed & IDENTITY_FIELDS:
        return None
    columns = tuple(
        (*column[:place], *new[field], *column[place + 1 :]) if field in changed else column
        for field, column in enumerate(before.columns)
    )
    identity = before.identities[place : place + 1]
    pieces = list(before.pieces)
    for index, (reads, write) in enumerate(frame.families):
        if changed.isdisjoint(reads):
            continue
        was = write(before.jobs[place : place + 1], old, identity).encode()
        now = write(jobs[place : place + 1], new, identity).encode()
        if was:
            # Whole lines that begin with a family and an identity: there are no others like them.
            text = pieces[index][0].replace(was, now, 1)
        else:
            text = write(jobs, columns, before.identities).encode()
        pieces[index] = deflater.piece(text)
    return Block(jobs, columns, before.identities, tuple(pieces))
