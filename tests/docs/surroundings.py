"""Give a configuration of a document what it names: files to read, and variables."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.docs.pages import ROOT

_FILE = re.compile(r"(^|_)file$")


def with_files(text: str, folder: Path) -> str:
    """Return a YAML text in which each file that is read is one that is there, with some text."""
    return yaml.safe_dump_all(
        [_with_files(each, folder) for each in yaml.safe_load_all(text)], sort_keys=False
    )


def _with_files(value: Any, folder: Path) -> Any:
    if isinstance(value, list):
        return [_with_files(each, folder) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _file(each, folder)
        if isinstance(each, str) and _FILE.search(str(key))
        else [_rules(path, folder) for path in each]
        if key == "rule_files"
        else _with_files(each, folder)
        for key, each in value.items()
    }


def _file(name: str, folder: Path) -> str:
    path = folder / Path(name).name
    if not path.exists():
        path.write_text("hush")
    return str(path)


def _rules(name: str, folder: Path) -> str:
    """Return the rules of ours that have this name; of those of others nothing is known."""
    shipped = sorted((ROOT / "prometheus" / "rules").glob(Path(name).name))
    assert shipped, f"{name}: no such rules are shipped"
    return str(shipped[0].parent / Path(name).name)


def variables(text: str) -> Mapping[str, str]:
    """Return values for the variables that a text takes from the environment."""
    return dict.fromkeys(re.findall(r"\$\{(\w+)", text), "something")
