"""Overlays and chart make what every supported Kubernetes takes, and make the same."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.commands.arguments import build_parser
from tests.deploy.manifests import (
    CHART,
    KUBERNETES,
    PORT,
    ROOT,
    WAYS,
    Json,
    container,
    documents,
    of_kind,
    pod,
    read,
    selectors,
)
from tests.packaging.tools import (
    HELMS,
    every_values,
    judge,
    kustomize,
    kustomize_all,
    output,
    run,
    template,
)

pytestmark = pytest.mark.packaging


def test_schemas_reach_from_the_oldest_supported_version_to_the_newest_there_is() -> None:
    told = output("python", str(Path(__file__).with_name("kubernetes_schemas.py")), "--versions")
    assert told.split()[0] == "1.27"
    assert len(told.split()) >= 11


@pytest.fixture(name="verdicts", scope="module")
def _verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Return what is wrong with all that is made, and with what is wrong on purpose, by name."""
    folder = tmp_path_factory.mktemp("kubernetes")
    examples = (ROOT / "deploy" / "kubernetes" / "examples").iterdir()
    service = of_kind(template("single"), "Service")
    monitor = of_kind(template("demo"), "ServiceMonitor")
    (endpoint,) = monitor["spec"]["endpoints"]

    def monitoring(**different: str) -> list[Json]:
        spec = {**monitor["spec"], "endpoints": [{**endpoint, **different}]}
        return [{**monitor, "spec": spec}]

    return judge(
        {
            **{f"overlay {way}": kustomize_all(way, folder / way) for way in WAYS},
            **{f"chart {values}": template(values) for values in every_values()},
            "examples": [each for path in examples for each in documents(path.read_text())],
            "misspelt": [{**service, "spec": {**service["spec"], "prots": []}}],
            "another kind": [{**service, "apiVersion": "v2"}],
            "another value": monitoring(interval="half an hour"),
            "misspelt too": monitoring(intervall="30s"),
        }
    )


def test_what_no_kubernetes_takes_is_found(verdicts: dict[str, list[str]]) -> None:
    """A check that finds nothing wrong with anything proves nothing."""
    for name in ("misspelt", "another kind"):
        assert len({line.split()[1] for line in verdicts[name]}) >= 11
    for name in ("another value", "misspelt too"):
        assert len(verdicts[name]) == 1


@pytest.mark.parametrize(
    "name",
    [
        *(f"overlay {way}" for way in WAYS),
        *(f"chart {name}" for name in every_values()),
        "examples",
    ],
)
def test_every_kubernetes_takes_what_is_made(verdicts: dict[str, list[str]], name: str) -> None:
    assert verdicts[name] == []


@pytest.mark.parametrize("way", WAYS)
def test_components_add_what_prometheus_and_grafana_take(way: str, tmp_path: Path) -> None:
    kinds = [each["kind"] for each in kustomize_all(way, tmp_path / "kubernetes")]
    assert (kinds.count("PrometheusRule"), kinds.count("ServiceMonitor")) == (2, 1)
    assert kinds.count("ConfigMap") == 4


@pytest.mark.parametrize("values", every_values())
def test_both_helms_make_the_same(values: str) -> None:
    three, four = (template(values, helm=helm) for helm in HELMS)
    assert three == four


