"""Know who reads a page: in which language, and when."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from exporter.pages.languages import Language
from exporter.pages.texts.chinese import CHINESE
from exporter.pages.texts.english import ENGLISH
from exporter.pages.texts.words import Words

WORDS: Mapping[Language, Words] = MappingProxyType(
    {Language.ENGLISH: Words(ENGLISH), Language.CHINESE: Words(CHINESE)}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who reads a page, and when: every text and every age on it is for this reader."""

    now: float
    language: Language = Language.ENGLISH
    chosen: Language | None = None
    """The language that the address names, which all links keep; None when the browser decides."""

    @property
    def words(self) -> Words:
        """Return the texts in the reader's language."""
        return WORDS[self.language]
