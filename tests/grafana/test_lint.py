"""The dashboards follow every rule of grafana/dashboard-linter, without exclusions."""

from collections.abc import Callable

import pytest

from tests.grafana import linter
from tests.grafana.boards import UIDS, Json, load, panels, variables

Breakage = Callable[[Json], object]


@pytest.mark.parametrize("uid", UIDS)
@pytest.mark.parametrize("rule", linter.RULES, ids=lambda rule: rule.__name__)
def test_dashboard_follows_the_rule(rule: Callable[[Json], linter.Complaints], uid: str) -> None:
    assert list(rule(load(uid))) == []


def _panel(board: Json) -> Json:
    return next(panels(board))


def _target(board: Json) -> Json:
    target: Json = _panel(board)["targets"][0]
    return target


def _ask(expr: str) -> Breakage:
    return lambda board: _target(board).update(expr=expr)


SELECTED = 'job=~"$job", instance=~"$instance"'
BREAKAGES: dict[str, Breakage] = {
    "template_datasource": lambda board: variables(board)["datasource"].update(label="Prometheus"),
    "template_job": lambda board: variables(board)["job"].update(allValue=".*"),
    "template_instance": lambda board: variables(board)["instance"].update(name="exporter"),
    "template_label_promql": lambda board: variables(board)["job"].update(
        query={"query": "label_values(up{, job)"}
    ),
    "template_on_time_change_reload": lambda board: variables(board)["job"].update(refresh=1),
    "panel_datasource": lambda board: _target(board).update(
        datasource={"type": "prometheus", "uid": "prometheus"}
    ),
    "panel_title_description": lambda board: _panel(board).update(description=""),
    "panel_units": lambda board: _panel(board)["fieldConfig"]["defaults"].update(unit="seconds"),
    "panel_no_targets": lambda board: _panel(board).update(targets=[]),
    "target_logql": lambda board: _target(board)["datasource"].update(type="loki"),
    "target_promql": _ask("sum by (a) up"),
    "target_rate_interval": _ask(f"rate(a_total{{{SELECTED}}}[5m])"),
    "target_job": _ask('up{instance=~"$instance"}'),
    "target_instance": _ask('up{job=~"$job", instance="$instance"}'),
    "target_counter_agg": _ask(f"sum(a_total{{{SELECTED}}})"),
    "uneditable_dashboard": lambda board: board.update(editable=True),
}


@pytest.mark.parametrize("rule", linter.RULES, ids=lambda rule: rule.__name__)
def test_rule_complains_about_what_it_is_for(rule: Callable[[Json], linter.Complaints]) -> None:
    board = load("streaming-overview")
    BREAKAGES[rule.__name__](board)
    assert list(rule(board)) != []
