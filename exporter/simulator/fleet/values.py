"""The vocabulary of a simulated fleet: phases, steps of a life, jobs and what they look like."""

from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """Where a job is in its life, in words that belong to no vendor."""

    DRAFT = "draft"
    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"
    FAILED = "failed"
    STOPPING = "stopping"
    STOPPED = "stopped"
    SUSPENDED = "suspended"
    FINISHED = "finished"
    GONE = "gone"


ENDED = frozenset({Phase.FAILED, Phase.STOPPED, Phase.SUSPENDED, Phase.FINISHED})
"""The phases in which a run is over: leaving one of them takes a new run."""

ACTIVE = frozenset({Phase.RUNNING, Phase.RESTARTING, Phase.STOPPING})
"""The phases in which a Flink job exists: it has a plan, counters and a delay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Enter `phase` `at` seconds after the start of the fleet (negative: before), in `run`."""

    at: float
    phase: Phase
    run: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a run failed: an error code, the class of the exception and its text."""

    error_id: str
    error_type: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedJob:
    """One job and its whole life.

    `cycle` repeats the steps from 0 on every so many seconds, each time with further runs: the
    highest run of one cycle is the lowest of the next. With `reborn` every cycle is another job
    under the same name instead, its number `stride` above its predecessor's. A job whose number
    never changes and which restarts must therefore begin a new run in every cycle.
    While RESTARTING it restarts every `restart_every` seconds (None: once). A run that is active
    lags `lag_base` seconds, and `lag_slope` more with every second.
    """

    number: int
    name: str
    steps: tuple[Step, ...]
    cycle: float | None = None
    reborn: bool = False
    stride: int = 100
    restart_every: float | None = None
    lag_base: float = 1.0
    lag_slope: float = 0.0
    parallelism: int = 1
    created: float = -86400.0
    failure: Failure
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What one job is at one moment. Times are epoch seconds; None means there is none.

    `previous` is the phase before this one.
    `submitted_at`, `started_at` (first RUNNING), `ended_at`, `restarts` and the last `error`
    belong to the current `run`; `run_id` is unique among all runs of the fleet. A FAILED run
    without `started_at` failed to be submitted.
    """

    number: int
    name: str
    phase: Phase
    previous: Phase | None
    run: int
    run_id: int
    created_at: float
    submitted_at: float | None
    started_at: float | None
    ended_at: float | None
    changed_at: float
    restarts: int
    lag_seconds: float | None
    parallelism: int
    error: Failure | None
    error_at: float | None
    title: str
