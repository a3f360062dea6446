"""What stands in the documents for Kubernetes is what every supported version of it takes."""

import shutil
from pathlib import Path

import pytest
import yaml

from tests.deploy.manifests import CHART, KUBERNETES, Json, container, of_kind
from tests.deploy.manifests import documents as objects
from tests.docs.written import Written, documents, written
from tests.packaging.tools import HELMS, judge, output

pytestmark = pytest.mark.packaging


def test_objects_in_the_documents_are_strictly_valid() -> None:
    shown = {each.name: documents(each.block.text) for each in written("kubernetes")}
    assert shown
    verdicts = judge(shown)
    assert {name: wrong for name, wrong in verdicts.items() if wrong} == {}


def _configuration(each: Written) -> str:
    """Return what the values in the same document watch."""
    (values,) = (other for other in written("values") if other.path == each.path)
    return yaml.safe_dump(yaml.safe_load(values.block.text)["config"])


@pytest.mark.parametrize("each", written("kustomization"), ids=lambda each: each.name)
def test_folder_of_ones_own_beside_ours_says_image_configuration_and_port(
    each: Written, tmp_path: Path
) -> None:
    shutil.copytree(KUBERNETES, tmp_path / "deploy" / "kubernetes")
    folder = tmp_path / "my-overlay"
    folder.mkdir()
    (folder / "kustomization.yml").write_text(each.block.text)
    (folder / "exporter.yml").write_text(_configuration(each))
    made = objects(output("kubectl", "kustomize", str(folder)))
    assert _told(made) == ("http://jobmanager.streams:8081", [443, 8081])


@pytest.mark.parametrize("helm", HELMS)
@pytest.mark.parametrize("each", written("values"), ids=lambda each: each.name)
def test_values_make_the_same_as_that_folder(each: Written, helm: str, tmp_path: Path) -> None:
    (tmp_path / "my-values.yaml").write_text(each.block.text)
    arguments = ("--values", str(tmp_path / "my-values.yaml"))
    made = objects(output(helm, "template", "exporter", str(CHART), *arguments))
    assert _told(made) == ("http://jobmanager.streams:8081", [443, 8081])


def _told(made: list[Json]) -> tuple[str, list[int]]:
    """Return what is watched and to which ports the exporter is let out, the image being theirs."""
    assert container(made)["image"].startswith("registry.example.org/")
    (source,) = yaml.safe_load(of_kind(made, "ConfigMap")["data"]["exporter.yml"])["sources"]
    *_, platforms = of_kind(made, "NetworkPolicy")["spec"]["egress"]
    return source["endpoint"], [each["port"] for each in platforms["ports"]]
