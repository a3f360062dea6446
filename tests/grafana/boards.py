"""Read the dashboards that are checked in, and fill in their variables as Grafana does."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GRAFANA = Path(__file__).parents[2] / "grafana"
UIDS = ("streaming-overview", "streaming-job", "streaming-exporter")

Json = dict[str, Any]
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_NOT_PLAIN = re.compile(r"[$^*{}\[\]'+?.()|]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One query of a dashboard, and where it is."""

    place: str
    expr: str
    instant: bool


def load(uid: str, form: str = "dashboards") -> Json:
    """Read a dashboard; `form` is the folder."""
    board: Json = json.loads((GRAFANA / form / f"{uid}.json").read_text(encoding="utf-8"))
    return board


def panels(board: Json) -> Iterator[Json]:
    """Yield all panels but the headings."""
    return (panel for panel in board["panels"] if panel["type"] != "row")


def drawn(board: Json) -> list[str]:
    """Return the titles of the panels that draw something for each series, unlike tables."""
    return [panel["title"] for panel in panels(board) if panel["type"] != "table"]


def variables(board: Json) -> dict[str, Json]:
    """Return the variables by their names."""
    return {variable["name"]: variable for variable in board["templating"]["list"]}


def queries(board: Json, *, switched_on: bool = False) -> Iterator[Query]:
    """Yield the queries of all panels and annotations, or of those alone that are switched on."""
    for panel in panels(board):
        for target in panel["targets"]:
            place = f"{board['uid']}: {panel['title']}: {target['refId']}"
            yield Query(place=place, expr=target["expr"], instant=target["instant"])
    for annotation in board["annotations"]["list"]:
        if switched_on and not annotation["enable"]:
            continue
        place = f"{board['uid']}: annotation {annotation['name']}"
        yield Query(place=place, expr=annotation["target"]["expr"], instant=False)


def every(board: Json) -> dict[str, str]:
    """Return what Grafana puts in where All is chosen of each variable, and of addresses.

    That is more than anybody sees where All cannot be chosen, or a panel shows some jobs alone.
    """
    found = {}
    for name, variable in variables(board).items():
        if variable["type"] == "query":
            found[name] = variable.get("allValue", ".+")
        elif variable["type"] == "textbox":
            found[name] = variable["query"]
    return found


def chosen(*values: str) -> str:
    """Return what Grafana puts in for chosen values of a variable of which there can be several."""
    escaped = [_escape(value) for value in values]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def fill_in(text: str, values: Mapping[str, str]) -> str:
    """Fill in variables; one that is not given is a mistake, and raises KeyError."""
    return _VARIABLE.sub(lambda match: values[match[1] or match[2]], text)


def _escape(value: str) -> str:
    # As the Prometheus data source of Grafana does: once for the regular expression and once for
    # the quoted text that holds it.
    return _NOT_PLAIN.sub(r"\\\\\g<0>", value.replace("\\", "\\\\\\\\"))
