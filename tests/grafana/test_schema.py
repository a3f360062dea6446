"""Every field of the dashboards is one that Grafana 10, 11 and 12 publish, with a value they take.

What is tolerated is where the published types fall short of Grafana itself, each with its reason.
"""

import re
from collections.abc import Callable
from functools import cache

import pytest

from tests.grafana.boards import UIDS, Json, load, panels, variables
from tests.grafana.schema import VERSIONS, Schema

pytestmark = pytest.mark.real

LATER = VERSIONS[1:]
TOLERATED = (
    # Types of options say what panels work with after their defaults have been filled in.
    (LATER, r"\w+_(options|custom)\.[a-zA-Z.]*: '\w+' is a required property"),
    # "Plugins can set any property directly on the main object", Grafana says of annotations,
    (
        VERSIONS,
        r"annotations\.list\.\*: Additional properties are not allowed \('expr', 'step', "
        r"'tagKeys', 'textFormat', 'titleFormat'(, 'useValueForTime')? were unexpected\)",
    ),
    # and of their target: "this should just be a normal query target".
    (
        VERSIONS,
        r"annotations\.list\.\*\.target: (Additional properties are not allowed \('expr', "
        r"'interval', 'refId' were unexpected\)|'(limit|matchAny|tags|type)' is a required .*)",
    ),
    # The types of 10.0 came before these fields, which Grafana has had since 7.
    (
        ("10.0",),
        r"templating\.list\.\*: Additional properties are not allowed \(('allValue', )?"
        r"('includeAll', )?'regex', 'sort' were unexpected\)",
    ),
    # They know no interval of refreshing, no dashboard without a number, and no lowest threshold,
    # all of which Grafana 10.0 writes itself.
    (("10.0",), r"refresh: '30s' is not (one of \[False\]|of type 'boolean')"),
    (("10.0",), r"id: None is not of type 'number'"),
    (
        ("10.0",),
        r"panel\.fieldConfig\..*thresholds\.steps\.\*\.value: None is not of type 'number'",
    ),
    # And they require what it fills in.
    (("10.0",), r": 'style' is a required property"),
    (("10.0",), r"templating\.list\.\*: 'id' is a required property"),
    (("10.0",), r"panel\.: '(transformations|transparent)' is a required property"),
)


@cache
def schema(version: str) -> Schema:
    return Schema(version)


def _tolerates(version: str, complaint: str) -> bool:
    return any(
        version in versions and re.fullmatch(pattern, complaint) for versions, pattern in TOLERATED
    )


def _refused(version: str, board: Json) -> set[str]:
    return {
        complaint
        for complaint in schema(version).complaints(board)
        if not _tolerates(version, complaint)
    }


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("uid", UIDS)
def test_dashboard_is_what_the_version_publishes(uid: str, version: str) -> None:
    assert _refused(version, load(uid)) == set()


@pytest.mark.parametrize("version", VERSIONS)
def test_version_publishes_the_types_of_all_panels_used(version: str) -> None:
    kinds = {panel["type"].replace("-", "") for uid in UIDS for panel in panels(load(uid))}
    assert {f"{kind}_options" for kind in kinds} <= schema(version).parts
    drawn = {"statetimeline_custom", "timeseries_custom"}
    assert drawn <= schema(version).parts
    assert version == "10.0" or "table_custom" in schema(version).parts


def test_queries_are_held_against_the_last_types_published_of_them() -> None:
    assert [version for version in VERSIONS if "target" in schema(version).parts] == [
        "10.0",
        "10.4",
    ]


@pytest.mark.parametrize(("versions", "pattern"), TOLERATED)
def test_what_is_tolerated_is_met(versions: tuple[str, ...], pattern: str) -> None:
    met = {
        version
        for version in versions
        for uid in UIDS
        for complaint in schema(version).complaints(load(uid))
        if re.fullmatch(pattern, complaint)
    }
    assert met == set(versions)


def _panel(board: Json, kind: str) -> Json:
    return next(panel for panel in panels(board) if panel["type"] == kind)


BREAKAGES: dict[str, Callable[[Json], object]] = {
    "dashboard": lambda board: board.update(colour="red"),
    "panel": lambda board: _panel(board, "stat").update(heading="x"),
    "grid": lambda board: _panel(board, "stat")["gridPos"].update(width=3),
    "unit": lambda board: _panel(board, "stat")["fieldConfig"]["defaults"].update(unit=3),
    "mapping": lambda board: _panel(board, "state-timeline")["fieldConfig"]["defaults"].update(
        mappings=[{"type": "values", "options": {}}]
    ),
    "option": lambda board: _panel(board, "state-timeline")["options"].update(pages=50),
    "value of an option": lambda board: _panel(board, "stat")["options"].update(graphMode="curve"),
    "option of a field": lambda board: _panel(board, "timeseries")["fieldConfig"]["defaults"][
        "custom"
    ].update(drawStyle="dots"),
    "variable": lambda board: variables(board)["source"].update(multiple=True),
    "link": lambda board: board["links"][0].update(keepTime="yes"),
}


@pytest.mark.parametrize("version", LATER)
@pytest.mark.parametrize("name", BREAKAGES)
def test_field_that_does_not_exist_is_refused(name: str, version: str) -> None:
    board = load("streaming-job")
    BREAKAGES[name](board)
    assert _refused(version, board) != set()


def test_query_that_does_not_exist_is_refused() -> None:
    board = load("streaming-overview")
    _panel(board, "stat")["targets"][0]["format"] = "rows"
    assert _refused("10.4", board) != set()
