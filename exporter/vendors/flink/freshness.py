"""Tell how old the figures are that Flink serves, and which of them can be believed.

A JobManager gathers the metrics of its TaskManagers when it is asked for something, at most every
10 s (`metrics.fetcher.update-interval`), in the background; it answers with what it has. While one
TaskManager hangs nothing is gathered, of no job, for up to 10 min (`web.timeout`): every figure is
of the moment before, and looks like any other. Three things tell:

- `uptime` says at which moment a JobManager last gathered its own figures. Delays are told as of
  that moment, not as of now; see `latest`.
- Of what a source tells something has to move: it emits, or it is idle for longer and longer. Where
  nothing did while the JobManager's own figures went on, no figure of a TaskManager is believed.
- The JobManager's own figures come first. At the first look after a TaskManager hung up they are
  new beside watermarks that are not: the delay seems to have grown by all the time that went by. So
  does that of a job that really stands still. That figures were gathered anew once more, later,
  proves that the gathering before was complete: such a growth is believed at the second look.

Everything here is pure.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from exporter.fields import Flaws, Record

UPTIME = "uptime"
GATHERED_WITHIN = 0.75
"""Seconds that it takes to gather figures, with room to spare: a round trip to every TaskManager.

Those of the JobManager come first, those of the TaskManagers some hundredths of a second later.
"""
OLDEST = 30.0
"""Seconds: three times what Flink lets its figures become."""
_SHORTEST = 5.0
"""Seconds between two looks from which on their difference says something."""
_LONGEST = 500.0
"""Seconds between two looks within which no TaskManager that hangs is given up."""
_JITTER = 1.0
"""Seconds by which the moments of two figures may differ."""
_MOST_STATES = 50
_AHEAD = 5.0
"""Seconds by which an answer out of a cache may be older than another: Flink keeps those about a
job for 3 s."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """When a job last came to run and to restart; each changes with a restart."""

    running: float | None = None
    restarting: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look at the metrics of a job told."""

    moment: float
    """Of when the figures are."""
    delay: float | None = None
    growing: bool = False
    """Whether the delay had grown by all the time since the look before, or there was no proof."""
    believed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beat:
    """What of the TaskManagers' figures has to move, as one look found it."""

    moment: float
    pulse: tuple[float, ...]
    moved: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarts:
    """How often a job had restarted, and when it last had by then."""

    number: int
    entered: Entered
    read_at: float
    """When that was, in the time of the JobManager."""


def parse_entered(graph: Record) -> Entered:
    """Read out of a job object when the job last came to run and to restart."""
    timestamps = graph.record("timestamps")
    return Entered(
        running=timestamps.time_milliseconds("RUNNING"),
        restarting=timestamps.time_milliseconds("RESTARTING"),
    )


def parse_begun(graph: Record) -> float | None:
    """Read out of a job object since when it is what it is; None when nothing tells.

    The adaptive scheduler does not date again all that a job goes through after a restart.
    """
    timestamps = graph.record("timestamps")
    names = islice(timestamps.names(), _MOST_STATES)
    dated = [timestamps.time_milliseconds(name) for name in names]
    dated += [vertex.time_milliseconds("start-time") for vertex in graph.records("vertices")]
    return max((each for each in dated if each is not None), default=None)


def parse_moment(document: object, running: float | None, now: float, flaws: Flaws) -> float | None:
    """Read of which moment the metrics of a job are, in the time of its JobManager.

    `running` is since when it runs, `now` the time there. None when nothing tells.
    """
    metrics = Record({"metrics": document}, "job", flaws).records("metrics")
    uptimes = [metric.milliseconds("value") for metric in metrics if metric.text("id") == UPTIME]
    if running is None or not uptimes or not uptimes[0]:
        return None
    moment = running + uptimes[0]
    return moment if moment <= now + _AHEAD else None


def parse_attempts(document: object, flaws: Flaws) -> int:
    """Read out of a vertex how often a task of it was begun anew, at most."""
    subtasks = Record(document, "vertex", flaws).records("subtasks")
    return max((attempt for each in subtasks if (attempt := each.count("attempt"))), default=0)


def latest(moment: float, now: float) -> float:
    """Return when the figures of TaskManagers are from at the latest.

    `moment` is when the JobManager gathered its own. A watermark goes on meanwhile, so that a delay
    behind that moment would be smaller than the truth; behind this one it is larger at most.
    """
    passed = now - moment
    # An answer out of a cache says of the time there only that it is later than that.
    return moment + (GATHERED_WITHIN if passed < 0 else min(passed, GATHERED_WITHIN))


