"""Read lists of targets as Prometheus reads them.

Prometheus documentation, "Configuration": file_sd_config, and "HTTP SD": a list of
`{targets: [host:port, …], labels: {name: value, …}}`, as JSON or, in files, as YAML. What it reads
strictly is read strictly here: an unknown key, a label that is no text, a name that is no label
name make the whole document useless. Pure functions.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from exporter.errors import UnreadableError

LARGEST_JSON = 16 * 1024 * 1024
LARGEST_YAML = 2 * 1024 * 1024
"""Bytes: YAML takes twenty times as long to read."""
_MOST_TARGETS = 50_000
_DEEPEST = 4
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_KEYS = ("targets", "labels")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetGroup:
    """Some targets and the labels that they share."""

    targets: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


def parse_json_groups(content: bytes) -> tuple[TargetGroup, ...]:
    """Read a JSON document. Raises UnreadableError with the place and what was expected there."""
    try:
        text = content.decode("utf-8")
        document = json.loads(text, object_pairs_hook=_members, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise UnreadableError("expected JSON") from None
    return _groups(document, fold=True)


def parse_yaml_groups(content: bytes) -> tuple[TargetGroup, ...]:
    """Read a YAML document. Raises UnreadableError with the place and what was expected there."""
    if len(content) > LARGEST_YAML:
        raise UnreadableError(f"YAML of more than {LARGEST_YAML // 1024} KiB")
    try:
        loader = _LOADER(content)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
        document = None if node is None else _plain(node, 0, [0])
    except (yaml.YAMLError, ValueError, RecursionError):
        raise UnreadableError("expected YAML") from None
    return _groups(document, fold=False)


class _Members(list[tuple[str, Any]]):
    """The members of an object, in order: a key that is given twice is seen."""


def _members(pairs: list[tuple[str, Any]]) -> _Members:
    return _Members(pairs)


def _no_constant(text: str) -> Any:
    raise ValueError(text)


def _plain(node: yaml.Node, depth: int, count: list[int]) -> Any:
    """Return what a node says, with every scalar as its text: Prometheus reads 8081 as one."""
    count[0] += 1
    if depth > _DEEPEST or count[0] > 4 * _MOST_TARGETS:
        raise UnreadableError("expected a list of groups of targets, with less in it")
    if isinstance(node, yaml.ScalarNode):
        is_null = not node.style and node.value in _NULLS
        return None if is_null else node.value
    if isinstance(node, yaml.SequenceNode):
        return [_plain(each, depth + 1, count) for each in node.value]
    members = _Members()
    names = set()
    for key, value in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else None
        if not isinstance(name, str) or name in names:
            raise UnreadableError("expected a mapping whose keys are texts, each given once")
        names.add(name)
        members.append((name, _plain(value, depth + 1, count)))
    return members


def _groups(document: object, *, fold: bool) -> tuple[TargetGroup, ...]:
    if document is None:
        return ()
    if not isinstance(document, list) or isinstance(document, _Members):
        raise UnreadableError("expected a list of groups of targets")
    groups = tuple(_group(each, f"[{index}]", fold=fold) for index, each in enumerate(document))
    if sum(len(group.targets) for group in groups) > _MOST_TARGETS:
        raise UnreadableError(f"expected up to {_MOST_TARGETS} targets")
    return groups


def _group(entry: object, place: str, *, fold: bool) -> TargetGroup:
    if not isinstance(entry, _Members):
        raise UnreadableError(f"{place}: expected a mapping with targets and labels")
    targets: tuple[str, ...] = ()
    labels: dict[str, str] = {}
    for name, value in entry:
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
    if not isinstance(value, list) or isinstance(value, _Members):
        raise UnreadableError(f"{place}: expected a list of texts")
    for index, each in enumerate(value):
        if each is not None and not isinstance(each, str):
            raise UnreadableError(f"{place}[{index}]: expected a text")
        yield each or ""


def _labels(value: object, place: str) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, _Members):
        raise UnreadableError(f"{place}: expected a mapping")
    labels = {}
    for name, text in value:
        if not _LABEL_NAME.fullmatch(name):
            raise UnreadableError(f"{place}: expected names of labels as the keys")
        if text is not None and not isinstance(text, str):
            raise UnreadableError(f"{place}.{name[:60]}: expected a text")
        labels[name] = text or ""
    return labels
