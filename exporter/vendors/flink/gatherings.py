"""Remember when a JobManager gathered the figures of its cluster, and say when it stopped to.

A JobManager gathers the metrics of its TaskManagers when it is asked for something, at most every
10 s (`metrics.fetcher.update-interval`), in the background; it answers with what it has. While one
TaskManager hangs it gathers nothing, of no job, for up to 10 min (`web.timeout`): every figure is
of the moment before, and looks like any other. `uptime` says at which moment it last gathered its
own.

Whoever looks has made it gather first, so that nothing is older than its interval while all is
well. What the interval is nobody tells: a cluster that has always been prompt is taken at its word.
"""

from exporter.fields import Flaws, Record

UPTIME = "uptime"
GATHERED_EVERY = 10.0
"""Seconds within which Flink gathers figures once at most, when it is asked for something."""
GATHERED_WITHIN = 0.75
"""Seconds that it takes to gather figures, with room to spare: a round trip to every TaskManager.

Those of the JobManager come first, those of the TaskManagers some hundredths of a second later.
"""
JITTER = 1.0
"""Seconds by which the moments of two figures may differ."""
OLDEST = 30.0
"""Seconds: three times what Flink lets its figures become, unless it is set up otherwise."""
_OLDEST_OF_PROMPT = 15.0
_PROMPT = 12.0
"""Seconds: as old as figures are at most that are gathered every ten seconds."""
_ENOUGH = 4
"""Gatherings in a row after which a cluster is taken for one that is prompt."""
_AHEAD = 5.0
"""Seconds by which an answer out of a cache may be older than another: Flink keeps those about a
job for 3 s."""


class Gatherings:
    """When the JobManager of one cluster has gathered figures; all times are those of its clock."""

    def __init__(self) -> None:
        self._moment: float | None = None
        self._before: float | None = None
        self._age = 0.0
        """How old the figures of the last gathering were when they were last looked at."""
        self._prompt = 0
        self._old = False

    def note(self, moment: float, now: float) -> bool:
        """Take in of when figures are at a look; say whether they are old, for the first time.

        They are older then than Flink lets them become while it gathers.
        """
        last = self._moment
        if last is None or abs(moment - last) > JITTER:
            if last is not None and self._age <= OLDEST:
                # Beyond that it stood still, which says nothing of how often it gathers.
                self._prompt = self._prompt + 1 if self._age <= _PROMPT else 0
            self._before = last if last is not None and moment > last else None
            self._moment, self._age = moment, 0.0
        self._age = max(self._age, now - moment)
        was_old, self._old = self._old, self.is_old(moment, now)
        return self._old and not was_old

    def is_old(self, moment: float, now: float) -> bool:
        """Say whether figures of a moment are older than this cluster lets them become."""
        return now - moment > (_OLDEST_OF_PROMPT if self._prompt >= _ENOUGH else OLDEST)

    def before(self, moment: float) -> float | None:
        """Return when figures were gathered the time before, as far as anybody has seen it."""
        if self._moment is None or abs(moment - self._moment) > JITTER:
            return None
        return self._before


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


def latest(moment: float, now: float) -> float:
    """Return when the figures of TaskManagers are from at the latest.

    `moment` is when the JobManager gathered its own. A watermark goes on meanwhile, so that a delay
    behind that moment would be smaller than the truth; behind this one it is larger at most.
    """
    passed = now - moment
    # An answer out of a cache says of the time there only that it is later than that.
    return moment + (GATHERED_WITHIN if passed < 0 else min(passed, GATHERED_WITHIN))
