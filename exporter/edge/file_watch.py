"""Notice when a file is no longer the one that was opened, or was written by somebody else.

Of a file that was deleted, exchanged or whose folder went away an open descriptor tells nothing:
writing goes on working, into what nobody will ever read again. So the path is looked at. What costs
is a system call a file, some microseconds.
"""

import os
from dataclasses import dataclass
from pathlib import Path

_MOST_FALSE_ALARMS = 2
"""After so many changes of nothing but its time a file's times are no longer looked at: there are
file systems that set them late."""


def real_path(path: Path) -> Path:
    """Return where a path leads to through all links, whether or not something is there.

    Links that go round in a circle are told by looking at what this returns, as whatever else
    keeps one from a file; pathlib has an error of its own for them. Raises OSError.
    """
    return Path(os.path.realpath(path))


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells one state of a file from another."""

    device: int
    number: int
    size: int
    modified: int

    def same_file(self, other: "Stamp") -> bool:
        """Say whether both are of one file."""
        return self.number == other.number and self.device == other.device


def look(path: Path) -> Stamp:
    """Return the stamp of the file at a path. Raises OSError."""
    found = os.stat(path)
    return Stamp(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


class FileWatch:
    """Some files that only we may write, as they were when they were last seen in order."""

    def __init__(self, *paths: Path) -> None:
        """Take the files as they are. Raises OSError."""
        self._paths = paths
        self._stamps = [look(path) for path in paths]
        self._false_alarms = 0
        self._only_a_time = False

    def holds(self, path: Path) -> bool:
        """Say whether the file at a path is one of them, under whatever name."""
        try:
            found = look(path)
        except OSError:
            return False
        return any(found.same_file(stamp) for stamp in self._stamps)

    def twin(self, path: Path) -> bool:
        """Say whether a file at a path has the number of one of them, on whatever device."""
        try:
            number = os.stat(path).st_ino
        except OSError:
            return False
        return any(number == stamp.number for stamp in self._stamps)

    def accept(self) -> str:
        """Take what we have written ourselves as it is now; return what is wrong otherwise."""
        stamps = []
        for path, before in zip(self._paths, self._stamps, strict=True):
            found = _find(path, before)
            if isinstance(found, str):
                return found
            stamps.append(found)
        self._stamps = stamps
        return ""

    def check(self) -> str:
        """Return what has happened to the files since; an empty text if nothing has."""
        for path, before in zip(self._paths, self._stamps, strict=True):
            found = _find(path, before)
            if isinstance(found, str):
                return found
            if found.size != before.size:
                return f"{path}: changed by another program"
            if found.modified != before.modified and self._false_alarms < _MOST_FALSE_ALARMS:
                self._only_a_time = True
                return f"{path}: changed by another program"
        return ""

    def follow(self, before: "FileWatch") -> None:
        """Trust the times of files no more than those of the files before."""
        self._false_alarms = before._false_alarms + before._only_a_time


def _find(path: Path, before: Stamp) -> Stamp | str:
    try:
        found = look(path)
    except FileNotFoundError:
        return f"{path}: deleted or moved away"
    except OSError as exc:
        return f"{path}: {exc.strerror or 'cannot be looked at'}"
    return found if found.same_file(before) else f"{path}: another file is in its place"
