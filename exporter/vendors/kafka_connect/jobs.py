"""Put a connector into the vocabulary: the connector is the job, its tasks are nodes of it.

Neither when it was started nor how often, nor how far it is behind can be known here: Connect does
not say. Everything here is pure.
"""

from collections import Counter
from collections.abc import Container

from exporter.model import Job, Node, State
from exporter.vendors.kafka_connect.errors import NO_ERROR, ConnectError
from exporter.vendors.kafka_connect.listing import FAILED_WORDS, ConnectorStatus
from exporter.vendors.kafka_connect.states import judge, judge_part, should_run

_TASK_WORDS = ("failed", "paused", "restarting", "running", "unassigned")
_OTHER = "unknown"
_CONNECTOR = "connector"
_TASK = "task"


def describe(
    connector: ConnectorStatus,
    *,
    project: str,
    observed: float,
    ran_before: bool,
    gone_workers: Container[str],
) -> Job:
    """Return what is known of a connector; without a native status when its state is not."""
    state = judge(connector, ran_before=ran_before, gone_workers=gone_workers)
    if state is None:
        return Job(
            project=project,
            job_id=connector.job_id,
            job_name=connector.name,
            name_digest=connector.name_digest,
            observed_timestamp=observed,
        )
    error = _error(connector) if state is State.FAILED else NO_ERROR
    return Job(
        project=project,
        job_id=connector.job_id,
        job_name=connector.name,
        name_digest=connector.name_digest,
        state=state,
        native_status=connector.word,
        expected_running=should_run(state),
        job_type=connector.kind if connector.kind in ("source", "sink") else "",
        engine_version=connector.version,
        error_id=error.error_id,
        error_type=error.error_type,
        error_text=error.text,
        parallelism=connector.configured_tasks,
        tasks=_count_tasks(connector),
        nodes=_nodes(connector, ran_before=ran_before, gone=gone_workers),
        observed_timestamp=observed,
    )


def _error(connector: ConnectorStatus) -> ConnectError:
    """Return the first error there is: that of the connector, else of its first failed task."""
    failed = (task.error for task in connector.tasks or () if task.word.casefold() in FAILED_WORDS)
    return next((each for each in (connector.error, *failed) if each != NO_ERROR), NO_ERROR)


def _count_tasks(connector: ConnectorStatus) -> tuple[tuple[str, int], ...]:
    """Count the tasks by state, also those there are none of: none at all is worth seeing."""
    if connector.tasks is None:
        return ()
    found = Counter(task.word.casefold() for task in connector.tasks)
    counts = {word: found.pop(word, 0) for word in _TASK_WORDS}
    # Whatever else it says becomes no label.
    other = {_OTHER: found.total()} if found else {}
    return tuple(sorted((counts | other).items()))


def _nodes(
    connector: ConnectorStatus, *, ran_before: bool, gone: Container[str]
) -> tuple[Node, ...]:
    """Return the connector itself and each of its tasks, with the worker that it is on."""
    parts = [(_CONNECTOR, connector.class_name or _CONNECTOR, connector.word, connector.worker_id)]
    parts += [
        (f"{_TASK}-{task.task_id}", _TASK, task.word, task.worker_id)
        for task in connector.tasks or ()
        if task.task_id is not None
    ]
    return tuple(
        Node(
            name=name,
            node_type=node_type,
            state=judge_part(word, worker_id, ran_before=ran_before, gone=gone),
            native_status=word,
            run_id=worker_id,
        )
        for name, node_type, word, worker_id in parts
    )
