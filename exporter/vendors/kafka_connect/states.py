"""Judge the state of a connector by its own word, its tasks, and who is there to run them.

Apache Kafka, connect/runtime AbstractStatus.State; Confluent Cloud's API `connect/v1` adds some. A
connector says RUNNING while its tasks have failed, and tasks say RUNNING while their worker is
gone: both are seen through here. Everything is pure.
"""

from collections.abc import Container

from exporter.model import State, StateMap, look_up
from exporter.vendors.kafka_connect.listing import ConnectorStatus, TaskStatus

STATES: StateMap = {
    "unassigned": State.STARTING,
    # Confluent Cloud's.
    "provisioning": State.STARTING,
    "running": State.RUNNING,
    "restarting": State.RESTARTING,
    "failed": State.FAILED,
    # Confluent Cloud's, of a connector some of whose tasks have failed.
    "degraded": State.FAILED,
    "deleting": State.STOPPING,
    "deleted": State.STOPPING,
    "stopped": State.STOPPED,
    "paused": State.SUSPENDED,
}
_NOT_WANTED = frozenset({State.SUSPENDED, State.STOPPED, State.STOPPING})
_UNASSIGNED = "unassigned"


def judge(
    connector: ConnectorStatus, *, ran_before: bool, gone_workers: Container[str]
) -> State | None:
    """Return what a connector is doing; None when its tasks would tell, and could not be read.

    `gone_workers` do not answer any more, whatever is said to run on them.
    """
    state = look_up(STATES, connector.word)
    if connector.word.casefold() == _UNASSIGNED and ran_before:
        # Its tasks stay RUNNING for as long as it waits for the worker that has left.
        return State.RESTARTING
    if state is not State.RUNNING:
        return state if connector.word else None
    if connector.tasks is None:
        return None
    found = _judge_tasks(connector.tasks) if connector.tasks else _without_tasks(connector)
    if found is State.RUNNING and _stands_on(connector, gone_workers):
        return State.RESTARTING
    return found


def judge_part(word: str, worker_id: str, *, ran_before: bool, gone: Container[str]) -> State:
    """Return what a task does, or the part of a connector that decides on its tasks."""
    state = look_up(STATES, word)
    if word.casefold() == _UNASSIGNED and ran_before:
        return State.RESTARTING
    return State.RESTARTING if state is State.RUNNING and worker_id in gone else state


def should_run(state: State) -> bool | None:
    """Say whether somebody wants it to run: everybody does, but of what was paused or stopped."""
    return None if state is State.UNKNOWN else state not in _NOT_WANTED


def unknown_words(connector: ConnectorStatus) -> list[str]:
    """Return the words of a connector and its tasks that nobody has documented."""
    words = [connector.word, *(task.word for task in connector.tasks or ())]
    return [word for word in words if word and word.casefold() not in STATES]


def _without_tasks(connector: ConnectorStatus) -> State | None:
    if connector.configured_tasks is None:
        return None
    # One that has decided to have no task does nothing, for ever, and does so as it should.
    return State.STARTING if connector.configured_tasks else State.RUNNING


def _judge_tasks(tasks: tuple[TaskStatus, ...]) -> State:
    found = {look_up(STATES, task.word) for task in tasks}
    if State.FAILED in found:
        # A failed task never comes back by itself, and what it reads stands still.
        return State.FAILED
    if found & {State.RESTARTING, State.STARTING}:
        return State.RESTARTING
    if found == {State.RUNNING}:
        return State.RUNNING
    # Being resumed: one task after the other.
    return State.STARTING if found <= {State.RUNNING, State.SUSPENDED} else State.UNKNOWN


def _stands_on(connector: ConnectorStatus, gone_workers: Container[str]) -> bool:
    parts = (connector.worker_id, *(task.worker_id for task in connector.tasks or ()))
    return any(worker_id in gone_workers for worker_id in parts)
