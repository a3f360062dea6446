"""What the exporter uses of its libraries that they promise to nobody, all in one table.

A release of a library may rename any of it. So each place has a row that says why it is used and
what breaks without it, the range of each such library in pyproject.toml ends where the next release
was not tried, and code that reaches for anything else of that kind fails here.
"""

import ast
import importlib
import inspect
import pkgutil
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import aiohttp
import httpx
import pytest
import uvicorn
import yaml
from aiohttp import http_exceptions
from packaging.requirements import Requirement
from prometheus_client import platform_collector, samples
from prometheus_client import utils as prometheus_utils
from uvicorn.config import Config
from uvicorn.protocols.http import httptools_impl
from uvicorn.server import ServerState

import exporter

ROOT = Path(__file__).parent
while not (ROOT / "pyproject.toml").exists():
    ROOT = ROOT.parent

PUBLIC_MODULES = frozenset(
    {
        *("aiohttp", "bcrypt", "httpx", "httptools", "jinja2", "prometheus_client", "pydantic"),
        *("pydantic_core", "structlog", "uvicorn", "yaml", "yarl"),
        *("prometheus_client.core", "prometheus_client.exposition", "prometheus_client.registry"),
        *("prometheus_client.openmetrics", "prometheus_client.openmetrics.exposition"),
        *("starlette.applications", "starlette.concurrency", "starlette.requests"),
        *("starlette.responses", "starlette.routing", "starlette.types"),
    }
)
"""Modules whose documentation says to import from them."""

DISTRIBUTIONS = {"prometheus_client": "prometheus-client", "yaml": "PyYAML"}
"""Names under which libraries are installed, where that is another than they are imported by."""

LIBRARIES = {*(each.partition(".")[0] for each in PUBLIC_MODULES), "anyio", "httpcore"}

