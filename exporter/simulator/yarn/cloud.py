"""Put a simulated YARN together for the demo: a pair of ResourceManagers and a HistoryServer.

Each job of its fleet is an application with a JobManager of its own, behind the web proxy. Every
ten minutes the other ResourceManager takes over.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from exporter.simulator.apache_flink.history import HistoryServer
from exporter.simulator.clouds import Cloud
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet
from exporter.simulator.yarn.applications import FleetApplications
from exporter.simulator.yarn.resource_manager import Availability, Yarn, build

_SEED = 6
_TAKES_OVER_EVERY = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class YarnClouds:
    """What is served: `yarn-1` and `yarn-2`, one of which is active, and `history`."""

    clouds: tuple[Cloud, ...]
    availability: Availability
    applications: FleetApplications
    fleet: Fleet

    def serve_at(self, addresses: Mapping[str, str]) -> None:
        """Say where they are served, by their names, so that a standby can name the other."""
        self.availability.addresses.update({"rm1": addresses["yarn-1"], "rm2": addresses["yarn-2"]})


def build_yarn(*, clock: Callable[[], float], seed: int = 1, jobs: int = 6) -> YarnClouds:
    """Build a YARN that runs so many jobs of Flink in application mode."""
    started_at = clock()

    def active() -> str:
        return ("rm1", "rm2")[int((clock() - started_at) // _TAKES_OVER_EVERY) % 2]

    availability = Availability(schedule=active)
    fleet = Fleet(seed=seed + _SEED, started_at=started_at, jobs=jobs, plain_names=True)
    applications = FleetApplications(fleet, clock=clock)
    yarn = Yarn(applications=applications, clock=clock, availability=availability)
    history = FaultInjection()

    def manager(name: str) -> Cloud:
        faults = FaultInjection()
        app = build(yarn, name=f"rm{name[-1]}", faults=faults)
        return Cloud(name=name, app=app, faults=faults, fleet=fleet)

    server = HistoryServer(applications.cluster, clock=clock, faults=history)
    return YarnClouds(
        clouds=(
            manager("yarn-1"),
            manager("yarn-2"),
            Cloud(name="history", app=server.app(), faults=history, fleet=None),
        ),
        availability=availability,
        applications=applications,
        fleet=fleet,
    )


def yarn_configuration(addresses: Mapping[str, str]) -> str:
    """Return the source that watches it, to be added to the list of sources."""
    return f"""\
  - name: yarn
    platform: apache_flink
    discovery:
      yarn:
        endpoints: ["{addresses["yarn-1"]}", "{addresses["yarn-2"]}"]
        queues: [streaming, risk]
      refresh: 5s
      allow_loopback: true
    history_endpoint: {addresses["history"]}
    labels: {{team: platform}}
"""
