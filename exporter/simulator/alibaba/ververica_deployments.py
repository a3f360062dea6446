"""The deployments of a simulated Flink workspace and the jobs (runs) that each has had."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from exporter.simulator.apache_flink.runs import Runs
from exporter.simulator.fleet.fleet import Fleet, View


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One deployment: a name that stays, and its jobs, the newest first."""

    deployment_id: str
    view: View
    jobs: tuple[View, ...]

    @property
    def latest(self) -> View | None:
        """The newest job; None when the deployment was never started."""
        return self.jobs[0] if self.jobs else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """All deployments at one moment, the newest first, and two ways to find one of them."""

    deployments: tuple[Deployment, ...]
    by_id: dict[str, Deployment]
    by_job_id: dict[str, tuple[Deployment, View]]


class Workspace:
    """Group a fleet into deployments: what has the same name is the same deployment."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._runs = Runs(fleet)
        self._views: tuple[View, ...] = ()
        self._inventory = _arrange(())

    def inventory(self, now: float) -> Inventory:
        """Return all deployments at `now`."""
        views = self._fleet.views(now)
        # A very large fleet shows the same views for a while: sorting them once is enough.
        if views != self._views:
            self._views = views
            self._inventory = _arrange(self._deployments(views))
        return self._inventory

    def _deployments(self, views: tuple[View, ...]) -> Iterable[Deployment]:
        named: dict[str, list[View]] = defaultdict(list)
        for view in views:
            named[view.name].append(view)
        for name, same in named.items():
            jobs = [job for view in same for job in self._runs.of(view)]
            yield Deployment(
                deployment_id=_identifier(f"{self._fleet.seed}:deployment:{name}"),
                view=max(same, key=lambda view: (view.created_at, view.number)),
                jobs=tuple(sorted(jobs, key=_submitted, reverse=True)),
            )


def job_id(run: View) -> str:
    """Return the id of one run."""
    return _identifier(f"{run.name}:job:{run.run_id}")


def _arrange(deployments: Iterable[Deployment]) -> Inventory:
    ordered = sorted(deployments, key=_created, reverse=True)
    return Inventory(
        deployments=tuple(ordered),
        by_id={deployment.deployment_id: deployment for deployment in ordered},
        by_job_id={
            job_id(job): (deployment, job) for deployment in ordered for job in deployment.jobs
        },
    )


def _created(deployment: Deployment) -> tuple[float, int]:
    return deployment.view.created_at, deployment.view.number


def _submitted(run: View) -> tuple[float, int]:
    return run.submitted_at or 0.0, run.run_id


def _identifier(text: str) -> str:
    return str(UUID(bytes=sha256(text.encode()).digest()[:16], version=4))
