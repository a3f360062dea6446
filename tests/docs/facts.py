"""Ask the exporter itself what there is to be documented."""

import argparse
from pathlib import Path
from typing import Any

from exporter import platforms
from exporter.commands.arguments import build_parser
from exporter.edge.metrics import EdgeMetrics
from exporter.edge.settings import EdgeSettings
from exporter.exposition.metrics import JOB_FAMILIES, SOURCE_FAMILIES
from exporter.settings import Section
from exporter.telemetry.telemetry import Telemetry


def exported() -> set[str]:
    """Return the names of all metrics of ours."""
    own = set()
    telemetry = Telemetry()
    EdgeMetrics(Path("none.db")).register(telemetry.registry)
    for family in telemetry.registry.collect():
        suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
        own.add(family.name + suffix)
    return {
        *(family.name for family in (*JOB_FAMILIES, *SOURCE_FAMILIES)),
        *(name for name in own if name.startswith("streaming_")),
    }


def settings_of(model: type[Section], prefix: str = "") -> set[str]:
    """Return the settings of a section and of those within it; `x_file` is told by `x`."""
    found = set()
    for name, field in model.model_fields.items():
        candidates = (field.annotation, *getattr(field.annotation, "__args__", ()))
        inner = next(
            (each for each in candidates if isinstance(each, type) and issubclass(each, Section)),
            None,
        )
        if inner is not None:
            found |= settings_of(inner, f"{prefix}{name}.")
        elif name.removesuffix("_file") not in model.model_fields or not name.endswith("_file"):
            found.add(prefix + name)
    return found


def settings() -> set[str]:
    """Return the settings of all sources and of edge reports."""
    found = settings_of(EdgeSettings, "edge.")
    # The limits of a problem are the same for whatever they stand under.
    found = {name for name in found if not name.startswith("edge.attention.")}
    return found.union(*(settings_of(platforms.load(name).settings) for name in platforms.names()))


def commands() -> dict[str, argparse.ArgumentParser]:
    """Return the parsers of the commands by their names."""
    choices: dict[str, Any] = next(
        action.choices for action in build_parser()._actions if isinstance(action.choices, dict)
    )
    return choices


def flags() -> set[str]:
    """Return the flags of all commands."""
    parsers = (build_parser(), *commands().values())
    found = {text for each in parsers for action in each._actions for text in action.option_strings}
    return found - {"-h"}
