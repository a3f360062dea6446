"""A fleet of simulated jobs whose state is a function of the seed, the script and the time."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from math import floor

from exporter.simulator.fleet.stories import ACT, healthy_job, tell
from exporter.simulator.fleet.timeline import incarnations, phase_at, view_job
from exporter.simulator.fleet.values import (
    ACTIVE,
    ENDED,
    Failure,
    Phase,
    SimulatedJob,
    Step,
    View,
)

__all__ = ["ACTIVE", "ENDED", "Failure", "Fleet", "Phase", "SimulatedJob", "Step", "View"]


class Fleet:
    """All jobs of one simulated account.

    `started_at` is epoch seconds; the script repeats every `incident_period` seconds. With
    `plain_names` all names are ASCII without blanks. Between overrides (`set_phase`, `remove`,
    `add`, `resubmit`) nothing here depends on what was asked before. With `refresh` the answers
    change only every so many seconds, which keeps listing a very large fleet cheap.
    """

    def __init__(
        self,
        *,
        seed: int,
        started_at: float,
        jobs: int = 12,
        prefix: str = "",
        incident_period: float = ACT,
        plain_names: bool = False,
        refresh: float = 0.0,
    ) -> None:
        self.seed = seed
        self.started_at = started_at
        self._refresh = refresh
        # Far above what the numbers of resubmitted jobs reach within a year.
        self._next_number = 10_000_000
        self._memory: tuple[float, tuple[View, ...]] | None = None
        self._keep(
            tell(
                seed=seed,
                jobs=jobs,
                prefix=prefix,
                period=incident_period,
                plain_names=plain_names,
            )
        )

    def views(self, now: float) -> tuple[View, ...]:
        """Show every job that exists at `now`, by number."""
        elapsed = self._elapsed(now)
        if self._memory is None or self._memory[0] != elapsed:
            found = sorted(self._show(self._jobs, elapsed), key=lambda view: view.number)
            self._memory = elapsed, tuple(found)
        return self._memory[1]

    def view(self, number: int, now: float) -> View | None:
        """Show one job; None when it does not exist (any more)."""
        story = self._fixed_numbers.get(number)
        stories = self._reborn if story is None else (story,)
        shown = self._show(stories, self._elapsed(now))
        return next((view for view in shown if view.number == number), None)

    def named(self, name: str, now: float) -> View | None:
        """Show the newest job of a name; None when there is none."""
        shown = self._show(self._names.get(name, ()), self._elapsed(now))
        return max(shown, key=lambda view: (view.created_at, view.number), default=None)

    def set_phase(self, name: str, phase: Phase, now: float) -> None:
        """Take the newest job of that name out of its script and into `phase` from `now` on.

        Leaving an ended phase for STARTING or RUNNING begins a new run. Raises KeyError when there
        is no such job.
        """
        view = self._require(name, now)
        fresh = phase in (Phase.STARTING, Phase.RUNNING) and view.phase in ENDED
        step = Step(at=now - self.started_at, phase=phase, run=view.run + fresh)
        self._detach(name, now)
        self._keep(
            replace(job, steps=(*job.steps, step)) if job.number == view.number else job
            for job in self._jobs
        )

    def remove(self, name: str, now: float) -> None:
        """Delete the newest job of that name. Raises KeyError when there is none."""
        self.set_phase(name, Phase.GONE, now)

    def add(
        self,
        name: str,
        now: float,
        *,
        phase: Phase = Phase.RUNNING,
        lag_slope: float = 0.0,
        restart_every: float | None = None,
    ) -> View:
        """Create a job at `now`, in `phase` at once, and show it."""
        at = now - self.started_at
        job = healthy_job(
            self._next_number,
            name,
            seed=self.seed,
            steps=(Step(at=at, phase=phase),),
            created=at,
        )
        job = replace(job, lag_slope=lag_slope, restart_every=restart_every)
        self._next_number += 1
        self._keep((*self._jobs, job))
        shown = view_job(job, fleet_start=self.started_at, elapsed=at)
        if shown is None:
            raise ValueError("a job cannot be created in the phase gone")
        return shown

    def resubmit(self, name: str, now: float) -> View:
        """Stop the newest job of that name and run its successor under a new number."""
        self.set_phase(name, Phase.STOPPED, now)
        return self.add(name, now)

    def _elapsed(self, now: float) -> float:
        elapsed = now - self.started_at
        return floor(elapsed / self._refresh) * self._refresh if self._refresh else elapsed

    def _show(self, stories: Iterable[SimulatedJob], elapsed: float) -> Iterator[View]:
        for story in stories:
            for job in incarnations(story, elapsed):
                view = view_job(job, fleet_start=self.started_at, elapsed=elapsed)
                if view is not None:
                    yield view

    def _keep(self, jobs: Iterable[SimulatedJob]) -> None:
        self._jobs = tuple(jobs)
        self._memory = None
        # Asking for one job of ten thousand must not cost looking at all of them.
        self._fixed_numbers = {job.number: job for job in self._jobs if not job.reborn}
        self._reborn = tuple(job for job in self._jobs if job.reborn)
        self._names: dict[str, tuple[SimulatedJob, ...]] = {}
        for job in self._jobs:
            self._names[job.name] = (*self._names.get(job.name, ()), job)

    def _require(self, name: str, now: float) -> View:
        view = self.named(name, now)
        if view is None:
            raise KeyError(name)
        return view

    def _detach(self, name: str, now: float) -> None:
        # An overridden job must not follow its script any more: what is past stays, the rest goes.
        elapsed = now - self.started_at
        kept: list[SimulatedJob] = []
        for story in self._jobs:
            if story.name != name:
                kept.append(story)
                continue
            for job in incarnations(story, elapsed):
                if phase_at(job, elapsed) is not Phase.GONE:
                    past = tuple(step for step in job.steps if step.at <= elapsed)
                    kept.append(replace(job, steps=past))
        self._keep(kept)
