"""Read the configuration file: YAML in, validated settings out, or every problem at once.

Unknown keys are errors with the nearest valid key. `${NAME}` in any value is replaced by the
environment variable, `${NAME:-default}` has a default, and `$${NAME}` is that text itself. Names of
files are relative to the configuration file.
"""

import errno
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from exporter import platforms
from exporter.attention_settings import AttentionSettings
from exporter.configuration.places import Origin
from exporter.configuration.yaml_documents import (
    lost_blank,
    nearest,
    problems_of,
    read_document,
)
from exporter.edge.settings import SOURCE as EDGE
from exporter.edge.settings import EdgeSettings
from exporter.errors import About, ConfigError, ConfigProblem
from exporter.files import read_text
from exporter.platforms import Platform
from exporter.settings import quoted
from exporter.source import SourceSettings

_VARIABLE = re.compile(
    r"\$(?P<escaped>\$)?\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}"
)
_DEFAULTABLE = tuple(
    name
    for name in SourceSettings.model_fields
    if name not in ("name", "platform", "endpoint", "attention")
)
_TOP_LEVEL = ("defaults", "attention", "sources", "edge")
_EDGE_DEFAULTABLE = ("ended_retention", "state_series", "labels")
_RELAY_PLATFORM = "huawei_dli"
_DEEPEST = 50
_NO_SOURCES = "expected a list of at least one source"
_NONE_YET = "; `streaming-job-exporter init` writes one, `streaming-job-exporter demo` needs none"
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceConfig:
    """One configured source: its platform and the platform's own settings."""

    platform: Platform
    settings: SourceSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole configuration."""

    sources: tuple[SourceConfig, ...]
    edge: EdgeSettings | None = None
    origin: Origin = field(default=Origin(), compare=False, repr=False)
    """Where problems that show later are to be found."""


def load(path: Path, environ: Mapping[str, str], *, waits: bool = False) -> Config:
    """Read and validate a configuration file; with `waits` it may be a pipe.

    Raises ConfigError with every problem found, each with its place in the file.
    """
    try:
        text = read_text(path, waits=waits)
    except UnicodeDecodeError:
        raise _error("", f"{path}: not a UTF-8 text file") from None
    except OSError as exc:
        hint = _NONE_YET if exc.errno == errno.ENOENT else ""
        raise _error("", f"{path}: {exc.strerror or 'cannot be read'}{hint}") from None
    return parse(text, environ=environ, directory=path.parent, file=str(path))


def parse(text: str, *, environ: Mapping[str, str], directory: Path, file: str = "") -> Config:
    """Validate the text of a configuration file of that name; see `load`."""
    origin = Origin(file, text, lambda value: _expand(value, "", environ, []))
    try:
        return _parse(text, environ=environ, directory=directory, origin=origin)
    except ConfigError as exc:
        raise ConfigError(origin.place(exc.problems)) from None


def _parse(text: str, *, environ: Mapping[str, str], directory: Path, origin: Origin) -> Config:
    document = read_document(text)
    problems: list[ConfigProblem] = []
    document = _substitute(document, "", environ, problems, 0)
    if not isinstance(document, dict):
        raise _error("", "expected a mapping with the key sources")
    problems += _unknown_keys("", document, _TOP_LEVEL)
    defaults = _section(document.get("defaults"), "defaults", problems)
    problems += _unknown_keys("defaults", defaults, _DEFAULTABLE)
    document = _with_attention(document, problems)
    edge = _edge(document, defaults, directory, problems)
    # Whoever only receives reports has nothing to poll.
    listed = document.get("sources", [] if "edge" in document else None)
    sources = _sources(listed, defaults, directory, problems, required="edge" not in document)
    _check_edge(edge, listed, problems)
    if problems:
        # The first problem of a place is its cause (an unset variable makes an empty secret).
        first = {problem.path: problem for problem in reversed(problems)}
        raise ConfigError(tuple(problem for problem in problems if first[problem.path] is problem))
    return Config(sources=tuple(sources), edge=edge, origin=origin)


def _with_attention(document: dict[Any, Any], problems: list[ConfigProblem]) -> dict[Any, Any]:
    """Return a document in which each source has the limits for all, but those of its own."""
    limits = _section(document.get("attention"), "attention", problems)
    try:
        AttentionSettings.model_validate(limits)
    except ValidationError as exc:
        problems += problems_of(exc, "attention", AttentionSettings, limits, {})
        return document
    if not limits:
        return document
    listed = document.get("sources")
    if isinstance(listed, list):
        document = {**document, "sources": [_overridden(limits, each) for each in listed]}
    if isinstance(document.get("edge"), dict):
        document = {**document, "edge": _overridden(limits, document["edge"])}
    return document


def _overridden(limits: Mapping[str, Any], entry: object) -> object:
    if not isinstance(entry, dict):
        return entry
    own = entry.get("attention", {})
    if not isinstance(own, dict):
        return entry
    merged = {**limits, **own}
    for name, value in limits.items():
        if isinstance(value, dict) and isinstance(own.get(name), dict):
            merged[name] = {**value, **own[name]}
    return {**entry, "attention": merged}


def _sources(
    entries: object,
    defaults: Mapping[str, Any],
    directory: Path,
    problems: list[ConfigProblem],
    *,
    required: bool,
) -> list[SourceConfig]:
    if not isinstance(entries, list) or (required and not entries):
        problems.append(ConfigProblem("sources", _NO_SOURCES, About.KIND))
        return []
    sources = []
    places: dict[str, str] = {}
    for index, entry in enumerate(entries):
        place = f"sources[{index}]"
        source = _source(entry, place, defaults, directory, problems)
        if source is None:
            continue
        name = source.settings.name
        if name in places:
            message = f"{name}: this name is already that of {places[name]}"
            problems.append(ConfigProblem(f"{place}.name", message))
        places.setdefault(name, place)
        sources.append(source)
    return sources


def _source(
    entry: object,
    place: str,
    defaults: Mapping[str, Any],
    directory: Path,
    problems: list[ConfigProblem],
) -> SourceConfig | None:
    if not isinstance(entry, dict):
        message = "expected a mapping with name and platform"
        problems.append(ConfigProblem(place, message, About.KIND))
        return None
    name = entry.get("platform")
    if name not in platforms.names():
        message = "required" if name is None else f"{_shown(name)}: no such platform"
        hint = nearest(name, platforms.names()) or f"; one of {', '.join(platforms.names())}"
        problems.append(ConfigProblem(f"{place}.platform", message + hint))
        return None
    platform = platforms.load(str(name))
    given = {key: value for key, value in defaults.items() if key in _DEFAULTABLE}
    try:
        settings = platform.settings.model_validate(
            {**given, **entry}, context={"directory": directory}
        )
    except ValidationError as exc:
        problems += problems_of(exc, place, platform.settings, entry, given)
        return None
    return SourceConfig(platform=platform, settings=settings)


def _edge(
    document: Mapping[str, Any],
    defaults: Mapping[str, Any],
    directory: Path,
    problems: list[ConfigProblem],
) -> EdgeSettings | None:
    if "edge" not in document:
        return None
    entry = document["edge"]
    if not isinstance(entry, dict):
        message = "expected a mapping with database and projects"
        problems.append(ConfigProblem("edge", message, About.KIND))
        return None
    given = {key: value for key, value in defaults.items() if key in _EDGE_DEFAULTABLE}
    try:
        return EdgeSettings.model_validate({**given, **entry}, context={"directory": directory})
    except ValidationError as exc:
        problems += problems_of(exc, "edge", EdgeSettings, entry, given)
        return None


def _check_edge(edge: EdgeSettings | None, entries: object, problems: list[ConfigProblem]) -> None:
    """Check what `edge` and the sources must agree about."""
    if edge is None or not isinstance(entries, list):
        return
    named = {
        str(entry.get("name")): (index, entry.get("platform"))
        for index, entry in enumerate(entries)
        if isinstance(entry, dict)
    }
    if EDGE in named:
        place = f"sources[{named[EDGE][0]}].name"
        problems.append(ConfigProblem(place, f"{EDGE}: this name is that of the edge jobs"))
    if edge.relay is None:
        return
    place, source = "edge.relay.source", edge.relay.source
    if source not in named:
        message = f"{_shown(source)}: no such source{nearest(source, named)}"
        problems.append(ConfigProblem(place, message))
    elif named[source][1] != _RELAY_PLATFORM:
        message = f"{_shown(source)}: expected a source of platform {_RELAY_PLATFORM}"
        problems.append(ConfigProblem(place, message))


def _unknown_keys(
    place: str, section: Mapping[Any, Any], known: tuple[str, ...]
) -> Iterator[ConfigProblem]:
    for key in section:
        if key not in known:
            # A problem without a path is one of the whole document.
            path = _within(place, key)
            # The limits for all are merged with those of a source, which defaults are not.
            elsewhere = place == "defaults" and key == "attention"
            hint = "; it stands at the top level" if elsewhere else nearest(key, known)
            yield ConfigProblem(path, f"unknown key{lost_blank(key)}{hint}", About.KEY)


def _section(value: object, place: str, problems: list[ConfigProblem]) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        problems.append(ConfigProblem(place, "expected a mapping", About.KIND))
        return {}
    return value


def _shown(value: object) -> str:
    return quoted(repr(value))


def _substitute(
    value: Any, place: str, environ: Mapping[str, str], problems: list[ConfigProblem], depth: int
) -> Any:
    if depth > _DEEPEST:
        problems.append(ConfigProblem(place, "nested too deeply"))
        return None
    if isinstance(value, str):
        return _expand(value, place, environ, problems)
    if isinstance(value, list):
        return [
            _substitute(entry, f"{place}[{index}]", environ, problems, depth + 1)
            for index, entry in enumerate(value)
        ]
    if isinstance(value, dict):
        return {
            key: _substitute(entry, _within(place, key), environ, problems, depth + 1)
            for key, entry in value.items()
        }
    return value


def _expand(
    text: str, place: str, environ: Mapping[str, str], problems: list[ConfigProblem]
) -> str:
    unset: list[str] = []

    def value(match: re.Match[str]) -> str:
        if match["escaped"]:
            return match[0][1:]
        found = environ.get(match["name"]) or match["default"]
        if found is None:
            unset.append(match["name"])
            return ""
        return found

    expanded = _VARIABLE.sub(value, text)
    if unset:
        names = ", ".join(dict.fromkeys(unset))
        message = f"environment variable{'s' if ',' in names else ''} {names}"
        message += " are not set" if "," in names else " is not set"
        problems.append(ConfigProblem(place, message))
    if _SURROGATE.search(expanded):
        # A page with one of these could not be encoded, and so not be served at all.
        problems.append(ConfigProblem(place, "not UTF-8 text"))
        return ""
    return expanded


def _within(place: str, key: object) -> str:
    """Return the place of a key: of an empty one at the top, too."""
    shown = quoted(key)
    return f"{place}.{shown}" if place else shown or "''"


def _error(path: str, message: str) -> ConfigError:
    return ConfigError((ConfigProblem(path, message),))
