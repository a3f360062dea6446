"""Read lists of targets as Prometheus reads them.

Prometheus documentation, "Configuration": file_sd_config, and "HTTP SD": a list of
`{targets: [host:port, …], labels: {name: value, …}}`, as JSON or, in files, as YAML. What it reads
strictly is read strictly here: an unknown key, a label that is no text, a name that is no label
name make the whole document useless. Pure functions.
"""

import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import yaml

from exporter.discovery.plain_yaml import read_plain
from exporter.errors import UnreadableError
from exporter.process.steps import finished
from exporter.upstream.large_json import RowReader, decode_in_steps

LARGEST_JSON = 16 * 1024 * 1024
LARGEST_YAML = 2 * 1024 * 1024
"""Bytes: YAML takes twenty times as long to read."""
_MOST_TARGETS = 50_000
_MOST_GROUPS = _MOST_TARGETS
"""One without targets is of no use, and takes three bytes."""
_DEEPEST = 4
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_KEYS = ("targets", "labels")


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetGroup:
    """Some targets and the labels that they share."""

    targets: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


def parse_json_groups(content: bytes) -> tuple[TargetGroup, ...]:
    """Read a JSON document. Raises UnreadableError with the place and what was expected there.

    A piece of it at a time: decoded at once, a large one would hold the interpreter for a second,
    whatever thread it is decoded in.
    """
    groups = _Groups(fold=True)
    rows = RowReader(paths=((),), start=lambda: groups.add)
    try:
        if content.startswith(codecs.BOM_UTF8):
            raise UnreadableError("expected JSON")
        content.decode("utf-8")
        document = finished(decode_in_steps(content, rows))
    except (ValueError, RecursionError):
        raise UnreadableError("expected JSON") from None
    return groups.of(document)


def parse_yaml_groups(content: bytes) -> tuple[TargetGroup, ...]:
    """Read a YAML document. Raises UnreadableError with the place and what was expected there."""
    if len(content) > LARGEST_YAML:
        raise UnreadableError(f"YAML of more than {LARGEST_YAML // 1024} KiB")
    groups = _Groups(fold=False)
    try:
        document = read_plain(content, groups.add, deepest=_DEEPEST, most=4 * _MOST_TARGETS)
    except (yaml.YAMLError, ValueError, RecursionError):
        raise UnreadableError("expected YAML") from None
    return groups.of(document)


class _Groups:
    """The groups of one document, which are bounded as they come."""

    def __init__(self, *, fold: bool) -> None:
        self._fold = fold
        self._found: list[TargetGroup] = []
        self._targets = 0

    def add(self, index: int, entry: object) -> None:
        """Read one more group; raises UnreadableError when it is none, or one too many."""
        if index >= _MOST_GROUPS:
            raise UnreadableError(f"expected up to {_MOST_GROUPS} groups of targets")
        group = _group(entry, f"[{index}]", fold=self._fold)
        self._targets += len(group.targets)
        if self._targets > _MOST_TARGETS:
            raise UnreadableError(f"expected up to {_MOST_TARGETS} targets")
        self._found.append(group)

    def of(self, document: object) -> tuple[TargetGroup, ...]:
        """Return them; raises UnreadableError when the document is no list."""
        if document is not None and not isinstance(document, list):
            raise UnreadableError("expected a list of groups of targets")
        return tuple(self._found)


def _group(entry: object, place: str, *, fold: bool) -> TargetGroup:
    if not isinstance(entry, dict):
        raise UnreadableError(f"{place}: expected a mapping with targets and labels")
    targets: tuple[str, ...] = ()
    labels: dict[str, str] = {}
    for name, value in entry.items():
        # Go takes a key of JSON in any case.
        key = name.casefold() if fold else name
        if key not in _KEYS:
            raise UnreadableError(f"{place}: expected targets and labels and no other key")
        if key == "targets":
            targets = tuple(_targets(value, f"{place}.targets"))
        else:
            labels = _labels(value, f"{place}.labels")
    return TargetGroup(targets=targets, labels=labels)


def _targets(value: object, place: str) -> Iterator[str]:
    if value is None:
        return
    if not isinstance(value, list):
        raise UnreadableError(f"{place}: expected a list of texts")
    for index, each in enumerate(value):
        if each is not None and not isinstance(each, str):
            raise UnreadableError(f"{place}[{index}]: expected a text")
        yield each or ""


def _labels(value: object, place: str) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UnreadableError(f"{place}: expected a mapping")
    labels = {}
    for name, text in value.items():
        if not _LABEL_NAME.fullmatch(name):
            raise UnreadableError(f"{place}: expected names of labels as the keys")
        if text is not None and not isinstance(text, str):
            raise UnreadableError(f"{place}.{name[:60]}: expected a text")
        labels[name] = text or ""
    return labels
