"""Say things in one language, from the table of its texts."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from markupsafe import Markup

from exporter.model import Condition, State


class Plural(NamedTuple):
    """A text that depends on a number: what is said of one, and of any other."""

    one: str
    other: str


Texts = Mapping[str, str | Plural]
"""The texts of a language by their keys, with `{names}` of what is put into them."""
_GLOSSED: Mapping[StrEnum, str] = MappingProxyType(
    {word: f"state_{word.value}" for word in State}
    | {word: f"condition_{word.value}" for word in Condition}
)
"""What is called by its own word in every language, and the key of what that means."""


class Words:
    """The texts of one language."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        glosses = {word: self[key] for word, key in _GLOSSED.items() if key in texts}
        self._glosses = {word: gloss for word, gloss in glosses.items() if gloss != word.value}

    def __getitem__(self, key: str) -> str:
        text = self._texts[key]
        return text if isinstance(text, str) else text.other

    def say(self, key: str, **values: object) -> str:
        """Return a text with these values in it."""
        return self[key].format(**values)

    def count(self, key: str, count: int, **values: object) -> str:
        """Return a text about so many of something: `1 job`, `2,000 jobs`."""
        text = self._texts[key]
        if not isinstance(text, str):
            text = text.one if count == 1 else text.other
        return text.format(count=f"{count:,}", **values)

    def marked(self, key: str, **values: object) -> Markup:
        """Return a text as HTML, with values in it that are markup already or are escaped."""
        # The texts are our own, and formatting escapes what is put into them.
        return Markup(self[key]).format(**values)  # noqa: S704  # nosec B704

    def gloss(self, word: StrEnum) -> str:
        """Return what a state or condition means; empty where its own word says it."""
        return self._glosses.get(word, "")

    def glossed(self, word: StrEnum) -> str:
        """Return a state or condition with what it means beside it, where it needs that."""
        gloss = self.gloss(word)
        return self.say("word_with_gloss", word=word.value, gloss=gloss) if gloss else word.value
