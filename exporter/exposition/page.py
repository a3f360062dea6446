"""Put the pieces of a page together, and send it in the form that is asked for.

The compressed form is one gzip member: the pieces' parts of the deflate stream one after the other,
then a fresh tail. The plain form is unpacked while it is sent.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import is_

from exporter.exposition.deflated_text import DeflatedText, carry, join

_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_LAST_BLOCK = b"\x03\x00"
"""The end of a deflate stream: a block of nothing (RFC 1951, 3.2.6)."""
_CHUNK = 2 * 1024 * 1024
"""Half of what Linux holds for a connection by default (tcp_wmem), so that most is taken at once.
What is not taken from a slow reader is copied: that must not be the whole page."""
_SMALL = 128 * 1024
"""Up to here copying a chunk to put the end behind it is cheaper than sending it by itself."""
_UNPACKED_AT_ONCE = 8 * 1024
"""As much as gives some hundred kilobytes of text, which takes less than a millisecond."""
_MOST_UNPACKED = 256 * 1024
"""Text that a reader's next chunk may be: what repeats itself a thousand times unpacks to more."""
_PIECES_A_STEP = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """Pieces that follow each other, and what they are together."""

    pieces: tuple[DeflatedText, ...]
    size: int
    checksum: int
    """What their text adds to the checksum of what is before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The block about jobs and sources, ready to send."""

    size: int = 0
    """Bytes of its text."""
    checksum: int = 0
    chunks: tuple[bytes, ...] = (_GZIP_HEADER,)
    """The beginning of a gzip member."""
    strips: tuple[Strip, ...] = ()
    """What it is made of."""
    stale_at: float | None = None

    def plain(self, tail: bytes) -> tuple[int, Iterator[bytes]]:
        """Return the page with a fresh tail: its length, and its bytes in chunks."""
        return self.size + len(tail), self._unpacked(tail)

    def gzip(self, tail: Iterable[DeflatedText]) -> tuple[int, Iterator[bytes]]:
        """Return the same in one gzip member, the tail in pieces."""
        parts, size, checksum = [], self.size, self.checksum
        for part, added_size, added in tail:
            parts.append(part)
            size += added_size
            checksum = carry(checksum, added_size) ^ added
        end = b"".join((*parts, _LAST_BLOCK, struct.pack("<II", checksum, size & 0xFFFFFFFF)))
        *chunks, last = self.chunks
        chunks += [last + end] if len(last) <= _SMALL else [last, end]
        return sum(map(len, chunks)), iter(chunks)

    def _unpacked(self, tail: bytes) -> Iterator[bytes]:
        unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
        for chunk in self.chunks:
            view = memoryview(chunk)
            for start in range(0, len(chunk), _UNPACKED_AT_ONCE):
                packed: bytes | memoryview = view[start : start + _UNPACKED_AT_ONCE]
                while text := unpacker.decompress(packed, _MOST_UNPACKED):
                    yield text
                    packed = unpacker.unconsumed_tail
        yield tail


def build(
    strips: Iterable[Sequence[DeflatedText]], stale_at: float | None, before: Page
) -> Iterator[Page | None]:
    """Put the pieces of all families together, with what is known of those of the page `before`.

    Yields None after each step, which takes a millisecond at most, and at last the page.
    """
    chunks: list[bytes] = []
    waiting = [_GZIP_HEADER]
    total = checksum = waiting_size = count = 0
    made: list[Strip] = []
    for pieces in strips:
        known = _known(pieces, before.strips[len(made) : len(made) + 1])
        size = added = 0
        for part, piece_size, piece_added in pieces:
            if piece_size:
                waiting.append(part)
                waiting_size += len(part)
                if known is None:
                    size += piece_size
                    added = join(added, piece_size, piece_added)
            if waiting_size >= _CHUNK:
                chunks.append(b"".join(waiting))
                waiting, waiting_size = [], 0
            count += 1
            if count % _PIECES_A_STEP == 0:
                # Most strips hold a line or none: a turn of the loop for each would cost more.
                yield None
        strip = known or Strip(pieces=tuple(pieces), size=size, checksum=added)
        made.append(strip)
        total += strip.size
        checksum = carry(checksum, strip.size) ^ strip.checksum
    chunks.append(b"".join(waiting))
    yield Page(
        size=total,
        checksum=checksum,
        chunks=tuple(chunks),
        strips=tuple(made),
        stale_at=stale_at,
    )


def _known(pieces: Sequence[DeflatedText], before: tuple[Strip, ...]) -> Strip | None:
    """Return the strip in the same place of the page before, if it is of the same pieces."""
    for strip in before:
        if len(strip.pieces) == len(pieces) and all(map(is_, strip.pieces, pieces)):
            return strip
    return None