def is_old(moment: float | None, now: float) -> bool:
    """Say whether figures of a moment are older than Flink lets them become."""
    return moment is not None and now - moment > OLDEST


class Looks:
    """What the last looks at the metrics of each job told."""

    def __init__(self) -> None:
        self._looks: dict[str, Look] = {}
        self._restarts: dict[str, Restarts] = {}
        self._beats: dict[str, _Beat] = {}

    def keep_only(self, job_ids: Collection[str]) -> None:
        """Forget every job but these."""
        self._looks = _only(self._looks, job_ids)
        self._restarts = _only(self._restarts, job_ids)
        self._beats = _only(self._beats, job_ids)

    def stand_still(self, job_id: str) -> None:
        """Take in that the figures are old: no look before proves anything any more."""
        look = self._looks.get(job_id)
        if look is not None:
            self._looks[job_id] = Look(moment=look.moment, delay=look.delay)

    def believes(self, job_id: str, moment: float, delay: float | None) -> bool:
        """Take in a delay as of a moment, and say whether it can be believed."""
        before = self._looks.get(job_id)
        elapsed = 0.0 if before is None else moment - before.moment
        if before is None or before.delay is None or delay is None or elapsed < 0:
            self._looks[job_id] = Look(moment=moment, delay=delay)
            return True
        growth = delay - before.delay
        # While nothing is gathered a delay seems to grow by the time that goes by, never by more.
        apparent = growth <= elapsed + _JITTER
        if elapsed < _SHORTEST:
            # Too soon to tell, and nothing new to compare with the next time: what held, holds.
            return before.believed or not apparent
        growing = apparent and growth > elapsed / 2
        believed = not growing or (before.growing and elapsed < _LONGEST)
        self._looks[job_id] = Look(moment=moment, delay=delay, growing=growing, believed=believed)
        return believed

    def moves(self, job_id: str, moment: float, pulse: tuple[float, ...], *, dated: bool) -> bool:
        """Take in what has to move with time, and say whether it did since the look before.

        `dated` says that the figures tell their moment; otherwise it is that of the question, for
        which nothing may have been gathered anew. An empty `pulse` proves nothing.
        """
        before = self._beats.get(job_id)
        if before is None or before.pulse != pulse or not pulse or moment < before.moment:
            self._beats[job_id] = _Beat(moment=moment, pulse=pulse)
            return True
        if moment - before.moment < (_SHORTEST if dated else OLDEST):
            return before.moved
        self._beats[job_id] = _Beat(moment=before.moment, pulse=pulse, moved=False)
        return False

    def restarts(self, job_id: str, number: int | None, entered: Entered, now: float) -> int | None:
        """Take in a number of restarts; return it, or None when the job may have restarted since.

        `now` is the time of the JobManager.
        """
        known = self._restarts.get(job_id)
        if number is None:
            return None
        if known is not None and known.number == number and _restarted(known.entered, entered):
            return None
        self._restarts[job_id] = Restarts(number=number, entered=entered, read_at=now)
        return number

    def least_restarts(self, job_id: str, entered: Entered) -> tuple[int | None, bool]:
        """Return how many restarts are certain without metrics, and whether these are all."""
        known = self._restarts.get(job_id)
        if known is None:
            return None, False
        if known.entered == entered:
            return known.number, True
        # A restart of about then may be counted already: the job object, out of a cache, was older.
        since = entered.restarting or 0.0
        more = _restarted(known.entered, entered) and since > known.read_at + _AHEAD
        return known.number + int(more), False

    def confirm_restarts(self, job_id: str, number: int, entered: Entered, now: float) -> None:
        """Take in that a number of restarts holds for a job object after all."""
        known = self._restarts.get(job_id)
        if known is not None and known.number == number:
            self._restarts[job_id] = Restarts(number=number, entered=entered, read_at=now)


def _restarted(before: Entered, after: Entered) -> bool:
    return after.restarting is not None and after.restarting > (before.restarting or 0.0)


def _only(values: Mapping[str, _T], job_ids: Collection[str]) -> dict[str, _T]:
    return {job_id: value for job_id, value in values.items() if job_id in job_ids}
