"""Real promtool finds no fault with the rules, and runs their tests."""

from pathlib import Path

import pytest

from tests.monitoring.alerting_rules import ALERT_NAMES, in_parallel, promtool
from tests.monitoring.rules import ALERTS, PROMETHEUS, RECORDING

pytestmark = pytest.mark.real

TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))


@pytest.mark.parametrize("path", [ALERTS, RECORDING], ids=lambda path: path.name)
def test_promtool_finds_no_fault_with_the_rules(path: Path) -> None:
    done = promtool("check", "rules", "--lint=all", "--lint-fatal", path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_tests_succeed() -> None:
    def run(path: Path) -> str:
        done = promtool("test", "rules", path)
        return "" if done.returncode == 0 else done.stdout + done.stderr

    assert in_parallel(run, TESTS) == []


def test_every_alert_has_tests_of_its_own() -> None:
    assert {path.stem for path in TESTS} == {*ALERT_NAMES, "recording"}
