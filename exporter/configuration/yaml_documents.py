"""Read YAML documents strictly, and say in one sentence what is wrong with each place of them.

What a document means is the business of who reads it; no sentence quotes a value that could be
secret.
"""

import contextlib
import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import yaml
from pydantic import ValidationError

from exporter.errors import About, ConfigError, ConfigProblem, Place
from exporter.settings import Section, quoted

_MOST_VALUES = 200_000
_MOST_MERGED_KEYS = 10_000
_LONGEST_NUMBER = 1000
_SURROGATE = re.compile("[\ud800-\udfff]")
_QUOTED_NAME = re.compile(r"\b(alias|anchor|tag|tag handle) ['\"].*", re.DOTALL)
_COLON = re.compile("[:\uff1a]")
"""A colon, or the one that Chinese keyboards write."""
_PLAIN_WORDS = {
    "tuple_type": "expected a list",
    "model_type": "expected a mapping",
    "mapping_type": "expected a mapping",
    "dict_type": "expected a mapping",
    "string_type": "expected a text",
    "invalid_key": "expected a text as the key",
    "int_type": "expected a whole number",
    "int_parsing": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_type": "expected a number",
    "float_parsing": "expected a number",
    "bool_type": "expected true or false",
    "bool_parsing": "expected true or false",
    "int_parsing_size": "expected a whole number",
}
_BOUNDS = {
    "string_too_short": "expected a text of {min_length} or more characters",
    "string_too_long": "expected a text of at most {max_length} characters",
    "too_short": "expected a list of {min_length} or more",
    "too_long": "expected a list of at most {max_length}",
}
_PLAIN_KINDS = frozenset(
    {
        *("duration", "size", "number", "literal_error", "bool_type", "bool_parsing"),
        *("int_type", "int_parsing", "int_parsing_size", "int_from_float"),
        *("float_type", "float_parsing", "finite_number"),
        *("greater_than", "greater_than_equal", "less_than", "less_than_equal"),
    }
)
"""Errors about numbers, durations and words out of a few."""


def read_document(text: str) -> Any:
    """Return what a YAML document holds; raises ConfigError when it is none, or a bomb."""
    try:
        # A SafeLoader underneath.
        document = yaml.load(text, Loader=_StrictLoader)  # noqa: S506  # nosec B506
    except yaml.YAMLError as exc:
        raise ConfigError((_yaml_problem(exc),)) from None
    except (RecursionError, ValueError, OverflowError, LookupError, AttributeError):
        # The last two are what PyYAML makes of a text tagged as a boolean or a timestamp.
        raise _error("", "not valid YAML: nested too deeply or not a value of its kind") from None
    if _is_too_large(document):
        raise _error("", f"too large: more than {_MOST_VALUES} values")
    return document


def compose_document(text: str) -> yaml.Node | None:
    """Return the nodes that a document is made of, or None when there are none to be had."""
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=_StrictLoader)
    except (yaml.YAMLError, RecursionError, ValueError, LookupError, AttributeError):
        return None
    return node


def problems_of(
    exc: ValidationError,
    place: str,
    model: type[Section],
    entry: Mapping[str, Any],
    defaults: Mapping[str, Any],
) -> Iterator[ConfigProblem]:
    """Translate what pydantic found in `entry`, into whose gaps the `defaults` were put."""
    for error in exc.errors(include_url=False, include_context=True, include_input=False):
        location = error["loc"]
        if location and location[0] in defaults and location[0] not in entry:
            path = _path("defaults", location)
        else:
            path = _path(place, location)
        sentence, about = _sentence(error, location, model), _about(error["type"])
        if (hint := lost_blank(_last_key(location))) and about is not About.KEY:
            sentence, about = sentence + hint, About.KEY
        yield ConfigProblem(path, sentence, about)


def _about(kind: str) -> About:
    if kind == "extra_forbidden":
        return About.KEY
    if kind == "region_code":
        return About.PUBLIC
    if kind in _PLAIN_KINDS:
        return About.PLAIN
    return About.KIND if kind in _PLAIN_WORDS else About.VALUE


def _sentence(error: Mapping[str, Any], location: tuple[Any, ...], model: type[Any]) -> str:
    kind = error["type"]
    if kind == "extra_forbidden":
        keys = _keys_at(model, location[:-1])
        return f"unknown key{lost_blank(location[-1])}{nearest(location[-1], keys)}"
    if kind == "missing":
        return "required"
    if location and location[-1] == "[key]" and kind in _PLAIN_WORDS:
        return _PLAIN_WORDS["invalid_key"]
    if kind in _PLAIN_WORDS:
        return _PLAIN_WORDS[kind]
    if kind in _BOUNDS:
        return _BOUNDS[kind].format(**error["ctx"])
    message: str = error["msg"]
    for lead in ("Value error, ", "Input should be "):
        if message.startswith(lead):
            message = ("expected " if lead.startswith("Input") else "") + message[len(lead) :]
    return message[:1].lower() + message[1:] if message[:2].istitle() else message


