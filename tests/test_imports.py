"""Imports point one way: who may know whom is written here and nowhere else."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "exporter"

# The house, from the ground up: whoever lives in a room may import its own room and those written
# above it. "hall" is what everybody speaks; "start" puts all together and is known by nobody.
ROOMS = (
    ("hall",),
    ("telemetry", "process"),
    ("attention",),
    ("auth",),
    ("upstream",),
    ("kubernetes",),
    ("collecting",),
    ("discovery",),
    ("vendors",),
    ("platforms", "edge"),
    ("exposition",),
    ("configuration",),
    ("pages",),
    ("listening",),
    ("serving",),
    ("app",),
    ("commands",),
    ("start",),
)
HALL = {
    "attention_settings",
    "exporter",
    "errors",
    "expressions",
    "model",
    "pacing",
    "fields",
    "files",
    "secret",
    "settings",
    "source",
    "runtime",
}
START = {"cli", "__main__"}

SERVERS = {"prometheus_client", "starlette", "uvicorn"}
FORBIDDEN_LIBRARIES = {
    # A platform knows neither Prometheus nor the store; metrics know no client library.
    "platforms": SERVERS,
    "vendors": SERVERS,
    "discovery": SERVERS,
    "kubernetes": SERVERS,
    "auth": SERVERS,
    "upstream": SERVERS,
    # Reports are answered without a framework: it would cost a third of their time.
    "edge": {"starlette", "uvicorn"},
    "collecting": {"httpx", *SERVERS},
    "hall": {"aiohttp", *SERVERS},
    "exposition.metrics": {"httpx", "asyncio", *SERVERS},
    "model": {"httpx", "asyncio", "pydantic"},
}
# What remembers and decides is pure; the collector waits, and whoever follows the store does.
WAITS = {"collecting": {"collector", "detail_round", "store"}}

MODULES = sorted(PACKAGE.rglob("*.py"))


def _name(path: Path) -> str:
    """Return the name of a module within the package: collecting.store, or cli."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    if parts[-1] == "__init__":
        parts = parts[:-1]
    return ".".join(parts) or "exporter"


def _room(name: str) -> str:
    first = name.split(".")[0]
    if first in HALL:
        return "hall"
    return "start" if first in START else first


def _level(room: str) -> int:
    found = [level for level, rooms in enumerate(ROOMS) if room in rooms]
    assert found, f"exporter/{room}: a new room is given its place in this test"
    return found[0]


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            base = node.module or ""
            yield base
            # `from exporter.pages import query` imports a module, and so does `from exporter`.
            for alias in node.names:
                module = Path(*f"{base}.{alias.name}".split("."))
                if (ROOT / module).with_suffix(".py").exists() or (ROOT / module).is_dir():
                    yield f"{base}.{alias.name}"


def _ours(path: Path) -> set[str]:
    """Return which modules of the exporter a module imports, by their names within it."""
    names = {name.split(".", 1)[1] for name in _imports(path) if name.startswith("exporter.")}
    return names - {_name(path)}


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_module_imports_only_what_its_room_may(path: Path) -> None:
    room = _room(_name(path))
    if room == "simulator":
        # Strangers to the exporter: what they shared with it they could not contradict.
        assert {_room(name) for name in _ours(path)} <= {"simulator"}
        return
    for name in _ours(path):
        if _room(name) == "simulator":
            assert _name(path) == "commands.demo"
            continue
        assert _level(_room(name)) <= _level(room), f"{room} must not import {name}"


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_module_keeps_away_from_libraries_that_are_not_its_business(path: Path) -> None:
    name = _name(path)
    room = _room(name)
    libraries = {imported.split(".")[0] for imported in _imports(path)}
    forbidden = FORBIDDEN_LIBRARIES.get(room, set()) | FORBIDDEN_LIBRARIES.get(name, set())
    if room in WAITS and name.split(".")[-1] not in WAITS[room]:
        forbidden = forbidden | {"asyncio"}
    assert not libraries & forbidden


def test_no_two_rooms_and_no_two_modules_import_each_other_in_a_circle() -> None:
    # Packages import their parts to hand them on; that is no knowledge of their own.
    modules = [path for path in MODULES if path.name != "__init__.py"]
    names = {_name(path) for path in modules}
    graph = {_name(path): _ours(path) & names for path in modules}
    order = list(TopologicalSorter(graph).static_order())
    assert len(order) == len(modules)


def test_rooms_of_one_level_do_not_know_each_other() -> None:
    for rooms in ROOMS:
        for path in MODULES:
            room = _room(_name(path))
            if room in rooms:
                others = {_room(name) for name in _ours(path)} & set(rooms)
                assert others <= {room}, f"{_name(path)} imports from {others}"


def test_no_platform_imports_another() -> None:
    for path in (PACKAGE / "platforms").glob("[a-z]*.py"):
        assert not {name for name in _ours(path) if name.startswith("platforms.")}


def test_hall_stays_small_and_no_folder_is_crowded() -> None:
    assert len([path for path in MODULES if path.parent == PACKAGE]) <= 14
    for top in ("exporter", "tests", "fuzz", "benchmarks", "grafana", "scripts"):
        for folder in {path.parent for path in (ROOT / top).rglob("*.py")}:
            if "node_modules" not in folder.parts:
                assert len(list(folder.glob("*.py"))) <= 25, folder


def test_every_room_says_what_it_is_for() -> None:
    for rooms in ROOMS[1:-1]:
        for room in rooms:
            folder = PACKAGE / room
            path = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
            assert ast.get_docstring(ast.parse(path.read_text())), room


def test_contributing_shows_the_same_house() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text()
    picture = page[page.index("## The house") :].split("```")[1]
    shown = [line.split("  ")[0].split() for line in picture.strip().splitlines()]
    assert [tuple(words) for words in shown] == list(ROOMS)


def test_only_the_boundaries_of_a_poll_and_of_a_rendering_catch_everything() -> None:
    """What a thread of its own raises is handed on to whoever waits for it, whatever it is."""
    broad = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler) and _catches_everything(node.type):
                broad.append(_name(path))
    assert broad == ["collecting.collector", "exposition.cache", "files"]


def _catches_everything(caught: ast.expr | None) -> bool:
    if isinstance(caught, ast.Tuple):
        return any(_catches_everything(each) for each in caught.elts)
    return caught is None or (
        isinstance(caught, ast.Name) and caught.id in ("Exception", "BaseException")
    )


_TEXTS = {"text", "encoding", "charset_encoding", "iter_text", "aiter_text", "aiter_lines"}


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if "simulator" not in path.parts],
    ids=lambda path: _name(path),
)
def test_no_answer_is_read_by_the_charset_that_its_head_names(path: Path) -> None:
    """Python knows charsets that are none, such as hex and zlib, which raise what they like."""
    tree = ast.parse(path.read_text())
    answers = {"response", "answer", "reply"} | {
        each.arg
        for each in ast.walk(tree)
        if isinstance(each, ast.arg) and each.annotation is not None
        # Written out: nobody imports the name alone.
        if ast.unparse(each.annotation) == "httpx.Response"
    }
    read = [
        ast.unparse(each)
        for each in ast.walk(tree)
        if isinstance(each, ast.Attribute) and each.attr in _TEXTS
        if isinstance(each.value, ast.Name) and each.value.id in answers
    ]
    assert read == []