@pytest.mark.parametrize("helm", HELMS)
@pytest.mark.parametrize("values", every_values())
def test_helm_finds_nothing_wrong_with_the_chart(helm: str, values: str) -> None:
    done = run(helm, "lint", "--strict", str(CHART), "-f", str(CHART / "ci" / f"{values}.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout


def _comparable(objects: list[Json]) -> dict[str, Any]:
    """Return of objects what must be the same however they are made: all but names and labels."""
    workload = of_kind(objects, "Deployment", "StatefulSet")
    configuration = of_kind(objects, "ConfigMap")
    spec = {
        key: value for key, value in workload["spec"].items() if key not in ("selector", "template")
    }
    pod_spec = pod(objects)["spec"]
    for each in pod_spec["topologySpreadConstraints"]:
        assert each.pop("labelSelector") == workload["spec"]["selector"]
    for each in pod_spec["containers"]:
        # The default for an image with a tag.
        assert each.pop("imagePullPolicy", "IfNotPresent") == "IfNotPresent"
    for volume in pod_spec["volumes"]:
        if "configMap" in volume:
            assert volume["configMap"].pop("name") == configuration["metadata"]["name"]
    service = of_kind(objects, "Service")["spec"]
    assert service.pop("type", "ClusterIP") == "ClusterIP"
    policy = of_kind(objects, "NetworkPolicy")["spec"]
    budget = of_kind(objects, "PodDisruptionBudget")["spec"]
    account = of_kind(objects, "ServiceAccount")
    return {
        "kind": workload["kind"],
        "workload": spec,
        "pod": pod_spec,
        "configuration": yaml.safe_load(configuration["data"]["exporter.yml"]),
        "service": {key: value for key, value in service.items() if key != "selector"},
        "policy": {key: value for key, value in policy.items() if key != "podSelector"},
        "budget": {key: value for key, value in budget.items() if key != "selector"},
        "token": account["automountServiceAccountToken"],
        "rules": [each["rules"] for each in objects if each["kind"] == "ClusterRole"],
        "bound": [
            (each["metadata"]["namespace"], each["subjects"], each["roleRef"]["kind"])
            for each in objects
            if each["kind"] == "RoleBinding"
        ],
        "namespaces": {each["metadata"].get("namespace") for each in objects},
        "kinds": sorted(each["kind"] for each in objects if each["kind"] != "Pod"),
    }


@pytest.mark.parametrize("way", WAYS)
def test_chart_and_overlay_make_the_same(way: str) -> None:
    assert _comparable(template(way)) == _comparable(kustomize(way))


def test_two_that_watch_the_same_are_made_as_the_document_says(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "high-availability.md").read_text()
    shown = re.findall(r"`(replicas: [^`]+)`", page)
    assert len(shown) == 2
    helm, own = map(yaml.safe_load, shown)
    shutil.copytree(KUBERNETES, tmp_path / "kubernetes")
    folder = tmp_path / "two"
    folder.mkdir()
    (folder / "kustomization.yml").write_text(
        yaml.safe_dump({"resources": ["../kubernetes/overlays/single"], **own})
    )
    overlay = documents(output("kubectl", "kustomize", str(folder)))
    chart = template("single", f"replicas={helm['replicas']}")
    assert _comparable(chart) == _comparable(overlay)
    assert of_kind(chart, "Deployment")["spec"]["replicas"] == 2
    (spread,) = pod(chart)["spec"]["topologySpreadConstraints"]
    assert spread["topologyKey"] == "kubernetes.io/hostname"
    assert of_kind(chart, "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1


@pytest.mark.parametrize("way", WAYS)
def test_exporter_understands_what_an_overlay_starts_it_with(way: str) -> None:
    started = container(kustomize(way))
    options = build_parser().parse_args(started["args"])
    assert options.command == "serve"
    assert [each["containerPort"] for each in started["ports"]] == [PORT]
    replicas = of_kind(kustomize(way), "Deployment", "StatefulSet")["spec"]["replicas"]
    assert options.total_shards == str(replicas)
    assert options.shard == ("auto" if replicas > 1 else "0")


@pytest.mark.parametrize("values", every_values())
def test_exporter_understands_what_the_chart_starts_it_with(values: str) -> None:
    started = container(template(values))
    options = build_parser().parse_args(started["args"])
    mounts = [each["mountPath"] for each in started["volumeMounts"]]
    if options.command == "serve":
        assert str(Path(options.config_file).parent) in mounts
    if options.web_config_file:
        assert str(Path(options.web_config_file).parent) in mounts
    assert options.web_listen_address == f":{PORT}"


def _every_made() -> list[tuple[str, list[Json]]]:
    overlays = [(f"overlay {way}", kustomize(way)) for way in WAYS]
    return [*overlays, *((f"chart {values}", template(values)) for values in every_values())]


def test_whatever_selects_pods_selects_those_of_the_exporter_and_no_others() -> None:
    for name, objects in _every_made():
        labels = pod(objects)["metadata"]["labels"]
        found = list(selectors(objects))
        assert {"Service", "NetworkPolicy", "PodDisruptionBudget"} <= {kind for kind, _ in found}, (
            name
        )
        for kind, wanted in found:
            assert "app.kubernetes.io/name" in wanted, (name, kind)
            assert wanted.items() <= labels.items(), (name, kind)


def test_two_releases_in_one_namespace_select_their_own_pods() -> None:
    one, other = (template("single", release=name) for name in ("east", "west"))
    for _, wanted in selectors(one):
        assert not wanted.items() <= pod(other)["metadata"]["labels"].items()
    assert not {each["metadata"]["name"] for each in one} & {
        each["metadata"]["name"] for each in other
    }


def test_tests_of_the_chart_are_not_among_what_a_service_leads_to() -> None:
    for values in every_values():
        objects = template(values)
        asking = of_kind(objects, "Pod")["metadata"]["labels"]
        for kind, wanted in selectors(objects):
            assert not wanted.items() <= asking.items(), kind


def test_probes_lead_to_the_port_and_to_paths_that_are_served() -> None:
    web = (ROOT / "exporter" / "serving" / "web.py").read_text()
    for name, objects in _every_made():
        started = container(objects)
        probes = [started[f"{kind}Probe"] for kind in ("startup", "liveness", "readiness")]
        assert [each["httpGet"]["path"] for each in probes] == [
            *("/-/healthy", "/-/healthy", "/-/ready"),
        ]
        assert all(f'Route("{each["httpGet"]["path"]}"' in web for each in probes)
        secured = "--web.config.file" in str(started["args"])
        scheme = "HTTPS" if secured else None
        assert {(each["httpGet"]["port"], each["httpGet"].get("scheme")) for each in probes} == {
            ("http", scheme)
        }, name


def test_no_pod_may_do_more_than_it_needs() -> None:
    for name, objects in _every_made():
        spec = pod(objects)["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        for each in spec["containers"]:
            assert each["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name
        reads = any(each["kind"] == "ClusterRole" for each in objects)
        assert spec["automountServiceAccountToken"] is reads, name


def test_dockerfile_opens_the_port_and_has_the_user_of_the_manifests() -> None:
    image = (ROOT / "Dockerfile").read_text()
    user = pod(kustomize("single"))["spec"]["securityContext"]
    assert f"EXPOSE {PORT}\n" in image
    assert f"USER {user['runAsUser']}:{user['runAsGroup']}\n" in image


def test_image_is_the_same_everywhere() -> None:
    made = {container(objects)["image"] for name, objects in _every_made()}
    version = read(CHART / "Chart.yaml")["appVersion"]
    assert made == {f"registry.example/streaming-job-exporter:{version}"}
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
