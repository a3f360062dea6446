"""Hold secrets so that no log line, page, label or exception text can show them."""

import errno
from pathlib import Path
from typing import Protocol

from exporter.files import read_text

MASK = "<secret>"
_MOST_BYTES = 64 * 1024


class Secret(Protocol):
    """Anything that can reveal a secret to the code that signs or logs in."""

    def reveal(self) -> str:
        """Return the secret itself; the only way to it."""


class TextSecret:
    """A secret given in the configuration or the environment."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the secret itself."""
        return self._value

    def __repr__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TextSecret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((TextSecret, self._value))


class FileSecret:
    """A secret kept in a file, which `look` reads again.

    Kubernetes and Vault rotate secrets by replacing the file. While it cannot be used (it is being
    replaced, or emptied before it is written) the last value stays in use. White space at the end
    is not part of the secret. Raises OSError or UnicodeDecodeError from the constructor when the
    file cannot be used.
    """

    __slots__ = ("_path", "_value")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._value = _read(path)

    @property
    def path(self) -> Path:
        """Return where the secret is kept."""
        return self._path

    def look(self) -> str:
        """Read the file again; return why the last secret is kept, or nothing.

        Files on a server can keep one waiting: not to be called on the event loop.
        """
        try:
            # Read in any case: a copy can have size, time and number of what it replaces.
            self._value = _read(self._path)
        except UnicodeDecodeError:
            return "not a UTF-8 text file"
        except OSError as exc:
            return exc.strerror or "cannot be read"
        return ""

    def reveal(self) -> str:
        """Return the secret as the file held it at the last look."""
        return self._value

    def __repr__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FileSecret) and other._path == self._path

    def __hash__(self) -> int:
        return hash((FileSecret, self._path))


def _read(path: Path) -> str:
    value = read_text(path, _MOST_BYTES).rstrip()
    if not value:
        raise OSError(errno.ENODATA, "the file is empty")
    if "\0" in value:
        # So a file system gives back what it had no time to write before the power went.
        raise OSError(errno.EINVAL, "the file holds zero bytes")
    return value
