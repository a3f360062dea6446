"""Each problem begins when its limit is passed, not before, and ends when it is seen to be over."""

import pytest

from exporter.model import ProblemKind
from exporter.settings import parse_duration
from tests.attention.cases import Case, cases, play

CASES = list(cases())


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.problem}: {case.name}")
def test_told_is_what_the_case_says(case: Case) -> None:
    for look, told in play(case):
        if "told" in look:
            wanted = {kind: parse_duration(since) for kind, since in look["told"].items()}
            assert told == wanted, f"at {look['at']}"


def test_every_problem_has_cases_of_its_own() -> None:
    assert {case.problem for case in CASES} == {kind.value for kind in ProblemKind}


@pytest.mark.parametrize("kind", ProblemKind)
def test_every_problem_begins_ends_and_lasts_through_an_outage(kind: ProblemKind) -> None:
    """A problem is told in a case of its own, is no longer told in one, and lasts in one."""
    seen = set()
    for case in CASES:
        if case.problem != kind.value:
            continue
        before: dict[str, float] = {}
        for look, told in play(case):
            if not look.get("up", True):
                assert told == before, f"{case.name}: an outage changed what is told"
                seen.add("outage" if kind in told else "outage without it")
            elif kind in told:
                seen.add("begins" if kind not in before else "lasts")
            elif kind in before:
                seen.add("ends")
            else:
                seen.add("is not there")
            before = told
    assert seen >= {"begins", "ends", "is not there", "outage", "outage without it"}
