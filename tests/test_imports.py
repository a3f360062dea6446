"""Imports point one way: who may know whom is written here and nowhere else."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "exporter"

# Each layer may import those above it in this list, and modules of its own layer.
LAYERS = (
    {"exporter"},
    {"model", "errors", "secret", "incidents"},
    {"sharding"},
    {"reading", "settings", "documents", "refusals", "lines", "headers", "urls"},
    {"pacing", "instruments", "histogram", "readings", "telemetry", "garbage"},
    {"world"},
    {"auth"},
    {"client", "exchange", "transport"},
    {"source", "merging", "history"},
    {"selection", "agenda"},
    {"store"},
    {"connector", "ledger", "metrics"},
    {"vendors"},
    {"platforms", "edge"},
    {"exposition", "config", "cautions", "collector", "cost", "logs"},
    {"pages"},
    {"listening"},
    {"web", "server", "supervision"},
    {"app", "checking"},
    {"cli"},
    {"__main__"},
)
FORBIDDEN_LIBRARIES = {
    # A platform knows neither Prometheus nor the store; metrics know no client library.
    "platforms": {"prometheus_client", "starlette", "uvicorn"},
    "vendors": {"prometheus_client", "starlette", "uvicorn"},
    "auth": {"prometheus_client", "starlette", "uvicorn"},
    # Reports are answered without a framework: it would cost a third of their time.
    "edge": {"starlette", "uvicorn"},
    "metrics": {"prometheus_client"},
    "model": {"httpx", "prometheus_client", "pydantic"},
    "ledger": {"httpx", "prometheus_client", "asyncio"},
    "agenda": {"httpx", "prometheus_client", "asyncio"},
    "selection": {"httpx", "prometheus_client", "asyncio"},
    "merging": {"httpx", "prometheus_client", "asyncio"},
    "collector": {"httpx", "prometheus_client", "starlette"},
}


def _level(area: str) -> int:
    found = [level for level, areas in enumerate(LAYERS) if area in areas]
    assert found, f"exporter/{area}: new modules are given a layer in this test"
    return found[0]


def _area(module: str) -> str:
    """Return the part of a module name that has a layer: exporter.auth.guard is in auth."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else parts[0]


def _imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            base = node.module or ""
            if base == "exporter":
                names |= {
                    f"exporter.{alias.name}" if alias.name[0] != "_" else base
                    for alias in node.names
                }
            else:
                names.add(base)
    return names


def _modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def _own_area(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return "exporter" if parts == ("__init__",) else parts[0]


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_module_imports_only_what_its_layer_may(path: Path) -> None:
    area = _own_area(path)
    ours = {name for name in _imports(path) if name.split(".")[0] == "exporter"}
    if area == "simulator":
        assert {_area(name) for name in ours} <= {"simulator"}
        return
    for name in ours - {"exporter"}:
        if _area(name) == "simulator":
            assert area == "cli"
            continue
        assert _level(_area(name)) <= _level(area), f"{area} must not import {name}"


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_module_keeps_away_from_libraries_that_are_not_its_business(path: Path) -> None:
    libraries = {name.split(".")[0] for name in _imports(path)}
    assert not libraries & FORBIDDEN_LIBRARIES.get(_own_area(path), set())


def test_no_platform_imports_another() -> None:
    for path in (PACKAGE / "platforms").glob("[a-z]*.py"):
        others = {name for name in _imports(path) if name.startswith("exporter.platforms.")}
        assert not others


def test_edge_and_platforms_do_not_import_each_other() -> None:
    for area, other in (("edge", "platforms"), ("platforms", "edge")):
        for path in (PACKAGE / area).glob("*.py"):
            assert not {name for name in _imports(path) if name.startswith(f"exporter.{other}")}


def test_only_the_boundaries_of_a_poll_and_of_a_rendering_catch_everything() -> None:
    broad = []
    for path in _modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler) and (
                node.type is None
                or (isinstance(node.type, ast.Name) and node.type.id == "Exception")
            ):
                broad.append(path.name)
    assert broad == ["collector.py", "keeper.py"]
