"""Find in the code what the exporter can ask for, however seldom it does."""

import ast
import importlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from exporter.kubernetes.api import NAMESPACES, Kind
from exporter.vendors.flink_operator.resources import DEPLOYMENTS, SESSION_JOBS
from tests.faults.operations import OPERATIONS, Part

ROOT = Path(__file__).parents[3]
_ROOMS = ("platforms", "vendors", "discovery", "kubernetes", "edge")
_CALL = re.compile(r"(?:List|Show|Get|Describe|BatchGet|BatchList|Report)[A-Z][A-Za-z]+")
"""How vendors call what can be asked: verbs first."""
_PATH = re.compile(r"(?:[A-Z]\w+ )?/[a-z0-9_/:{}]*")
"""How operations are called that are paths; as constants, others are parts of something."""
LOGINS = {each.name for each in OPERATIONS if each.part in (Part.LOGIN, Part.METADATA)}


def _sources() -> Iterator[Path]:
    for room in _ROOMS:
        yield from (ROOT / "exporter" / room).rglob("*.py")


def _constants(tree: ast.Module) -> Iterator[str]:
    """Yield the texts of constants that other modules may use, by their names."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            (target,) = node.targets
            public = isinstance(target, ast.Name) and re.fullmatch("[A-Z][A-Z_]+", target.id)
            if public and isinstance(node.value.value, str):
                yield node.value.value


def _kinds() -> Iterator[Kind]:
    for path in _sources():
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for value in vars(importlib.import_module(name.removesuffix(".__init__"))).values():
            if isinstance(value, Kind):
                yield value


@cache
def operations() -> frozenset[str]:
    """Return the names of all operations."""
    found: set[str] = set()
    for path in _sources():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        texts = {
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        found |= {text for text in texts if _CALL.fullmatch(text)}
        found |= {text for text in _constants(tree) if _PATH.fullmatch(text)}
    for kind in set(_kinds()):
        # Of a namespace it is asked whether it is there, and the others are listed.
        found.add(f"{'get' if kind == NAMESPACES else 'list'} {kind.resource}")
    return frozenset(found | {f"get {kind.resource}" for kind in (DEPLOYMENTS, SESSION_JOBS)})
