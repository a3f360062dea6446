"""The chart says what is wrong with its values, and what to do once it is installed."""

import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.deploy.manifests import CHART, KUBERNETES, PORT, Json, container, of_kind, pod, read
from tests.monitoring.monitoring_stack import Station
from tests.packaging.tools import HELMS, output, run, template

pytestmark = pytest.mark.packaging


@pytest.mark.parametrize("helm", HELMS)
@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ([], "say what to watch"),
        (["demo=true", "shards=2", "edge.enabled=true"], "reports go to one exporter"),
        (["demo=true", "shards=2", "replicas=2"], "several watch the same only with"),
        (["demo=true", "edge.enabled=true", "replicas=2"], "several watch the same only with"),
        (["demo=true", "replicas=0"], "replicas"),
        (["demo=true", "web.tls=true"], "name the Secret with web.yml"),
        (["demo=true", "shards=0"], "shards"),
        (["demo=true", "shard=2"], "shard"),
        (["demo=true", "logLevel=verbose"], "logLevel"),
        (["demo=true", "image.digest=latest"], "digest"),
        (["demo=true", "flinkOperator.namespaces={A_b}"], "namespaces"),
        (["demo=true", "flinkDiscovery.namespaces={A_b}"], "namespaces"),
        (["config.sources[0].name=a"], "platform"),
        (["config.source[0].name=a"], "source"),
    ],
)
def test_values_that_make_no_sense_are_refused_by_name(
    helm: str, settings: list[str], told: str
) -> None:
    arguments = [word for each in settings for word in ("--set", each)]
    done = run(helm, "template", "exporter", str(CHART), *arguments)
    assert done.returncode != 0
    assert told in done.stderr


def test_every_value_has_a_place_in_the_schema_and_the_reverse() -> None:
    def paths(value: object, schema: Json, at: str = "") -> Iterator[tuple[str, bool, bool]]:
        known = schema.get("properties", {})
        given = value if isinstance(value, dict) else {}
        for name in sorted({*known, *(given if known else ())}):
            yield f"{at}.{name}", name in given, name in known
            if schema["additionalProperties"] is False and name in given and name in known:
                yield from paths(given[name], known[name], f"{at}.{name}")

    found = list(paths(read(CHART / "values.yaml"), read(CHART / "values.schema.json")))
    optional = {".global", *(f".config.{name}" for name in ("sources", "edge", "defaults"))}
    optional.add(".config.attention")
    assert {path for path, given, known in found if not (given and known)} == optional
    assert len(found) > 50


_IDENTITIES = {
    *("169.254.169.254/32", "fd00:ec2::254/128", "169.254.170.23/32", "fd00:ec2::23/128"),
    *("100.100.100.200/32", "169.254.0.23/32"),
}
"""Where nodes and pods get their roles: the addresses of `exporter.runtime` and `exporter.auth`."""


def test_metadata_of_the_node_and_identity_of_the_pod_are_reached_only_on_request() -> None:
    def reached(*settings: str) -> dict[int, set[str]]:
        found: dict[int, set[str]] = {}
        for rule in of_kind(template("single", *settings), "NetworkPolicy")["spec"]["egress"]:
            for port in rule["ports"]:
                blocks = {each["ipBlock"]["cidr"] for each in rule.get("to", ())}
                found.setdefault(port["port"], set()).update(blocks)
        return found

    everything = {"0.0.0.0/0", "::/0"}
    assert reached() == {53: set(), 443: everything}
    allowed = {53: set(), 443: everything, 80: _IDENTITIES}
    assert reached("networkPolicy.metadataService=true") == allowed
    shown = (KUBERNETES / "base" / "networkpolicy.yml").read_text()
    assert [each for each in _IDENTITIES if each not in shown] == ["fd00:ec2::254/128"]


def test_configuration_is_kept_as_it_is_when_it_is_a_text(tmp_path: Path) -> None:
    text = "# A comment.\nsources:\n  - {name: a, platform: huawei_dli, project_id: 12345678}\n"
    values = tmp_path / "values.yaml"
    values.write_text(yaml.safe_dump({"config": text}))
    made = list(
        yaml.safe_load_all(output(HELMS[-1], "template", "e", str(CHART), "-f", str(values)))
    )
    assert of_kind([each for each in made if each], "ConfigMap")["data"]["exporter.yml"] == text


def test_pods_are_replaced_when_the_configuration_changes() -> None:
    before, after = (
        pod(template("single", f"config.sources[0].name={name}", "config.sources[0].platform=x"))
        for name in ("a", "b")
    )
    assert before["metadata"]["annotations"] != after["metadata"]["annotations"]
    assert before["spec"] == after["spec"]


@pytest.mark.parametrize(
    ("settings", "told", "untold"),
    [
        (["demo=true"], ["made up", "Nothing scrapes it yet", "Nothing alerts yet"], ["Agents"]),
        (
            ["demo=true", "serviceMonitor.enabled=true", "prometheusRule.enabled=true"],
            ["made up"],
            ["Nothing scrapes", "Nothing alerts"],
        ),
        (["demo=true", "replicas=2"], ["each pod by its own"], ["one for each shard"]),
        (
            ["existingConfigMap=a", "edge.enabled=true", "web.tls=true", "web.existingSecret=b"],
            ["https://localhost:10370/", "Agents at the edge"],
            ["made up"],
        ),
    ],
)
def test_notes_say_what_is_still_to_do(
    settings: list[str], told: list[str], untold: list[str], tmp_path: Path
) -> None:
    """Helm shows them only after it has installed something: here they are one more object."""
    copy = shutil.copytree(CHART, tmp_path / "chart")
    shutil.copy(CHART / "templates" / "NOTES.txt", copy / "files" / "notes.txt")
    (copy / "templates" / "notes.yaml").write_text(
        'kind: Notes\ntext: |\n{{ tpl (.Files.Get "files/notes.txt") . | indent 2 }}\n'
    )
    arguments = [word for each in settings for word in ("--set", each)]
    made = yaml.safe_load_all(output(HELMS[-1], "template", "e", str(copy), *arguments))
    notes = next(each["text"] for each in made if each and each["kind"] == "Notes")
    assert [text for text in told if text not in notes] == []
    assert [text for text in untold if text in notes] == []
    assert f"port-forward svc/e-streaming-job-exporter {PORT}:{PORT}" in notes


def test_helm_test_passes_when_the_exporter_is_ready_and_fails_when_there_is_none() -> None:
    (asking,) = of_kind(template("single"), "Pod")["spec"]["containers"]
    script, address = asking["args"]
    assert address == f"http://streaming-job-exporter.monitoring.svc:{PORT}"
    assert asking["image"] == container(template("single"))["image"]

    def asked(address: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", script, address]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    source = "{name: a, platform: apache_flink, endpoint: 'http://127.0.0.1:1'}"
    with Station(lambda addresses: f"sources: [{source}]") as station:
        # As `helm test` is given again: until every source has been polled once.
        deadline = time.monotonic() + 60
        while (done := asked(f"http://{station.address}")).returncode != 0:
            assert time.monotonic() < deadline, done.stderr
            time.sleep(0.2)
    assert re.findall(r"is (\w+)\.", done.stdout) == ["healthy", "ready"]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert asked(f"http://127.0.0.1:{port}").returncode != 0
