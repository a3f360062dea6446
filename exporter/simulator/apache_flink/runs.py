"""The runs of a fleet's jobs, past ones included: Flink gives each run an id of its own."""

from dataclasses import replace

from exporter.simulator.fleet.fleet import Fleet
from exporter.simulator.fleet.values import ENDED, Phase, View

_JUST_BEFORE = 0.001


class Runs:
    """Look back at the runs that came before what the fleet shows.

    A fleet shows the current run of a job. Its predecessor is what the fleet showed just before
    the current run was submitted; that never changes again, so it is looked up once.
    """

    def __init__(self, fleet: Fleet, *, kept: int = 10) -> None:
        self._fleet = fleet
        self._kept = kept
        self._predecessors: dict[int, View | None] = {}

    def of(self, view: View) -> tuple[View, ...]:
        """Return the run on show and those before it, newest first; nothing for a draft."""
        runs: list[View] = []
        current: View | None = view if view.submitted_at is not None else None
        while current is not None and len(runs) < self._kept:
            runs.append(current)
            current = self._before(current)
        return tuple(runs)

    def _before(self, run: View) -> View | None:
        if run.run <= 1 or run.submitted_at is None:
            return None
        if run.run_id not in self._predecessors:
            self._predecessors[run.run_id] = self._look_back(run, run.submitted_at)
        return self._predecessors[run.run_id]

    def _look_back(self, run: View, submitted_at: float) -> View | None:
        before = self._fleet.view(run.number, submitted_at - _JUST_BEFORE)
        if before is None or before.submitted_at is None or before.run >= run.run:
            return None
        if before.phase in ENDED:
            return before
        # A job that is deployed again while it runs leaves a cancelled run behind.
        return replace(
            before,
            phase=Phase.STOPPED,
            ended_at=submitted_at,
            changed_at=submitted_at,
            lag_seconds=None,
        )
