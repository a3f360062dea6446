"""Put the pieces of a page together, without copying its text.

The compressed form is one gzip member: the pieces' parts of the deflate stream one after the other,
then a fresh end. Its checksum is that of the whole text.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from zlib import crc32

from exporter.exposition.blocks import LEVEL, Piece

_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_CHUNK = 512 * 1024
_PIECES_A_STEP = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The block about jobs and sources, ready to send."""

    texts: tuple[bytes, ...] = ()
    size: int = 0
    """Bytes of all texts together."""
    deflated: tuple[bytes, ...] = (_GZIP_HEADER,)
    """The beginning of a gzip member, in chunks for sending."""
    checksum: int = 0
    stale_at: float | None = None

    def plain(self, tail: bytes) -> tuple[int, Iterator[bytes]]:
        """Return the page with a fresh tail: its length, and its bytes in chunks."""
        return self.size + len(tail), _chunks((*self.texts, tail))

    def gzip(self, tail: bytes) -> tuple[int, Iterator[bytes]]:
        """Return the same in one gzip member."""
        compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        end = compressor.compress(tail) + compressor.flush(zlib.Z_FINISH)
        checksum = crc32(tail, self.checksum)
        end += struct.pack("<II", checksum, (self.size + len(tail)) & 0xFFFFFFFF)
        return sum(map(len, self.deflated)) + len(end), _chunks((*self.deflated, end))


def build(strips: Iterable[Sequence[Piece]], stale_at: float | None) -> Iterator[Page | None]:
    """Put the pieces of all families together.

    Yields None after each step, which takes a millisecond at most, and at last the page.
    """
    texts: list[bytes] = []
    deflated: list[bytes] = []
    waiting = [_GZIP_HEADER]
    checksum = size = waiting_size = 0
    for strip in strips:
        for start in range(0, len(strip), _PIECES_A_STEP):
            for text, part in strip[start : start + _PIECES_A_STEP]:
                if text:
                    texts.append(text)
                    waiting.append(part)
                    checksum = crc32(text, checksum)
                    size += len(text)
                    waiting_size += len(part)
            if waiting_size >= _CHUNK:
                deflated.append(b"".join(waiting))
                waiting, waiting_size = [], 0
            yield None
    deflated.append(b"".join(waiting))
    yield Page(
        texts=tuple(texts),
        size=size,
        deflated=tuple(deflated),
        checksum=checksum,
        stale_at=stale_at,
    )


def _chunks(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield many small parts as few larger ones.

    A connection copies what its reader has not taken yet: that must not be the whole page.
    """
    waiting: list[bytes] = []
    size = 0
    for part in parts:
        if size + len(part) > _CHUNK and waiting:
            yield waiting[0] if len(waiting) == 1 else b"".join(waiting)
            waiting, size = [], 0
        waiting.append(part)
        size += len(part)
    yield b"".join(waiting)
