"""List the blocks of code in the documents, each with what is needed to try it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from exporter.configuration.yaml_documents import read_document
from exporter.errors import ConfigError
from tests.docs.markdown import Block, sections
from tests.docs.pages import CHINESE, ENGLISH, ROOT, named

CONFIGURATION = {"sources", "defaults", "attention", "edge"}
LISTENER = {"tls_server_config", "http_server_config", "basic_auth_users", "rate_limit"}
PROMETHEUS = {"global", "scrape_configs", "rule_files", "alerting"}
ALERTMANAGER = {"route", "receivers"}
RULES = {"groups"}
KUBERNETES = {"apiVersion", "kind"}
KUSTOMIZATION = {"configMapGenerator", "patches"}
VALUES = {"existingSecret", "config"}
_KINDS = (
    ("configuration", CONFIGURATION),
    ("listener", LISTENER),
    ("alertmanager", ALERTMANAGER),
    ("rules", RULES),
    ("prometheus", PROMETHEUS),
    ("kustomization", KUSTOMIZATION),
    ("kubernetes", KUBERNETES),
    ("values", VALUES),
)


@dataclass(frozen=True, slots=True)
class Written:
    """A block, where it stands, and the last configuration of the exporter before it there."""

    path: Path
    block: Block
    kind: str
    before: str

    @property
    def name(self) -> str:
        """Return where it stands, for whoever has to look at it."""
        return f"{named(self.path)}:{self.block.line}"


def written(*kinds: str) -> list[Written]:
    """Return all blocks of these kinds: what a YAML document holds, or the language of others."""
    return [each for path in _documents() for each in _of(path) if each.kind in kinds]


def everything() -> list[Written]:
    """Return all blocks."""
    return [each for path in _documents() for each in _of(path)]


def _documents() -> list[Path]:
    return [*ENGLISH, *(path for path in CHINESE if path.exists())]


def _of(path: Path) -> Iterator[Written]:
    before = ""
    for block in (block for section in sections(path) for block in section.blocks):
        kind, text = block.language, block.text
        if kind == "yaml":
            kind = _kind(documents(text))
        if kind == "setting":
            # What is no whole configuration is a setting of the last source before it.
            block, kind = _completed(block, before), "configuration"
        if kind == "configuration":
            before = block.text
        yield Written(path, block, kind, before)


def documents(text: str) -> list[Any]:
    """Return the YAML documents of a block."""
    return list(yaml.safe_load_all(text))


def _kind(found: list[Any]) -> str:
    for kind, keys in _KINDS:
        if all(isinstance(each, dict) and keys & set(each) for each in found):
            return kind
    settings = {"auth", "discovery", "expect", "jobs", "labels", "tls"}
    if len(found) == 1 and isinstance(found[0], dict) and set(found[0]) <= settings:
        return "setting"
    return "yaml"


def _completed(block: Block, before: str) -> Block:
    try:
        document: Any = read_document(before)
        document["sources"][-1] |= yaml.safe_load(block.text)
    except (ConfigError, KeyError, TypeError) as exc:
        raise AssertionError(f"line {block.line}: no source before this setting") from exc
    return Block(block.language, yaml.safe_dump(document), block.line, block.marker)


def readme() -> str:
    """Return the configuration of the README."""
    return next(each.before for each in _of(ROOT / "README.md") if each.kind == "configuration")
