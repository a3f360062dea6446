"""The rules catch bugs: each of a list of them, and by the right rule."""

import pytest

from tests.histories.drawing import histories
from tests.histories.planted_bugs import ALL
from tests.histories.planting import Bug, TextIsGone, planted
from tests.histories.rules import Rule
from tests.histories.telling import tell_many

_MOST = 150
"""Histories until a bug must be caught."""


@pytest.mark.parametrize("bug", ALL, ids=lambda bug: bug.name)
def test_planted_bug_is_caught_by_its_rule(bug: Bug) -> None:
    drawn = histories(kinds=bug.kinds, often=bug.often)
    with planted(bug) as parts:
        story = tell_many(_MOST, first=1, drawn=drawn, parts=parts, shorten=False)
    assert story is not None
    assert story.broken.rule is bug.rule, str(story)


def test_every_rule_catches_a_bug() -> None:
    assert {bug.rule for bug in ALL} == set(Rule)


def test_story_of_a_bug_is_short_and_readable() -> None:
    bug = next(bug for bug in ALL if bug.name == "a failed poll withdraws all")
    with planted(bug) as parts:
        story = tell_many(_MOST, first=1, parts=parts)
    assert story is not None
    lines = str(story).strip().splitlines()
    begun, ended = lines[0], lines[-2:]
    events = [line[6:] for line in lines[2:-3]]
    assert begun.startswith("a cloud like huawei_dli, an answer after 0 s")
    assert len(events) == 2
    assert events[0] == "orders (job 1) is submitted, RUNNING"
    assert events[1].startswith("for ")
    assert "broken: a failed poll withdraws nothing" in ended[0]


@pytest.mark.parametrize(
    ("module", "old"),
    [
        ("exporter.collecting.store", "no such text"),
        ("exporter.collecting.store", "def "),
        ("exporter.none", "x"),
    ],
)
def test_bug_whose_text_is_not_there_once_is_not_planted(module: str, old: str) -> None:
    bug = Bug(name="x", module=module, old=old, new="", rule=Rule.ONCE_EACH)
    with pytest.raises(TextIsGone), planted(bug):
        pass
