"""Write what deployments share with the rest: `python -m deploy.generate` after every change of it.

Rules come from `prometheus/`, dashboards from `grafana/dashboards`: nothing that is written here
is edited by hand.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

import yaml

HERE = Path(__file__).parent
ROOT = HERE.parent
COMPONENTS = HERE / "kubernetes" / "components"
CHART = HERE / "chart" / "streaming-job-exporter"
NOTIFICATIONS = "http://notifications:8080"
_MADE = "# Made by `python -m deploy.generate` from {source}: edit that.\n"


def generated() -> Iterator[tuple[Path, str]]:
    """Yield each file with its text."""
    rules = sorted((ROOT / "prometheus" / "rules").glob("*.yml"))
    texts = {path.stem: path.read_text(encoding="utf-8") for path in rules}
    for path in rules:
        yield CHART / "files" / "rules" / path.name, texts[path.stem]
    yield COMPONENTS / "prometheus-operator" / "rules.yml", prometheus_rules(texts)
    dashboards = sorted((ROOT / "grafana" / "dashboards").glob("*.json"))
    for path in dashboards:
        text = path.read_text(encoding="utf-8")
        yield CHART / "files" / "dashboards" / path.name, text
        yield COMPONENTS / "dashboards" / path.name, text
    yield COMPONENTS / "dashboards" / "kustomization.yml", _dashboards(dashboards)
    yield HERE / "compose" / "alertmanager.yml", _alertmanager()


def main(out: TextIO) -> int:
    """Write all files; return the exit code."""
    for path, text in generated():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        out.write(f"{path.relative_to(ROOT)}\n")
    return 0


def prometheus_rules(texts: Mapping[str, str]) -> str:
    """Return files of rules, by their names, as manifests for the operator of Prometheus."""
    return "---\n".join(_prometheus_rule(name, text) for name, text in texts.items())


def _prometheus_rule(name: str, text: str) -> str:
    """Return a manifest of the operator of Prometheus; its `spec` is a file of rules as it is."""
    spec = "".join(f"  {line}" if line.strip() else line for line in text.splitlines(True))
    return (
        _MADE.format(source=f"prometheus/rules/{name}.yml")
        + "apiVersion: monitoring.coreos.com/v1\n"
        + "kind: PrometheusRule\n"
        + f"metadata: {{name: streaming-job-exporter-{name}, namespace: monitoring}}\n"
        + f"spec:\n{spec}"
    )


def _dashboards(paths: list[Path]) -> str:
    generators = "".join(
        f"  - name: {path.stem}-dashboard\n    namespace: monitoring\n"
        f"    files: [{path.name}]\n    options: *found\n"
        for path in paths
    )
    return (
        _MADE.format(source="grafana/dashboards")
        + "# Dashboards, where Grafana's sidecar finds them by their label. It takes the folder\n"
        + "# where sidecar.dashboards.folderAnnotation of Grafana's chart is grafana_folder.\n"
        + "apiVersion: kustomize.config.k8s.io/v1alpha1\n"
        + "kind: Component\n"
        + "configMapGenerator:\n"
        + generators.replace("*found", "&found\n" + _OPTIONS, 1)
    )


_OPTIONS = """\
      disableNameSuffixHash: true
      labels: {grafana_dashboard: "1"}
      annotations: {grafana_folder: Streaming jobs}"""


def _alertmanager() -> str:
    """Return the example of Alertmanager with every receiver shown instead of called."""
    example: dict[str, Any] = yaml.safe_load(
        (ROOT / "prometheus" / "alertmanager.yml").read_text(encoding="utf-8")
    )
    receivers = [_shown(receiver) for receiver in example["receivers"]]
    document = {
        "route": example["route"],
        "inhibit_rules": example["inhibit_rules"],
        "receivers": receivers,
    }
    return (
        _MADE.format(source="prometheus/alertmanager.yml")
        + "# The same routes and the same silence, but what would be sent is shown.\n"
        + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
    )


def _shown(receiver: dict[str, Any]) -> dict[str, Any]:
    name = receiver["name"]
    kinds = [key for key in receiver if key.endswith("_configs")]
    if not kinds:
        return {"name": name}
    told = [config for kind in kinds for config in receiver[kind]]
    resolved = any(config.get("send_resolved", True) for config in told)
    shown = {"url": f"{NOTIFICATIONS}/{name}", "send_resolved": resolved}
    return {"name": name, "webhook_configs": [shown]}


if __name__ == "__main__":
    sys.exit(main(sys.stdout))
