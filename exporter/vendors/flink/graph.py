"""Read Flink's own description of a job, wherever it comes from.

Flink answers `GET /jobs/<jid>` with this object; DLI hands it on as `execute_graph`, at times cut
down to its first seven fields. Keys have hyphens and mixed case. Times are epoch milliseconds, -1
(end-time) or 0 (timestamps) when there is none yet. Flink documentation: "REST API",
JobDetailsInfo; DLI documentation: "Querying the Job Execution Plan".
"""

import re
from collections import Counter
from dataclasses import dataclass
from itertools import islice

from exporter.fields import Flaws, Record
from exporter.model import State, StateMap, look_up

FLINK_STATES: StateMap = {
    "initializing": State.STARTING,
    "created": State.STARTING,
    "running": State.RUNNING,
    "restarting": State.RESTARTING,
    "failing": State.RESTARTING,
    "reconciling": State.RESTARTING,
    "failed": State.FAILED,
    "cancelling": State.STOPPING,
    "suspending": State.STOPPING,
    "canceled": State.STOPPED,
    "suspended": State.SUSPENDED,
    "finished": State.FINISHED,
}
"""Words of Flink's JobStatus; SUSPENDING is from versions before 1.5."""

TaskCounts = tuple[tuple[str, int], ...]
"""How many tasks are in which state, by the names of the states."""
_TASK_STATE = re.compile(r"[a-z_]{1,32}")
_TOTAL = "total"
_MOST_STATES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class FlinkGraph:
    """What Flink says of one job; what it does not say is None or empty."""

    jid: str = ""
    name: str = ""
    state: State | None = None
    native_state: str = ""
    start_timestamp: float | None = None
    end_timestamp: float | None = None
    duration_seconds: float | None = None
    state_since_timestamp: float | None = None
    """When the job came to its present state."""
    parallelism: int | None = None
    """The greatest parallelism of its vertices."""
    tasks: tuple[tuple[str, int], ...] = ()
    """Task states in lower case, sorted, each with the number of tasks in it."""


def parse_graph(graph: Record, flaws: Flaws) -> FlinkGraph:
    """Read a job object of Flink's REST API, also one cut down to its first fields."""
    native_state = graph.text("state")
    state = parse_flink_state(native_state, flaws)
    vertices = graph.records("vertices")
    parallelisms = [vertex.count("parallelism") or 0 for vertex in vertices]
    timestamps = graph.record("timestamps")
    return FlinkGraph(
        jid=graph.text("jid"),
        name=graph.text("name"),
        state=state,
        native_state=native_state,
        start_timestamp=graph.time_milliseconds("start-time"),
        end_timestamp=graph.time_milliseconds("end-time"),
        duration_seconds=graph.milliseconds("duration"),
        state_since_timestamp=_state_since(timestamps, native_state),
        parallelism=max(parallelisms, default=0) or None,
        tasks=_tasks(graph, vertices),
    )


def _state_since(timestamps: Record, native_state: str) -> float | None:
    """Return when a job came to its state; None when it was in another since, whatever it says.

    The adaptive scheduler builds the graph of a job anew and does not date all that it goes through
    again: what is told then is when the job was in that state before.
    """
    since = timestamps.time_milliseconds(native_state) if native_state else None
    if since is None:
        return None
    # Of what else there may be the first few tell enough: there are eleven states.
    timestamps = timestamps.reread()
    names = islice(timestamps.names(), _MOST_STATES)
    others = (
        timestamps.time_milliseconds(name)
        for name in names
        if look_up(FLINK_STATES, name) is not State.UNKNOWN
    )
    return None if any(other is not None and other > since for other in others) else since


def parse_flink_state(native: str, flaws: Flaws) -> State | None:
    """Translate a word of Flink's; None when there is none, UNKNOWN (and noted) when it is new."""
    if not native:
        return None
    state = look_up(FLINK_STATES, native)
    if state is State.UNKNOWN:
        flaws.note_state(native)
    return state


def parse_task_counts(counts: Record) -> TaskCounts:
    """Read an object of task states and their counts, leaving out the `total` of overviews."""
    found = {}
    for name in counts.names():
        task_state = name.casefold()
        # The name becomes a label value, so it has to look like a state.
        if task_state == _TOTAL or not _TASK_STATE.fullmatch(task_state):
            continue
        number = counts.count(name)
        if number is not None:
            found[task_state] = number
    return tuple(sorted(found.items()))


def _tasks(graph: Record, vertices: list[Record]) -> TaskCounts:
    # `status-counts` counts vertices, not their tasks: a job of one vertex and parallelism 50 has
    # one "running" there. It serves only where the vertices do not tell their tasks.
    total = Counter[str]()
    for vertex in vertices:
        for task_state, number in parse_task_counts(vertex.record("tasks")):
            total[task_state] += number
    return tuple(sorted(total.items())) or parse_task_counts(graph.record("status-counts"))
