"""Tell which figures that Flink serves can be believed, from what one look and the next told.

How it gathers them, and how old they are, is in `exporter.vendors.flink.gatherings`. Three things
tell more than the age of figures does:

- Delays are told as of the moment at which figures were gathered, not as of now.
- Of what a source tells something has to move: it emits, or it is idle for longer and longer. Where
  nothing did while the JobManager's own figures went on, no figure of a TaskManager is believed.
- The JobManager's own figures come first. At the first look after a TaskManager hung up they are
  new beside watermarks that are not: the delay seems to have grown by all the time that went by
  since figures were gathered the time before, for this job or for another. So does that of a job
  that really stands still. That figures were gathered anew once more, later, proves that the
  gathering before was complete: such a growth is believed at the second look, which is worth to be
  made soon. A delay that the job had just lately is no growth.

Everything here is pure.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeVar

from exporter.fields import Flaws, Record
from exporter.vendors.flink.gatherings import JITTER, OLDEST

_SHORTEST = 5.0
"""Seconds between two looks from which on their difference says something."""
_LONGEST = 500.0
"""Seconds between two looks within which no TaskManager that hangs is given up."""
_ALL = 0.75
"""Of the time between two looks: by more than this a delay grows that has grown by all of it."""
_ABOUT = 2.0
"""Seconds by which the growth of a steady delay differs from that for want of a gathering."""
_LATELY = 8
"""Looks within which a delay that was told is one that the job had just lately."""
_SELDOM = 20
"""Looks for each of which there can be one more, so that they cost a twentieth more at most."""
_MOST_STATES = 50
_AHEAD = 5.0
"""Seconds by which an answer out of a cache may be older than another."""

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
    growing: int = 0
    """For how many looks the delay had grown as if nothing were gathered."""
    believed: bool = True
    lately: tuple[float, ...] = ()
    """Delays of the last looks that were what they seemed."""


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


def parse_attempts(document: object, flaws: Flaws) -> int:
    """Read out of a vertex how often a task of it was begun anew, at most."""
    subtasks = Record(document, "vertex", flaws).records("subtasks")
    return max((attempt for each in subtasks if (attempt := each.count("attempt"))), default=0)


class Looks:
    """What the last looks at the metrics of each job told."""

    def __init__(self) -> None:
        self._looks: dict[str, Look] = {}
        self._restarts: dict[str, Restarts] = {}
        self._beats: dict[str, _Beat] = {}
        self._doubts: dict[str, Look] = {}
        """Looks for the sake of which another one was asked for."""
        self._spared: dict[str, int] = {}
        """How many looks of a job are to go by before there can be one more."""

    def job_ids(self) -> Collection[str]:
        """Return the jobs whose delays were looked at."""
        return self._looks

    def keep_only(self, job_ids: Collection[str]) -> None:
        """Forget every job but these."""
        self._looks = _only(self._looks, job_ids)
        self._restarts = _only(self._restarts, job_ids)
        self._beats = _only(self._beats, job_ids)
        self._doubts = _only(self._doubts, job_ids)
        self._spared = _only(self._spared, job_ids)

    def stand_still(self, job_id: str) -> None:
        """Take in that the figures are old: no look before proves anything any more."""
        look = self._looks.get(job_id)
        if look is not None:
            self._looks[job_id] = replace(look, growing=0, believed=True)

    def believes(
        self, job_id: str, moment: float, delay: float | None, *, gathered_before: float | None
    ) -> bool:
        """Take in a delay as of a moment, and say whether it can be believed.

        `gathered_before` is when figures of the cluster were gathered the time before that.
        """
        before = self._looks.get(job_id)
        elapsed = 0.0 if before is None else moment - before.moment
        if before is None or before.delay is None or delay is None or elapsed < 0:
            self._looks[job_id] = Look(moment=moment, delay=delay)
            return True
        growth = delay - before.delay
        # While nothing is gathered a delay seems to grow by the time that goes by, never by more.
        apparent = growth <= elapsed + JITTER
        if elapsed < _SHORTEST:
            # Too soon to tell, and nothing new to compare with the next time: what held, holds.
            return before.believed or not apparent
        growing = 0
        doubtful = apparent and _seems_to_grow(before, moment, delay, gathered_before)
        if doubtful or (not before.believed and growth > -JITTER):
            growing = before.growing + 1
        # Within ten minutes no TaskManager that hangs is given up, and gathered from in vain again.
        believed = not doubtful or growing > (1 if elapsed < _LONGEST else 2)
        # What was doubted was so: figures have been gathered since.
        lately = before.lately if before.believed else (*before.lately, before.delay)
        self._looks[job_id] = Look(
            moment=moment,
            delay=delay,
            growing=growing,
            believed=believed,
            lately=((*lately, delay) if believed else lately)[-_LATELY:],
        )
        return believed

    def needs_another(self, job_id: str) -> bool:
        """Say after a look whether one more, at the next poll, would tell what this one cannot.

        A delay that really grows is told then, and not an interval later. Where delays go up and
        down all the time it is said seldom.
        """
        look, spared = self._looks.get(job_id), self._spared.get(job_id, 0)
        if look is not None and self._doubts.get(job_id) is look:
            # Nothing was gathered since.
            return True
        if spared:
            self._spared[job_id] = spared - 1
        if spared or look is None or look.believed:
            return False
        self._spared[job_id] = _SELDOM
        self._doubts[job_id] = look
        return True

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


def _seems_to_grow(
    before: Look, moment: float, delay: float, gathered_before: float | None
) -> bool:
    """Say whether a delay is what it would be had nothing been gathered, this time or for long."""
    if before.delay is None or any(delay <= each + JITTER for each in before.lately):
        return False
    growth, elapsed = delay - before.delay, moment - before.moment
    if growth > _ALL * elapsed:
        return True
    if gathered_before is None or gathered_before < before.moment - JITTER:
        return False
    return abs(growth - (moment - gathered_before)) <= _ABOUT


def _restarted(before: Entered, after: Entered) -> bool:
    return after.restarting is not None and after.restarting > (before.restarting or 0.0)


def _only(values: Mapping[str, _T], job_ids: Collection[str]) -> dict[str, _T]:
    return {job_id: value for job_id, value in values.items() if job_id in job_ids}
