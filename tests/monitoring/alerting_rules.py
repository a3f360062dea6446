"""The rules of alerting as the tests look at them, and promtool to judge them."""

import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.monitoring import rules
from tests.monitoring.rules import ALERTS, PROMETHEUS, Needs

DOCS = PROMETHEUS.parent / "docs"
RUNBOOKS = DOCS / "runbooks"
RULES = rules.read(ALERTS)
NEEDS = Needs(RULES)
BY_NAME = {rules.name_of(rule): rule for rule in rules.each(RULES)}
ALERT_NAMES = [name for name, rule in BY_NAME.items() if "alert" in rule]
THRESHOLDS = [name for name in BY_NAME if name.startswith("streaming:threshold:")]


def severity_of(rule: rules.Rule) -> str:
    """Return how severe an alert is; at the worst, where that depends on what it is about."""
    severity = str(rule["labels"]["severity"])
    return "critical" if "{{ else }}critical{{ end }}" in severity else severity


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)


def in_parallel(work: Callable[[Any], str], items: list[Any]) -> list[str]:
    """Do it for all, on all processors, and return what went wrong."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [failure for failure in pool.map(work, items) if failure]
