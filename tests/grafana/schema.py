"""Hold a dashboard against the types that Grafana publishes of one of its versions.

`scripts/setup-grafana` turns the types of the npm package @grafana/schema into JSON schemas that
allow nothing they do not name. A panel is checked in parts: what all panels have in common is in
the type of the dashboard, options and field options are in those of each kind of panel.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from jsonschema import Draft7Validator, ValidationError

from tests.grafana.boards import Json, panels

_SCHEMAS = Path(__file__).parent / "node_modules" / ".schemas"
VERSIONS = ("10.0", "10.4", "11.0", "11.6", "12.0", "12.4")


class Schema:
    """The published types of one version of Grafana."""

    def __init__(self, version: str) -> None:
        path = _SCHEMAS / version / "schema.json"
        assert path.exists(), f"{path} is missing: run scripts/setup-grafana"
        self._parts: Json = json.loads(path.read_text(encoding="utf-8"))["properties"]

    @property
    def parts(self) -> set[str]:
        """Return what this version publishes."""
        return set(self._parts)

    def complaints(self, board: Json) -> Iterator[str]:
        """Yield what these types do not allow, each with its place."""
        yield from _complaints(self._parts["dashboard"], {**board, "panels": []}, "")
        alternatives = self._parts["dashboard"]["properties"]["panels"]["items"]["anyOf"]
        for panel in board["panels"]:
            schema = next(each for each in alternatives if _is_of(each, panel))
            yield from _complaints(schema, panel, "panel.")
        for panel in panels(board):
            kind = panel["type"].replace("-", "")
            custom = panel["fieldConfig"]["defaults"]["custom"]
            yield from self._part(f"{kind}_options", panel["options"])
            yield from self._part(f"{kind}_custom", custom)
            for target in panel["targets"]:
                yield from self._part("target", target)

    def _part(self, name: str, value: Json) -> Iterator[str]:
        if name in self._parts:
            yield from _complaints(self._parts[name], value, f"{name}.")


def _is_of(schema: Json, panel: Json) -> bool:
    # A heading is told by its panels, a panel by the data source that headings do not have.
    return ("panels" in schema["properties"]) == (panel["type"] == "row") and (
        panel["type"] == "row" or "fieldConfig" in schema["properties"]
    )


def _complaints(schema: Json, value: Json, place: str) -> Iterator[str]:
    for error in Draft7Validator(schema).iter_errors(value):
        for each in _causes(error):
            path = ".".join("*" if isinstance(step, int) else step for step in each.absolute_path)
            yield f"{place}{path}: {each.message}"


def _causes(error: ValidationError) -> Iterator[ValidationError]:
    """Yield what is wrong with the alternative that comes nearest."""
    if not error.context:
        yield error
        return
    alternatives: dict[object, list[ValidationError]] = {}
    for each in error.context:
        alternatives.setdefault(each.schema_path[0], []).append(each)
    for each in min(alternatives.values(), key=len):
        yield from _causes(each)
