"""No rule could be other than it is.

A rule nobody can break without a test noticing is a rule that is tested. So each alert is dropped,
each `for`, `keep_firing_for` and threshold is moved a little, each recording and each part of a
rule is left out, and each time a test of promtool must fail.
"""

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.monitoring import rules
from tests.monitoring.alerting_rules import (
    ALERT_NAMES,
    BY_NAME,
    NEEDS,
    RULES,
    THRESHOLDS,
    in_parallel,
    promtool,
)
from tests.monitoring.rules import PROMETHEUS, RuleFile

pytestmark = pytest.mark.real

STEP = 30
"""Seconds between two evaluations in the tests of promtool."""
_REMEMBERS = re.compile("outage|answer|outlives|keeps|believe|blind|pod|dies|vanished|replaced")
# Whole numbers are compared with >=, so the next one is the nearest change.
COUNTS = {
    "streaming:threshold:failing_jobs",
    "streaming:threshold:unreached_clusters",
    "streaming:threshold:rejections",
    "streaming:threshold:detail_failures",
}
# Mutants: (what was done, the rules then, the alerts whose tests may notice).
Mutant = tuple[str, RuleFile, list[str]]


def _dropped(names: list[str]) -> Iterator[Mutant]:
    for name in names:
        yield f"{name} left out", rules.only(RULES, frozenset(BY_NAME) - {name}), [name]


def _moved_for() -> Iterator[Mutant]:
    for name in ALERT_NAMES:
        for field in BY_NAME[name].keys() & {"for", "keep_firing_for"}:
            held = rules.seconds(BY_NAME[name][field])
            for moved in (held - STEP, held + STEP):
                if moved >= 0:
                    text = f"{moved}s"
                    yield (
                        f"{name} {field} {text}",
                        rules.changed(RULES, name, **{field: text}),
                        [name],
                    )


def _moved_thresholds() -> Iterator[Mutant]:
    for name in THRESHOLDS:
        value = rules.limit(BY_NAME[name])
        moved = (value - 1, value + 1) if name in COUNTS else (value * 0.95, value * 1.05)
        for number in moved:
            users = [alert for alert in ALERT_NAMES if name in NEEDS.of(alert)]
            yield (
                f"{name} {number:g}",
                rules.changed(RULES, name, expr=f"vector({number:g})"),
                sorted(users, key=lambda user: name not in BY_NAME[user]["expr"]),
            )


def _without_recordings() -> Iterator[Mutant]:
    for name in BY_NAME.keys() - {*ALERT_NAMES, *THRESHOLDS}:
        users = [alert for alert in ALERT_NAMES if name in NEEDS.of(alert)]
        yield f"{name} left out", rules.only(RULES, frozenset(BY_NAME) - {name}), users


def _without_parts() -> Iterator[Mutant]:
    """Yield rules without one of their reasons, or one of their exceptions."""
    for name, rule in BY_NAME.items():
        text = str(rule["expr"])
        users = [alert for alert in ALERT_NAMES if name in NEEDS.of(alert)]
        for what, parts, glue in (
            ("reason", _split(text, r"\n\s*or\n"), "\nor\n"),
            ("condition", _split(text, r"\n\s*(?=(?:and|unless) on \()"), "\n"),
        ):
            for number in range(len(parts)):
                left = glue.join(parts[:number] + parts[number + 1 :])
                if _is_whole(parts[number]) and left:
                    yield (
                        f"{name} without {what} {number}",
                        rules.changed(RULES, name, expr=left),
                        users,
                    )


def _split(text: str, pattern: str) -> list[str]:
    parts = re.split(pattern, text)
    return parts if len(parts) > 1 else []


def _is_whole(part: str) -> bool:
    """Say whether a part can be left out: it opens no parenthesis that it does not close."""
    return part.count("(") == part.count(")")


@cache
def _suite(alert: str) -> Any:
    """Return the tests of promtool for an alert; reading them takes as long as running some."""
    path = PROMETHEUS / "tests" / f"{alert}.yml"
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _survives(mutant: Mutant, folder: Path) -> bool:
    """Say whether no test notices; each case runs alone, so that the first that does ends it."""
    what, document, alerts = mutant
    for alert in alerts:
        needed = rules.only(document, NEEDS.of(alert))
        if not needed["groups"]:
            return False
        # JSON is YAML, and quicker to write.
        (folder / "rules.yml").write_text(json.dumps(needed), encoding="utf-8")
        suite = _suite(alert)
        cases = suite["tests"]
        if " without " in what:
            # Those that are about memory stand behind the others, and notice this first.
            cases = sorted(cases, key=lambda case: _REMEMBERS.search(case["name"]) is None)
        for case in cases:
            text = json.dumps({**suite, "rule_files": ["rules.yml"], "tests": [case]})
            (folder / "case.yml").write_text(text, encoding="utf-8")
            if promtool("test", "rules", folder / "case.yml").returncode != 0:
                return False
    return True


@pytest.mark.parametrize(
    "mutants",
    [
        lambda: _dropped(ALERT_NAMES),
        _moved_for,
        _moved_thresholds,
        _without_recordings,
        _without_parts,
    ],
    ids=["alert", "for", "threshold", "recording", "part"],
)
def test_no_rule_can_change_unnoticed(
    mutants: Callable[[], Iterator[Mutant]], tmp_path: Path
) -> None:
    def run(numbered: tuple[int, Mutant]) -> str:
        number, mutant = numbered
        folder = tmp_path / str(number)
        folder.mkdir()
        return mutant[0] if _survives(mutant, folder) else ""

    assert in_parallel(run, list(enumerate(mutants()))) == []
