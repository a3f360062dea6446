"""Work out what a simulated job is at a moment: pure functions of its steps and the time.

All times here are seconds after the start of the fleet, until `view_job` adds that start.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from math import floor, sin

from exporter.simulator.fleet.values import ACTIVE, ENDED, Phase, SimulatedJob, Step, View

_RUNS_PER_JOB = 100_000


def incarnations(job: SimulatedJob, elapsed: float) -> Iterator[SimulatedJob]:
    """Yield the jobs with plain timelines that `job` stands for around `elapsed`."""
    if job.cycle is None:
        yield job
        return
    current = max(0, floor(elapsed / job.cycle))
    if not job.reborn:
        yield replace(job, steps=tuple(_repeated(job, current)), cycle=None)
        return
    # Lives may begin up to two cycles before they end, and begin early in their own cycle.
    for generation in range(max(-2, current - 2), current + 2):
        yield _born(job, generation)


def phase_at(job: SimulatedJob, elapsed: float) -> Phase:
    """Tell the phase of a job with a plain timeline; GONE before its first step."""
    past = [step for step in job.steps if step.at <= elapsed]
    return past[-1].phase if past else Phase.GONE


def view_job(job: SimulatedJob, *, fleet_start: float, elapsed: float) -> View | None:
    """Describe a job with a plain timeline at `elapsed`; None when it does not exist then."""
    past = tuple(step for step in job.steps if step.at <= elapsed)
    if not past or past[-1].phase is Phase.GONE:
        return None
    now = past[-1]
    run = _trace_run(job, tuple(step for step in past if step.run == now.run), elapsed)
    failed = run.error_at is not None

    def epoch(at: float | None) -> float | None:
        return None if at is None else fleet_start + at

    return View(
        number=job.number,
        name=job.name,
        phase=now.phase,
        previous=past[-2].phase if len(past) > 1 else None,
        run=now.run,
        run_id=job.number * _RUNS_PER_JOB + now.run,
        created_at=fleet_start + min(job.created, past[0].at),
        submitted_at=epoch(run.submitted),
        started_at=epoch(run.started),
        ended_at=epoch(run.ended),
        changed_at=fleet_start + now.at,
        restarts=run.restarts,
        lag_seconds=_lag(job, now, run, elapsed),
        parallelism=job.parallelism,
        error=job.failure if failed else None,
        error_at=epoch(run.error_at),
        title=job.title,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    submitted: float | None
    started: float | None
    ended: float | None
    restarts: int
    error_at: float | None


def _trace_run(job: SimulatedJob, steps: tuple[Step, ...], elapsed: float) -> _Run:
    first = {step.phase: step.at for step in reversed(steps)}
    restarts = 0
    error_at = None
    for step, following in pairwise((*steps, Step(at=elapsed, phase=Phase.GONE))):
        if step.phase is Phase.RESTARTING:
            every = job.restart_every
            more = floor((following.at - step.at) / every) if every else 0
            restarts += 1 + more
            error_at = step.at + more * (every or 0.0)
        elif step.phase is Phase.FAILED:
            error_at = step.at
    started = first.get(Phase.RUNNING)
    return _Run(
        submitted=first.get(Phase.STARTING, started),
        started=started,
        ended=steps[-1].at if steps[-1].phase in ENDED else None,
        restarts=restarts,
        error_at=error_at,
    )


def _lag(job: SimulatedJob, now: Step, run: _Run, elapsed: float) -> float | None:
    if now.phase not in ACTIVE or run.started is None:
        return None
    # Delays breathe a little, and a job that only restarts gets nothing done meanwhile.
    breath = 1 + 0.3 * sin(elapsed / 37 + job.number)
    lost = elapsed - now.at if now.phase is Phase.RESTARTING else 0.0
    return job.lag_base * breath + job.lag_slope * (elapsed - run.started) + lost


def _repeated(job: SimulatedJob, current: int) -> Iterator[Step]:
    cycle = job.cycle or 0.0
    further_runs = max(step.run for step in job.steps) - 1
    yield from (step for step in job.steps if step.at < 0)
    # One cycle back is enough: every cycle with restarts in it begins a new run.
    for turn in range(max(0, current - 1), current + 1):
        for step in job.steps:
            if step.at >= 0:
                yield Step(
                    at=step.at + turn * cycle,
                    phase=step.phase,
                    run=step.run + turn * further_runs,
                )


def _born(job: SimulatedJob, generation: int) -> SimulatedJob:
    shift = generation * (job.cycle or 0.0)
    return replace(
        job,
        number=job.number + (generation + 2) * job.stride,
        steps=tuple(replace(step, at=step.at + shift) for step in job.steps),
        created=job.created + shift,
        cycle=None,
        reborn=False,
    )
