"""Choose values of variables as Grafana does when a dashboard is opened."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.grafana.boards import Json, chosen, every, fill_in, variables

Get = Callable[[str, Mapping[str, str]], Any]
"""Asks Prometheus: a path below `/api/v1/` and its parameters; returns the data."""

_FUNCTION = re.compile(r"(label_values|query_result)\((.+)\)", re.DOTALL)


def opened(board: Json, macros: Mapping[str, str], get: Get) -> dict[str, str]:
    """Return what stands for each variable of a dashboard that nobody has changed."""
    values = {**every(board), **macros}
    for name, variable in variables(board).items():
        if variable["type"] != "query":
            continue
        offered = options(variable, values, get)
        if not variable["includeAll"]:
            values[name] = chosen(*offered[:1])
        elif "allValue" not in variable:
            values[name] = chosen(*offered)
    return values


def options(variable: Json, values: Mapping[str, str], get: Get) -> list[str]:
    """Return what there is to choose of a variable."""
    match = _FUNCTION.fullmatch(fill_in(variable["query"]["query"], values))
    assert match is not None, variable
    if match[1] == "label_values":
        series, _, label = match[2].rpartition(", ")
        return sorted(get(f"label/{label}/values", {"match[]": series}))
    found = get("query", {"query": match[2]})["result"]
    pattern = re.compile(variable["regex"].strip("/"))
    matches = (pattern.search(_as_text(each)) for each in found)
    return sorted(each[1] for each in matches if each is not None)


def _as_text(sample: Json) -> str:
    """Return a sample as Grafana writes it for the regular expression of a variable."""
    metric = dict(sample["metric"])
    name = metric.pop("__name__", "")
    labels = ",".join(f'{label}="{value}"' for label, value in metric.items())
    at, value = sample["value"]
    return f"{name}{{{labels}}} {value} {at * 1000:.0f}"
