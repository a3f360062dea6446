"""Decide when CloudWatch is asked about which applications, and keep what it said.

Figures are paid for one by one, so they are asked for in rounds: of all applications that run, at
fixed moments `interval` apart. One that was never looked at does not wait for the next of them. No
listing waits for a round: it is the business of whoever asks about one application first.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from exporter.errors import FetchError
from exporter.fields import Flaws
from exporter.pacing import Clock
from exporter.vendors.aws.cloudwatch import MOST_QUERIES, Answered
from exporter.vendors.aws.figures import (
    Dimensions,
    Figures,
    Group,
    Point,
    Query,
    queries_of,
    read_figures,
)
from exporter.vendors.monitoring import as_monitoring

STREAMS_EVERY = 3600.0
"""Seconds between two looks at which streams there are."""


class Metrics(Protocol):
    """Where figures come from."""

    async def newest(self, queries: Sequence[Query], now: float) -> Answered:
        """Return the newest point of each figure; raises FetchError."""

    async def streams(self, flaws: Flaws) -> dict[str, list[Dimensions]]:
        """Return by application under which dimensions it tells its delay; raises FetchError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What was said of one application, and when."""

    figures: Figures
    at: float


class FigureRounds:
    """The figures of the applications of one source."""

    def __init__(
        self,
        metrics: Metrics,
        *,
        interval: float,
        groups: Sequence[Group],
        kept_for: float,
        clock: Clock,
        monotonic: Clock,
        count: Callable[[int], None],
    ) -> None:
        """Take where to ask; figures are shown for `kept_for` seconds after they were had.

        `count` hears how many figures each call asks for, which is what is paid for.
        """
        self._metrics = metrics
        self._interval = interval
        self._groups = groups
        self._kept_for = kept_for
        self._clock = clock
        self._monotonic = monotonic
        self._count = count
        self._looks: dict[str, _Look] = {}
        self._looked_at: set[str] = set()
        self._next_round: float | None = None
        self._streams: Mapping[str, Sequence[Dimensions]] = {}
        self._streams_at: float | None = None
        self._asking = False
        self.failure: FetchError | None = None
        """Why something is missing of what was asked for last."""

    def of(self, application: str) -> Figures | None:
        """Return what is known of an application; None when nothing is, or it is too old."""
        look = self._looks.get(application)
        if look is None or not self._monotonic() - look.at <= self._kept_for:
            return None
        return look.figures

    def note_running(self, applications: Iterable[str]) -> None:
        """Hear which applications run: what was said of the others is of a run that is over."""
        running = set(applications)
        self._looks = {name: look for name, look in self._looks.items() if name in running}

    def forget(self, applications: Iterable[str]) -> None:
        """Keep in mind only applications that there are."""
        self._looked_at &= set(applications)

    async def ask(
        self, running: Mapping[str, tuple[str, float | None]], flaws: Flaws
    ) -> tuple[FetchError, ...]:
        """Ask about those of the running applications whose turn it is; return what went wrong.

        `running` is by name the runtime of each, and when its run began. Who comes while somebody
        asks goes away again.
        """
        if self._asking:
            return ()
        chosen = self._choose(running)
        if not chosen:
            return ()
        self._asking = True
        try:
            failures = await self._ask(chosen, running, flaws)
        finally:
            self._asking = False
        self.failure = failures[0] if failures else None
        return tuple(map(as_monitoring, failures))

    def _choose(self, running: Mapping[str, object]) -> list[str]:
        now = self._monotonic()
        if self._next_round is None:
            if not running:
                return []
            self._next_round = now
        if now < self._next_round:
            return [name for name in running if name not in self._looked_at]
        missed = (now - self._next_round) // self._interval
        # At fixed moments: counted from when the last one was made, each would come a bit later.
        self._next_round += self._interval * (missed + 1)
        return list(running)

    async def _ask(
        self,
        chosen: Sequence[str],
        running: Mapping[str, tuple[str, float | None]],
        flaws: Flaws,
    ) -> list[FetchError]:
        failures = await self._look_for_streams(flaws)
        queries = [
            query
            for name in chosen
            for query in queries_of(
                name, running[name][0], self._groups, self._streams.get(name, ())
            )
        ]
        self._looked_at |= set(chosen)
        points: dict[str, dict[str, list[Point]]] = {}
        silent: set[str] = set()
        for begin in range(0, len(queries), MOST_QUERIES):
            part = queries[begin : begin + MOST_QUERIES]
            self._count(len(part))
            try:
                answered = await self._metrics.newest(part, self._clock())
            except FetchError as exc:
                failures.append(exc)
                silent |= {query.application for query in part}
                continue
            failures += answered.failures
            for place, point in answered.points.items():
                query = part[place]
                began = running[query.application][1]
                if began is None or point.at >= began:
                    mine = points.setdefault(query.application, {})
                    mine.setdefault(query.metric, []).append(point)
        now = self._monotonic()
        for name in chosen:
            if name not in silent:
                self._looks[name] = _Look(figures=read_figures(points.get(name, {})), at=now)
        return failures

    async def _look_for_streams(self, flaws: Flaws) -> list[FetchError]:
        now, last = self._monotonic(), self._streams_at
        if Group.INPUT_DELAY not in self._groups:
            return []
        if last is not None and now - last < STREAMS_EVERY:
            return []
        try:
            self._streams = await self._metrics.streams(flaws)
        except FetchError as exc:
            # What was known stays; without any the event time is asked for instead.
            return [exc]
        self._streams_at = now
        return []
