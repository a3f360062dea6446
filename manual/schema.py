"""Write the JSON Schema of the configuration, for editors: which keys there are, what they take.

It takes whatever the exporter takes, and refuses what nobody could mean: a misspelt key above all.
What two settings have to agree about is told by `check-config` alone.
"""

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from exporter import platforms
from exporter.attention_settings import AttentionSettings
from exporter.commands.starting import SCHEMA
from exporter.edge.settings import EdgeSettings
from exporter.settings import write_duration
from exporter.source import SourceSettings
from manual.meanings import meanings

Json = dict[str, Any]
_VARIABLE = {"$ref": "#/$defs/variable"}
_WORDS = ("yes", "no", "on", "off", "true", "false", "y", "n", "t", "f", "1", "0")
_KINDS: Mapping[str, Json] = MappingProxyType(
    {
        "duration": {"$ref": "#/$defs/duration"},
        "size": {"type": ["string", "integer"]},
        "text": {"type": ["string", "integer"]},
        "file": {"type": "string"},
        "texts": {"type": "array", "items": {"type": ["string", "integer"]}},
    }
)
_DEFS: Mapping[str, Json] = MappingProxyType(
    {
        "variable": {
            "type": "string",
            "pattern": r"\$\{[A-Za-z_]",
            "description": "${NAME} of the environment, ${NAME:-default}.",
        },
        "duration": {
            "description": "30s, 5m, 1h30m, 1d, or a number of seconds.",
            "anyOf": [
                {
                    "type": "string",
                    "pattern": r"^(?=.)(\d+d)?(\d+h)?(\d+m)?(\d+(\.\d+)?s)?(\d+ms)?$",
                },
                {"type": "number", "minimum": 0, "exclusiveMaximum": 1e9},
                _VARIABLE,
            ],
        },
        "number": {"type": "string", "pattern": r"^\s*[-+]?[0-9_.]+([eE][-+]?[0-9]+)?\s*$"},
        "switch": {
            "enum": [*_WORDS, *map(str.upper, _WORDS[:8]), *map(str.title, _WORDS[:6]), 0, 1]
        },
    }
)
_OWN_PLACE = ("name", "platform", "endpoint", "attention")
"""Settings of a source that do not stand under `defaults`."""


def schema() -> str:
    """Return the schema as the text of a file."""
    names = platforms.names()
    models: list[type[BaseModel]] = [platforms.load(name).settings for name in names]
    models += [SourceSettings, AttentionSettings, EdgeSettings]
    keys, whole = models_json_schema([(each, "validation") for each in models])
    found: Json = whole["$defs"]
    refs = {each: keys[each, "validation"]["$ref"].rpartition("/")[2] for each in models}
    defs: Json = {name: _rewritten(each) for name, each in found.items()}
    # Each platform under its own name, whatever its class is called.
    renamed = {refs[model]: name for model, name in zip(models, names, strict=False)}
    defs = {renamed.get(name, name): each for name, each in defs.items()}
    for name in names:
        defs[name]["title"] = name
        defs[name]["properties"]["platform"] = {"const": name}
        _explain(defs, name, meanings(name))
    _explain(defs, refs[EdgeSettings], meanings("edge", "edge."))
    _explain(defs, refs[AttentionSettings], meanings("attention", "attention."))
    source = defs[refs[SourceSettings]]
    defaults = {
        key: {**each, **_meaning(defs[names[0]]["properties"][key])}
        for key, each in source["properties"].items()
        if key not in _OWN_PLACE
    }
    del defs[refs[SourceSettings]]
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": SCHEMA,
        "title": "exporter.yml of streaming-job-exporter",
        **_top(refs, defaults),
        "$defs": {**_DEFS, "source": _source(names), **dict(sorted(defs.items()))},
    }
    return f"{json.dumps(_plain(schema), ensure_ascii=False, indent=1)}\n"


