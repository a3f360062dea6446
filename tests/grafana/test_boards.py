"""The dashboards say what they show, look the same everywhere, and are what their source says."""

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from exporter.edge.metrics import EdgeMetrics
from exporter.exposition.metrics import JOB_FAMILIES, SOURCE_FAMILIES
from exporter.model import State
from exporter.pages.colours import LOOKS
from exporter.platforms import names as platform_names
from exporter.telemetry.telemetry import Telemetry
from grafana.generate import generated
from grafana.source.addresses import CONSOLES, EXPORTER
from grafana.source.attention import RUNBOOK_NAMES
from tests.grafana.boards import GRAFANA, UIDS, Json, load, panels, queries, variables
from tests.grafana.promql import parse, selectors
from tests.monitoring import rules

OWN = {"up", "scrape_samples_scraped", "scrape_duration_seconds", "ALERTS"}
"""What Prometheus adds by itself."""
COLOURS = {state.value: look.colour for state, look in LOOKS.items()}
GENERATED = dict(generated())
ALL = [load(uid, form) for uid in UIDS for form in ("dashboards", "upload")]


@pytest.mark.parametrize("path", GENERATED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_checked_in_file_is_what_the_source_generates(path: Path) -> None:
    wanted = GENERATED[path]
    assert path.read_text(encoding="utf-8") == wanted, "run: python -m grafana.generate"


def test_there_are_no_other_dashboards() -> None:
    found = {path for form in ("dashboards", "upload") for path in (GRAFANA / form).iterdir()}
    assert found == set(GENERATED)


@pytest.mark.parametrize("uid", UIDS)
def test_provisioned_form_needs_no_answer_from_anybody(uid: str) -> None:
    board = load(uid)
    text = json.dumps(board)
    assert board["uid"] == uid
    assert board["id"] is None
    assert not [key for key in board if key.startswith("__")]
    assert "${DS_" not in text


@pytest.mark.parametrize("uid", UIDS)
def test_uploaded_form_differs_only_in_what_it_asks_for(uid: str) -> None:
    uploaded, provisioned = load(uid, "upload"), load(uid)
    (asked,) = uploaded.pop("__inputs")
    required = uploaded.pop("__requires")
    del uploaded["__elements"]
    variable = variables(uploaded)["datasource"]
    assert variable["current"] == dict.fromkeys(("text", "value"), f"${{{asked['name']}}}")
    variable["current"] = variables(provisioned)["datasource"]["current"]
    assert uploaded == provisioned
    used = {panel["type"] for panel in panels(provisioned)}
    assert {each["id"] for each in required if each["type"] == "panel"} == used
    assert {each["version"] for each in required if each["type"] == "grafana"} == {"10.0.0"}


@pytest.mark.parametrize("uid", UIDS)
def test_every_panel_says_what_it_shows_and_what_it_means_when_it_shows_nothing(uid: str) -> None:
    for panel in panels(load(uid)):
        defaults = panel["fieldConfig"]["defaults"]
        assert re.fullmatch(r"[A-Z0-9].+[^.]", panel["title"])
        assert re.fullmatch(r"[A-Z0-9].+\.", panel["description"]), panel["title"]
        assert len(defaults["noValue"]) > 3, panel["title"]
        assert defaults["unit"], panel["title"]


@pytest.mark.parametrize("uid", UIDS)
def test_thresholds_rise(uid: str) -> None:
    for panel in panels(load(uid)):
        overrides = panel["fieldConfig"]["overrides"]
        all_of_them = [panel["fieldConfig"]["defaults"]["thresholds"]] + [
            each["value"]
            for override in overrides
            for each in override["properties"]
            if each["id"] == "thresholds"
        ]
        for thresholds in all_of_them:
            first, *values = [step["value"] for step in thresholds["steps"]]
            assert first is None
            assert all(low < high for low, high in pairwise(values)), panel["title"]


@pytest.mark.parametrize("board", ALL, ids=lambda board: board["uid"])
def test_panels_fill_the_grid_and_do_not_overlap(board: Json) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in board["panels"]:
        place = panel["gridPos"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert (x, y) not in taken, f"{panel['title']} lies on {taken[x, y]}"
                taken[x, y] = panel["title"]
    height = 1 + max(y for _, y in taken)
    assert len(taken) == 24 * height
    assert {x for x, _ in taken} == set(range(24))


@pytest.mark.parametrize("uid", UIDS)
def test_panels_are_told_apart(uid: str) -> None:
    board = load(uid)
    ids = [panel["id"] for panel in board["panels"]]
    titles = [panel["title"] for panel in panels(board)]
    assert len(set(ids)) == len(ids)
    assert len(set(titles)) == len(titles)
    assert 10 < len(titles) < 36
    for panel in panels(board):
        refs = [target["refId"] for target in panel["targets"]]
        assert len(set(refs)) == len(refs)


def _named() -> set[str]:
    boards = [load(uid) for uid in UIDS]
    found = {
        selector.name or ""
        for board in boards
        for query in queries(board)
        for selector, _ in selectors(parse(query.expr))
    }
    # In whatever place: descriptions and queries of variables as well.
    words = set(re.findall(r"\bstreaming_[a-z_]+\b", "".join(map(json.dumps, boards))))
    return found | {word for word in words if not word.startswith("streaming_jobs")}


def _recorded() -> set[str]:
    """Return the series that are there for the dashboards alone."""
    return {rules.name_of(rule) for rule in rules.each(rules.read(rules.RECORDING))}


def _exported() -> set[str]:
    telemetry = Telemetry()
    edge = EdgeMetrics(Path("edge.db"))
    edge.register(telemetry.registry)
    suffixes = {
        "counter": ("_total",),
        "info": ("_info",),
        "histogram": ("_bucket", "_sum", "_count"),
    }
    own = {
        family.name + suffix
        for family in telemetry.registry.collect()
        for suffix in suffixes.get(family.type, ("",))
    }
    return own | {family.name for family in (*JOB_FAMILIES, *SOURCE_FAMILIES)}


def test_every_metric_named_exists() -> None:
    assert {name for name in _named() if ":" not in name} - OWN <= _exported()


def test_recording_rules_are_those_that_dashboards_ask_for() -> None:
    assert {name for name in _named() if ":" in name} == _recorded()


def test_every_metric_about_jobs_and_sources_is_shown_somewhere() -> None:
    about_facts = {"streaming_job_created_timestamp_seconds", "streaming_job_end_timestamp_seconds"}
    about_freshness = {"streaming_job_observed_timestamp_seconds"}
    families = {family.name for family in (*JOB_FAMILIES, *SOURCE_FAMILIES)}
    assert families - about_facts - about_freshness <= _named()


def _mapped(panel: Json) -> list[dict[str, str]]:
    """Return the colours of states by name of each set of mappings of a panel."""
    fields = [panel["fieldConfig"]["defaults"]] + [
        {each["id"]: each["value"] for each in override["properties"]}
        for override in panel["fieldConfig"]["overrides"]
    ]
    found = []
    for field in fields:
        for mapping in field.get("mappings", ()):
            shown = {each["text"]: each["color"] for each in mapping["options"].values()}
            if "restarting" in shown and "finished" in shown:
                found.append(shown)
    return found


def test_states_have_the_colours_of_the_status_page_everywhere() -> None:
    found = [shown for uid in UIDS for panel in panels(load(uid)) for shown in _mapped(panel)]
    assert len(found) >= 3
    assert all(shown == COLOURS for shown in found)


def test_tiles_of_states_have_the_colours_of_the_status_page() -> None:
    tiles = next(
        panel
        for panel in panels(load("streaming-overview"))
        if panel["title"] == "Jobs in each state"
    )
    shown = {
        override["matcher"]["options"]: override["properties"][0]["value"]["steps"][1]["color"]
        for override in tiles["fieldConfig"]["overrides"]
    }
    assert shown == COLOURS
    assert set(shown) == {state.value for state in State}


def test_curves_of_states_have_the_colours_of_the_status_page() -> None:
    curves = next(
        panel
        for panel in panels(load("streaming-overview"))
        if panel["title"] == "States over time"
    )
    shown = {
        override["matcher"]["options"]: override["properties"][0]["value"]["fixedColor"]
        for override in curves["fieldConfig"]["overrides"]
    }
    assert shown == COLOURS


@pytest.mark.parametrize("uid", UIDS)
def test_all_selects_jobs_without_a_project_and_exporters_without_a_namespace_too(uid: str) -> None:
    lacking = ("project", "job_name", "cluster", "namespace")
    for name, variable in variables(load(uid)).items():
        if variable["type"] == "query" and "allValue" in variable:
            assert (variable["multi"], variable["includeAll"]) == (True, True)
            assert variable["allValue"] == (".*" if name in lacking else ".+")
            assert variable["current"]["value"] == ["$__all"]


def test_dashboard_of_one_job_opens_with_one_job() -> None:
    variable = variables(load("streaming-job"))["job_name"]
    # Nothing is chosen: Grafana takes the first there is.
    assert (variable["includeAll"], variable["current"]["value"]) == (False, [])
    assert "allValue" not in variable
    assert variable["multi"]


def test_jobs_that_a_panel_shows_are_asked_for_at_the_end_of_the_time_shown() -> None:
    """Without a value for All, Grafana puts in what it has found: no more than ten names."""
    board = load("streaming-overview")
    hidden = {
        name: variable
        for name, variable in variables(board).items()
        if variable["type"] == "query" and "allValue" not in variable
    }
    assert set(hidden) == {"restarted", "behind"}
    for name, variable in hidden.items():
        assert variable["query"]["query"].startswith("query_result(topk(10, max by (job_name) (")
        assert (variable["hide"], variable["includeAll"], variable["multi"]) == (2, True, True)
        (user,) = [query for query in queries(board) if f'job_name=~"${name}"' in query.expr]
        assert not user.instant


@pytest.mark.parametrize("uid", UIDS)
def test_exporters_of_one_name_can_be_told_apart(uid: str) -> None:
    """Those of two teams may have one scrape job and one source."""
    board = load(uid)
    for query in queries(board):
        for selector in re.findall(
            r"(?:streaming_|ALERTS|process_|scrape_)[\w:]*\{([^}]*)", query.expr
        ):
            assert 'cluster=~"$cluster", namespace=~"$namespace"' in selector, query.place
        for match in re.findall(r"\bon \(([^)]+)\)", query.expr):
            if "instance" in match:
                assert match.startswith("cluster, namespace, job, instance"), query.place
    names = list(variables(board))
    place = names.index("job")
    assert names[place - 2 : place + 2] == ["cluster", "namespace", "job", "instance"]


@pytest.mark.parametrize("uid", ["streaming-overview", "streaming-job"])
def test_jobs_can_be_chosen_by_what_people_know_of_them(uid: str) -> None:
    names = list(variables(load(uid)))
    assert names[:5] == ["datasource", "platform", "source", "project", "job_name"]


@pytest.mark.parametrize("uid", UIDS)
def test_variables_used_are_there(uid: str) -> None:
    """Grafana leaves a name that it does not know as it is, and the query finds nothing."""
    board = load(uid)
    macros = {"__rate_interval", "__interval", "__range", "__range_s", "__url_time_range"}
    text = json.dumps(board)
    used = {match[1] or match[2] for match in re.finditer(r"\$(?:(\w+)|\{(\w+))", text)}
    assert used - macros - {"__all", "__data"} <= set(variables(board))


def _links(value: object) -> set[str]:
    if isinstance(value, dict):
        own = {value["url"]} if isinstance(value.get("url"), str) else set()
        return own.union(*(_links(each) for each in value.values()))
    if isinstance(value, list):
        return set().union(*(_links(each) for each in value))
    return set()


def test_dashboards_lead_to_each_other() -> None:
    targets = {
        match[1]
        for uid in UIDS
        for url in _links(load(uid))
        if (match := re.match(r"/d/([a-z-]+)\?", url))
    }
    assert targets == {"streaming-job", "streaming-exporter"}
    for uid in UIDS:
        board = load(uid)
        (link,) = board["links"]
        assert (link["type"], link["tags"], link["keepTime"]) == ("dashboards", board["tags"], True)


def test_job_that_needs_attention_leads_to_its_dashboard_the_console_and_the_runbook() -> None:
    table = next(
        panel
        for panel in panels(load("streaming-overview"))
        if panel["title"] == "Jobs that need attention"
    )
    urls = _links(table)
    assert any(url.startswith("/d/streaming-job?var-source=") for url in urls)
    assert "${__data.fields.console}" in urls
    # In both languages of the runbooks, from the exporter itself.
    runbooks = "${status_page}/runbooks/"
    assert runbooks + "${__data.fields.runbook}" in urls
    assert runbooks + "zh/${__data.fields.runbook}" in urls
    fields = set(re.findall(r"__data\.fields\.(\w+)", " ".join(urls)))
    assert fields <= {"source", "job_name", "console", "runbook"}


def test_every_platform_that_has_a_console_leads_to_it() -> None:
    platforms = {name for pattern in CONSOLES for name in pattern.split("|")}
    assert platforms == set(platform_names()) - {"kafka_connect"}


def test_runbooks_are_those_of_alerts() -> None:
    alerts = {
        rule["alert"]: rule["annotations"]["runbook_url"]
        for rule in rules.each(rules.read(rules.ALERTS))
        if "alert" in rule
    }
    assert set(RUNBOOK_NAMES) <= set(alerts)
    # Where the dashboards find the exporter, the alerts do.
    for uid in ("streaming-overview", "streaming-job"):
        assert variables(load(uid))["status_page"]["query"] == EXPORTER
    assert all(url == f"{EXPORTER}/runbooks/{name}" for name, url in alerts.items())


def test_alerts_lead_to_dashboards_that_exist() -> None:
    for rule in rules.each(rules.read(rules.ALERTS)):
        if "alert" in rule:
            path, _, chosen = rule["annotations"]["dashboard_url"].partition("?")
            uid = path.removeprefix("/d/")
            assert uid in UIDS
            names = set(re.findall(r"var-(\w+)=", chosen))
            assert names <= set(variables(load(uid)))


@pytest.mark.parametrize("kind", ["dashboards", "datasources"])
def test_provisioning_files_are_of_the_first_version(kind: str) -> None:
    (path,) = (GRAFANA / "provisioning" / kind).glob("*.yml")
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert document["apiVersion"] == 1
    (entry,) = document["providers" if kind == "dashboards" else "datasources"]
    assert entry["type"] == ("file" if kind == "dashboards" else "prometheus")
