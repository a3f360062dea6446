"""Define the metric families about jobs and sources: one row each, a pure function of a value.

Unknown is no sample. Adding a metric is one field in `exporter.model`, one row here and one line in
docs/metrics.md. Label names are given once per family; every function returns values for exactly
these, and rendering refuses a mismatch.
"""

from collections import Counter
from collections.abc import Callable
from operator import attrgetter

from exporter.exposition.family import IDENTITY, Form, JobFamily, Samples, SourceFamily
from exporter.exposition.family import number as _number
from exporter.exposition.nodes import NODE_FAMILIES
from exporter.model import Job, Snapshot, State


def _states(job: Job, snapshot: Snapshot) -> Samples:
    if snapshot.all_states:
        return [((state.value,), 1.0 if state is job.state else 0.0) for state in State]
    return (((job.state.value,), 1.0),)


_INFO = (
    *("native_status", "graph_state", "expected_state", "job_type"),
    *("run_mode", "queue", "engine_version", "run_id"),
)
_read_info = attrgetter(*_INFO)


def _info(job: Job, snapshot: Snapshot) -> Samples:
    return (((*_read_info(job), *(value for _, value in snapshot.labels)), 1.0),)


def _error_info(job: Job, snapshot: Snapshot) -> Samples:
    if not job.error_id and not job.error_type:
        return ()
    return (((job.error_id, job.error_type), 1.0),)


def _tasks(job: Job, snapshot: Snapshot) -> Samples:
    return [((task_state,), float(count)) for task_state, count in dict(job.tasks).items()]


