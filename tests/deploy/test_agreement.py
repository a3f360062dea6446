"""The ways to run the exporter agree with the program, and say the same version."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import exporter
from exporter.commands.arguments import build_parser
from exporter.configuration.config import parse
from tests.deploy.manifests import (
    CHART,
    COMPOSE,
    DEPLOY,
    KUBERNETES,
    PORT,
    ROOT,
    WAYS,
    Json,
    documents,
    read,
)
from tests.docs.pages import part

SERVICES: Json = read(COMPOSE / "compose.yml")["services"]
SECRETS = "/run/secrets/streaming-job-exporter"


def _load(text: str, tmp_path: Path) -> list[str]:
    """Load a configuration with files in place of the secrets it names; return its sources."""
    for name in set(re.findall(rf"{SECRETS}/([\w-]+)", text)):
        (tmp_path / name).write_text("secret")
    text = text.replace(SECRETS, str(tmp_path)).replace(
        "/var/lib/streaming-job-exporter", str(tmp_path)
    )
    return [source.settings.name for source in parse(text, environ={}, directory=tmp_path).sources]


@pytest.mark.parametrize("way", WAYS)
def test_configuration_of_an_overlay_loads(way: str, tmp_path: Path) -> None:
    text = (KUBERNETES / "overlays" / way / "exporter.yml").read_text()
    expected = {"edge": [], "operator": ["flink"], "discovery": ["flink"]}.get(way, ["dli-prod"])
    assert _load(text, tmp_path) == expected


@pytest.mark.parametrize("way", WAYS)
def test_values_of_the_chart_have_the_configuration_of_the_overlay(way: str) -> None:
    values = read(CHART / "ci" / f"{way}.yaml")
    assert values["config"] == read(KUBERNETES / "overlays" / way / "exporter.yml")


def test_configuration_that_the_values_show_loads(tmp_path: Path) -> None:
    lines = (CHART / "values.yaml").read_text().splitlines()
    start = lines.index("config: {}") + 1
    shown = [line.removeprefix("  # ") for line in lines[start : lines.index("", start)]]
    assert _load("\n".join(shown), tmp_path) == ["dli-prod"]


def test_secrets_that_configurations_name_are_in_the_example() -> None:
    named: set[str] = set()
    for way in WAYS:
        text = (KUBERNETES / "overlays" / way / "exporter.yml").read_text()
        named |= set(re.findall(rf"{SECRETS}/([\w-]+)", text))
    (secret,) = documents((KUBERNETES / "examples" / "secrets.yml").read_text())
    assert named <= set(secret["stringData"])
    assert set(secret["stringData"].values()) == {"replace-me"}


def test_flags_of_the_base_are_flags_of_the_program() -> None:
    (found,) = read(KUBERNETES / "base" / "deployment.yml")["spec"]["template"]["spec"][
        "containers"
    ]
    options = build_parser().parse_args(found["args"])
    mounts = {each["name"]: each["mountPath"] for each in found["volumeMounts"]}
    assert options.config_file == mounts["config"] + "/exporter.yml"
    assert mounts["secrets"] == SECRETS
    assert [each["containerPort"] for each in found["ports"]] == [PORT]
    assert options.web_listen_address == f":{PORT}"


def test_flags_of_compose_are_flags_of_the_program() -> None:
    assert build_parser().parse_args(SERVICES["exporter"]["command"]).command == "demo"
    own = read(COMPOSE / "own.yml")["services"]["exporter"]
    options = build_parser().parse_args(own["command"])
    assert f"./exporter.yml:{options.config_file}:ro" in own["volumes"]


def test_compose_opens_every_port_to_its_own_machine_alone() -> None:
    ports = {name: each["ports"] for name, each in SERVICES.items()}
    assert all(port.startswith("127.0.0.1:") for each in ports.values() for port in each)
    assert ports["exporter"] == [f"127.0.0.1:{PORT}:{PORT}"]
    for name in SERVICES:
        assert (
            ports[name][0].removeprefix("127.0.0.1:").partition(":")[0]
            in ((COMPOSE / "compose.yml").read_text().partition("name: streaming-jobs")[0])
        )


def test_compose_scrapes_the_exporter_and_finds_the_rules_and_alertmanager() -> None:
    prometheus = read(COMPOSE / "prometheus.yml")
    targets: dict[str, list[str]] = {
        each["job_name"]: each["static_configs"][0]["targets"]
        for each in prometheus["scrape_configs"]
    }
    assert targets["streaming-jobs"] == [f"exporter:{PORT}"]
    (managers,) = prometheus["alerting"]["alertmanagers"]
    assert managers["static_configs"][0]["targets"] == ["alertmanager:9093"]
    assert "../../prometheus/rules:/etc/prometheus/rules:ro" in SERVICES["prometheus"]["volumes"]
    assert prometheus["rule_files"] == ["rules/*.yml"]


@pytest.mark.parametrize("service", SERVICES)
def test_image_of_compose_is_pinned(service: str) -> None:
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+", SERVICES[service]["image"])


@pytest.mark.parametrize("service", SERVICES)
def test_files_that_compose_mounts_exist(service: str) -> None:
    mounted = [each for each in SERVICES[service].get("volumes", []) if each.startswith(".")]
    for each in mounted:
        assert (COMPOSE / each.partition(":")[0]).exists()


def test_grafana_of_compose_finds_what_is_provisioned() -> None:
    grafana = SERVICES["grafana"]
    provider = read(ROOT / "grafana" / "provisioning" / "dashboards" / "streaming-jobs.yml")
    path = provider["providers"][0]["options"]["path"]
    assert f"../../grafana/dashboards:{path}:ro" in grafana["volumes"]
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (ROOT / "grafana" / "dashboards" / home.removeprefix(path + "/")).exists()
    (source,) = read(ROOT / "grafana" / "provisioning" / "datasources" / "prometheus.yml")[
        "datasources"
    ]
    assert source["url"] == "http://prometheus:9090"


def test_every_way_to_run_it_is_of_one_version() -> None:
    chart = read(CHART / "Chart.yaml")
    kustomization = read(KUBERNETES / "base" / "kustomization.yml")
    named = {
        "chart": chart["version"],
        "appVersion": chart["appVersion"],
        "base": kustomization["images"][0]["newTag"],
        "exporter": SERVICES["exporter"]["image"].partition(":")[2],
        "notifications": SERVICES["notifications"]["image"].partition(":")[2],
    }
    assert named == dict.fromkeys(named, exporter.__version__)


def test_rights_of_the_overlay_are_those_that_the_documents_ask_for() -> None:
    shown = part("docs/platforms.md", "flink_operator", "en").blocks
    (block,) = (each for each in shown if "kind: Role\n" in each.text)
    documented: list[Any] = documents(block.text)[0]["rules"]
    role, binding = documents((KUBERNETES / "overlays" / "operator" / "rbac.yml").read_text())
    # What only `details: api_proxy` needs, which is for exporters outside of the cluster.
    assert role["rules"] == [
        rule for rule in documented if "services/proxy" not in rule["resources"]
    ]
    watched = read(KUBERNETES / "overlays" / "operator" / "exporter.yml")["sources"][0]
    assert watched["namespaces"] == [binding["metadata"]["namespace"]]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_rights_to_find_flink_are_those_that_the_documents_ask_for(language: str) -> None:
    shown = part("docs/getting-started.md", "apache_flink", language).blocks
    (block,) = (each for each in shown if "kind: Role\n" in each.text)
    role, binding = documents((KUBERNETES / "overlays" / "discovery" / "rbac.yml").read_text())
    assert role["rules"] == documents(block.text)[0]["rules"]
    (watched,) = read(KUBERNETES / "overlays" / "discovery" / "exporter.yml")["sources"]
    namespaces = watched["discovery"]["kubernetes"]["namespaces"]
    assert namespaces == [binding["metadata"]["namespace"]]


def test_every_yaml_file_of_a_deployment_can_be_read() -> None:
    templates = CHART / "templates"
    paths = [*DEPLOY.rglob("*.yml"), *DEPLOY.rglob("*.yaml")]
    assert len(paths) > 25
    for path in paths:
        if not path.is_relative_to(templates):
            list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
