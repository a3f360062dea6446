"""Every configuration in a document is one that the program it is for accepts."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.configuration.config import parse
from exporter.discovery.target_groups import parse_json_groups
from exporter.listening.protection import read_protection
from tests.docs import shell
from tests.docs.pages import ROOT
from tests.docs.surroundings import variables, with_files
from tests.docs.written import Written, documents, everything, written
from tests.faults.authority import Authority, establish
from tests.grafana import promql
from tests.monitoring import rules
from tests.monitoring.alerting_rules import promtool

_LANGUAGES = {"configuration", "listener", "prometheus", "alertmanager", "rules", "kubernetes"}
_LANGUAGES |= {"json", "promql", "console", "kustomization", "values"}


def blocks(*kinds: str) -> Callable[[Any], Any]:
    """Run a test with each block of these kinds."""
    return pytest.mark.parametrize("each", written(*kinds), ids=lambda each: each.name)


@pytest.mark.parametrize("each", everything(), ids=lambda each: each.name)
def test_somebody_tries_what_stands_in_a_block(each: Written) -> None:
    """What is known here is tried here, or says why not; the rest by the tests of its page."""
    own = f"test_{each.path.name.removesuffix('.md').replace('-', '_')}.py"
    tried = ROOT / "tests" / "docs" / own
    assert each.kind in _LANGUAGES or tried.exists(), f"{each.kind or 'a block without language'}"
    assert not each.block.marker.startswith("not run") or len(each.block.marker) > len("not run: ")


@blocks("configuration")
def test_configuration_of_the_exporter_is_accepted(each: Written, tmp_path: Path) -> None:
    text = with_files(each.block.text, tmp_path)
    parse(text, environ=variables(text), directory=tmp_path)


@pytest.fixture(scope="module", name="authority")
def _authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return establish(tmp_path_factory.mktemp("authority"))


@blocks("listener")
def test_configuration_of_the_listener_is_accepted(
    each: Written, authority: Authority, tmp_path: Path
) -> None:
    (document,) = documents(each.block.text)
    shown = {"cert_file": "good.pem", "key_file": "good_key.pem", "client_ca_file": "ca.pem"}
    for setting, real in shown.items():
        if name := document.get("tls_server_config", {}).get(setting):
            shutil.copy(authority.folder / real, tmp_path / Path(name).name)
    path = tmp_path / "web.yml"
    path.write_text(with_files(each.block.text, tmp_path))
    assert read_protection(path).context is not None


@blocks("json")
def test_json_is_json_and_targets_are_read(each: Written) -> None:
    document = json.loads(each.block.text)
    if isinstance(document, list) and all("targets" in row for row in document):
        assert parse_json_groups(each.block.text.encode())


@blocks("values")
def test_configuration_in_values_of_the_chart_is_accepted(each: Written, tmp_path: Path) -> None:
    """Whether the chart takes the values is for the tests of packages, which have Helm."""
    (values,) = documents(each.block.text)
    text = with_files(yaml.safe_dump(values["config"]), tmp_path)
    assert parse(text, environ={}, directory=tmp_path).sources


@blocks("kubernetes")
def test_objects_of_kubernetes_have_a_name_and_a_kind(each: Written) -> None:
    """Whether an API server takes them is for the tests of packages, which have the schemas."""
    for document in documents(each.block.text):
        assert set(document) > {"apiVersion", "kind", "metadata"}
        assert document["metadata"]["name"]


@blocks("promql")
def test_every_query_can_be_read(each: Written) -> None:
    for query in _queries(each):
        assert promql.parse(query)


def _queries(each: Written) -> list[str]:
    lines = each.block.text.splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


@pytest.mark.real
def test_prometheus_takes_every_query(tmp_path: Path) -> None:
    queries = [query for each in written("promql") for query in _queries(each)]
    named = [{"record": f"q{number}", "expr": query} for number, query in enumerate(queries)]
    document = {"groups": [{"name": "a", "rules": named}]}
    done = promtool("check", "rules", rules.write(document, tmp_path / "queries.yml"))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.real
@blocks("prometheus", "rules", "alertmanager")
def test_prometheus_and_alertmanager_take_what_is_for_them(each: Written, tmp_path: Path) -> None:
    path = tmp_path / f"{each.kind}.yml"
    path.write_text(with_files(each.block.text, tmp_path))
    command = {
        "prometheus": ["promtool", "check", "config"],
        "rules": ["promtool", "check", "rules"],
        "alertmanager": ["amtool", "check-config"],
    }[each.kind]
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@blocks("kubernetes")
def test_flags_of_the_exporter_in_a_pod_are_taken(each: Written) -> None:
    for found in re.findall(r"args: (\[.*\])", each.block.text):
        assert shell.parse_own(yaml.safe_load(found)) is None
