"""Rules and dashboards can be had with addresses of one's own, from one command."""

import io
import json
from pathlib import Path

import pytest
import yaml

from grafana.addressed import Addresses, addressed, main
from grafana.source.addresses import EXPORTER, FLINK
from tests.monitoring import rules

ROOT = Path(__file__).parents[2]
OWN = Addresses(
    exporter="https://streams.example.org/ops",
    flink="https://flink.example.org",
    grafana="https://grafana.example.org",
    language="zh",
)


def test_nothing_leads_to_this_machine_any_more() -> None:
    written = dict(addressed(OWN))
    assert len(written) == 9
    for path, text in written.items():
        assert EXPORTER not in text, path
        assert FLINK not in text, path


def test_alerts_lead_to_runbooks_and_dashboards_there() -> None:
    document = yaml.safe_load(dict(addressed(OWN))[Path("rules", "alerts.yml")])
    for rule in rules.each(document):
        if "alert" in rule:
            notes = rule["annotations"]
            address = f"https://streams.example.org/ops/runbooks/zh/{rule['alert']}"
            assert notes["runbook_url"] == address
            assert notes["dashboard_url"].startswith("https://grafana.example.org/d/streaming-")


def test_addresses_that_nobody_gives_stay_as_they_are() -> None:
    operated = "deploy/kubernetes/components/prometheus-operator"
    folders = {"rules": "prometheus/rules", "kubernetes": operated}
    for path, text in addressed(Addresses()):
        folder = ROOT / folders.get(path.parts[0], f"grafana/{path.parts[0]}")
        assert text == (folder / path.name).read_text(encoding="utf-8")


def test_rules_for_the_operator_of_prometheus_are_the_same() -> None:
    written = dict(addressed(OWN))
    manifests = list(yaml.safe_load_all(written[Path("kubernetes", "rules.yml")]))
    assert [each["kind"] for each in manifests] == ["PrometheusRule"] * 2
    names = ("alerts.yml", "recording.yml")
    rules_of = [yaml.safe_load(written[Path("rules", name)]) for name in names]
    assert [each["spec"] for each in manifests] == rules_of


def test_command_writes_all_files(tmp_path: Path) -> None:
    out = io.StringIO()
    assert main(["--exporter", "https://streams.example.org/", "--flink=", str(tmp_path)], out) == 0
    assert len(out.getvalue().splitlines()) == 9
    board = json.loads((tmp_path / "dashboards" / "streaming-job.json").read_text())
    addresses = {each["name"]: each.get("query") for each in board["templating"]["list"]}
    assert addresses["status_page"] == "https://streams.example.org"
    assert addresses["flink"] == FLINK


@pytest.mark.parametrize("address", ["streams.example.org", 'https://a"b', "javascript:alert(1)"])
def test_what_is_no_address_is_refused(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["--exporter", address, str(tmp_path)], io.StringIO())
    assert f"not an address: {address}" in capsys.readouterr().err
