"""The examples of Prometheus and Alertmanager are accepted and tell the right people."""

import re
import subprocess

import pytest
import yaml

from tests.monitoring.alerting_rules import ALERT_NAMES, BY_NAME, promtool
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
    [
        ("critical", "mail,webhook,dingtalk"),
        ("warning", "dingtalk"),
        ("info", "nobody"),
        ("none", "dead-mans-switch"),
    ],
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
        "dead-mans-switch": ["webhook_configs"],
        "mail": ["email_configs"],
        "webhook": ["webhook_configs"],
        "dingtalk": ["webhook_configs"],
        "feishu": ["webhook_configs"],
        "wecom": ["wechat_configs"],
        "wecom-robot": ["webhook_configs"],
    }


def test_example_inhibits_only_alerts_that_there_are() -> None:
    config = yaml.safe_load((PROMETHEUS / "alertmanager.yml").read_text(encoding="utf-8"))
    for rule in config["inhibit_rules"]:
        for side in ("source_matchers", "target_matchers"):
            for matcher in rule[side]:
                pattern = matcher.partition("=")[2].lstrip("~").strip('"')
                if matcher.startswith("alertname"):
                    for name in _names(pattern):
                        assert name in ALERT_NAMES, name
        # Nothing about one source or job may silence what is about another.
        assert {"cluster", "namespace", "job", "source"} <= set(rule["equal"])
    assert config["route"]["group_by"] == ["cluster", "namespace", "job", "source"]


def _names(pattern: str) -> list[str]:
    """Return the names that a pattern such as `StreamingJob(Failed|Gone)` stands for."""
    match = re.fullmatch(r"(\w+)(?:\(([\w|]+)\))?", pattern)
    assert match is not None, pattern
    return [match[1] + end for end in (match[2] or "").split("|")]


def test_no_alert_knows_the_name_of_a_scrape_job() -> None:
    """Where the operator of Prometheus makes the scrape job, it is called otherwise."""
    for name in BY_NAME:
        assert 'job="' not in BY_NAME[name]["expr"], name