JOB_FAMILIES = (
    JobFamily(
        name="streaming_job_state",
        help="State of the job in one vocabulary: 1 for the current state, 0 for the others. From "
        "DLI status and execution plan state, DataArts status, Blink ActualState, Ververica "
        "currentJobStatus, Flink state. Polled in the background.",
        labels=("state",),
        reads=("state",),
        samples=_states,
    ),
    JobFamily(
        name="streaming_job_info",
        help="Facts about the job that seldom change, and the platform's own words; always 1.",
        labels=_INFO,
        reads=_INFO,
        samples=_info,
        form=Form.FACTS,
        configured_labels=True,
    ),
    _number(
        name="streaming_job_duration_seconds",
        help="How long the current or last run has lasted: DLI, plan and Flink duration, else from "
        "start to now or to the end.",
        field="duration_seconds",
    ),
    _number(
        name="streaming_job_restart_times",
        help="Restarts of the current run: DLI restart_times, Flink numRestarts, Ververica "
        "observedFlinkJobRestarts. Starts again with a new run.",
        field="restart_times",
    ),
    _number(
        name="streaming_job_input_delay_seconds",
        help="How far the job is behind its input: Blink InputDelay; Flink emit event time lag, "
        "else watermark lag; Oceanus JobServiceDelay (at the sink).",
        field="input_delay_seconds",
    ),
    _number(
        name="streaming_job_operator_latency_seconds",
        help="How long records take from a source to the slowest operator, waiting before the "
        "sources left out: Cloud Eye flink_max_op_latency. It is not the input delay.",
        field="operator_latency_seconds",
    ),
    _number(
        name="streaming_job_start_timestamp_seconds",
        help="Start of the current or last run: start_time, start-time, startTime, StartTime.",
        field="start_timestamp",
    ),
    _number(
        name="streaming_job_end_timestamp_seconds",
        help="End of the last run: end-time, endTime, EndTime.",
        field="end_timestamp",
    ),
    _number(
        name="streaming_job_created_timestamp_seconds",
        help="When the job was created: create_time, createTime, createdAt.",
        field="created_timestamp",
    ),
    _number(
        name="streaming_job_state_since_timestamp_seconds",
        help="When the current state began: the platform's time of the change, else when it was "
        "first seen.",
        field="state_since_timestamp",
    ),
    _number(
        name="streaming_job_expected_running",
        help="Whether the job should be running: Blink ExpectState, or the expect list.",
        field="expected_running",
    ),
    _number(
        name="streaming_job_last_error_timestamp_seconds",
        help="When the job last failed: Blink LastErrorTime, Flink exceptions, Ververica failedAt, "
        "edge error_time.",
        field="last_error_timestamp",
    ),
    JobFamily(
        name="streaming_job_error_info",
        help="Code and class of the last error; always 1. Its text is at /api/v1/jobs.",
        labels=("error_id", "error_type"),
        reads=("error_id", "error_type"),
        samples=_error_info,
    ),
    _number(
        name="streaming_job_parallelism",
        help="Parallelism of the job: parallel_number, or the widest vertex.",
        field="parallelism",
    ),
    _number(
        name="streaming_job_compute_units",
        help="Compute units of the job: real_cu_number, else cu_number.",
        field="compute_units",
    ),
    _number(
        name="streaming_job_health_score",
        help="Ververica healthScore of the run, 0 to 100; below 60 is serious.",
        field="health_score",
    ),
    JobFamily(
        name="streaming_job_tasks",
        help="Tasks of the job in each task state: status-counts of the plan, tasks of Flink.",
        labels=("task_state",),
        reads=("tasks",),
        samples=_tasks,
    ),
    _number(
        name="streaming_job_last_checkpoint_completed_timestamp_seconds",
        help="When the last completed checkpoint was acknowledged: Flink latest_ack_timestamp.",
        field="last_checkpoint_completed_timestamp",
    ),
    _number(
        name="streaming_job_last_checkpoint_duration_seconds",
        help="How long the last completed checkpoint took: Flink end_to_end_duration.",
        field="last_checkpoint_duration_seconds",
    ),
    _number(
        name="streaming_job_last_checkpoint_size_bytes",
        help="Size of the last completed checkpoint: Flink checkpointed_size, else state_size.",
        field="last_checkpoint_size_bytes",
    ),
    _number(
        name="streaming_job_checkpoints_completed",
        help="Checkpoints of the current run that were completed: Flink counts.completed.",
        field="checkpoints_completed",
    ),
    _number(
        name="streaming_job_checkpoints_failed",
        help="Checkpoints of the current run that failed: Flink counts.failed.",
        field="checkpoints_failed",
    ),
    *NODE_FAMILIES,
    _number(
        name="streaming_job_read_records",
        help="Records the current run has read since its last restart: Flink numRecordsOut of "
        "sources, else write-records of source vertices; DLI plan; Cloud Eye; or as an edge agent "
        "reports them: records of sources, flink_read_records_total.",
        field="read_records",
    ),
    _number(
        name="streaming_job_written_records",
        help="Records the current run has written since its last restart: Flink numRecordsIn of "
        "sinks, else read-records of sink vertices; DLI plan; Cloud Eye; or as an edge agent "
        "reports them: records of sinks, flink_write_records_total.",
        field="written_records",
    ),
    _number(
        name="streaming_job_read_records_per_second",
        help="Rate at which the job reads records: Flink numRecordsOutPerSecond of sources, a mean "
        "over 60 s; Cloud Eye; Oceanus JobRecordsInPerSecond; or as an edge agent reports it: "
        "total_read_rate, flink_read_records_per_second.",
        field="read_records_per_second",
    ),
    _number(
        name="streaming_job_written_records_per_second",
        help="Rate at which the job writes records: Flink numRecordsInPerSecond of sinks, a mean "
        "over 60 s; Cloud Eye; Oceanus JobRecordsOutPerSecond; or as an edge agent reports it: "
        "total_write_rate, flink_write_records_per_second.",
        field="written_records_per_second",
    ),
    _number(
        name="streaming_job_pending_records",
        help="Records that wait before the sources and were not read yet: Flink pendingRecords, "
        "Oceanus RecordsLagMaxSum.",
        field="pending_records",
    ),
    _number(
        name="streaming_job_source_idle_seconds",
        help="For how long no source has emitted anything: Flink sourceIdleTime.",
        field="source_idle_seconds",
    ),
    _number(
        name="streaming_job_backpressured_ratio",
        help="Share of time that the most back-pressured source waits for what follows it, 0 to "
        "1: Flink backPressuredTimeMsPerSecond.",
        field="backpressured_ratio",
    ),
    _number(
        name="streaming_job_backpressure_level",
        help="Back pressure where only a level is told: 0 ok, 1 low, 2 high. DLI plan, Cloud Eye.",
        field="backpressure_level",
    ),
    _number(
        name="streaming_job_busy_ratio",
        help="Share of time that the busiest vertex works, 0 to 1: Flink busyTimeMsPerSecond.",
        field="busy_ratio",
    ),
    _number(
        name="streaming_edge_job_stale",
        help="Whether an edge job that has not ended was not reported for expire_after; it is "
        "withdrawn after another expire_after.",
        field="stale",
    ),
    _number(
        name="streaming_job_observed_timestamp_seconds",
        help="When a successful poll or a report last saw the state of the job.",
        field="observed_timestamp",
    ),
)


