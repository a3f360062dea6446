"""A condition is said once when it begins and once when it ends."""

from typing import Any

import pytest

from exporter.process.condition_log import ConditionLog, trail

HIDDEN = "hunter2-never-shown"
Line = tuple[str, str, dict[str, Any]]


class Journal:
    """A log that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    def bind(self, **facts: Any) -> "Journal":
        """Return this log; what is bound is of no interest here."""
        return self

    def debug(self, event: str, **facts: Any) -> None:
        self.lines.append(("debug", event, facts))

    def info(self, event: str, **facts: Any) -> None:
        self.lines.append(("info", event, facts))

    def warning(self, event: str, **facts: Any) -> None:
        self.lines.append(("warning", event, facts))

    def error(self, event: str, **facts: Any) -> None:
        self.lines.append(("error", event, facts))

    def said(self) -> list[Line]:
        """Return what someone sees who did not ask for every detail."""
        return [line for line in self.lines if line[0] != "debug"]


DOWN = "poll failed, keeping the last good values"


def test_failure_is_said_when_it_begins_and_repeated_only_for_who_looks() -> None:
    journal = Journal()
    conditions = ConditionLog(journal)
    for number in range(3):
        conditions.failed("timeout", f"try {number}")
    assert journal.lines == [
        ("warning", DOWN, {"reason": "timeout", "detail": "try 0"}),
        ("debug", "poll failed again", {"reason": "timeout", "detail": "try 1"}),
        ("debug", "poll failed again", {"reason": "timeout", "detail": "try 2"}),
    ]


def test_failure_is_said_again_when_its_reason_changes() -> None:
    journal = Journal()
    conditions = ConditionLog(journal)
    for reason in ("timeout", "auth", "auth", "timeout"):
        conditions.failed(reason, "x")
    assert [facts["reason"] for _, _, facts in journal.said()] == ["timeout", "auth", "timeout"]


def test_recovery_is_said_once_and_only_after_a_failure() -> None:
    journal = Journal()
    conditions = ConditionLog(journal)
    conditions.succeeded()
    conditions.failed("auth", "x")
    conditions.succeeded()
    conditions.succeeded()
    assert journal.lines[1:] == [("info", "poll succeeded again", {"after": "auth"})]


def test_failure_after_a_recovery_is_a_new_one() -> None:
    journal = Journal()
    conditions = ConditionLog(journal)
    conditions.failed("auth", "x")
    conditions.succeeded()
    conditions.failed("auth", "y")
    assert [level for level, _, _ in journal.lines] == ["warning", "info", "warning"]


def test_thing_is_said_once_for_each_set_of_facts() -> None:
    journal = Journal()
    conditions = ConditionLog(journal)
    conditions.once("odd", field="a", where="x")
    conditions.once("odd", where="x", field="a")
    conditions.once("odd", field="b", where="x")
    conditions.once("other", field="a", where="x")
    assert [level for level, _, _ in journal.lines] == ["warning", "debug", "warning", "warning"]


def test_things_of_one_kind_are_said_each_once_and_in_order() -> None:
    journal = Journal()
    conditions = ConditionLog(journal)
    conditions.all_at_once("met a word", "word", ["b", "a", "b"])
    conditions.all_at_once("met a word", "word", iter(["c", "a"]))
    assert [facts["word"] for _, _, facts in journal.said()] == ["a", "b", "c"]


def test_memory_of_what_was_said_is_bounded_and_new_things_go_unsaid() -> None:
    journal = Journal()
    conditions = ConditionLog(journal)
    for number in range(1500):
        conditions.once("odd", number=str(number))
    assert len(journal.said()) == 1000
    assert len(journal.lines) == 1500
    conditions.failed("auth", "x")
    assert len(journal.said()) == 1001


def _fall(depth: int) -> None:
    if depth:
        _fall(depth - 1)
    raise ValueError(HIDDEN)


@pytest.mark.parametrize("depth", [0, 3, 30])
def test_trail_names_class_and_places_and_never_the_text(depth: int) -> None:
    with pytest.raises(ValueError, match=HIDDEN) as caught:
        _fall(depth)
    text = trail(caught.value)
    assert text.startswith("ValueError at test_condition_log.py:")
    assert text.count(" _fall") == min(depth + 1, 8)
    assert HIDDEN not in text
    assert "/" not in text
    assert "\n" not in text


def test_trail_of_an_exception_that_was_never_raised_is_its_class() -> None:
    assert trail(KeyError(HIDDEN)) == "KeyError at "


def test_condition_is_said_when_it_begins_and_when_it_ends_and_again() -> None:
    journal = Journal()
    conditions = ConditionLog(journal)
    conditions.ended("late", "in time again")
    for _ in range(2):
        for _ in range(3):
            conditions.began("late", "details late", since="now")
        conditions.began("other", "something else")
        for _ in range(3):
            conditions.ended("late", "in time again")
    assert [event for _, event, _ in journal.said()] == [
        *("details late", "something else", "in time again", "details late", "in time again"),
    ]
