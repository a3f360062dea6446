"""Say what `--help` shows, in the language of whoever asks.

Each language is a module with a table of the same keys: what a command does (`command.NAME`), what
a flag means (`flag.NAME`, `NAME.flag` where a command has its own), what examples show. Only the
one that is asked for is loaded.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass

_MODULES = {"en": "english", "zh": "chinese"}
_PROOF = "中文"


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one language."""

    language: str
    table: Mapping[str, str]

    def __getitem__(self, key: str) -> str:
        """Return a text. Raises KeyError when the language lacks it."""
        return self.table[key]


def language_of(environ: Mapping[str, str], encoding: str = "utf-8") -> str:
    """Return the language that the environment asks for, `zh` or `en`.

    As gettext decides it: LANGUAGE is a list, and counts unless the locale is C. What the terminal
    cannot show is not asked for.
    """
    locale = next(filter(None, map(environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "C")
    wanted = [locale]
    if locale.partition(".")[0] not in ("C", "POSIX"):
        wanted = [*environ.get("LANGUAGE", "").split(":"), locale]
    first = next(filter(None, wanted), "").replace("-", "_")
    chinese = first.partition("_")[0].partition(".")[0].casefold() == "zh"
    return "zh" if chinese and _can_show(encoding) else "en"


def texts_in(language: str) -> Texts:
    """Return the texts of a language. Raises KeyError when there are none."""
    module = importlib.import_module(f"{__name__}.{_MODULES[language]}")
    return Texts(language, module.TEXTS)


def _can_show(encoding: str) -> bool:
    try:
        _PROOF.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
