"""Make an exporter with a bug in it: copies of its modules, one of which has a text replaced.

Nothing of the real modules is touched. Those that import each other are copied together, under
another name; all others are shared, so that a `Job` is a `Job` for both.
"""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from tests.histories.clouds import KINDS, Kind
from tests.histories.history import Ours, Weather
from tests.histories.parts import Parts
from tests.histories.rules import Rule
from tests.histories.truth import Deed

_COPIED = (
    # Each imports only those before it, and modules that are shared.
    "exporter.collecting.merging",
    "exporter.collecting.selection",
    "exporter.collecting.gone_jobs",
    "exporter.collecting.tracked_job",
    "exporter.collecting.successors",
    "exporter.collecting.detail_scheduler",
    "exporter.collecting.shown_jobs",
    "exporter.collecting.job_tracker",
    "exporter.attention.pairing",
    "exporter.attention.memory",
    "exporter.attention.rules",
    "exporter.attention.tracker",
    "exporter.collecting.store",
    "exporter.collecting.detail_round",
    "exporter.exposition.blocks",
    "exporter.exposition.sources",
    "exporter.exposition.page",
    "exporter.exposition.cache",
    "exporter.exposition.endpoint",
    "exporter.exposition",
    "exporter.collecting.collector",
    "exporter.vendors.huawei_inventory",
    "exporter.vendors.alibaba_listing",
    "exporter.vendors.aws.control_plane",
    "exporter.app.opening",
    "exporter.app.application",
)
_PREFIX = "planted_"
_KINDS = KINDS[:5]
"""As many as there were when most bugs were planted: with another cloud other histories are drawn,
and a bug that is seldom seen would have to be planted anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bug:
    """A bug: what it is called, the text it changes, and the rule that catches it."""

    name: str
    module: str
    old: str
    new: str
    rule: Rule
    kinds: tuple[Kind, ...] = _KINDS
    """The clouds with which it matters."""
    often: tuple[Deed | Weather | Ours, ...] = ()
    """What must happen for it to matter."""


class TextIsGone(AssertionError):
    """The text that a bug replaces is not there, or not just once."""


@contextmanager
def planted(bug: Bug) -> Iterator[Parts]:
    """Give the parts of an exporter with a bug, for as long as they are needed.

    Raises TextIsGone when the module no longer says what the bug changes.
    """
    if bug.module not in _COPIED:
        raise TextIsGone(f"{bug.name}: {bug.module} is no module that is copied")
    prefix = f"{_PREFIX}{bug.name.replace(' ', '_')}"
    copies: dict[str, ModuleType] = {}
    try:
        for name in _COPIED:
            text = _changed(bug, name)
            for other in _COPIED:
                text = text.replace(f"from {other} import", f"from {prefix}.{other} import")
            copies[name] = _load(f"{prefix}.{name}", text)
        yield _parts(copies)
    finally:
        for module in copies.values():
            sys.modules.pop(module.__name__, None)


def _changed(bug: Bug, name: str) -> str:
    text = _text(name)
    if name != bug.module:
        return text
    if text.count(bug.old) != 1:
        raise TextIsGone(f"{bug.name}: {name} says {text.count(bug.old)} times {bug.old!r}")
    return text.replace(bug.old, bug.new)


def _text(name: str) -> str:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).read_text(encoding="utf-8")


def _load(name: str, text: str) -> ModuleType:
    module = ModuleType(name)
    module.__spec__ = ModuleSpec(name, None)
    # Where data classes look up what their annotations mean.
    sys.modules[name] = module
    exec(compile(text, f"<{name}>", "exec"), module.__dict__)
    return module


def _parts(copies: dict[str, ModuleType]) -> Parts:
    huawei = copies["exporter.vendors.huawei_inventory"]
    alibaba = copies["exporter.vendors.alibaba_listing"]
    return Parts(
        app=copies["exporter.app.application"].App,
        rows=huawei.Listing,
        take_inventory=huawei.take_inventory,
        listings=alibaba.Listings,
        read_pages=alibaba.read_pages,
        control_plane=copies["exporter.vendors.aws.control_plane"].ControlPlane,
    )
