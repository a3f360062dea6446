"""Hold secrets so that no log line, page, label or exception text can show them."""

from pathlib import Path
from typing import Protocol

MASK = "<secret>"


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
    """A secret kept in a file, read again when the file changes.

    Kubernetes and Vault rotate secrets by replacing the file. While it cannot be read (it is being
    replaced) the last value stays in use. White space at the end is not part of the secret.
    Raises OSError or UnicodeDecodeError from the constructor when the file cannot be read.
    """

    __slots__ = ("_path", "_stamp", "_value")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = _stamp(path)
        self._value = path.read_text(encoding="utf-8").rstrip()

    def reveal(self) -> str:
        """Return the secret as the file holds it now."""
        try:
            stamp = _stamp(self._path)
            if stamp != self._stamp:
                self._value = self._path.read_text(encoding="utf-8").rstrip()
                self._stamp = stamp
        except (OSError, UnicodeDecodeError):
            return self._value
        return self._value

    def __repr__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FileSecret) and other._path == self._path

    def __hash__(self) -> int:
        return hash((FileSecret, self._path))


def _stamp(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size, status.st_ino
