"""A right that is named anywhere is one that a policy gives: nobody asks for what is not used."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import CHINESE, ENGLISH, ROOT, named

_SPELT_OTHERWISE = {"dli:jobs:list_all"}
"""What a console of Huawei Cloud calls `dli:jobs:listAll`."""
_WRITTEN = [path for path in (*ENGLISH, *CHINESE) if path.exists()]
_CONFIGURED = [
    *(ROOT / "exporter" / "commands" / "starters").glob("*.yml"),
    *(ROOT / "examples").glob("*.yml"),
]


def _actions(policy: Any) -> Iterator[str]:
    if isinstance(policy, list):
        for each in policy:
            yield from _actions(each)
    elif isinstance(policy, dict):
        for key, value in policy.items():
            if key.casefold() == "action":
                yield from [value] if isinstance(value, str) else value
            else:
                yield from _actions(value)


_GIVEN = {
    action
    for path in (ROOT / "docs" / "policies").glob("*.json")
    for action in _actions(json.loads(path.read_text()))
}
_SERVICES = "|".join(sorted({action.partition(":")[0] for action in _GIVEN}))
_NAMED = re.compile(rf"(?<![\w:./-])(?:{_SERVICES}):[A-Za-z]\w+(?::\w+)?")


@pytest.mark.parametrize("path", [*_WRITTEN, *_CONFIGURED], ids=named)
def test_every_right_that_is_named_is_in_a_policy(path: Path) -> None:
    assert set(_NAMED.findall(path.read_text())) - _GIVEN - _SPELT_OTHERWISE == set()


def test_policies_give_what_is_asked_of_each_cloud() -> None:
    """Policies that nobody can read would let any name pass as wrong, or none be looked for."""
    assert {"dli:jobs:list", "stream:ListJobs", "oceanus:DescribeJobs"} <= _GIVEN
    assert "kinesisanalytics:ListApplications" in _GIVEN
