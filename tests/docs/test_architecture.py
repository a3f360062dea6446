"""The chapter about the architecture shows the house as it is built."""

import re

import pytest

from tests.docs.chapters.tables import CHAPTERS, ROOT, rows, sections
from tests.test_imports import ROOMS


@pytest.fixture(name="chapter", params=CHAPTERS)
def _chapter(request: pytest.FixtureRequest) -> str:
    return (CHAPTERS[request.param] / "architecture.md").read_text()


def test_rooms_are_those_of_the_house_in_their_order(chapter: str) -> None:
    shown = [tuple(re.findall(r"`(\w+)`", row[0])) for row in rows(sections(chapter)[1])]
    assert shown == list(ROOMS)


def test_modules_that_are_named_are_there(chapter: str) -> None:
    named = re.findall(r"`(exporter/[\w/.]*)`", chapter)
    assert len(named) >= 10
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_room_that_carries_data_is_in_the_picture(chapter: str) -> None:
    picture = chapter.split("```")[1]
    others = {"hall", "telemetry", "process", "kubernetes", "configuration", "app", "commands"}
    for room in {name for rooms in ROOMS for name in rooms} - others - {"start"}:
        assert re.search(rf"\b{room}\b", picture), room
