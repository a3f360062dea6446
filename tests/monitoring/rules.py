"""Read the rules that are shipped, and make variants of them: smaller, shorter or broken ones."""

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PROMETHEUS = Path(__file__).parents[2] / "prometheus"
ALERTS = PROMETHEUS / "rules" / "alerts.yml"
RECORDING = PROMETHEUS / "rules" / "recording.yml"

Rule = dict[str, Any]
RuleFile = dict[str, Any]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+)([smhd])")
_WINDOW = re.compile(r"(\[|\boffset )(\d+[smhd])")
_IDENTIFIER = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


def read(path: Path) -> RuleFile:
    """Read a rule file."""
    document: RuleFile = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document


def each(document: RuleFile) -> Iterator[Rule]:
    """Yield the rules of a file, in order."""
    for group in document["groups"]:
        yield from group["rules"]


def name_of(rule: Rule) -> str:
    """Return what a rule is called: the alert, or the series it records."""
    return str(rule.get("alert") or rule["record"])


def seconds(text: str) -> int:
    """Return how many seconds a duration such as 10m is. Raises ValueError."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"not a duration: {text}")
    return int(match[1]) * _UNITS[match[2]]


@dataclass(frozen=True, slots=True)
class Needs:
    """What the rules of one file need of each other."""

    document: RuleFile

    def of(self, name: str) -> frozenset[str]:
        """Return the names of all rules that a rule cannot do without, its own included."""
        rules = {name_of(rule): rule for rule in each(self.document)}
        found: set[str] = set()
        queue = [name]
        while queue:
            current = queue.pop()
            if current not in found:
                found.add(current)
                used = set(_IDENTIFIER.findall(rules[current]["expr"]))
                queue += [each for each in used & rules.keys() if "record" in rules[each]]
        return frozenset(found)


def only(document: RuleFile, names: frozenset[str]) -> RuleFile:
    """Return a file with the named rules alone: promtool's time is rules times steps."""
    groups = []
    for group in document["groups"]:
        rules = [rule for rule in group["rules"] if name_of(rule) in names]
        if rules:
            groups.append({**group, "rules": rules})
    return {"groups": groups}


def changed(document: RuleFile, name: str, **fields: str) -> RuleFile:
    """Return a copy with other fields in the rule of that name."""
    variant = copy.deepcopy(document)
    for rule in each(variant):
        if name_of(rule) == name:
            rule.update(fields)
    return variant


def shortened(document: RuleFile, factor: int) -> RuleFile:
    """Return a copy in which all time passes so many times faster."""
    variant = copy.deepcopy(document)
    for group in variant["groups"]:
        if "interval" in group:
            group["interval"] = short(group["interval"], factor)
    for rule in each(variant):
        rule["expr"] = _WINDOW.sub(
            lambda match: match[1] + short(match[2], factor), str(rule["expr"])
        )
        for name in ("for", "keep_firing_for"):
            if name in rule:
                rule[name] = short(rule[name], factor)
        if str(rule.get("record", "")).endswith("_seconds") and "threshold" in rule["record"]:
            rule["expr"] = f"vector({limit(rule) / factor})"
    return variant


def short(duration: str, factor: int) -> str:
    """Return a duration so many times shorter; Prometheus knows milliseconds."""
    return f"{seconds(duration) * 1000 // factor}ms"


def limit(threshold: Rule) -> float:
    """Return the number that a rule of the group of thresholds holds."""
    match = re.fullmatch(r"vector\(([0-9.]+)\)", threshold["expr"])
    assert match is not None, threshold
    return float(match[1])


def write(document: RuleFile, path: Path) -> Path:
    """Write a rule file."""
    path.write_text(yaml.safe_dump(document, sort_keys=False, width=1000), encoding="utf-8")
    return path
