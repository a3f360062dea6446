"""Translate the numbers by which Oceanus tells the state of a job. Everything here is pure.

Vendor page: "Data types", JobV1. Status 3, "operating", says that something is going on and not
what: what the operation is called tells it, else what the job was before.
"""

from types import MappingProxyType

from exporter.model import State, StateMap

OPERATING = "3"
RUNNING = "4"
STATES: StateMap = MappingProxyType(
    {
        "1": State.CREATED,
        "2": State.CREATED,
        "4": State.RUNNING,
        "5": State.STOPPED,
        "6": State.SUSPENDED,
        "-1": State.FAILED,
    }
)
"""Status 3 is told by `operating`."""
# In this order: a restart is written with the words of a start.
_OPERATIONS = (
    (State.RESTARTING, ("重启", "更新", "restart")),
    (State.STOPPING, ("停止", "暂停", "stop", "paus", "cancel")),
    (State.STARTING, ("启动", "恢复", "start", "resum", "deploy", "creat")),
)
_FOLLOWS = MappingProxyType(
    {
        State.CREATED: State.STARTING,
        State.STOPPED: State.STARTING,
        State.SUSPENDED: State.STARTING,
        State.FAILED: State.STARTING,
        State.RUNNING: State.STOPPING,
    }
)


def named_operation(*texts: str) -> State | None:
    """Return what is going on, by the first of the texts that says it; None when none does."""
    for text in texts:
        folded = text.casefold()
        for state, words in _OPERATIONS:
            if any(word in folded for word in words):
                return state
    return None


def operating(before: State | None, compute_units: float | None) -> State:
    """Return what is going on where no text says it: by what was before, else by what is in use."""
    follows = _FOLLOWS.get(before) if before is not None else None
    if follows is not None:
        return follows
    if compute_units is None:
        return State.UNKNOWN
    return State.STOPPING if compute_units > 0 else State.STARTING
