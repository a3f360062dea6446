"""The glossary says in both languages what the same words mean."""

import re

from exporter.errors import Reason
from exporter.model import State
from tests.docs.chapters.tables import CHAPTERS, first_words, rows, sections

ENGLISH, CHINESE = (sections((folder / "glossary.md").read_text()) for folder in CHAPTERS.values())


def test_both_languages_have_the_same_pairs_of_words() -> None:
    pairs = [[tuple(row[:2]) for row in rows(part)] for part in ENGLISH]
    assert [[tuple(row[:2]) for row in rows(part)] for part in CHINESE] == pairs
    assert all(all(row) for part in (*ENGLISH, *CHINESE) for row in rows(part))


def test_every_state_is_explained() -> None:
    assert first_words(ENGLISH[1]) == [state.value for state in State]


def test_no_word_is_explained_twice() -> None:
    words = [row[0] for part in ENGLISH for row in rows(part)]
    assert len(words) == len(set(words))


def test_agents_at_the_edge_are_never_called_by_the_word_for_a_proxy() -> None:
    """The two stand side by side where a gateway is between agents and exporter."""
    pages = [*CHAPTERS["zh"].glob("*.md"), *CHAPTERS["zh"].parent.glob("runbooks/zh/*.md")]
    assert len(pages) > 50
    found = re.compile("边缘代理|`edge`：[^。]{0,9}代理|修正代理|代理[^。]{0,6}(?:上报|重试并)")
    assert {page.name: found.findall(page.read_text()) for page in pages} == {
        page.name: [] for page in pages
    }


def test_reasons_are_as_many_as_it_says() -> None:
    assert len(Reason) == 9
