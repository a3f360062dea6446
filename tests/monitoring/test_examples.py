"""The examples of Prometheus and Alertmanager are accepted and tell the right people."""

import re
import subprocess

import pytest
import yaml

from tests.monitoring.alerting_rules import BY_NAME, promtool
from tests.monitoring.rules import PROMETHEUS

pytestmark = pytest.mark.real


def test_promtool_accepts_the_example_of_prometheus() -> None:
    done = promtool("check", "config", PROMETHEUS / "prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("rules found") == 2


def test_amtool_accepts_the_example_of_alertmanager() -> None:
    command = ["amtool", "check-config", str(PROMETHEUS / "alertmanager.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("severity", "receivers"),
    [("critical", "mail,webhook"), ("warning", "dingtalk"), ("info", "nobody")],
)
def test_example_tells_the_right_people(severity: str, receivers: str) -> None:
    config = f"--config.file={PROMETHEUS / 'alertmanager.yml'}"
    command = ["amtool", "config", "routes", "test", config, f"severity={severity}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == receivers


def test_example_has_a_receiver_for_every_medium() -> None:
    config = yaml.safe_load((PROMETHEUS / "alertmanager.yml").read_text(encoding="utf-8"))
    kinds = {
        receiver["name"]: [key for key in receiver if key.endswith("_configs")]
        for receiver in config["receivers"]
    }
    assert kinds == {
        "nobody": [],
        "mail": ["email_configs"],
        "webhook": ["webhook_configs"],
        "dingtalk": ["webhook_configs"],
        "feishu": ["webhook_configs"],
        "wecom": ["wechat_configs"],
        "wecom-robot": ["webhook_configs"],
    }


def test_scrape_job_of_the_example_is_the_one_whose_end_is_noticed() -> None:
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))
    jobs = [job["job_name"] for job in config["scrape_configs"]]
    named = set(re.findall(r'job="([^"]+)"', BY_NAME["StreamingExporterDown"]["expr"]))
    assert named == set(jobs)
    assert "job_name: streaming-jobs" in (PROMETHEUS.parent / "README.md").read_text()
