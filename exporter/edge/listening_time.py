"""Measure how long reports could be taken: the time by which whatever is old is judged.

No clock on the wall decides what is stale, withdrawn or deleted: it can be wrong for a minute, and
across a restart nobody can tell a clock that is wrong from a long pause. Counted are the seconds in
which this exporter listened and could store what came. They go on from one run to the next, and
stand still while it does not run or the journal takes nothing: nobody was silent then.
"""

from exporter.pacing import Clock


class ListeningTime:
    """Seconds of listening so far, in this run and those before; call it to read them.

    Read from the writer's thread as well: each change is one assignment.
    """

    def __init__(self, monotonic: Clock) -> None:
        self._monotonic = monotonic
        self._stands_at: float | None = 0.0
        self._started = 0.0

    def __call__(self) -> float:
        """Return the seconds."""
        stands_at = self._stands_at
        return self._monotonic() - self._started if stands_at is None else stands_at

    def begin(self, seconds: float) -> None:
        """Go on from so many seconds."""
        self._started = self._monotonic() - seconds
        self._stands_at = None

    def pause(self) -> None:
        """Stand still until `go_on`."""
        self._stands_at = self()

    def go_on(self) -> None:
        """Count again after `pause`."""
        if self._stands_at is not None:
            self.begin(self._stands_at)
