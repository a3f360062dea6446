"""Read the file in which somebody keeps a token fresh: a kubelet, or an identity provider."""

import re
from pathlib import Path

from exporter.auth.cached_file import CachedFile
from exporter.runtime import Wait

_TOKEN = re.compile(r"[\x21-\x7e]+")


class TokenFile:
    """A token in a file, which is read anew at each use: it is replaced before it ends."""

    def __init__(self, path: str, *, aside: Wait) -> None:
        self._file = CachedFile(Path(path), _parse, aside=aside, named=True)

    async def read(self) -> str:
        """Return the token; raises UnusableError naming the file."""
        return await self._file.read()


def _parse(text: str) -> str:
    token = text.strip()
    if not _TOKEN.fullmatch(token):
        raise ValueError("no token")
    return token