MEANT_FOR_IT = frozenset(
    {
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing that is used and promised to nobody."""

    where: str
    """The last part of the name of the module that uses it."""
    library: str
    name: str
    why: str
    breaks: str
    holds: Callable[[], bool]
    """Whether the installed version still has it, in the shape that is relied on."""


def _mentions(owner: type, name: str) -> bool:
    """Say whether the methods of a class, those of its bases left out, use an attribute."""
    functions = [each for each in vars(owner).values() if inspect.isfunction(each)]
    return any(name in each.__code__.co_names for each in functions)


def _parameters(function: Callable[..., object]) -> list[str]:
    return list(inspect.signature(function).parameters)


_Protocol = httptools_impl.HttpToolsProtocol
_Cycle = httptools_impl.RequestResponseCycle
_READS = "requests are judged while they are read: the limits of docs/web-configuration.md"
_LIMITS = "a limit is not enforced any more, or every request fails"


def _of_protocol(name: str, why: str = _READS, breaks: str = _LIMITS) -> Row:
    def holds() -> bool:
        return hasattr(_Protocol, name) or _mentions(_Protocol, name)

    return Row(where="protocol", library="uvicorn", name=name, why=why, breaks=breaks, holds=holds)


def _of_cycle(name: str, why: str, breaks: str) -> Row:
    return Row(
        where="protocol",
        library="uvicorn",
        name=f"cycle.{name}",
        why=why,
        breaks=breaks,
        holds=lambda: _mentions(_Cycle, name) and name in _Cycle.__init__.__code__.co_names,
    )


def _of_loader(name: str, parameter: str, why: str, breaks: str) -> Row:
    def holds() -> bool:
        return _parameters(getattr(yaml.SafeLoader, name))[:2] == ["self", parameter]

    return Row(
        where="yaml_documents", library="yaml", name=name, why=why, breaks=breaks, holds=holds
    )


async def _nothing(scope: object, receive: object, send: object) -> None: ...


def _takes_a_function() -> bool:
    def protocol() -> None: ...

    config = Config(app=_nothing, http=protocol, interface="asgi3", log_config=None)  # type: ignore[arg-type]
    config.load()
    return config.http_protocol_class is protocol  # type: ignore[comparison-overlap]


ROWS = [
    Row(
        where="transport",
        library="aiohttp",
        name="_retry_connection",
        why="aiohttp sends a request again when its connection breaks, and no option forbids it",
        breaks="a signed request is sent twice: refused as a replay, and counted once",
        holds=lambda: (
            _mentions(aiohttp.ClientSession, "_retry_connection")
            and "_retry_connection" in aiohttp.ClientSession.__init__.__code__.co_names
        ),
    ),
    Row(
        where="transport",
        library="aiohttp",
        name="aiohttp.http_exceptions",
        why="errors of its parser that are no ClientError come out of bodies",
        breaks="such an answer is an unexpected error instead of an invalid one",
        holds=lambda: issubclass(http_exceptions.HttpProcessingError, Exception),
    ),
    Row(
        where="urls",
        library="httpx",
        name="_uri_reference",
        why="reading a URL anew takes a tenth of a call; only its path and query change",
        breaks="no request can be made",
        holds=lambda: (
            httpx.URL("http://h/a")._uri_reference._replace(path="/b", query="c=d").query == "c=d"
            and list(vars(httpx.URL("http://h/a"))) == ["_uri_reference"]
        ),
    ),
    Row(
        where="server",
        library="uvicorn",
        name="startup",
        why="whoever starts the server waits until it listens",
        breaks="nothing is told to be ready, and starting hangs",
        holds=lambda: (
            inspect.iscoroutinefunction(uvicorn.Server.startup)
            and _parameters(uvicorn.Server.startup) == ["self", "sockets"]
        ),
    ),
    Row(
        where="server",
        library="uvicorn",
        name="capture_signals",
        why="uvicorn sends a signal again after it has stopped; ours are heard elsewhere",
        breaks="the program ends by SIGTERM with a failure instead of 0",
        holds=lambda: _mentions(uvicorn.Server, "capture_signals"),
    ),
    Row(
        where="server",
        library="uvicorn",
        name="should_exit",
        why="how a server that runs in our own loop is told to stop",
        breaks="the program does not end",
        holds=lambda: _mentions(uvicorn.Server, "should_exit"),
    ),
    Row(
        where="server",
        library="uvicorn",
        name="Config(http=function)",
        why="each connection gets the protocol of its moment: TLS or not, and which certificate",
        breaks="nothing is served",
        holds=_takes_a_function,
    ),
    Row(
        where="protocol",
        library="uvicorn",
        name="uvicorn.protocols.http.httptools_impl",
        why="the protocol that is bounded by a subclass",
        breaks="nothing is served",
        holds=lambda: (
            _parameters(_Protocol.__init__)
            == ["self", "config", "server_state", "app_state", "_loop"]
        ),
    ),
    Row(
        where="protocol",
        library="uvicorn",
        name="uvicorn.server",
        why="the type of what the protocol is given",
        breaks="the module cannot be imported",
        holds=lambda: isinstance(ServerState().connections, set),
    ),
    Row(
        where="protocol",
        library="uvicorn",
        name="uvicorn.config",
        why="the type of what the protocol is given",
        breaks="the module cannot be imported",
        holds=lambda: Config is uvicorn.Config,
    ),
    _of_protocol("connection_made"),
    _of_protocol("connection_lost"),
    _of_protocol("data_received"),
    _of_protocol("on_message_begin"),
    _of_protocol("on_headers_complete"),
    _of_protocol("on_body"),
    _of_protocol("on_message_complete"),
    _of_protocol(
        "on_response_complete", "the time of an answer ends with it", "connections end early"
    ),
    _of_protocol("parser"),
    _of_protocol("transport"),
    _of_protocol("url"),
    _of_protocol("headers"),
    _of_protocol("cycle", "whether an answer has begun, or is complete"),
    _of_protocol("pipeline", "how many requests were sent ahead"),
    _of_protocol(
        "_unset_keepalive_if_required",
        "how long a connection may be idle is ours to say",
        "idle connections end after five seconds: every scrape makes a new one",
    ),
    _of_cycle(
        "keep_alive",
        "a connection that was to become another protocol ends with its answer",
        "what follows is read as another protocol",
    ),
    _of_cycle(
        "response_complete",
        "what comes of a body after the answer is counted, and dropped",
        "the end of a slow upload is taken for a request",
    ),
    _of_cycle(
        "response_started",
        "a refusal must not be put into the middle of an answer",
        "answers are mixed",
    ),
    _of_cycle(
        "disconnected",
        "an application whose request was refused must not answer as well",
        "answers are mixed",
    ),
    _of_cycle(
        "message_event",
        "the same: it is woken to hear of it",
        "a refused report waits for its body until its time is up",
    ),
    _of_loader(
        "compose_mapping_node",
        "anchor",
        "a mapping is seen as it is written, before merges",
        "a key that is given twice is taken silently",
    ),
    _of_loader(
        "construct_yaml_int",
        "node",
        "Python refuses to write very long numbers again",
        "such a number ends the program with a traceback",
    ),
    _of_loader(
        "flatten_mapping",
        "node",
        "merges are bounded as they are carried out",
        "a file of a few lines can fill the memory",
    ),
    Row(
        where="telemetry",
        library="prometheus_client",
        name="prometheus_client.platform_collector",
        why="python_info without the default registry",
        breaks="the module cannot be imported",
        holds=lambda: bool(list(platform_collector.PlatformCollector(registry=None).collect())),
    ),
    Row(
        where="self_metrics",
        library="prometheus_client",
        name="prometheus_client.samples",
        why="the type of what collectors yield",
        breaks="the module cannot be imported",
        holds=lambda: samples.Sample._fields[:3] == ("name", "labels", "value"),
    ),
    Row(
        where="histogram",
        library="prometheus_client",
        name="prometheus_client.utils",
        why="bounds of buckets are written as the library writes them",
        breaks="the module cannot be imported",
        holds=lambda: prometheus_utils.floatToGoString(0.25) == "0.25",  # type: ignore[no-untyped-call]
    ),
]

SEEN_BY_NOBODY = {
    ("server", "uvicorn", "should_exit"),
    ("server", "uvicorn", "Config(http=function)"),
}
"""Rows that no reading of the source would find, because they look like anything else."""

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


def _trees() -> dict[ModuleType, ast.Module]:
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
        if name.startswith("_") and not name.endswith("__") and name not in own:
            yield where, _library_of(name), name


def _library_of(name: str) -> str:
    """Return whose a private name is: that of the row that has it, for the text does not say."""
    return next((row.library for row in ROWS if row.name == name), "?")


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


def _used(trees: dict[ModuleType, ast.Module]) -> set[Use]:
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


def test_whatever_is_used_and_promised_to_nobody_has_a_row_and_each_row_is_used() -> None:
    rows = {(row.where, row.library, row.name) for row in ROWS}
    assert len(rows) == len(ROWS)
    assert _used(_trees()) == rows - SEEN_BY_NOBODY


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.library}-{row.name}")
def test_installed_version_has_what_a_row_says(row: Row) -> None:
    assert row.holds(), f"{row.where} uses {row.name} of {row.library}: without it {row.breaks}"


def test_libraries_that_are_used_so_have_an_upper_end() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    ranges = {each.name: each for each in map(Requirement, project["dependencies"])}
    for library in {row.library for row in ROWS}:
        wanted = ranges[DISTRIBUTIONS.get(library, library)]
        assert any(each.operator == "<" for each in wanted.specifier), wanted
