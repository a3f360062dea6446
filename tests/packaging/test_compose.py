"""Compose takes the files of `deploy/compose`, and understands of them what we mean."""

import shutil
from pathlib import Path

import pytest
import yaml

from tests.deploy.manifests import COMPOSE, PORT, ROOT, Json
from tests.packaging.tools import output, run

pytestmark = pytest.mark.packaging


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    """Return a copy with a configuration of one's own in it."""
    for name in ("prometheus", "grafana", "deploy"):
        (tmp_path / name).mkdir()
    copy = tmp_path / "deploy" / "compose"
    shutil.copytree(COMPOSE, copy)
    (copy / "exporter.yml").write_text("sources: []\n")
    return copy


def _config(folder: Path, *files: str) -> Json:
    chosen = [word for name in files for word in ("-f", name)]
    assert output("docker-compose", *chosen, "config", "-q", cwd=folder) == ""
    document: Json = yaml.safe_load(output("docker-compose", *chosen, "config", cwd=folder))
    return document


def test_compose_takes_the_demo() -> None:
    services = _config(COMPOSE, "compose.yml")["services"]
    assert services["exporter"]["command"] == ["demo"]
    assert services["exporter"]["build"]["context"] == str(ROOT)
    (port,) = services["exporter"]["ports"]
    assert (port["host_ip"], port["published"], port["target"]) == ("127.0.0.1", str(PORT), PORT)
    volumes = [volume for each in services.values() for volume in each.get("volumes", ())]
    sources = [volume["source"] for volume in volumes if volume["type"] == "bind"]
    assert len(sources) > 5
    assert [source for source in sources if not Path(source).exists()] == []


def test_compose_takes_a_configuration_of_ones_own(folder: Path) -> None:
    service = _config(folder, "compose.yml", "own.yml")["services"]["exporter"]
    assert service["command"] == ["--config.file=/etc/streaming-job-exporter/exporter.yml"]
    assert service["read_only"] is True
    mounts = {volume["target"]: volume for volume in service["volumes"]}
    assert set(mounts) == {
        *("/etc/streaming-job-exporter/exporter.yml", "/var/lib/streaming-job-exporter"),
        "/run/secrets",
    }
    # Whatever they are called, and however many there are.
    assert mounts["/run/secrets"]["source"] == str(folder / "secrets")
    assert mounts["/run/secrets"]["read_only"] is True
    assert service.get("environment", {}) == {}


def test_variables_of_ones_own_are_there_for_the_configuration(folder: Path) -> None:
    (folder / ".env").write_text("HUAWEICLOUD_SDK_AK=a-key\nFLINK=http://flink:8081\n")
    service = _config(folder, "compose.yml", "own.yml")["services"]["exporter"]
    assert service["environment"] == {"HUAWEICLOUD_SDK_AK": "a-key", "FLINK": "http://flink:8081"}


def test_compose_refuses_what_it_does_not_know(folder: Path) -> None:
    """A check that finds nothing wrong with anything proves nothing."""
    path = folder / "compose.yml"
    path.write_text(path.read_text().replace("read_only: true", "readonly: true", 1))
    assert run("docker-compose", "config", "-q", cwd=folder).returncode != 0
