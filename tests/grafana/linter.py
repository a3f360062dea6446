"""The rules of grafana/dashboard-linter, each a function from a dashboard to complaints.

The linter is a Go program that the tests cannot count on. Its rules are written here anew, and
hold for panels of every type, where the linter looks at some. Warnings count, as with `--strict`.
"""

import re
from collections.abc import Callable, Iterator

from promql_parser import Call, MatrixSelector

from tests.grafana.boards import Json, panels, variables
from tests.grafana.promql import RATE_INTERVAL, matchers, parse, selectors, walk

Complaints = Iterator[str]

_DATASOURCES = ("$datasource", "${datasource}")
_FUNCTION = re.compile(r"(label_values|label_names|metrics|query_result)\((.+)\)")
_UNITS = frozenset(
    (
        *("none", "string", "short", "percent", "percentunit", "bytes", "decbytes", "Bps"),
        *("dateTimeAsIso", "dateTimeFromNow", "s", "ms", "dtdurations", "cps", "ops"),
        *("reqps", "rps", "iops", "cpm", "opm", "rpm", "bool", "bool_yes_no", "bool_on_off"),
    )
)
"""Those of Grafana's units that could be wanted here."""


def template_datasource(board: Json) -> Complaints:
    """There is one variable for the data source, called as everywhere."""
    found = [each for each in variables(board).values() if each["type"] == "datasource"]
    if [(each["name"], each["label"], each["query"]) for each in found] != [
        ("datasource", "Data source", "prometheus")
    ]:
        yield "needs one data source variable: datasource, Data source, prometheus"


def template_job(board: Json) -> Complaints:
    """There is a variable for the scrape job."""
    return _template(board, "job")


def template_instance(board: Json) -> Complaints:
    """There is a variable for the exporter."""
    return _template(board, "instance")


def _template(board: Json, name: str) -> Complaints:
    variable = variables(board).get(name)
    if variable is None:
        yield f"has no variable {name}"
        return
    wanted = {"type": "query", "label": name.title(), "multi": True, "allValue": ".+"}
    for key, value in wanted.items():
        if variable[key] != value:
            yield f"variable {name}: {key} is {variable[key]}, not {value}"
    if variable["datasource"]["uid"] not in _DATASOURCES:
        yield f"variable {name}: does not use the data source variable"


def template_label_promql(board: Json) -> Complaints:
    """Queries of variables are PromQL in a function that Grafana knows."""
    for name, variable in variables(board).items():
        if variable["type"] != "query":
            continue
        match = _FUNCTION.fullmatch(variable["query"]["query"])
        asked = match[2] if match else ""
        try:
            parse(asked if match and match[1] == "query_result" else asked.rpartition(", ")[0])
        except ValueError as exc:
            yield f"variable {name}: {exc}"


def template_on_time_change_reload(board: Json) -> Complaints:
    """Variables are asked for again when the time shown changes."""
    for name, variable in variables(board).items():
        if variable["type"] == "query" and variable["refresh"] != 2:
            yield f"variable {name} is not refreshed on time change"


def panel_datasource(board: Json) -> Complaints:
    """Every panel and every query follows the data source variable."""
    for panel in panels(board):
        for each in (panel, *panel["targets"]):
            if each["datasource"]["uid"] not in _DATASOURCES:
                yield f"{panel['title']}: does not use the data source variable"


def panel_title_description(board: Json) -> Complaints:
    """Every panel has a title and says what it shows."""
    for panel in panels(board):
        if not panel.get("title") or not panel.get("description"):
            yield f"panel {panel['id']}: title or description is missing"


def panel_units(board: Json) -> Complaints:
    """Every panel has a unit that Grafana knows, and so has every field that differs."""
    for panel in panels(board):
        units = [panel["fieldConfig"]["defaults"].get("unit")]
        units += (
            each["value"]
            for override in panel["fieldConfig"]["overrides"]
            for each in override["properties"]
            if each["id"] == "unit"
        )
        yield from (f"{panel['title']}: unit {unit}" for unit in units if unit not in _UNITS)


def panel_no_targets(board: Json) -> Complaints:
    """Every panel asks something."""
    for panel in panels(board):
        if not panel.get("targets"):
            yield f"{panel['title']}: asks nothing"


def target_logql(board: Json) -> Complaints:
    """Nothing is asked of Loki, so that its two rules have nothing to look at."""
    for panel, target in _targets(board):
        if target["datasource"]["type"] != "prometheus":
            yield f"{panel['title']}: asks {target['datasource']['type']}"


def target_promql(board: Json) -> Complaints:
    """Every query is PromQL."""
    for panel, target in _targets(board):
        try:
            parse(target["expr"])
        except ValueError as exc:
            yield f"{panel['title']}: {exc}"


def target_rate_interval(board: Json) -> Complaints:
    """`rate` looks at as much time as the scrapes and the width of the panel need."""
    for panel, target in _targets(board):
        for node, above in walk(parse(target["expr"])):
            if not isinstance(node, MatrixSelector) or (
                f"{node.range.total_seconds():.0f}s" == RATE_INTERVAL
            ):
                continue
            call = above[-1] if above else None
            if isinstance(call, Call) and call.func.name in ("rate", "irate"):
                yield f"{panel['title']}: {call.func.name} without $__rate_interval"


def target_job(board: Json) -> Complaints:
    """Every selector follows the variable of the scrape job."""
    return _followed(board, "job")


def target_instance(board: Json) -> Complaints:
    """Every selector follows the variable of the exporter."""
    return _followed(board, "instance")


def _followed(board: Json, label: str) -> Complaints:
    for panel, target in _targets(board):
        for selector, _ in selectors(parse(target["expr"])):
            if (label, "Re", f"${label}") not in matchers(selector):
                yield f"{panel['title']}: {selector.name} does not follow ${label}"


def target_counter_agg(board: Json) -> Complaints:
    """Counters, and the counters that a histogram is made of, are only seen by their growth."""
    counted = ("_total", "_bucket", "_sum", "_count")
    for panel, target in _targets(board):
        for selector, above in selectors(parse(target["expr"])):
            call = above[-2] if len(above) > 1 else None
            grows = isinstance(call, Call) and call.func.name in ("rate", "irate", "increase")
            if (selector.name or "").endswith(counted) and not grows:
                yield f"{panel['title']}: {selector.name} without rate or increase"


def uneditable_dashboard(board: Json) -> Complaints:
    """What is provisioned is changed at its source."""
    if board["editable"]:
        yield "is editable"


def _targets(board: Json) -> Iterator[tuple[Json, Json]]:
    for panel in panels(board):
        for target in panel.get("targets", ()):
            yield panel, target


RULES: tuple[Callable[[Json], Complaints], ...] = (
    template_datasource,
    template_job,
    template_instance,
    template_label_promql,
    template_on_time_change_reload,
    panel_datasource,
    panel_title_description,
    panel_units,
    panel_no_targets,
    target_logql,
    target_promql,
    target_rate_interval,
    target_job,
    target_instance,
    target_counter_agg,
    uneditable_dashboard,
)
