"""Understand what a reader asks for in the address, and write such addresses.

Every view has an address of its own: it can be bookmarked, sent to a colleague and linked from an
alert. What cannot be understood is left aside, so that an old link still shows something. All
links are relative: a proxy may serve the pages under any path.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import quote_plus, urlencode

from exporter.model import State
from exporter.pages.languages import Language, named

_LONGEST_SEARCH = 200
_MOST_VALUES = 100
_Words = TypeVar("_Words", bound=StrEnum)


class Sort(StrEnum):
    """What the jobs can be sorted by."""

    ATTENTION = "attention"
    NAME = "name"
    STATE = "state"
    SOURCE = "source"
    SINCE = "since"
    DURATION = "duration"
    RESTARTS = "restarts"
    DELAY = "delay"
    ERROR = "error"

    @property
    def falls(self) -> bool:
        """Say whether the largest value comes first unless asked otherwise."""
        return self in (Sort.SINCE, Sort.DURATION, Sort.RESTARTS, Sort.DELAY, Sort.ERROR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which jobs are asked for, in which order."""

    text: str = ""
    states: frozenset[State] = frozenset()
    sources: frozenset[str] = frozenset()
    platforms: frozenset[str] = frozenset()
    sort: Sort = Sort.ATTENTION
    descending: bool = False
    page: int = 1
    language: Language | None = None
    """The language that is asked for; None when the browser decides."""

    @property
    def narrowed(self) -> bool:
        """Say whether some jobs are left out."""
        return bool(self.text or self.states or self.sources or self.platforms)

    def pairs(self) -> list[tuple[str, str]]:
        """Return the query parameters; what is as usual is left out."""
        pairs = [("q", self.text)] if self.text else []
        pairs += (("state", state.value) for state in State if state in self.states)
        pairs += (("source", source) for source in sorted(self.sources))
        pairs += (("platform", platform) for platform in sorted(self.platforms))
        if self.sort is not Sort.ATTENTION:
            pairs.append(("sort", self.sort.value))
        if self.descending != self.sort.falls:
            pairs.append(("order", "desc" if self.descending else "asc"))
        if self.page > 1:
            pairs.append(("page", str(self.page)))
        if self.language is not None:
            pairs.append(("lang", self.language.value))
        return pairs

    def link(self, **changes: Any) -> str:
        """Return the address of this view with some things changed, on its first page."""
        changed = replace(self, **{"page": 1, **changes})
        parameters = urlencode(changed.pairs())
        return f"./?{parameters}" if parameters else "./"

    def sorted_by(self, sort: Sort) -> str:
        """Return the address of this view sorted by something, or the other way round."""
        turned = not self.descending if sort is self.sort else sort.falls
        return self.link(sort=sort, descending=turned)

    def toggled(self, state: State) -> str:
        """Return the address of this view with a state added to the wanted ones, or removed."""
        return self.link(states=self.states ^ {state})


def parse(parameters: Iterable[tuple[str, str]]) -> Query:
    """Read the query parameters of an address."""
    values = _values(parameters)
    sort = _member(Sort, _last(values, "sort")) or Sort.ATTENTION
    order = _last(values, "order")
    return Query(
        text=_last(values, "q").strip()[:_LONGEST_SEARCH],
        states=frozenset(
            state for word in values.get("state", ()) if (state := _member(State, word)) is not None
        ),
        sources=frozenset(values.get("source", ())[:_MOST_VALUES]),
        platforms=frozenset(values.get("platform", ())[:_MOST_VALUES]),
        sort=sort,
        descending=order == "desc" if order in ("asc", "desc") else sort.falls,
        page=_page(_last(values, "page")),
        language=named(_last(values, "lang")),
    )


def language_of(parameters: Iterable[tuple[str, str]]) -> Language | None:
    """Read which language the query parameters of an address name; None when they name none."""
    return named(_last(_values(parameters), "lang"))


def job_link(source: str, project: str, job_id: str, language: Language | None) -> str:
    """Return the address of a job's page; identifiers may hold anything, slashes included."""
    # Put together by hand: a page has 200 of them, and `urlencode` takes three times as long.
    pairs = f"source={quote_plus(source)}&project={quote_plus(project)}&job_id={quote_plus(job_id)}"
    return f"job?{pairs}" if language is None else f"job?{pairs}&lang={language.value}"


def _values(parameters: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for key, value in parameters:
        if value:
            values.setdefault(key, []).append(value)
    return values


def _last(values: dict[str, list[str]], key: str) -> str:
    return values[key][-1] if key in values else ""


def _member(words: type[_Words], word: str) -> _Words | None:
    try:
        return words(word)
    except ValueError:
        return None


def _page(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 and text > "0" else 1
