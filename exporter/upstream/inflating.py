"""Undo the compression of a body in pieces of bounded size.

A thousandth of what a body becomes is enough for it to come in: decompressed at once, each 64 kB of
one become 64 MB. And any amount may come in that becomes nothing: names in the head of gzip, empty
blocks, or what stands behind the end, which zlib keeps.
"""

import asyncio
import zlib
from collections.abc import AsyncIterable, AsyncIterator
from typing import Final

_PIECE: Final = 256 * 1024
_MOST_MEMBERS: Final = 64
"""Streams of gzip one after the other, which RFC 1952, 2.2, allows: hardly anybody sends two."""
_FORMATS: Final[dict[str, tuple[int, ...]]] = {
    "gzip": (zlib.MAX_WBITS | 16,),
    # RFC 9110, 8.4.1.2: with the header of zlib; some servers leave it out.
    "deflate": (zlib.MAX_WBITS, -zlib.MAX_WBITS),
}


def is_known(encoding: str) -> bool:
    """Say whether a Content-Encoding can be undone here."""
    return encoding in _FORMATS


async def inflated(stream: AsyncIterable[bytes], encoding: str, most: int) -> AsyncIterator[bytes]:
    """Yield a body of a known encoding piece by piece.

    Raises zlib.error when it is not in it, or more than `most` bytes of it come in.
    """
    inflater = _Inflater(encoding)
    taken = 0
    async for data in stream:
        taken += len(data)
        if taken > most:
            raise zlib.error(f"more than {most} bytes, compressed")
        rest = data
        while rest:
            piece, rest = inflater.decompress(rest)
            if piece:
                yield piece
            if rest:
                # All that comes of one read takes a second or more.
                await asyncio.sleep(0)


class _Inflater:
    """Undoes one body."""

    def __init__(self, encoding: str) -> None:
        first, *self._others = _FORMATS[encoding]
        self._inflater = zlib.decompressobj(first)
        self._begun = False
        self._more = _MOST_MEMBERS - 1 if encoding == "gzip" else 0

    def decompress(self, data: bytes) -> tuple[bytes, bytes]:
        """Return a piece, which may be empty, and what of the data is to be given again."""
        if self._inflater.eof:
            # Some fill up with zeros what they read in blocks, and gzip itself passes them over.
            data = data.lstrip(b"\0")
            if not data:
                return b"", b""
            self._begin_another()
        try:
            piece = self._inflater.decompress(data, _PIECE)
        except zlib.error:
            if self._begun or not self._others:
                raise
            self._inflater = zlib.decompressobj(self._others.pop())
            return b"", data
        self._begun = True
        # Behind the end it takes in whatever it is given, and copies all of it each time.
        return piece, self._inflater.unconsumed_tail or self._inflater.unused_data

    def _begin_another(self) -> None:
        if not self._more:
            raise zlib.error("more comes after its end")
        self._more -= 1
        self._inflater = zlib.decompressobj(_FORMATS["gzip"][0])
