"""No rule could be other than it is.

A rule nobody can break without a test noticing is a rule that is tested. So each alert is dropped,
each `for` and each threshold is moved a little, each recording is left out, and each time a test
of promtool must fail.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

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
_REMEMBERS = re.compile("outage|does not answer|outlives|keeps|believes|withdrawn|waits")
# Whole numbers are compared with >=, so the next one is the nearest change.
COUNTS = {
    "streaming:threshold:restarts",
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
        held = rules.seconds(BY_NAME[name]["for"])
        for moved in (held - STEP, held + STEP):
            text = f"{moved}s"
            yield f"{name} for {text}", rules.changed(RULES, name, **{"for": text}), [name]


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


def _without_memory() -> Iterator[Mutant]:
    """Yield alerts that end in an outage, and rules that look at what was true before it."""
    for name, rule in BY_NAME.items():
        text = str(rule["expr"])
        for what, pattern in (
            ("holding", r"\s*or ignoring \(alertname, severity\)\s*alert:streaming_alerts:held\S+"),
            ("blindness", r"\s*unless on \(job, instance, source\) instance_source:\S+"),
        ):
            without = re.sub(pattern, "", text)
            if without != text:
                users = [alert for alert in ALERT_NAMES if name in NEEDS.of(alert)]
                yield f"{name} without {what}", rules.changed(RULES, name, expr=without), users


def _without_parts() -> Iterator[Mutant]:
    """Yield what is remembered, each time without one of the reasons to remember."""
    for name in ("instance_source:streaming_source_up:blind", "alert:streaming_alerts:held"):
        text = str(BY_NAME[name]["expr"])
        users = [alert for alert in ALERT_NAMES if name in NEEDS.of(alert)]
        match = re.fullmatch(r"(\(\n)?(.*?)(\n\)\nunless.*)?", text, re.DOTALL)
        assert match is not None
        parts = re.split(r"\n *or\n", match[2])
        for number, part in enumerate(parts):
            left = "\nor\n".join(parts[:number] + parts[number + 1 :])
            yield (
                f"{name} without part {number}",
                rules.changed(RULES, name, expr=f"{match[1] or ''}{left}{match[3] or ''}"),
                # Those it is about are the first to notice.
                [
                    *(user for user in users if user in part),
                    *(("StreamingJobAbsent",) if 'job_id=""' in part else ()),
                    *users,
                ],
            )


def _survives(mutant: Mutant, folder: Path) -> bool:
    """Say whether no test notices; each case runs alone, so that the first that does ends it."""
    what, document, alerts = mutant
    for alert in alerts:
        needed = rules.only(document, NEEDS.of(alert))
        if not needed["groups"]:
            return False
        rules.write(needed, folder / "rules.yml")
        suite = yaml.safe_load((PROMETHEUS / "tests" / f"{alert}.yml").read_text(encoding="utf-8"))
        cases = suite["tests"]
        if " without " in what:
            # Those that are about memory stand behind the others, and notice this first.
            cases = sorted(cases, key=lambda case: _REMEMBERS.search(case["name"]) is None)
        for case in cases:
            # JSON is YAML, and quicker to write.
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
        _without_memory,
        _without_parts,
    ],
    ids=["alert", "for", "threshold", "recording", "memory", "reason"],
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
