"""States, problems and reasons are all told of, in both languages, with their own words."""

import importlib
import re

import pytest

from exporter import platforms
from exporter.errors import Reason
from exporter.model import ProblemKind, State
from tests.docs.markdown import Cell
from tests.docs.pages import LANGUAGES, part

METRICS = "docs/metrics.md"
_NO_JOB = {"en": "no job yet", "zh": "还没有作业"}


def _states(language: str) -> dict[str, tuple[Cell, ...]]:
    return {row[0].codes[0]: row for row in part(METRICS, "States", language).rows}


@pytest.mark.parametrize("language", LANGUAGES)
def test_table_of_states_has_every_state(language: str) -> None:
    assert list(_states(language)) == [state.value for state in State]


@pytest.mark.parametrize("language", LANGUAGES)
def test_table_of_problems_has_every_problem_in_order(language: str) -> None:
    *_, problems = part(METRICS, "Problems", language).tables
    assert [row[0].codes[0] for row in problems[1:]] == [kind.value for kind in ProblemKind]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_is_told_of_beside_the_metrics_that_have_it(language: str) -> None:
    assert {reason.value for reason in Reason} <= set(part(METRICS, "Sources", language).codes)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_limit_of_a_problem_names_its_problem(language: str) -> None:
    """Of these the limit is a fact of the platform, and nothing can be set."""
    told = set(part("docs/configuration.md", "attention", language).codes)
    without = {"in_arrears", "node_failed", "silent"}
    assert {kind.value for kind in ProblemKind} - without <= told


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("module", "column"),
    [
        ("vendors.dli_states", 1),
        ("platforms.huawei_dataarts", 3),
        ("platforms.alibaba_blink", 4),
        ("vendors.ververica", 5),
    ],
)
def test_words_of_a_platform_are_those_of_its_state_map(
    module: str, column: int, language: str
) -> None:
    states = importlib.import_module(f"exporter.{module}").STATES
    documented = {
        (word.casefold(), state)
        for state, cells in _states(language).items()
        # Restarting is what Flink says underneath; the platform's own word is RUNNING then.
        if state not in ("unknown", "restarting")
        for word in re.findall(
            r"[A-Za-z_]{4,}", cells[column].text.replace(_NO_JOB[language], "no_job")
        )
    }
    assert documented == {
        (word.casefold().replace(" ", "_"), state.value) for word, state in states.items()
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_platform_has_a_section_of_its_own(language: str) -> None:
    for name in platforms.names():
        assert part("docs/platforms.md", name, language).title == name