def _plain(value: Any) -> Any:
    """Return a schema as each version of pydantic means it: they differ in how they write it."""
    if isinstance(value, dict):
        plain = {name: _plain(each) for name, each in value.items()}
        match plain.get("allOf"):
            case [only]:
                del plain["allOf"]
                return {**only, **plain}
        return plain
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _top(refs: Mapping[type[BaseModel], str], defaults: Mapping[str, Json]) -> Json:
    return {
        "type": "object",
        "additionalProperties": False,
        "anyOf": [{"required": ["sources"]}, {"required": ["edge"]}],
        "properties": {
            "defaults": {
                "description": "What any source may override.",
                "type": ["object", "null"],
                "additionalProperties": False,
                "properties": defaults,
            },
            "attention": {
                "description": "From where on something about a job is a problem.",
                "anyOf": [{"$ref": f"#/$defs/{refs[AttentionSettings]}"}, {"type": "null"}],
            },
            "sources": {
                "description": "What is watched.",
                "type": "array",
                "items": {"$ref": "#/$defs/source"},
            },
            "edge": {"$ref": f"#/$defs/{refs[EdgeSettings]}"},
        },
    }


def _source(names: tuple[str, ...]) -> Json:
    return {
        "type": "object",
        "required": ["name", "platform"],
        "properties": {"platform": {"anyOf": [{"enum": list(names)}, _VARIABLE]}},
        "allOf": [
            {
                "if": {"properties": {"platform": {"const": name}}, "required": ["platform"]},
                "then": {"$ref": f"#/$defs/{name}"},
            }
            for name in names
        ],
    }


def _rewritten(node: Any) -> Any:
    """Return a part of a schema in which values may come from the environment."""
    if isinstance(node, list):
        return [_rewritten(each) for each in node]
    if not isinstance(node, dict):
        return node
    kind = node.get("x-kind")
    if kind == "one or several":
        several = _rewritten({key: each for key, each in node.items() if key != "x-kind"})
        return {"anyOf": [several, several["items"]]}
    if kind is not None:
        return {**_KINDS[kind], **_default(node, kind)}
    kept = {
        key: {name: _rewritten(each) for name, each in value.items()}
        if key == "properties"
        else _rewritten(value)
        for key, value in node.items()
        if key not in ("title", "default", "description", "format")
    }
    kept = _or_a_variable(kept) | _default(node, "")
    if kept.get("type") == "object" and "properties" in kept:
        twins = [name for name in kept["properties"] if f"{name}_file" in kept["properties"]]
        if twins:
            kept["allOf"] = [{"not": {"required": [name, f"{name}_file"]}} for name in twins]
    return kept


def _or_a_variable(node: Json) -> Json:
    kind = node.get("type")
    if kind in ("number", "integer"):
        return {"anyOf": [node, {"$ref": "#/$defs/number"}, _VARIABLE]}
    if kind == "boolean":
        return {"anyOf": [node, {"$ref": "#/$defs/switch"}, _VARIABLE]}
    if "const" in node or "enum" in node or (kind == "string" and len(node) > 1):
        return {"anyOf": [node, _VARIABLE]}
    return node


def _default(node: Mapping[str, Any], kind: str) -> Json:
    value = node.get("default")
    if isinstance(value, float) and kind == "duration":
        return {"default": write_duration(value)}
    return {"default": value} if isinstance(value, int | float | str) and value != "" else {}


def _explain(defs: Json, name: str, told: Mapping[str, str]) -> None:
    """Put what the documents say of each setting where editors show it."""
    for path, text in told.items():
        node = defs[name]
        *sections, last = path.split(".")
        for section in sections:
            node = next(_sections(defs, node.get("properties", {}).get(section, {})), {})
        place = node.get("properties", {}).get(last)
        if place is not None and "description" not in place:
            # Beside a reference nothing counts in this draft, unless that stands in a list.
            reference = place.pop("$ref", None)
            if reference is not None:
                place["allOf"] = [{"$ref": reference}]
            place["description"] = text


def _sections(defs: Json, node: Any) -> Iterator[Json]:
    """Yield the sections that a setting may hold, however deep in its choices they are named."""
    if isinstance(node, list):
        for each in node:
            yield from _sections(defs, each)
    elif isinstance(node, dict):
        if "properties" in node:
            yield node
        if "$ref" in node:
            yield from _sections(defs, defs.get(node["$ref"].rpartition("/")[2]))
        for key in ("anyOf", "allOf", "items", "additionalProperties"):
            yield from _sections(defs, node.get(key))


def _meaning(node: Mapping[str, Any]) -> Json:
    return {"description": node["description"]} if "description" in node else {}
