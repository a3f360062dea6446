"""Find Flink clusters in files of targets, in Prometheus' own format.

Prometheus documentation, "Configuration", file_sd_config. A file that cannot be read or understood
keeps what it told last; the targets of a file that is deleted go. A file is understood again only
when it changed.
"""

import errno
import fnmatch
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from exporter.discovery.admission import OPERATION
from exporter.discovery.clusters import Clusters, SkippedTarget
from exporter.discovery.surroundings import Surroundings
from exporter.discovery.target_groups import (
    LARGEST_JSON,
    TargetGroup,
    parse_json_groups,
    parse_yaml_groups,
)
from exporter.discovery.targets import clusters_of
from exporter.errors import FetchError, Reason, UnreadableError
from exporter.files import read
from exporter.process.steps import in_steps
from exporter.runtime import Wait
from exporter.settings import Section, expecting

_PATTERN = re.compile(r"[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)")
"""As Prometheus has it: only the last part of a path may have stars."""
_MOST_FILES = 1000
_MOST_ENTRIES = 100_000
LABEL_NAME = r"[a-zA-Z_][a-zA-Z0-9_]*"

ClusterLabel = Annotated[
    str, Field(pattern=rf"^{LABEL_NAME}$"), expecting("the name of a label, such as cluster")
]


def _pattern(text: str, info: ValidationInfo) -> str:
    if not _PATTERN.fullmatch(text):
        raise PydanticCustomError(
            "paths", "expected a .json, .yml or .yaml file, with * in its name at most"
        )
    # Relative names are relative to the configuration file, as in Prometheus.
    directory = Path((info.context or {}).get("directory", Path()))
    return str(directory / text)


def at_least_one(values: tuple[str, ...]) -> tuple[str, ...]:
    """Check a list of settings, once each of its entries is right by itself."""
    if not 0 < len(values) <= _MOST_FILES:
        raise PydanticCustomError("list", "expected a list of 1 to {most}", {"most": _MOST_FILES})
    return values


_Path = Annotated[str, AfterValidator(_pattern)]


class FilesSettings(Section):
    """Files of targets."""

    paths: Annotated[tuple[_Path, ...], AfterValidator(at_least_one)]
    cluster_label: ClusterLabel = "cluster"


@dataclass(frozen=True, slots=True)
class _Good:
    """What a file told last."""

    state: tuple[int, int, int]
    """Its time of change, size and number."""
    groups: tuple[TargetGroup, ...]


@dataclass(frozen=True, slots=True)
class _Look:
    """What a look at all files found."""

    good: dict[str, _Good]
    problems: dict[str, str]


class FilesDiscovery:
    """Clusters that files tell of."""

    def __init__(self, settings: FilesSettings, *, aside: Wait) -> None:
        self._settings = settings
        self._aside = aside
        self._good: dict[str, _Good] = {}

    async def find(self) -> Clusters:
        """Read what changed; return all clusters. Raises FetchError when no file can be read."""
        before = self._good
        try:
            look = await self._aside(partial(self._look, before), self._settings.paths)
        except OSError as exc:
            raise _failure(exc.strerror or "the files cannot be read") from None
        if look.problems and not look.good:
            name, problem = next(iter(look.problems.items()))
            raise _failure(f"{name}: {problem}")
        self._good = look.good
        groups = [group for name in sorted(look.good) for group in look.good[name].groups]
        found = await in_steps(clusters_of(groups, self._settings.cluster_label))
        skipped = [SkippedTarget(name=name, reason=why) for name, why in look.problems.items()]
        return Clusters(
            living=found.living,
            skipped=(*found.skipped, *skipped),
            failures=tuple(_failure(f"{name}: {why}") for name, why in look.problems.items()),
            # What a file told before it was broken is known; of any other nobody knows.
            complete=look.problems.keys() <= look.good.keys(),
        )

    async def aclose(self) -> None:
        """Close nothing: no file stays open."""

    def _look(self, before: dict[str, _Good]) -> _Look:
        good: dict[str, _Good] = {}
        problems: dict[str, str] = {}
        for pattern in self._settings.paths:
            for path in matching_files(pattern):
                name = str(path)
                if name in good or name in problems:
                    continue
                known = before.get(name)
                try:
                    good[name] = _read(path, known)
                except FileNotFoundError:
                    # Deleted since the folder was listed.
                    continue
                except (OSError, UnreadableError) as exc:
                    problems[name] = _said(exc)
                    if known is not None:
                        good[name] = known
                if len(good) > _MOST_FILES:
                    raise OSError(errno.EFBIG, f"more than {_MOST_FILES} files of targets")
        return _Look(good, problems)


def open_files(settings: FilesSettings, surroundings: Surroundings) -> FilesDiscovery:
    """Open a discovery of files."""
    return FilesDiscovery(settings, aside=surroundings.runtime.aside)


def matching_files(pattern: str) -> Iterator[Path]:
    """Yield the files of a pattern, whose last part may have stars, in the order of their names.

    Raises OSError when the folder cannot be listed: then nobody knows which files there are.
    """
    folder, name = os.path.split(pattern)
    if not any(each in name for each in "*?["):
        # A name without a star is that of a file, which may not be there.
        os.stat(folder or ".")
        if os.path.lexists(pattern):
            yield Path(pattern)
        return
    found = []
    with os.scandir(folder or ".") as entries:
        for count, entry in enumerate(entries):
            if count > _MOST_ENTRIES:
                raise OSError(errno.EFBIG, f"more than {_MOST_ENTRIES} files in one folder")
            if fnmatch.fnmatchcase(entry.name, name):
                found.append(entry.name)
    yield from (Path(folder, each) for each in sorted(found))


def _read(path: Path, known: _Good | None) -> _Good:
    found = path.stat()
    state = (found.st_mtime_ns, found.st_size, found.st_ino)
    if known is not None and known.state == state:
        return known
    content = read(path, LARGEST_JSON)
    is_json = path.suffix.lower() == ".json"
    return _Good(state, parse_json_groups(content) if is_json else parse_yaml_groups(content))


def _said(exc: OSError | UnreadableError) -> str:
    if isinstance(exc, UnreadableError):
        return str(exc)
    reason = exc.strerror or "cannot be read"
    return reason[:1].lower() + reason[1:]


def _failure(detail: str) -> FetchError:
    return FetchError(Reason.INVALID_RESPONSE, OPERATION, detail=detail[:500])