def _keys_at(model: Any, location: tuple[Any, ...]) -> tuple[str, ...]:
    """Return the keys a section at this place may have."""
    named = False
    for step in location:
        if named:
            # This key is a name the user chose; what it names has keys of ours again.
            named = False
            continue
        field = getattr(model, "model_fields", {}).get(step)
        if field is None:
            return ()
        candidates = (field.annotation, *getattr(field.annotation, "__args__", ()))
        model = next((each for each in candidates if hasattr(each, "model_fields")), None)
        named = getattr(field.annotation, "__origin__", None) is dict
    return tuple(getattr(model, "model_fields", {}))


def _path(start: str, location: Iterable[Any]) -> str:
    path = start
    for step in location:
        if step == "[key]":
            continue
        path += f"[{step}]" if isinstance(step, int) else f".{quoted(step)}"
    return path.removeprefix(".")


def nearest(given: object, known: Iterable[str]) -> str:
    """Return a hint at the known word that was probably meant, or nothing."""
    shown = quoted(given).removesuffix("…").casefold()
    close = difflib.get_close_matches(shown, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else ""


def lost_blank(key: object) -> str:
    """Return a hint at the blank without which a colon is a part of the key, or nothing."""
    return "; a space may be missing after the colon" if _COLON.search(str(key)) else ""


def _last_key(location: tuple[Any, ...]) -> object:
    """Return the key that a problem is of, or an empty one when it is of an entry of a list."""
    steps = [step for step in location if step != "[key]"]
    return steps[-1] if steps and isinstance(steps[-1], str) else ""


def _is_too_large(document: object) -> bool:
    """Say whether the document is a bomb: with aliases a few lines can stand for billions."""
    waiting, count = [document], 0
    while waiting:
        value = waiting.pop()
        parts = value.values() if isinstance(value, dict) else value
        if isinstance(parts, str) or not isinstance(parts, Collection):
            continue
        count += len(parts)
        if count > _MOST_VALUES:
            return True
        waiting += parts
    return False


class _StrictLoader(yaml.SafeLoader):
    """Load plain YAML, but refuse a key that is given twice: one of the two would be lost."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Read a mapping as it is written, before anything is merged into it."""
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key_node, _ in node.value:
            if isinstance(key_node, yaml.ScalarNode) and key_node.tag != "tag:yaml.org,2002:merge":
                if _SURROGATE.search(key_node.value):
                    # Every problem is named by its key, and no answer could be encoded with this.
                    raise yaml.constructor.ConstructorError(
                        None, None, "a key that is not UTF-8 text", key_node.start_mark
                    )
                if key_node.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None,
                        None,
                        f"the key {quoted(key_node.value)} is given twice",
                        key_node.start_mark,
                    )
                seen.add(key_node.value)
        return node

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        """Read a whole number, but none so long that Python would not write it again."""
        if len(node.value) > _LONGEST_NUMBER:
            raise yaml.constructor.ConstructorError(
                None, None, f"a number of more than {_LONGEST_NUMBER} digits", node.start_mark
            )
        return int(super().construct_yaml_int(node))

    def construct_yaml_float(self, node: yaml.ScalarNode) -> float:
        """Read a number, but none that has no float: each colon in it means sixty times as much."""
        if len(node.value) <= _LONGEST_NUMBER:
            with contextlib.suppress(OverflowError):
                return float(super().construct_yaml_float(node))
        raise yaml.constructor.ConstructorError(
            None, None, "a number that is too large", node.start_mark
        )

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Carry out the merges of a mapping, which can be a bomb just as aliases can."""
        super().flatten_mapping(node)
        if len(node.value) > _MOST_MERGED_KEYS:
            raise yaml.constructor.ConstructorError(
                None, None, "too many keys are merged", node.start_mark
            )


# PyYAML calls what is registered here, whatever the class has under the same name.
_StrictLoader.add_constructor("tag:yaml.org,2002:int", _StrictLoader.construct_yaml_int)
_StrictLoader.add_constructor("tag:yaml.org,2002:float", _StrictLoader.construct_yaml_float)


def _yaml_problem(exc: yaml.YAMLError) -> ConfigProblem:
    """Say what is wrong and where, without quoting the line: it can hold a secret."""
    problem = str(getattr(exc, "problem", None) or "unreadable")
    # What follows "*", "&" or "!" is taken for a name; unquoted secrets can begin with these.
    problem = _QUOTED_NAME.sub(r"\1", problem)
    mark = getattr(exc, "problem_mark", None)
    place = Place(line=mark.line + 1, column=mark.column + 1) if mark else None
    return ConfigProblem("", f"not valid YAML: {problem}", place=place)


def _error(path: str, message: str) -> ConfigError:
    return ConfigError((ConfigProblem(path, message),))
