"""What deployments share with the rest is made from it, and is what it is now."""

from pathlib import Path

import pytest

from deploy.generate import generated
from tests.deploy.manifests import CHART, COMPOSE, KUBERNETES, ROOT, documents, read

GENERATED = dict(generated())
COMPONENTS = KUBERNETES / "components"


@pytest.mark.parametrize("path", GENERATED, ids=lambda path: str(path.relative_to(ROOT)))
def test_checked_in_file_is_what_its_source_generates(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == GENERATED[path], "run: python -m deploy.generate"


def test_nothing_else_lies_where_generated_files_are() -> None:
    folders = (CHART / "files", COMPONENTS / "dashboards")
    found = {path for folder in folders for path in folder.rglob("*") if path.is_file()}
    assert found == {path for path in GENERATED if any(map(path.is_relative_to, folders))}


def test_rules_of_the_operator_of_prometheus_are_those_of_prometheus() -> None:
    manifests = documents((COMPONENTS / "prometheus-operator" / "rules.yml").read_text())
    rules = sorted((ROOT / "prometheus" / "rules").glob("*.yml"))
    assert [each["spec"] for each in manifests] == [read(path) for path in rules]


def test_every_dashboard_is_in_the_component_and_in_the_chart() -> None:
    names = {path.name for path in (ROOT / "grafana" / "dashboards").glob("*.json")}
    kept = read(COMPONENTS / "dashboards" / "kustomization.yml")["configMapGenerator"]
    assert {name for each in kept for name in each["files"]} == names
    assert {path.name for path in (CHART / "files" / "dashboards").iterdir()} == names


def test_compose_routes_and_silences_as_the_example_of_alertmanager() -> None:
    example, shown = (
        read(ROOT / "prometheus" / "alertmanager.yml"),
        read(COMPOSE / "alertmanager.yml"),
    )
    for key in ("route", "inhibit_rules"):
        assert shown[key] == example[key]
    names = [receiver["name"] for receiver in example["receivers"]]
    assert [receiver["name"] for receiver in shown["receivers"]] == names
    assert set(shown) == {"route", "inhibit_rules", "receivers"}


def test_compose_calls_nobody_but_the_page_that_shows_it() -> None:
    services = read(COMPOSE / "compose.yml")["services"]
    port = services["notifications"]["command"][0]
    for receiver in read(COMPOSE / "alertmanager.yml")["receivers"]:
        called = [each["url"] for each in receiver.get("webhook_configs", [])]
        expected = [f"http://notifications:{port}/{receiver['name']}"]
        assert called == ([] if receiver["name"] == "nobody" else expected)
        assert set(receiver) <= {"name", "webhook_configs"}
