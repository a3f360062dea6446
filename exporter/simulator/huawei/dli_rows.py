"""The bodies of simulated DLI Flink jobs: status words, light rows and details.

Fields are present, null or absent as in the examples of the pages "Querying the List of Jobs" and
"Querying Job Details". Everything that can hold a secret of a user does hold one.
"""

from typing import Any

from exporter.simulator.fleet.fleet import Phase, View

FAKE_SECRET = "hunter2-do-not-export"  # noqa: S105 - Tests look for it where it must not appear.

STATUSES = frozenset(
    {
        "job_init",
        "job_submitting",
        "job_submit_fail",
        "job_running",
        "job_running_exception",
        "job_downloading",
        "job_idle",
        "job_canceling",
        "job_cancel_success",
        "job_cancel_fail",
        "job_savepointing",
        "job_arrearage_stopped",
        "job_arrearage_recovering",
        "job_finish",
    }
)

JOB_TYPES = ("flink_opensource_sql_job", "flink_jar_job", "flink_sql_job")

_FIXED_STATUS = {
    Phase.DRAFT: "job_init",
    Phase.RUNNING: "job_running",
    # A restarting Flink job is a running one to DLI: only the execution plan tells.
    Phase.RESTARTING: "job_running",
    Phase.STOPPED: "job_cancel_success",
    Phase.SUSPENDED: "job_arrearage_stopped",
    Phase.FINISHED: "job_finish",
}
_PATIENCE = 60.0
_SQL = (
    "CREATE TABLE sink (id BIGINT) WITH ('connector' = 'jdbc', 'username' = 'flink', "
    f"'password' = '{FAKE_SECRET}')"
)


def status_of(view: View, now: float) -> str:
    """Word a phase as DLI does."""
    fixed = _FIXED_STATUS.get(view.phase)
    if fixed is not None:
        return fixed
    if view.phase is Phase.STARTING:
        if view.previous is Phase.SUSPENDED:
            return "job_arrearage_recovering"
        return "job_downloading" if job_type(view) == "flink_jar_job" else "job_submitting"
    if view.phase is Phase.STOPPING:
        return "job_canceling" if now - view.changed_at < _PATIENCE else "job_cancel_fail"
    return "job_submit_fail" if view.started_at is None else "job_running_exception"


def job_type(view: View) -> str:
    """Tell the type of a job, which never changes."""
    return JOB_TYPES[view.number % len(JOB_TYPES)]


def light_row(view: View, now: float) -> dict[str, Any]:
    """Describe a job as a list without details does: these twelve fields and no others."""
    end = view.ended_at if view.ended_at is not None else now
    duration = 0.0 if view.started_at is None else end - view.started_at
    return {
        "job_id": view.number,
        "name": view.name,
        "desc": f"owner=data-platform token={FAKE_SECRET}",
        "user_name": "flink_operator",
        "job_type": job_type(view),
        "status": status_of(view, now),
        "status_desc": _status_desc(view),
        "create_time": _milliseconds(view.created_at),
        "duration": int(duration * 1000),
        "root_id": -1,
        "graph_editor_enabled": False,
        "has_savepoint": False,
    }


def detailed_row(view: View, now: float, project_id: str) -> dict[str, Any]:
    """Describe a job as its details do: no duration, no root_id, no user_name."""
    kind = job_type(view)
    jar = kind == "flink_jar_job"
    detail: dict[str, Any] = {
        "job_id": view.number,
        "user_id": "011c99a26ae84a1bb963a75e7637d3fd",
        "queue_name": "flink_queue" if view.number % 2 else "flink_queue_critical",
        "project_id": project_id,
        "name": view.name,
        "desc": "",
        "sql_body": "" if jar else _SQL,
        "run_mode": "exclusive_cluster",
        "job_type": kind,
        "job_config": _job_config(view, jar),
        "main_class": "com.example.Enrichment" if jar else None,
        "entrypoint_args": f"--jdbc.password {FAKE_SECRET}" if jar else None,
        "execution_graph": None if jar else f'{{"nodes": [{{"sql": "{FAKE_SECRET}"}}]}}',
        "status": status_of(view, now),
        "status_desc": _status_desc(view),
        "create_time": _milliseconds(view.created_at),
        "update_time": _milliseconds(view.changed_at),
        # "Not started" is null in the details of a draft.
        "start_time": None if view.started_at is None else _milliseconds(view.started_at),
        "savepoint_path": None,
    }
    # Documented, but missing from every published example: some jobs have it.
    if view.number % 3 != 0:
        detail["restart_times"] = view.restarts
    return detail


def _status_desc(view: View) -> str:
    if view.phase is Phase.FAILED and view.error is not None:
        return f"{view.error.error_type}: {view.error.text}"
    return ""


def _job_config(view: View, jar: bool) -> dict[str, Any]:
    config: dict[str, Any] = {
        "checkpoint_enabled": not jar,
        "checkpoint_interval": 10 if jar else 600,
        "checkpoint_mode": "exactly_once",
        "log_enabled": False,
        "obs_bucket": None,
        "root_id": -1,
        "edge_group_ids": None,
        "graph_editor_enabled": False,
        "graph_editor_data": "",
        "manager_cu_number": 1,
        "executor_number": None,
        "executor_cu_number": None,
        "cu_number": view.parallelism + 1,
        "parallel_number": view.parallelism,
        "smn_topic": None,
        "restart_when_exception": True,
        "idle_state_retention": 3600,
        "config_url": None,
        "udf_jar_url": None,
        "dirty_data_strategy": None if jar else "0",
        "entrypoint": "enrichment.jar" if jar else None,
        "dependency_jars": ["enrichment.jar"] if jar else None,
        "dependency_files": None,
    }
    if jar:
        return config
    config |= {
        "resume_checkpoint": True,
        "resume_max_num": -1,
        "checkpoint_path": None,
        "tm_cus": 1,
        "tm_slot_num": view.parallelism,
        "image": None,
        "feature": None,
        "flink_version": "1.15" if view.number % 2 else None,
        "operator_config": "",
        "static_estimator_config": "",
        "runtime_config": f'{{"s3.secret-key": "{FAKE_SECRET}"}}',
        "real_cu_number": 0,
    }
    if view.number % 5 == 0:
        config |= _second_resource_version(view)
    return config


def _second_resource_version(view: View) -> dict[str, Any]:
    # Version 2 counts processors and memory; compute units are null then.
    return {
        "cu_number": None,
        "manager_cu_number": None,
        "resource_config_version": "v2",
        "resource_config": {
            "max_slot": view.parallelism,
            "parallel_number": view.parallelism,
            "jobmanager_resource_spec": {"cpu": 1.0, "memory": "4G"},
            "taskmanager_resource_spec": {"cpu": 1.0, "memory": "4G"},
        },
    }


def _milliseconds(moment: float) -> int:
    return int(moment * 1000)
