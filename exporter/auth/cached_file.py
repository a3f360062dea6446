"""Read a profile file again only when it changed."""

import configparser
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from exporter.errors import CredentialError

T = TypeVar("T")

Ini = dict[str, dict[str, str]]


class CachedFile(Generic[T]):
    """A parsed file; `parse` raises ValueError for a text that is not what it should be."""

    def __init__(self, path: Path, parse: Callable[[str], T]) -> None:
        self.path = path
        self._parse = parse
        self._read: tuple[tuple[int, int, int], T] | None = None

    def read(self) -> T:
        """Return what the file holds now.

        Raises CredentialError naming the file; neither it nor its context quotes the content.
        """
        try:
            status = self.path.stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if self._read is None or self._read[0] != stamp:
                self._read = (stamp, self._parse(self.path.read_text(encoding="utf-8-sig")))
            return self._read[1]
        except OSError as exc:
            problem = (exc.strerror or "cannot be read").lower()
        except (ValueError, RecursionError):
            problem = "cannot be understood"
        # Raised out here: the exceptions of parsers hold the text that they stumbled over.
        raise CredentialError(f"{self.path}: {problem}")


def parse_ini(text: str) -> Ini:
    """Read the sections of an INI file; raises ValueError when it is not one."""
    # Interpolation would stumble over a "%" in a secret.
    parser = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=("#",))
    try:
        parser.read_string(text)
    except configparser.Error as exc:
        raise ValueError from exc
    return {name: dict(parser[name]) for name in parser.sections()}
