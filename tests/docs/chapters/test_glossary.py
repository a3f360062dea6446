"""The glossary says in both languages what the same words mean."""

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


def test_reasons_are_as_many_as_it_says() -> None:
    assert len(Reason) == 9
