"""Define the metric families about the nodes of a job: one row each, as in `metrics`."""

from collections.abc import Iterable
from operator import attrgetter

from exporter.exposition.family import JobFamily, Samples
from exporter.model import Job, Node, Snapshot, State

_NODE = ("node", "node_type")


def _nodes(job: Job) -> Iterable[tuple[tuple[str, str], Node]]:
    # Two nodes of one name would be a duplicate series, which fails the whole scrape.
    return {(node.name, node.node_type): node for node in job.nodes}.items()


def _states(job: Job, snapshot: Snapshot) -> Samples:
    if not snapshot.all_states:
        return [((*key, node.state.value), 1.0) for key, node in _nodes(job)]
    return [
        ((*key, state.value), 1.0 if state is node.state else 0.0)
        for key, node in _nodes(job)
        for state in State
    ]


def _info(job: Job, snapshot: Snapshot) -> Samples:
    return [((*key, node.native_status, node.run_id), 1.0) for key, node in _nodes(job)]


def _number(*, name: str, help: str, field: str) -> JobFamily:
    """Return the family of one number of each node."""
    read = attrgetter(field)

    def samples(job: Job, snapshot: Snapshot) -> Samples:
        values = ((key, read(node)) for key, node in _nodes(job))
        return [(key, float(value)) for key, value in values if value is not None]

    return JobFamily(name=name, help=help, labels=_NODE, reads=("nodes",), samples=samples)


NODE_FAMILIES = (
    JobFamily(
        name="streaming_job_node_state",
        help="State of a node of a job, of DataArts or Kafka Connect: 1 for the current state, "
        "0 for the others. A job can be running while a node has failed.",
        labels=(*_NODE, "state"),
        reads=("nodes",),
        samples=_states,
    ),
    JobFamily(
        name="streaming_job_node_info",
        help="The platform's own word for the node's state, and the DLI job id of a node that runs "
        "one, for joining the two, or the worker that it is on; always 1.",
        labels=(*_NODE, "native_status", "run_id"),
        reads=("nodes",),
        samples=_info,
    ),
    _number(
        name="streaming_job_node_read_records",
        help="Records a node of a DataArts real-time job has read in its run: totalGetRecords.",
        field="read_records",
    ),
    _number(
        name="streaming_job_node_read_bytes",
        help="Bytes a node of a DataArts real-time job has read in its run: totalGetBytes.",
        field="read_bytes",
    ),
    _number(
        name="streaming_job_node_written_records",
        help="Records a node of a DataArts real-time job has written in its run: totalPutRecords.",
        field="written_records",
    ),
    _number(
        name="streaming_job_node_written_bytes",
        help="Bytes a node of a DataArts real-time job has written in its run: totalPutBytes.",
        field="written_bytes",
    ),
    _number(
        name="streaming_job_node_buffered_records",
        help="Records that wait within a node of a DataArts real-time job: bufferRecords.",
        field="buffered_records",
    ),
    _number(
        name="streaming_job_node_records_per_second",
        help="Rate at which a node of a DataArts real-time job moves records: speed.",
        field="records_per_second",
    ),
)
