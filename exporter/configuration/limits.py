"""Say which limits of `attention` are in force where they are not the defaults."""

from collections.abc import Iterator

from pydantic import BeforeValidator

from exporter.attention_settings import AttentionSettings
from exporter.configuration.config import Config
from exporter.edge.settings import SOURCE as EDGE
from exporter.settings import Section, write_duration


def changed_limits(config: Config) -> Iterator[str]:
    """Yield a line for each source, and for edge jobs, that has limits of its own."""
    sections = [(source.settings.name, source.settings.attention) for source in config.sources]
    if config.edge is not None:
        sections.append((EDGE, config.edge.attention))
    for name, limits in sections:
        if changes := list(_changes(limits, AttentionSettings(), "")):
            yield f"{name}: {', '.join(changes)}"


def _changes(limits: Section, defaults: Section, place: str) -> Iterator[str]:
    for name, field in type(limits).model_fields.items():
        value, usual = getattr(limits, name), getattr(defaults, name)
        if isinstance(value, Section):
            yield from _changes(value, usual, f"{place}{name}.")
        elif value != usual:
            # As they are written in the file.
            is_duration = any(isinstance(each, BeforeValidator) for each in field.metadata)
            write = write_duration if is_duration else "{:g}".format
            yield f"{place}{name} {write(value)} (default {write(usual)})"
