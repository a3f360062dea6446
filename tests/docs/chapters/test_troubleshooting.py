"""The chapter about troubleshooting knows every word that the exporter says of a trouble."""

import re

import pytest

from exporter.edge.admission import STATUSES, Result
from exporter.edge.metrics import RELAY_REASONS
from exporter.errors import Reason
from exporter.model import ProblemKind
from tests.docs.chapters.log_events import log_events
from tests.docs.chapters.tables import CHAPTERS, ROOT, first_words, rows, sections


@pytest.fixture(name="parts", params=CHAPTERS)
def _parts(request: pytest.FixtureRequest) -> list[str]:
    return sections((CHAPTERS[request.param] / "troubleshooting.md").read_text())


def test_every_reason_of_a_failure_is_explained(parts: list[str]) -> None:
    assert first_words(parts[1]) == [reason.value for reason in Reason]


def test_every_result_of_a_report_is_explained_with_its_status(parts: list[str]) -> None:
    results = {row[0].strip("`"): row[1] for row in rows(parts[2]) if len(row) == 4}
    assert results == {result.value: str(STATUSES.get(result, 200)) for result in Result}
    relay = [row[0].strip("`") for row in rows(parts[2]) if len(row) == 3]
    assert relay == [each for each in RELAY_REASONS if each not in list(Reason)]


def test_every_problem_is_explained_in_order(parts: list[str]) -> None:
    assert first_words(parts[3]) == [kind.value for kind in ProblemKind]


def test_every_log_event_is_explained_with_its_level(parts: list[str]) -> None:
    told = {row[0].strip("`"): row[1] for row in rows(parts[4])}
    assert told == log_events(ROOT / "exporter")


def test_both_languages_tell_of_the_same_in_the_same_order() -> None:
    english, chinese = (
        [
            [re.findall(r"`[^`]+`", row[0]) for row in rows(part)]
            for part in sections((folder / "troubleshooting.md").read_text())
        ]
        for folder in CHAPTERS.values()
    )
    assert chinese == english


def test_runbooks_and_chapters_that_are_linked_are_there() -> None:
    for folder in CHAPTERS.values():
        text = (folder / "troubleshooting.md").read_text()
        for link in re.findall(r"\]\(((?:\.\./)?runbooks/[^)#]+)", text):
            assert (folder / link).exists(), link
