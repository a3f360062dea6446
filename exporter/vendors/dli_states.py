"""Translate the status words of DLI, which polled jobs and edge reports have in common.

Vendor pages: "Querying the List of Jobs" (dli_02_0234), "Reporting the Flink Edge Job Status"
(dli_02_0287). A job whose stopping failed still runs: it is stuck stopping, not failed.
"""

from exporter.model import State, StateMap

STATES: StateMap = {
    "job_init": State.CREATED,
    "job_submitting": State.STARTING,
    "job_downloading": State.STARTING,
    "job_arrearage_recovering": State.STARTING,
    "job_running": State.RUNNING,
    "job_savepointing": State.RUNNING,
    "job_submit_fail": State.FAILED,
    "job_running_exception": State.FAILED,
    "job_canceling": State.STOPPING,
    "job_cancel_fail": State.STOPPING,
    "job_cancel_success": State.STOPPED,
    "job_idle": State.SUSPENDED,
    "job_arrearage_stopped": State.SUSPENDED,
    "job_finish": State.FINISHED,
}
