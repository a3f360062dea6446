"""Read YAML as texts, lists and mappings of texts, from event to event.

A document that is put together at once holds the interpreter for up to a second, in whatever
thread, before anybody can see how much is in it.
"""

import itertools
from collections.abc import Callable
from typing import Any, Final

import yaml

from exporter.errors import UnreadableError

_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Plain = str | None | list[Any] | dict[str, Any]


def read_plain(
    content: bytes, add: Callable[[int, object], None], *, deepest: int, most: int
) -> Plain:
    """Read a document, with every scalar as its text: Prometheus reads 8081 as one.

    The entries of a list are handed to `add` as they come by, with their numbers, and it is
    returned empty; None for an empty document. Raises what `add` raises, yaml.YAMLError or
    ValueError for what is none, UnreadableError for what is nested deeper or has more nodes,
    counted wherever an alias repeats them.
    """
    loader = _LOADER(content)
    try:
        return _Reader(loader, deepest, most).document(add)
    finally:
        loader.dispose()


class _Reader:
    def __init__(self, loader: Any, deepest: int, most: int) -> None:
        self._loader = loader
        self._deepest = deepest
        self._left = most
        self._anchored: dict[str, tuple[Plain, int, int]] = {}
        """By anchor: what it is of, how many nodes that has, and how deep it is."""

    def document(self, add: Callable[[int, object], None]) -> Plain:
        self._loader.get_event()
        if self._loader.check_event(yaml.StreamEndEvent):
            return None
        self._loader.get_event()
        value: Plain = []
        if self._loader.check_event(yaml.SequenceStartEvent):
            self._rows(add)
        else:
            value, _ = self._node(0)
        self._loader.get_event()
        if not self._loader.check_event(yaml.StreamEndEvent):
            raise ValueError("more than one document")
        return value

    def _rows(self, add: Callable[[int, object], None]) -> None:
        self._loader.get_event()
        self._take(1, 0)
        for number in itertools.count():
            if self._loader.check_event(yaml.SequenceEndEvent):
                self._loader.get_event()
                return
            row, _ = self._node(1)
            add(number, row)

    def _node(self, depth: int) -> tuple[Plain, int]:
        """Return the node that begins here, and how deep it is."""
        event = self._loader.get_event()
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchored:
                raise ValueError("an alias of nothing")
            value, nodes, height = self._anchored[event.anchor]
            self._take(nodes, depth + height)
            return value, height
        self._take(1, depth)
        if event.anchor is not None and event.anchor in self._anchored:
            raise ValueError("an anchor that is there already")
        before = self._left + 1
        value, height = self._value(event, depth)
        if event.anchor is not None:
            self._anchored[event.anchor] = value, before - self._left, height
        return value, height

    def _value(self, event: yaml.Event, depth: int) -> tuple[Plain, int]:
        if isinstance(event, yaml.ScalarEvent):
            is_null = not event.style and event.value in _NULLS
            return None if is_null else event.value, 0
        height = 0
        if isinstance(event, yaml.SequenceStartEvent):
            listed = []
            while not self._loader.check_event(yaml.SequenceEndEvent):
                value, inner = self._node(depth + 1)
                listed.append(value)
                height = max(height, inner + 1)
            self._loader.get_event()
            return listed, height
        members: dict[str, Any] = {}
        while not self._loader.check_event(yaml.MappingEndEvent):
            name = self._name()
            if name in members:
                raise UnreadableError(_KEYS)
            members[name], inner = self._node(depth + 1)
            height = max(height, inner + 1)
        self._loader.get_event()
        return members, height

    def _name(self) -> str:
        event = self._loader.get_event()
        name: Plain = None
        if isinstance(event, yaml.AliasEvent) and event.anchor in self._anchored:
            name, _, _ = self._anchored[event.anchor]
        elif isinstance(event, yaml.ScalarEvent):
            name = event.value
            if event.anchor is not None:
                self._anchored[event.anchor] = name, 1, 0
        if not isinstance(name, str):
            raise UnreadableError(_KEYS)
        return name

    def _take(self, nodes: int, depth: int) -> None:
        self._left -= nodes
        if self._left < 0 or depth > self._deepest:
            raise UnreadableError("expected a list of groups of targets, with less in it")


_KEYS: Final = "expected a mapping whose keys are texts, each given once"
