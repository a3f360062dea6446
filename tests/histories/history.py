"""A history: how the exporter is set up, and what happens, in order."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from tests.histories.clouds import Kind
from tests.histories.truth import Deed, Truth

POLL_INTERVAL = 30.0
TIMEOUT = 10.0


class Weather(Enum):
    """What can be wrong with the API for a while."""

    OUTAGE = "the API does not answer"
    THROTTLED = "the API says there were too many requests"
    LISTING_FAILS = "listing fails while details work"
    DETAILS_FAIL = "details fail while listing works"
    DETAILS_REFUSED = "details are refused to everybody"
    DETAILS_IN_PART = "parts of the details fail"
    PAGES_FAIL = "only the first page of each listing arrives"
    PROJECT_FAILS = "the second project cannot be listed"
    UNREADABLE = "listings are not what we can read"
    HIDDEN = "the listing leaves {name} out"
    HANGS = "the API takes requests and answers none"


class Ours(Enum):
    """What can happen to the exporter itself."""

    RELOAD_LABELS = "reload: other labels"
    RELOAD_SELECTION = "reload: clicks excluded, or no longer"
    RELOAD_DRAFTS = "reload: drafts shown, or no longer"
    RESTART = "the exporter is started anew"


LASTING = (14.0, 35.0, 80.0, 125.0, 260.0)
"""Seconds a spell of weather may last, shorter and longer than a poll and than `stale_after`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happens `pause` seconds after what is before it.

    `who` and `choice` are any numbers: they choose among what there is to choose from then.
    """

    pause: int
    what: Deed | Weather | Ours
    who: int = 0
    choice: int = 0

    @property
    def lasts(self) -> float:
        """Return how long a spell of weather lasts."""
        return LASTING[self.choice % len(LASTING)]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class History:
    """The settings of the exporter, the manners of the cloud, and what happens."""

    kind: Kind
    detail_interval: float = 60.0
    stale_after: float = 120.0
    ended_retention: float = 240.0
    latency: float = 0.0
    """Seconds until each answer of the cloud."""
    page_size: int = 100
    seed: int = 1
    """Of chance in the exporter: when its first poll comes."""
    events: tuple[Event, ...] = field(default=())

    def __repr__(self) -> str:
        return "\n" + "\n".join(self.story())

    def story(self) -> Iterator[str]:
        """Yield the history line by line; what has no effect is left out."""
        yield (
            f"a cloud like {self.kind.name}, an answer after {self.latency:g} s, "
            f"{self.page_size} jobs a page"
        )
        yield (
            f"poll_interval {POLL_INTERVAL:g} s, detail_interval {self.detail_interval:g} s, "
            f"stale_after {self.stale_after:g} s, ended_retention {self.ended_retention:g} s, "
            f"seed {self.seed}"
        )
        truth, now = Truth(self.kind), 0.0
        for event in self.events:
            now += event.pause
            sentence = _sentence(event, truth, now)
            if sentence is not None:
                yield f"{told(now)} {sentence}"
        yield f"{told(now)} and then nothing more"


def told(seconds: float) -> str:
    """Write a moment of a story."""
    minutes, rest = divmod(seconds, 60)
    fraction = f"{rest:05.2f}".removesuffix(".00")
    return f"{int(minutes):02}:{fraction}"


def _sentence(event: Event, truth: Truth, now: float) -> str | None:
    if isinstance(event.what, Deed):
        return truth.happen(event.what, event.who, event.choice, now)
    if isinstance(event.what, Ours):
        return event.what.value
    who = truth.pick(event.who, now)
    if event.what is Weather.HIDDEN and who is None:
        return None
    text = event.what.value.format(name="" if who is None else truth.called(who, now))
    return f"for {event.lasts:g} s {text}"
