"""Find in the code every event that the exporter may log.

An event is the first text of `log.warning(...)` and its like, or of what a ConditionLog is told.
What is filled in while it runs is shown as an ellipsis.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

_LEVELS = ("debug", "info", "warning", "error")
_CONDITIONS = {
    "once": (0, "warning"),
    "all_at_once": (0, "warning"),
    "began": (1, "warning"),
    "ended": (1, "info"),
}
"""Where the event stands among the arguments, and how loudly it is said first."""
_HANDED_ON = {("condition_log.py", "event"), ("logs.py", "text[0] if text else ''")}
"""What somebody else says: whoever tells a ConditionLog, and the warnings of libraries."""


class UnknownEventError(Exception):
    """An event is put together in a way that this module does not follow."""


def log_events(package: Path) -> dict[str, str]:
    """Return the levels of all events of a package but those of the simulator."""
    return {
        event: level
        for path in package.rglob("*.py")
        if "simulator" not in path.parts
        for event, level in _events(path)
    }


def _events(path: Path) -> Iterator[tuple[str, str]]:
    tree = ast.parse(path.read_text())
    names = {**_imported(tree, path), **_assigned(tree)}
    for node in ast.walk(tree):
        said = _said(node)
        if said is not None and (path.name, ast.unparse(said[0])) not in _HANDED_ON:
            for event in _texts(said[0], names, path):
                yield event, said[1]


def _assigned(tree: ast.Module) -> dict[str, ast.expr]:
    """Return what each name of a module is set to, wherever in it."""
    return {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _imported(tree: ast.Module, path: Path) -> dict[str, ast.expr]:
    """Return what the names are set to that a module takes from another of its room."""
    found: dict[str, ast.expr] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            other = path.with_name(f"{node.module.split('.')[-1]}.py")
            if other.exists():
                known = _assigned(ast.parse(other.read_text()))
                found |= {each.name: known[each.name] for each in node.names if each.name in known}
    return found


def _said(node: ast.AST) -> tuple[ast.expr, str] | None:
    """Return the event that a piece of code says, and its level, if it says one."""
    if isinstance(node, ast.Dict):
        # What is logged without a logger, by what loggers write to.
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == "event":
                return value, "warning"
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    method, spoken_to = node.func.attr, ast.unparse(node.func.value).split(".")[-1].lstrip("_")
    if spoken_to == "log" and method in _LEVELS:
        return node.args[0], method
    if spoken_to == "conditions" and method in _CONDITIONS:
        place, level = _CONDITIONS[method]
        return node.args[place], level
    return None


def _texts(node: ast.expr, names: dict[str, ast.expr], path: Path) -> set[str]:
    """Return all that an expression may say."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value}
    if isinstance(node, ast.IfExp):
        return _texts(node.body, names, path) | _texts(node.orelse, names, path)
    if isinstance(node, ast.Name) and node.id in names:
        return _texts(names[node.id], names, path)
    if isinstance(node, ast.JoinedStr):
        found = {""}
        for part in node.values:
            found = {before + text for before in found for text in _part(part, names, path)}
        return found
    raise UnknownEventError(f"{path}:{node.lineno}: {ast.unparse(node)}")


def _part(part: ast.expr, names: dict[str, ast.expr], path: Path) -> set[str]:
    if isinstance(part, ast.FormattedValue):
        value = part.value
        known = isinstance(value, ast.Name) and value.id in names
        return _texts(value, names, path) if known else {"…"}
    return _texts(part, names, path)
