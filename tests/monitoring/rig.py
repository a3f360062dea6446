"""Run a real Prometheus and a real Alertmanager over the shipped rules, with time passing faster.

All times of the shipped files are divided by `FACTOR`: intervals, `for`, windows and thresholds.
What the exporter is given by a test (poll_interval, stale_after) has to be divided by it as well.
"""

import contextlib
import os
import shutil
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import yaml

from tests.flink_cluster.process import GuardedProcess
from tests.monitoring import rules
from tests.monitoring.receiver import WebhookReceiver

FACTOR = 30
"""Half a minute, the usual interval of everything, becomes a second."""

_READY_WITHIN = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """What is running, and where."""

    prometheus: str
    """Base URL of Prometheus."""
    alertmanager: str
    webhook: WebhookReceiver

    def query(self, expression: str) -> dict[tuple[tuple[str, str], ...], float]:
        """Return the instant vector of an expression, by its labels."""
        answer = httpx.get(
            f"{self.prometheus}/api/v1/query",
            params={"query": expression},
            timeout=10,
            trust_env=False,
        )
        result = answer.raise_for_status().json()["data"]["result"]
        return {
            tuple(sorted(series["metric"].items())): float(series["value"][1]) for series in result
        }

    def alerts(self, **labels: str) -> set[str]:
        """Return the names of the alerts that fire for anything with these labels."""
        selector = "".join(f', {name}="{value}"' for name, value in labels.items())
        found = self.query(f'ALERTS{{alertstate="firing"{selector}}}')
        return {dict(series)["alertname"] for series in found}

    def inhibited(self, **labels: str) -> set[str]:
        """Return the names of the alerts with these labels that Alertmanager keeps to itself."""
        answer = httpx.get(f"{self.alertmanager}/api/v2/alerts", timeout=10, trust_env=False)
        return {
            alert["labels"]["alertname"]
            for alert in answer.raise_for_status().json()
            if alert["status"]["inhibitedBy"] and labels.items() <= alert["labels"].items()
        }


@contextlib.contextmanager
def monitoring(
    targets: str | Mapping[str, Sequence[str]],
    folder: Path,
    labels: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Rig]:
    """Watch an exporter at `host:port`, or several by the names of their scrape jobs.

    All get the same labels. Everything is killed by its process id at the end.
    """
    with WebhookReceiver() as webhook, contextlib.ExitStack() as stack:
        prometheus_port, alertmanager_port = _free_ports(2)
        alertmanager = f"http://127.0.0.1:{alertmanager_port}"
        prometheus = f"http://127.0.0.1:{prometheus_port}"
        _write(_prometheus(targets, labels, alertmanager_port), folder / "prometheus.yml")
        for path in (rules.ALERTS, rules.RECORDING):
            rules.write(rules.shortened(rules.read(path), FACTOR), folder / path.name)
        _start_alertmanager(stack, folder, alertmanager_port, webhook)
        server = _start(
            stack,
            folder / "prometheus.log",
            _command("prometheus"),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'prometheus'}",
            f"--web.listen-address=127.0.0.1:{prometheus_port}",
            f"--query.lookback-delta={rules.short('5m', FACTOR)}",
            # What fires before Alertmanager was found is told again after this, usually a minute.
            "--rules.alert.resend-delay=5s",
        )
        for url in (alertmanager, prometheus):
            _wait_until_ready(url, server)
        yield Rig(prometheus=prometheus, alertmanager=alertmanager, webhook=webhook)


@contextlib.contextmanager
def alertmanager_alone(folder: Path) -> Iterator[str]:
    """Run an Alertmanager that gets its alerts from a test, and yield where."""
    with WebhookReceiver() as webhook, contextlib.ExitStack() as stack:
        (port,) = _free_ports(1)
        server = _start_alertmanager(stack, folder, port, webhook)
        _wait_until_ready(f"http://127.0.0.1:{port}", server)
        yield f"http://127.0.0.1:{port}"


def _start_alertmanager(
    stack: contextlib.ExitStack, folder: Path, port: int, webhook: WebhookReceiver
) -> GuardedProcess:
    _write(_alertmanager(webhook), folder / "alertmanager.yml")
    return _start(
        stack,
        folder / "alertmanager.log",
        _command("alertmanager", "prometheus-alertmanager"),
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    )


def _prometheus(
    targets: str | Mapping[str, Sequence[str]],
    labels: Mapping[str, str],
    alertmanager_port: int,
) -> dict[str, Any]:
    config = yaml.safe_load((rules.PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))
    for name in ("scrape_interval", "evaluation_interval"):
        config["global"][name] = rules.short(config["global"][name], FACTOR)
    config["global"]["scrape_timeout"] = config["global"]["scrape_interval"]
    config["rule_files"] = [rules.ALERTS.name, rules.RECORDING.name]
    manager = config["alerting"]["alertmanagers"][0]["static_configs"][0]
    manager["targets"] = [f"127.0.0.1:{alertmanager_port}"]
    (scraped,) = config["scrape_configs"]
    jobs = {scraped["job_name"]: [targets]} if isinstance(targets, str) else targets
    config["scrape_configs"] = [
        {
            "job_name": name,
            "static_configs": [{"targets": list(addresses), "labels": dict(labels)}],
        }
        for name, addresses in jobs.items()
    ]
    return dict(config)


def _alertmanager(webhook: WebhookReceiver) -> dict[str, Any]:
    """Return the shipped configuration with all its routes, everybody told by webhook."""
    path = rules.PROMETHEUS / "alertmanager.yml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    route = config["route"]
    for each in (route, *route["routes"]):
        for name in ("group_wait", "group_interval", "repeat_interval"):
            if name in each:
                each[name] = rules.short(each[name], FACTOR)
    receivers = [
        {"name": name, "webhook_configs": [{"url": webhook.address(name)}]}
        for name in (receiver["name"] for receiver in config["receivers"])
    ]
    return {"route": route, "inhibit_rules": config["inhibit_rules"], "receivers": receivers}


def _write(config: dict[str, Any], path: Path) -> None:
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")


def _command(*names: str) -> str:
    found = next((path for name in names if (path := shutil.which(name))), None)
    assert found is not None, f"{names[0]} is missing: run scripts/setup-debian"
    return found


def _start(stack: contextlib.ExitStack, log: Path, *command: str) -> GuardedProcess:
    environ = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LANG")}
    process = GuardedProcess(command, log=log, environ=environ)
    stack.callback(process.kill)
    return process


def _wait_until_ready(url: str, process: GuardedProcess) -> None:
    deadline = time.monotonic() + _READY_WITHIN
    while True:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{url}/-/ready", timeout=2, trust_env=False).status_code == 200:
                return
        assert process.ended is None, process.tail()
        assert time.monotonic() < deadline, f"{url} is not ready\n{process.tail()}"
        time.sleep(0.1)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in held:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in held]
