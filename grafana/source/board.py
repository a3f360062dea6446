"""Put panels on a grid and make a dashboard of them, to be provisioned or to be uploaded."""

import copy
from collections.abc import Sequence

from grafana.source.panels import Json

TAG = "streaming-jobs"
WIDTH = 24
_SCHEMA_OF_GRAFANA_10 = 38
"""Later ones bring a dashboard up to date as they load it."""
_INPUT = "DS_PROMETHEUS"

Band = tuple[int, Sequence[tuple[Json, int]]]
"""A height, and panels with their widths, which fill the grid."""


def section(title: str, *bands: Band) -> list[Band]:
    """Put a heading over some bands."""
    heading: Json = {"type": "row", "title": title, "collapsed": False, "panels": []}
    return [(1, [(heading, WIDTH)]), *bands]


def dashboard(
    *,
    uid: str,
    title: str,
    description: str,
    variables: Sequence[Json],
    bands: Sequence[Band],
    annotations: Sequence[Json],
) -> Json:
    """Return a dashboard that can be provisioned as it is."""
    return {
        "id": None,
        "uid": uid,
        "title": title,
        "description": description,
        "tags": [TAG],
        "annotations": {"list": list(annotations)},
        "editable": False,
        "fiscalYearStartMonth": 0,
        "graphTooltip": 1,
        "links": [
            {
                "asDropdown": False,
                "icon": "external link",
                "includeVars": True,
                "keepTime": True,
                "tags": [TAG],
                "targetBlank": False,
                "title": "",
                "tooltip": "",
                "type": "dashboards",
                "url": "",
            }
        ],
        "panels": _place(bands),
        "refresh": "30s",
        "schemaVersion": _SCHEMA_OF_GRAFANA_10,
        "templating": {"list": list(variables)},
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "version": 1,
        "weekStart": "",
    }


def for_upload(board: Json) -> Json:
    """Return the same dashboard as grafana.com wants it: it asks which Prometheus to begin with."""
    board = copy.deepcopy(board)
    variable = next(each for each in board["templating"]["list"] if each["type"] == "datasource")
    variable["current"] = {"text": f"${{{_INPUT}}}", "value": f"${{{_INPUT}}}"}
    kinds = sorted({panel["type"] for panel in board["panels"]} - {"row"})
    return {
        "__inputs": [
            {
                "name": _INPUT,
                "label": "Prometheus",
                "description": "The Prometheus that scrapes streaming-job-exporter.",
                "type": "datasource",
                "pluginId": "prometheus",
                "pluginName": "Prometheus",
            }
        ],
        "__elements": {},
        "__requires": [
            {"type": "grafana", "id": "grafana", "name": "Grafana", "version": "10.0.0"},
            {"type": "datasource", "id": "prometheus", "name": "Prometheus", "version": "1.0.0"},
            *({"type": "panel", "id": kind, "name": _name(kind), "version": ""} for kind in kinds),
        ],
        **board,
    }


def _name(kind: str) -> str:
    return {"bargauge": "Bar gauge", "timeseries": "Time series"}.get(
        kind, kind.replace("-", " ").capitalize()
    )


def _place(bands: Sequence[Band]) -> list[Json]:
    placed: list[Json] = []
    y = 0
    for height, panels in bands:
        x = 0
        for panel, width in panels:
            position = {"h": height, "w": width, "x": x, "y": y}
            placed.append({"id": len(placed) + 1, **panel, "gridPos": position})
            x += width
        y += height
    return placed
