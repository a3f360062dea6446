"""Collect configurations that are good: examples, documents, deployments, fixtures, simulators."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from exporter.configuration.config import Config, load
from exporter.simulator.clouds import configuration
from fuzz.examples import CONFIGURATIONS
from tests.e2e.simulated_clouds import HOSTS

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.yml"))
_FILE = re.compile(r"(?:_file|file): *([\w./-]+)")
_VARIABLE = re.compile(r"\$\{(\w+)")


def whole(text: str, folder: Path) -> Config:
    """Load a text as whoever has followed it: its files are there, and so is its environment."""
    for name in _FILE.findall(text):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("something")
    environ: Mapping[str, str] = {name: "something" for name in _VARIABLE.findall(text)}
    path = folder / "exporter.yml"
    path.write_text(text)
    return load(path, environ)


def good() -> Iterator[tuple[str, Any]]:
    """Yield the name of each configuration, and what it holds."""
    for path in (*EXAMPLES, ROOT / "packaging" / "exporter.yml"):
        yield path.name, yaml.safe_load(path.read_text())
    for path in sorted(ROOT.glob("deploy/kubernetes/overlays/*/exporter.yml")):
        yield f"overlay {path.parent.name}", yaml.safe_load(path.read_text())
    # What stands at the head of the reference shows the shape of the file, and is none.
    documents = {*ROOT.glob("docs/*.md"), ROOT / "README.md"} - {ROOT / "docs" / "configuration.md"}
    for path in sorted(documents):
        blocks = re.findall(r"```yaml\n(.*?)```", path.read_text(), re.DOTALL)
        for number, block in enumerate(blocks):
            for document in yaml.safe_load_all(block):
                if isinstance(document, dict) and {"sources", "edge"} & document.keys():
                    yield f"{path.name} {number}", document
    for path in sorted(ROOT.glob("tests/fixtures/*/*/case.yml")):
        case = yaml.safe_load(path.read_text())
        yield f"{path.parent.parent.name} {path.parent.name}", {"sources": [case["source"]]}
    for number, text in enumerate(CONFIGURATIONS[:3]):
        yield f"fuzz {number}", yaml.safe_load(text)
    yield "clouds", yaml.safe_load(configuration({host: f"https://{host}" for host in HOSTS}))