def _source_value(read: Callable[[Snapshot], float | None]) -> Callable[[Snapshot], Samples]:
    def samples(snapshot: Snapshot) -> Samples:
        value = read(snapshot)
        return () if value is None else (((snapshot.source, snapshot.platform), float(value)),)

    return samples


def _jobs_by_state(snapshot: Snapshot) -> Samples:
    if snapshot.up is None or not snapshot.counts_jobs:
        return ()
    counts = Counter(map(attrgetter("state"), snapshot.jobs))
    return [
        ((snapshot.source, snapshot.platform, state.value), float(counts[state])) for state in State
    ]


def _clusters_by_condition(snapshot: Snapshot) -> Samples:
    counts = snapshot.clusters
    if counts is None or snapshot.outdated:
        return ()
    return [
        ((snapshot.source, snapshot.platform, condition.value), float(count))
        for condition, count in counts.by_condition
    ]


def _problems(snapshot: Snapshot) -> Samples:
    for problem in snapshot.problems:
        of = (snapshot.source, snapshot.platform, problem.key.project, problem.key.job_id)
        what = (problem.job_name, problem.kind.value, problem.job_kind.value)
        yield (*of, *what), problem.since_timestamp


PROBLEM_FAMILY = SourceFamily(
    name="streaming_job_problem_since_timestamp_seconds",
    help="When a problem of a job began, for jobs that have one. It ends when it is seen to be "
    "over, and so outlives the other series of the job while its source is down.",
    labels=(*IDENTITY, "problem", "job_kind"),
    samples=_problems,
)
SOURCE_FAMILIES = (
    PROBLEM_FAMILY,
    SourceFamily(
        name="streaming_job_absent",
        help="An entry of the source's expect list that no job matches; always 1.",
        labels=("source", "expect"),
        samples=lambda snapshot: [
            # An entry given twice would be a duplicate series, which fails the whole scrape.
            ((snapshot.source, text), 1.0)
            for text in dict.fromkeys(snapshot.absent)
        ],
    ),
    SourceFamily(
        name="streaming_source_up",
        help="Whether the last poll of the source succeeded.",
        samples=_source_value(lambda snapshot: None if snapshot.up is None else float(snapshot.up)),
    ),
    SourceFamily(
        name="streaming_source_info",
        help="A configured source; always 1.",
        samples=_source_value(lambda snapshot: 1.0),
    ),
    SourceFamily(
        name="streaming_source_last_success_timestamp_seconds",
        help="When a poll of the source last succeeded.",
        samples=_source_value(lambda snapshot: snapshot.last_success_timestamp),
    ),
    SourceFamily(
        name="streaming_source_poll_duration_seconds",
        help="How long the last poll of the source took, questions about single jobs included.",
        samples=_source_value(lambda snapshot: snapshot.poll_duration_seconds),
    ),
    SourceFamily(
        name="streaming_source_detail_age_seconds",
        help="Age of the oldest details of any job of the source that lives; above "
        "detail_interval when the calls allowed are too few.",
        samples=_source_value(lambda snapshot: snapshot.detail_age_seconds),
    ),
    SourceFamily(
        name="streaming_source_jobs",
        help="Jobs of the source that are shown, by state; none where the source was not read.",
        labels=("source", "platform", "state"),
        samples=_jobs_by_state,
    ),
    SourceFamily(
        name="streaming_source_clusters",
        help="Clusters that the source's discovery has found, by whether they answer; skipped are "
        "those that may not be asked, and what could not be read.",
        labels=("source", "platform", "condition"),
        samples=_clusters_by_condition,
    ),
)
