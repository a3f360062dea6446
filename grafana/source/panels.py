"""Build panels as Grafana writes them down: what all have in common, and one function a kind.

Only options that every Grafana from 10 to 12 knows are used.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from string import ascii_uppercase
from typing import Any

from grafana.source.palette import ALWAYS_PLAIN, Steps, thresholds

Json = dict[str, Any]

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What every panel says of itself."""

    title: str
    description: str
    nothing: str
    """What is shown when there are no data."""
    unit: str = "short"
    decimals: int | None = None
    steps: Steps = ALWAYS_PLAIN
    mappings: Sequence[Json] = ()
    overrides: Sequence[Json] = field(default=())


def range_query(expr: str, legend: str) -> Json:
    """Ask for values over the time shown."""
    return _query(expr, legend, instant=False, format_="time_series")


def now_query(expr: str, legend: str) -> Json:
    """Ask for the values at the end of the time shown."""
    return _query(expr, legend, instant=True, format_="time_series")


def row_query(expr: str) -> Json:
    """Ask for the values at the end of the time shown, as rows of a table."""
    return _query(expr, "", instant=True, format_="table")


def override(name: str, **properties: Any) -> Json:
    """Show one field differently; a dot in a property's name is written as two underscores."""
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [
            {"id": key.replace("__", "."), "value": value} for key, value in properties.items()
        ],
    }


def link(title: str, url: str, *, elsewhere: bool = False) -> Json:
    """Lead from a value to another page."""
    return {"title": title, "url": url, "targetBlank": elsewhere}


def stat(about: About, *queries: Json, filled: bool = False, names: bool = False) -> Json:
    """Show single numbers, large; `filled` colours the background, `names` says whose they are."""
    options = {
        "colorMode": "background" if filled else "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "textMode": "value_and_name" if names else "auto",
    }
    return _panel("stat", about, queries, options, color={"mode": "thresholds"})


def timeseries(
    about: About, *queries: Json, stacked: bool = False, bars: bool = False, limits: bool = False
) -> Json:
    """Show curves over time; `limits` draws the thresholds as dashed lines."""
    custom = {
        "drawStyle": "bars" if bars else "line",
        "fillOpacity": 60 if bars or stacked else 0,
        "lineInterpolation": "linear",
        "lineWidth": 1,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"group": "A", "mode": "normal" if stacked else "none"},
        "thresholdsStyle": {"mode": "dashed" if limits else "off"},
    }
    options = {
        "legend": {
            "calcs": ["lastNotNull", "max"],
            "displayMode": "table",
            "placement": "bottom",
            "showLegend": True,
        },
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    color = {"mode": "palette-classic"}
    return _panel("timeseries", about, queries, options, color=color, custom=custom, minimum=0)


def curve(
    title: str,
    description: str,
    nothing: str,
    expr: str,
    legend: str,
    *,
    unit: str,
    steps: Steps | None = None,
    stacked: bool = False,
) -> Json:
    """Show the answer of one query over time, with its thresholds as lines if it has any."""
    about = About(
        title=title,
        description=description,
        nothing=nothing,
        unit=unit,
        steps=steps or ALWAYS_PLAIN,
    )
    query = range_query(expr, legend)
    return timeseries(about, query, limits=steps is not None, stacked=stacked)


def state_timeline(about: About, *queries: Json) -> Json:
    """Show which state things were in, one line each."""
    options = {
        "alignValue": "left",
        "legend": {
            "calcs": [],
            "displayMode": "list",
            "placement": "bottom",
            "showLegend": True,
        },
        "mergeValues": True,
        "rowHeight": 0.8,
        "showValue": "auto",
        "tooltip": {"mode": "single", "sort": "none"},
    }
    custom = {"fillOpacity": 90, "lineWidth": 0}
    color = {"mode": "thresholds"}
    return _panel("state-timeline", about, queries, options, color=color, custom=custom)


def bar_gauge(about: About, *queries: Json) -> Json:
    """Show a ranking as bars."""
    options = {
        "displayMode": "basic",
        "minVizHeight": 10,
        "minVizWidth": 0,
        "orientation": "horizontal",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "showUnfilled": True,
        "valueMode": "color",
    }
    return _panel("bargauge", about, queries, options, color={"mode": "thresholds"}, minimum=0)


def table(
    about: About,
    *queries: Json,
    columns: Sequence[str],
    hidden: Sequence[str] = (),
    worst_first: str = "",
) -> Json:
    """Show one row for each set of labels, with the answers of all queries beside each other."""
    transformations: list[Json] = [{"id": "merge", "options": {}}]
    if worst_first:
        sort = {"fields": {}, "sort": [{"desc": True, "field": worst_first}]}
        transformations.append({"id": "sortBy", "options": sort})
    organize = {
        "excludeByName": dict.fromkeys(("Time", *hidden), True),
        "indexByName": {name: index for index, name in enumerate(columns)},
        "renameByName": {},
    }
    transformations.append({"id": "organize", "options": organize})
    options = {"cellHeight": "sm", "frameIndex": 0, "showHeader": True}
    custom = {
        "align": "auto",
        "cellOptions": {"type": "auto"},
        "filterable": True,
        "inspect": False,
    }
    panel = _panel("table", about, queries, options, color={"mode": "thresholds"}, custom=custom)
    return {**panel, "transformations": transformations}


def coloured_text() -> Json:
    """Return how a cell of a table is coloured by its value."""
    return {"type": "color-text"}


def coloured_cell() -> Json:
    """Return how the background of a cell is coloured by its value."""
    return {"type": "color-background", "mode": "basic"}


def _query(expr: str, legend: str, *, instant: bool, format_: str) -> Json:
    return {
        "datasource": DATASOURCE,
        "editorMode": "code",
        "exemplar": False,
        "expr": expr,
        "format": format_,
        "instant": instant,
        "legendFormat": legend,
        "range": not instant,
    }


def _panel(
    kind: str,
    about: About,
    queries: Sequence[Json],
    options: Json,
    *,
    color: Json,
    custom: Json | None = None,
    minimum: float | None = None,
) -> Json:
    defaults = {
        "color": color,
        "custom": custom or {},
        "decimals": about.decimals,
        "mappings": list(about.mappings),
        "min": minimum,
        "noValue": about.nothing,
        "thresholds": thresholds(about.steps),
        "unit": about.unit,
    }
    return {
        "type": kind,
        "title": about.title,
        "description": about.description,
        "datasource": DATASOURCE,
        "targets": [
            {**query, "refId": ref} for ref, query in zip(ascii_uppercase, queries, strict=False)
        ],
        "fieldConfig": {
            "defaults": {name: value for name, value in defaults.items() if value is not None},
            "overrides": list(about.overrides),
        },
        "options": options,
    }
