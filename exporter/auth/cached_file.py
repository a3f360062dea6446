"""Read a profile file at each use, and understand it again only when it changed."""

import configparser
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from exporter.errors import CredentialError, UnusableError
from exporter.files import read
from exporter.runtime import Wait

T = TypeVar("T")
_MOST_BYTES = 256 * 1024

Ini = dict[str, dict[str, str]]


class CachedFile(Generic[T]):
    """A parsed file; `parse` raises ValueError for a text that is not what it should be.

    One that was `named` by somebody has to be there; of one at its usual place nobody may know.
    """

    def __init__(
        self, path: Path, parse: Callable[[str], T], *, aside: Wait, named: bool = False
    ) -> None:
        self.path = path
        self._parse = parse
        self._aside = aside
        self._named = named
        self._read: tuple[bytes, T] | None = None

    async def read(self) -> T:
        """Return what the file holds now.

        Raises CredentialError naming the file when there is none, UnusableError when it cannot be
        used or was named and is missing; neither they nor their context quote the content.
        """
        try:
            content = await self._aside(self._content, self.path)
            if self._read is None or self._read[0] != content:
                self._read = (content, self._parse(content.decode("utf-8-sig")))
            return self._read[1]
        except OSError as exc:
            problem = (exc.strerror or "cannot be read").lower()
        except (ValueError, RecursionError):
            problem = "cannot be understood"
        # Raised out here: the exceptions of parsers hold the text that they stumbled over.
        raise UnusableError(f"{self.path}: {problem}")

    def _content(self) -> bytes:
        try:
            self.path.stat()
        except OSError as exc:
            # What lies in a directory that may not be entered is not for this program either.
            kind = UnusableError if self._named else CredentialError
            raise kind(f"{self.path}: {(exc.strerror or 'cannot be read').lower()}") from None
        except ValueError:
            raise UnusableError("the name of a file of credentials is none") from None
        return read(self.path, _MOST_BYTES)


def parse_ini(text: str, comments: tuple[str, ...] = ("#",)) -> Ini:
    """Read the sections of an INI file; `comments` begin one behind a value.

    Raises ValueError when it is no such file.
    """
    # Interpolation would stumble over a "%" in a secret.
    parser = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=comments)
    try:
        parser.read_string(text)
    except configparser.Error as exc:
        raise ValueError from exc
    return {name: dict(parser[name]) for name in parser.sections()}
