"""Say in another language what an alert is expected to say, by the templates of both."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_TOKEN = re.compile(r"({{.*?}})")
_END = "{{ end }}"


def tokens(template: str) -> list[str]:
    """Return what stands in braces in a template, in its order."""
    return _TOKEN.findall(template)


def translate(template: str, other: str, told: str) -> str:
    """Return what another template says where one says this. Raises ValueError where it does not.

    Both hold the same variables, and the same parts that are there only under a condition.
    """
    names: dict[str, str] = {}
    match = re.fullmatch("".join(_pattern(template, names)), told, re.DOTALL)
    if match is None:
        raise ValueError(f"{told!r} is not told by {template!r}")
    said, left_out = [], False
    for part in _TOKEN.split(other):
        if part == _END:
            left_out = False
        elif _opens(part):
            left_out = match[names[part]] is None
        elif not left_out:
            said.append(match[names[part]] if part in names else part)
    return "".join(said)


def _pattern(template: str, names: dict[str, str]) -> Iterator[str]:
    """Yield parts of an expression that matches what a template says, and name its groups."""
    for part in _TOKEN.split(template):
        if part == _END:
            yield ")?"
        elif not part.startswith("{{"):
            yield re.escape(part)
        elif part in names:
            yield f"(?P={names[part]})"
        else:
            names[part] = f"v{len(names)}"
            yield f"(?P<{names[part]}>" + ("" if _opens(part) else ".*?)")


def _opens(token: str) -> bool:
    return token.startswith("{{ with ")


def translated_tests(
    suite: dict[str, Any], templates: Mapping[str, Any], texts: Mapping[str, Any], language: str
) -> dict[str, Any]:
    """Return tests of promtool that expect the texts of another language.

    `templates` are the annotations of the alerts in English, by name.
    """
    for case in suite["tests"]:
        for test in case.get("alert_rule_test", ()):
            name = test["alertname"]
            for expected in test.get("exp_alerts", ()):
                notes = dict(expected["exp_annotations"])
                for each in ("summary", "description"):
                    notes[each] = translate(templates[name][each], texts[name][each], notes[each])
                notes["runbook_url"] = notes["runbook_url"].replace(
                    "/runbooks/", f"/runbooks/{language}/"
                )
                expected["exp_annotations"] = notes
    return suite
