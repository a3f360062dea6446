"""Read the files of `deploy`, and find in them what the exporter is started with."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

Json = dict[str, Any]

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
CHART = DEPLOY / "chart" / "streaming-job-exporter"
COMPOSE = DEPLOY / "compose"
WAYS = ("single", "sharded", "edge", "operator", "discovery")
"""Names of the overlays, and of the values of the chart that choose the same."""
PORT = 10370


def documents(text: str) -> list[Json]:
    """Return the objects of a YAML stream."""
    return [each for each in yaml.safe_load_all(text) if each is not None]


def read(path: Path) -> Json:
    """Return the only object of a YAML file."""
    (document,) = documents(path.read_text(encoding="utf-8"))
    return document


def of_kind(objects: list[Json], *kinds: str) -> Json:
    """Return the only object of one of these kinds."""
    (found,) = [each for each in objects if each["kind"] in kinds]
    return found


def pod(objects: list[Json]) -> Json:
    """Return the template of the exporter's pods."""
    template: Json = of_kind(objects, "Deployment", "StatefulSet")["spec"]["template"]
    return template


def container(objects: list[Json]) -> Json:
    """Return the container of the exporter."""
    (found,) = pod(objects)["spec"]["containers"]
    one: Json = found
    return one


def selectors(objects: list[Json]) -> Iterator[tuple[str, Json]]:
    """Yield the kind of each object that selects pods, with the labels they need."""
    for each in objects:
        spec = each.get("spec", {})
        match each["kind"]:
            case "Service":
                yield "Service", spec["selector"]
            case "NetworkPolicy":
                yield "NetworkPolicy", spec["podSelector"]["matchLabels"]
            case "Deployment" | "StatefulSet" | "PodDisruptionBudget" as kind:
                yield kind, spec["selector"]["matchLabels"]
