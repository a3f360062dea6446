"""Read from the source what is used of a library by names that it promises to nobody."""

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import exporter
from tests.libraries.private_names import ROWS

ROOT = Path(__file__).parent
while not (ROOT / "pyproject.toml").exists():
    ROOT = ROOT.parent

PUBLIC_MODULES = frozenset(
    {
        *("aiohttp", "bcrypt", "httpx", "httptools", "jinja2", "prometheus_client", "pydantic"),
        *("pydantic_core", "structlog", "uvicorn", "yaml", "yarl", "aiohttp.abc"),
        *("dns.asyncresolver", "dns.exception", "dns.nameserver", "dns.rcode", "dns.resolver"),
        *("prometheus_client.core", "prometheus_client.exposition", "prometheus_client.registry"),
        *("prometheus_client.openmetrics", "prometheus_client.openmetrics.exposition"),
        *("starlette.applications", "starlette.concurrency", "starlette.requests"),
        *("starlette.responses", "starlette.routing", "starlette.types"),
    }
)
"""Modules whose documentation says to import from them."""

DISTRIBUTIONS = {"prometheus_client": "prometheus-client", "yaml": "PyYAML", "dns": "dnspython"}
"""Names under which libraries are installed, where that is another than they are imported by."""

LIBRARIES = {*(each.partition(".")[0] for each in PUBLIC_MODULES), "anyio", "httpcore"}

MEANT_FOR_IT = frozenset(
    {
        ("aiohttp", "resolve"),
        ("aiohttp", "close"),
        ("httpx", "async_auth_flow"),
        ("httpx", "auth_flow"),
        ("httpx", "handle_async_request"),
        ("httpx", "aclose"),
        ("prometheus_client", "collect"),
        ("prometheus_client", "register"),
        ("prometheus_client", "unregister"),
    }
)
"""Methods that a library documents as the ones a subclass has."""

OF_NAMED_TUPLES = frozenset({"_asdict", "_field_defaults", "_fields", "_make", "_replace"})
"""Python documents these: they begin with _ lest they are taken for fields."""

Use = tuple[str, str, str]
"""Where, which library, and what."""

Classes = dict[tuple[str, str], ast.ClassDef]
"""The source of our classes, by module and name."""


def _modules() -> list[ModuleType]:
    found = pkgutil.walk_packages(exporter.__path__, "exporter.")
    # To import that one is to run the program.
    return [
        importlib.import_module(each.name) for each in found if each.name.count("__main__") == 0
    ]


def _top(name: str) -> str:
    return name.partition(".")[0]


def trees() -> dict[ModuleType, ast.Module]:
    return {module: ast.parse(inspect.getsource(module)) for module in _modules()}


def _own_names(trees: dict[ModuleType, ast.Module]) -> set[str]:
    """Return every private name that the exporter itself gives to something."""
    names: set[str] = set()
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                names |= {node.attr} if _is_self(node.value) else set()
    return names


def _imported(where: str, tree: ast.Module) -> Iterator[Use]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            # What is taken out of a package may be a module of it.
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [node.module, *(each for each in inner if _is_module(each))]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            if _top(name) in LIBRARIES and name not in PUBLIC_MODULES:
                yield where, _top(name), name


def _is_module(name: str) -> bool:
    if _top(name) not in LIBRARIES:
        return False
    outer, _, inner = name.rpartition(".")
    return isinstance(getattr(importlib.import_module(outer), inner), ModuleType)


def _reached(where: str, tree: ast.Module, own: set[str]) -> Iterator[Use]:
    """Yield private attributes of objects that are not ours, by attribute or by getattr."""
    for node in ast.walk(tree):
        name = ""
        if isinstance(node, ast.Attribute) and not _is_self(node.value):
            name = node.attr
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "setattr"):
            given = node.args[1] if len(node.args) > 1 else None
            name = str(given.value) if isinstance(given, ast.Constant) else ""
        private = name.startswith("_") and not name.endswith("__")
        if private and name not in own | OF_NAMED_TUPLES:
            yield where, _library_of(name), name


def _library_of(name: str) -> str:
    """Return whose a private name is: that of the row that has it, for the text does not say."""
    return next((row.package for row in ROWS if row.name == name), "?")


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def _inherited(where: str, module: ModuleType, classes: Classes) -> Iterator[Use]:
    """Yield what our subclasses override or use of a library's class."""
    for (place, name), node in classes.items():
        known = getattr(module, name, None) if place == module.__name__ else None
        bases = known.__mro__ if isinstance(known, type) else ()
        foreign = [base for base in bases if _top(base.__module__) in LIBRARIES]
        # pydantic and Starlette are there to be subclassed; what begins with _ is seen elsewhere.
        if not foreign or _top(foreign[0].__module__) in ("pydantic", "starlette"):
            continue
        ours = [found for base in bases if (found := classes.get((base.__module__, base.__name__)))]
        for taken in _taken_from(node, ours, foreign):
            if (_top(foreign[0].__module__), taken) not in MEANT_FOR_IT:
                yield where, _top(foreign[0].__module__), taken


def _taken_from(node: ast.ClassDef, ours: list[ast.ClassDef], foreign: list[type]) -> Iterator[str]:
    given = set().union(*map(_given, ours))
    named = _defined(node) | {each.attr for each in _of_self(node)}
    for name in named:
        theirs = any(name in vars(base) for base in foreign)
        if (theirs or name not in given) and not name.endswith("__"):
            yield name
    aliases = {
        ast.unparse(each.targets[0])
        for each in ast.walk(node)
        if isinstance(each, ast.Assign) and ast.unparse(each.value) == "self.cycle"
    }
    for each in ast.walk(node):
        if isinstance(each, ast.Attribute) and ast.unparse(each.value) in {"self.cycle", *aliases}:
            yield f"cycle.{each.attr}"


def _given(node: ast.ClassDef) -> set[str]:
    """Return every name that the source of a class gives to something of it."""
    declared = {
        each.target.id
        for each in node.body
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
    }
    stored = {each.attr for each in _of_self(node) if isinstance(each.ctx, ast.Store)}
    return _defined(node) | declared | stored


def _defined(node: ast.ClassDef) -> set[str]:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {each.name for each in node.body if isinstance(each, functions)}


def _of_self(node: ast.ClassDef) -> list[ast.Attribute]:
    found = (each for each in ast.walk(node) if isinstance(each, ast.Attribute))
    return [each for each in found if _is_self(each.value)]


def used(trees: dict[ModuleType, ast.Module]) -> set[Use]:
    own = _own_names(trees)
    classes = {
        (module.__name__, node.name): node
        for module, tree in trees.items()
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    }
    uses: set[Use] = set()
    for module, tree in trees.items():
        where = module.__name__.rpartition(".")[2]
        uses |= set(_imported(where, tree))
        uses |= set(_reached(where, tree, own))
        uses |= set(_inherited(where, module, classes))
    return uses
