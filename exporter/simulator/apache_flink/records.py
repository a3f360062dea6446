"""What goes through a simulated Flink job: counted anew with each restart, as Flink does."""

from dataclasses import dataclass

from exporter.simulator.fleet.fleet import Phase, View

_PER_SECOND = 25.0
_WRITTEN = 0.25
"""Of each record read: a job's aggregates and filters write less than it reads."""
_MINUTE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What one subtask has read and written, what waits before it, and how busy it is."""

    read: int
    read_rate: float
    written: int
    written_rate: float
    pending: int
    back_pressured: float
    """Milliseconds a second, as `busy`."""
    busy: float


def flow(run: View, now: float) -> Flow:
    """Return what goes through each subtask of a run at a moment."""
    running = run.phase is Phase.RUNNING and run.started_at is not None
    seconds = max(0.0, now - run.changed_at) if running else 0.0
    read = int(_PER_SECOND * seconds)
    # Rates are means over a minute, so they are too small in the first one.
    rate = _PER_SECOND * min(1.0, seconds / _MINUTE)
    lag = run.lag_seconds or 0.0
    pressure = min(1.0, lag / 600)
    return Flow(
        read=read,
        read_rate=rate,
        written=int(read * _WRITTEN),
        written_rate=rate * _WRITTEN,
        pending=int(_PER_SECOND * lag) if seconds else 0,
        back_pressured=round(1000 * pressure, 1),
        busy=round(300 + 700 * pressure, 1),
    )
