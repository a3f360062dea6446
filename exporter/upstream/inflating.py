"""Undo the compression of a body in pieces of bounded size.

A thousandth of what a body becomes is enough for it to come in: decompressed at once, each 64 kB of
one become 64 MB.
"""

import asyncio
import zlib
from collections.abc import AsyncIterable, AsyncIterator
from typing import Final

_PIECE: Final = 256 * 1024
_FORMATS: Final[dict[str, tuple[int, ...]]] = {
    "gzip": (zlib.MAX_WBITS | 16,),
    # RFC 9110, 8.4.1.2: with the header of zlib; some servers leave it out.
    "deflate": (zlib.MAX_WBITS, -zlib.MAX_WBITS),
}


def is_known(encoding: str) -> bool:
    """Say whether a Content-Encoding can be undone here."""
    return encoding in _FORMATS


async def inflated(stream: AsyncIterable[bytes], encoding: str) -> AsyncIterator[bytes]:
    """Yield a body of a known encoding piece by piece. Raises zlib.error when it is not in it."""
    first, *others = _FORMATS[encoding]
    inflater = zlib.decompressobj(first)
    begun = False
    async for data in stream:
        rest = data
        while rest:
            try:
                piece = inflater.decompress(rest, _PIECE)
            except zlib.error:
                if begun or not others:
                    raise
                inflater = zlib.decompressobj(others.pop())
                continue
            begun = True
            rest = inflater.unconsumed_tail
            if piece:
                yield piece
            if rest:
                # All that comes of one read takes a second or more.
                await asyncio.sleep(0)
