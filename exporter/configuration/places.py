"""Find where in a file each problem of a configuration is: line, column, and name of the source.

It is looked for only when there is something to tell, in the nodes that the text is made of. A
value that comes by an alias or a merge is where it was written.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

import yaml

from exporter.configuration.yaml_documents import compose_document
from exporter.errors import About, ConfigProblem, Place
from exporter.settings import quoted

_SOURCE = re.compile(r"sources\[\d+\]")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_HARMLESS = re.compile(r"[-+.,0-9]{0,12} ?[A-Za-z]{0,10}")
"""What is a number, a duration or a word; a secret in the wrong line is longer than that."""
_PUBLIC = re.compile(r"(?=.{1,20}\Z)([^\W\d_]{1,12}|\d{1,3})([-_. ]([^\W\d_]{1,12}|\d{1,3})){0,4}")
"""What is a region in another spelling, or by its name: words without digits in them."""
_VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]{0,60}")
_MOST_STEPS = 64
_KINDS = {
    "tag:yaml.org,2002:null": "nothing",
    "tag:yaml.org,2002:int": "a number",
    "tag:yaml.org,2002:float": "a number",
    "tag:yaml.org,2002:str": "a text",
}


@dataclass(frozen=True, slots=True)
class Origin:
    """The file that a configuration was read from.

    `expanded` returns a text with what stands for the environment replaced.
    """

    file: str = ""
    """Its name as it was given; empty when it is no file."""
    text: str = field(default="", repr=False)
    expanded: Callable[[str], str] = field(default=str, repr=False)

    def place(self, problems: Iterable[ConfigProblem]) -> tuple[ConfigProblem, ...]:
        """Return the problems with their places, in the order of lines.

        It takes as long as reading the text did.
        """
        if not self.file:
            return tuple(problems)
        finder = _Finder(self)
        return tuple(sorted(map(finder.placed, problems), key=_order))


def _order(problem: ConfigProblem) -> tuple[int, int]:
    where = problem.place
    return (where.line, where.column) if where is not None else (0, 0)


class _Finder:
    """Knows the nodes of one text."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._root = compose_document(origin.text)
        self._keys: dict[int, dict[str, tuple[yaml.Node, yaml.Node]]] = {}

    def placed(self, problem: ConfigProblem) -> ConfigProblem:
        file, given = self._origin.file, problem.place
        if given is not None or self._root is None or not problem.path:
            where = Place(file=file) if given is None else replace(given, file=file)
            return replace(problem, place=where)
        key, node, rest = self._walk(self._root, problem.path)
        # Of a whole section its key says more than its first line.
        by_key = problem.about is About.KEY or not isinstance(node, yaml.ScalarNode)
        mark = key.start_mark if key is not None and by_key else node.start_mark
        where = Place(
            file=file,
            line=mark.line + 1,
            column=mark.column + 1,
            source=self._source(problem.path),
            found="" if rest else _told(node, problem),
        )
        return replace(problem, place=where)

    def _source(self, path: str) -> str:
        """Return the name of the source that a problem is of, if it has one."""
        match = _SOURCE.match(path)
        if match is None or self._root is None:
            return ""
        _, node, rest = self._walk(self._root, f"{match[0]}.name")
        if rest or not isinstance(node, yaml.ScalarNode):
            return ""
        name = self._origin.expanded(node.value)
        return name if _NAME.fullmatch(name) else ""

    def _walk(self, node: yaml.Node, path: str) -> tuple[yaml.Node | None, yaml.Node, str]:
        """Return the key and the node a path leads to, and what of the path leads nowhere."""
        key: yaml.Node | None = None
        while path:
            step = self._step(node, path)
            if step is None:
                break
            key, node, path = step
        return key, node, path

    def _step(self, node: yaml.Node, path: str) -> tuple[yaml.Node | None, yaml.Node, str] | None:
        if isinstance(node, yaml.SequenceNode):
            match = re.match(r"\[(\d{1,7})\]\.?", path)
            if match is None or int(match[1]) >= len(node.value):
                return None
            return None, node.value[int(match[1])], path[match.end() :]
        if not isinstance(node, yaml.MappingNode):
            return None
        keys = self._keys_of(node)
        # Keys are what people chose: there may be dots and brackets in them.
        for key in reversed(list(_beginnings(path))):
            if key in keys:
                return *keys[key], path[len(key) :].removeprefix(".")
        return None

    def _keys_of(self, node: yaml.MappingNode) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        known = self._keys.get(id(node))
        if known is None:
            # What is merged into itself finds nothing more.
            self._keys[id(node)] = {}
            known = self._keys[id(node)] = dict(self._pairs(node))
        return known

    def _pairs(self, node: yaml.MappingNode) -> Iterator[tuple[str, tuple[yaml.Node, yaml.Node]]]:
        """Yield the keys of a mapping, its own after those that are merged into it."""
        own = []
        for key, value in node.value:
            if key.tag != "tag:yaml.org,2002:merge":
                own.append((quoted(key.value), (key, value)))
                continue
            merged = value.value if isinstance(value, yaml.SequenceNode) else [value]
            for each in reversed(merged):
                if isinstance(each, yaml.MappingNode):
                    yield from self._keys_of(each).items()
        yield from own


def _beginnings(path: str) -> Iterator[str]:
    """Yield what the first key of a path can be, from the shortest on."""
    for number, match in enumerate(re.finditer(r"[.\[]|$", path)):
        if number == _MOST_STEPS:
            break
        yield path[: match.start()]


def _told(node: yaml.Node, problem: ConfigProblem) -> str:
    """Say what was found, unless it may be a secret."""
    if problem.about is About.KEY or not problem.message.startswith("expected"):
        return ""
    if not isinstance(node, yaml.ScalarNode):
        kind = "list" if isinstance(node, yaml.SequenceNode) else "mapping"
        return f"a {kind}" if node.value else f"an empty {kind}"
    if match := _VARIABLE.search(node.value):
        return f"what {match[0]}}} stands for"
    if problem.about is About.PLAIN and node.value and _HARMLESS.fullmatch(node.value):
        quotes = node.tag == "tag:yaml.org,2002:str"
        return json.dumps(node.value) if quotes else node.value
    if problem.about is About.PUBLIC and _PUBLIC.fullmatch(node.value):
        return json.dumps(node.value, ensure_ascii=False)
    if node.tag == "tag:yaml.org,2002:bool":
        return str(node.value)
    kind = _KINDS.get(node.tag, "")
    if kind == "a text":
        return kind if problem.about is About.KIND else ""
    return kind
