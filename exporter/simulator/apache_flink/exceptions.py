"""Why a simulated Flink job failed or restarted, as `/jobs/:jobid/exceptions` tells it."""

from exporter.simulator.apache_flink.cluster import FlinkJob, milliseconds
from exporter.simulator.apache_flink.jobs import vertex_name
from exporter.simulator.fleet.fleet import Failure, View

Body = dict[str, object]

_KEPT = 16
_SECONDS_APART = 10.0
_JOB_EXCEPTION = "org.apache.flink.runtime.JobException"
_SUPPRESSED = "Recovery is suppressed by NoRestartBackoffTimeStrategy"
_TRACE = """
\tat org.apache.flink.runtime.taskmanager.Task.doRun(Task.java:773)
\tat java.base/java.lang.Thread.run(Thread.java:840)
"""


def job_exceptions(job: FlinkJob, *, most: int, legacy: bool) -> Body:
    """Describe the `most` latest failures; `legacy` adds the fields that Flink 2.0 dropped."""
    every = _exceptions(job)
    entries = every[:most]
    truncated = len(every) > len(entries)
    history: Body = {"exceptionHistory": {"entries": entries, "truncated": truncated}}
    if not legacy:
        return history
    root = entries[0] if entries else {}
    return {
        "root-exception": root.get("stacktrace"),
        "timestamp": root.get("timestamp"),
        "all-exceptions": [],
        "truncated": False,
        **history,
    }


def _exceptions(job: FlinkJob) -> list[Body]:
    run = job.run
    if run.error is None or run.error_at is None:
        return []
    if job.state == "FAILED":
        return [_final_exception(run, run.error, run.error_at)]
    # The history holds the latest first.
    times = [run.error_at - _SECONDS_APART * index for index in range(max(1, run.restarts))]
    causes = [_task_exception(run, run.error, at) for at in times[:_KEPT]]
    return [{**cause, "concurrentExceptions": []} for cause in causes]


def _final_exception(run: View, error: Failure, at: float) -> Body:
    """Describe what ends a job: Flink says that it gave up, and hides the cause one level down."""
    cause = _task_exception(run, error, at)
    stack = f"{_JOB_EXCEPTION}: {_SUPPRESSED}{_TRACE}Caused by: {cause['stacktrace']}"
    return {
        "exceptionName": _JOB_EXCEPTION,
        "stacktrace": stack,
        "timestamp": milliseconds(at),
        "failureLabels": {},
        "concurrentExceptions": [cause],
    }


def _task_exception(run: View, error: Failure, at: float) -> Body:
    return {
        "exceptionName": error.error_type,
        "stacktrace": f"{error.error_type}: {error.text}{_TRACE}",
        "timestamp": milliseconds(at),
        "failureLabels": {},
        "taskName": f"{vertex_name(run, 0)} (1/{run.parallelism}) - execution #{run.restarts}",
        "endpoint": "taskmanager-0:40001",
        "taskManagerId": "taskmanager-0:40001-4b1d22",
    }
