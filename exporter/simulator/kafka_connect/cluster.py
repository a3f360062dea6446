"""The connectors of a simulated Connect cluster, which are the jobs of a fleet.

What Connect has no word for it shows as it really does: a connector never finishes, and one that is
being stopped is STOPPED while its tasks linger.
"""

from collections.abc import Sequence
from dataclasses import replace

from exporter.simulator.fleet.fleet import Fleet, Phase, View
from exporter.simulator.kafka_connect.bodies import SimulatedConnector, SimulatedTask

IN_THE_CLEAR = "demo-database-password"
"""In the configuration of every connector, as clear as Connect shows it."""
WORKERS = ("connect-1:8083", "connect-2:8083")
_MOST_TASKS = 4
_LINGERING = {
    Phase.RUNNING: "RUNNING",
    Phase.RESTARTING: "RUNNING",
    Phase.FAILED: "RUNNING",
    Phase.STOPPING: "RUNNING",
    Phase.SUSPENDED: "PAUSED",
}
"""What tasks say in each phase; in the others there are none."""
_WORDS = {
    Phase.STARTING: "UNASSIGNED",
    Phase.RUNNING: "RUNNING",
    Phase.RESTARTING: "RESTARTING",
    Phase.FAILED: "RUNNING",
    Phase.STOPPING: "STOPPED",
    Phase.STOPPED: "STOPPED",
    Phase.SUSPENDED: "PAUSED",
    Phase.FINISHED: "RUNNING",
}


class ConnectCluster:
    """What all workers of a cluster know alike."""

    def __init__(
        self, fleet: Fleet, *, workers: Sequence[str] = WORKERS, version: str = "4.3.0"
    ) -> None:
        self._fleet = fleet
        self.workers = tuple(workers)
        self.version = version
        self.extra: dict[str, SimulatedConnector] = {}
        """Connectors that are no job of the fleet, by name."""
        self.lingering: dict[str, SimulatedConnector] = {}
        """Deleted ones, whose status is still told until the next rebalance."""

    def connectors(self, now: float) -> dict[str, SimulatedConnector]:
        """Return all connectors by name: of several jobs of one name there is the newest only."""
        newest: dict[str, View] = {}
        for view in self._fleet.views(now):
            known = newest.get(view.name)
            if known is None or _age(view) > _age(known):
                newest[view.name] = view
        shown = {
            name: self._connector(view)
            for name, view in newest.items()
            if view.phase is not Phase.DRAFT
        }
        return shown | self.extra

    def status_of(self, name: str, now: float) -> SimulatedConnector | None:
        """Return whose status is known by a name; None of nobody."""
        return self.connectors(now).get(name) or self.lingering.get(name)

    def forget(self, name: str, now: float) -> None:
        """Delete a connector whose status lingers, with a type that nobody knows any more."""
        found = self.connectors(now)[name]
        self.extra.pop(name, None)
        self.lingering[name] = replace(found, kind="unknown")

    def _connector(self, view: View) -> SimulatedConnector:
        fails_whole = view.phase is Phase.FAILED and view.number % 3 == 0
        trace = _trace(view) if view.phase is Phase.FAILED else ""
        sink = view.number % 2 == 0
        tasks = () if fails_whole else self._tasks(view, trace)
        wanted = 0 if view.phase is Phase.FINISHED else _task_count(view)
        return SimulatedConnector(
            name=view.name,
            state="FAILED" if fails_whole else _WORDS[view.phase],
            worker_id=self._worker(view.number),
            tasks=tasks,
            configured_tasks=wanted,
            kind="sink" if sink else "source",
            trace=trace if fails_whole else "",
            version=self.version if self.version >= "4.3" else "",
            identity=f"lcc-{view.number:05d}",
            config=_config(sink=sink),
        )

    def _tasks(self, view: View, trace: str) -> tuple[SimulatedTask, ...]:
        word = _LINGERING.get(view.phase)
        if word is None:
            return ()
        tasks = [
            SimulatedTask(task_id=number, state=word, worker_id=self._worker(view.number + number))
            for number in range(_task_count(view))
        ]
        if view.phase is Phase.FAILED:
            # The last one: a task that fails hurts no other.
            tasks[-1] = replace(tasks[-1], state="FAILED", trace=trace)
        return tuple(tasks)

    def _worker(self, number: int) -> str:
        return self.workers[number % len(self.workers)]


def _age(view: View) -> tuple[float, int]:
    return view.created_at, view.number


def _task_count(view: View) -> int:
    return min(view.parallelism, _MOST_TASKS)


def _config(*, sink: bool) -> dict[str, str]:
    plugin = "FileStreamSinkConnector" if sink else "FileStreamSourceConnector"
    return {
        "connector.class": f"org.apache.kafka.connect.file.{plugin}",
        "tasks.max": str(_MOST_TASKS),
        "connection.password": IN_THE_CLEAR,
    }


def _trace(view: View) -> str:
    error = view.error
    cause = "" if error is None else f"\nCaused by: {error.error_type}: {error.text}\n\t... 8 more"
    return (
        "org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask due to "
        "unrecoverable exception.\n"
        "\tat org.apache.kafka.connect.runtime.WorkerSinkTask.deliverMessages(WorkerSinkTask.java)"
        f"{cause}\n"
    )
