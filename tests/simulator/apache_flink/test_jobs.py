"""The simulated JobManager lists jobs, states and runs as a real one does."""

import pytest

from exporter.simulator.apache_flink.cluster import Cluster
from exporter.simulator.fleet.fleet import Fleet, Phase
from tests.simulator.apache_flink.flink_runtime import HEALTHY, START, Runtime, ms, recorded, shape


def test_overview_lists_every_job_but_drafts(runtime: Runtime) -> None:
    """One row per job, with the fields of a real cluster."""
    row = runtime.listed(HEALTHY)[0]
    view = runtime.view()
    assert view.submitted_at is not None
    assert len(row["jid"]) == 32
    assert (row["state"], row["end-time"]) == ("RUNNING", -1)
    assert row["start-time"] == ms(view.submitted_at)
    assert row["duration"] == ms(runtime.now) - row["start-time"]
    assert row["tasks"]["total"] == row["tasks"]["running"] == 2 * view.parallelism
    assert runtime.listed("recommendations_v2") == []


@pytest.mark.parametrize(
    ("name", "phase"),
    [("running", Phase.RUNNING), ("crash_looping", Phase.RESTARTING), ("failed", Phase.FAILED)],
)
def test_shapes_are_those_of_a_real_cluster(runtime: Runtime, name: str, phase: Phase) -> None:
    """Every object has the keys that Flink 2.3.0 gave it when it was recorded."""
    runtime.now += 10
    runtime.set(HEALTHY, phase)
    job = f"/jobs/{runtime.jid()}"
    paths = {
        "job": job,
        "checkpoints": f"{job}/checkpoints",
        "exceptions": f"{job}/exceptions?maxExceptions=1",
    }
    ours = {file: shape(runtime.get(path)) for file, path in paths.items()}
    theirs = {file: shape(recorded(f"{name}/{file}.json")) for file in paths}
    # A job that crashes before its first checkpoint, as the recorded ones did, completes none.
    for answer in (ours, theirs):
        for moving in ("plan", "latest", "history"):
            answer["job"].pop(moving, None)
            answer["checkpoints"].pop(moving, None)
    assert ours == theirs


def test_shapes_of_the_cluster_are_those_of_a_real_one(runtime: Runtime) -> None:
    """The overviews have the keys of the recorded ones, and so has a completed checkpoint."""
    row = recorded("jobs_overview.json")["jobs"][0]
    assert shape(runtime.listed(HEALTHY)[0]) == shape(row)
    assert shape(runtime.get("/overview")) == shape(recorded("overview.json"))
    assert shape(runtime.get("/config")) == shape(recorded("config.json"))
    latest = recorded("running/checkpoints.json")["latest"]
    ours = runtime.get(f"/jobs/{runtime.jid()}/checkpoints")["latest"]
    assert shape(ours) == shape(latest)
    failed = recorded("failed/checkpoints.json")["latest"]["failed"]
    runtime.set(HEALTHY, Phase.RESTARTING)
    ours = runtime.get(f"/jobs/{runtime.jid()}/checkpoints")["latest"]
    assert shape(ours["failed"]) == shape(failed)


@pytest.mark.parametrize(
    ("phase", "state", "task_state"),
    [
        (Phase.RUNNING, "RUNNING", "RUNNING"),
        (Phase.RESTARTING, "RESTARTING", "FAILED"),
        (Phase.FAILED, "FAILED", "FAILED"),
        (Phase.STOPPING, "CANCELLING", "CANCELING"),
        (Phase.STOPPED, "CANCELED", "CANCELED"),
        (Phase.SUSPENDED, "SUSPENDED", "CANCELED"),
        (Phase.FINISHED, "FINISHED", "FINISHED"),
    ],
)
def test_states_of_job_and_tasks(
    runtime: Runtime, phase: Phase, state: str, task_state: str
) -> None:
    """Overview and details agree about the state, the tasks follow it."""
    runtime.now += 10
    runtime.set(HEALTHY, phase)
    row = runtime.listed(HEALTHY)[0]
    details = runtime.get(f"/jobs/{row['jid']}")
    assert row["state"] == details["state"] == state
    assert details["timestamps"][state] > 0
    assert details["vertices"][0]["status"] == task_state
    assert details["vertices"][0]["tasks"][task_state] > 0
    assert row["tasks"][task_state.lower()] > 0
    assert sum(details["status-counts"].values()) == 2
    ended = state in ("FAILED", "CANCELED", "SUSPENDED", "FINISHED")
    assert (row["end-time"] == ms(runtime.now)) == ended == (details["end-time"] != -1)


def test_details_have_the_timestamps_of_all_states(runtime: Runtime) -> None:
    """A state that never was has the timestamp 0."""
    details = runtime.get(f"/jobs/{runtime.jid()}")
    assert len(details["timestamps"]) == 11
    assert details["timestamps"]["FAILED"] == 0
    assert details["now"] == ms(runtime.now)
    assert details["vertices"][0]["parallelism"] == runtime.view().parallelism


def test_initializing_job_has_no_graph_yet(runtime: Runtime) -> None:
    """While it initializes there are no vertices, no metrics, and checkpoints are a 500."""
    runtime.set(HEALTHY, Phase.STOPPED)
    runtime.now += 1
    runtime.set(HEALTHY, Phase.STARTING)
    row = runtime.listed(HEALTHY)[0]
    assert (row["state"], row["tasks"]["total"]) == ("INITIALIZING", 0)
    assert runtime.get(f"/jobs/{row['jid']}")["vertices"] == []
    assert runtime.get(f"/jobs/{row['jid']}/metrics?get=numRestarts") == []
    status, error = runtime.refused(f"/jobs/{row['jid']}/checkpoints")
    assert (status, error) == (500, "Internal server error.")


def test_new_run_has_a_new_id_and_the_old_one_stays_listed(runtime: Runtime) -> None:
    """A job that is started again is another job to Flink."""
    first = runtime.jid()
    runtime.now += 60
    runtime.set(HEALTHY, Phase.FAILED)
    runtime.now += 60
    runtime.set(HEALTHY, Phase.RUNNING)
    new, old = runtime.listed(HEALTHY)
    assert (old["jid"], old["state"]) == (first, "FAILED")
    assert (new["jid"] != first, new["state"]) == (True, "RUNNING")
    assert runtime.get(f"/jobs/{first}")["state"] == "FAILED"


def test_restarted_job_manager_forgets_ended_jobs(runtime: Runtime) -> None:
    """Jobs that are alive are recovered; the others are gone, also by id."""
    runtime.set(HEALTHY, Phase.FAILED)
    ended = runtime.jid()
    alive = runtime.jid("session rollup")
    runtime.now += 1
    runtime.cluster.restart_job_manager(runtime.now)
    assert runtime.listed(HEALTHY) == []
    assert runtime.refused(f"/jobs/{ended}")[0] == 404
    assert runtime.jid("session rollup") == alive
    assert runtime.app.state.cluster is runtime.cluster


def test_ended_jobs_are_kept_for_a_while() -> None:
    """The job store expires."""
    fleet = Fleet(seed=1, started_at=START)
    fleet.set_phase(HEALTHY, Phase.FAILED, START + 1)
    cluster = Cluster(fleet, retention=3600)
    soon = [job.run.name for job in cluster.jobs(START + 3600)]
    later = [job.run.name for job in cluster.jobs(START + 3602)]
    assert (HEALTHY in soon, HEALTHY in later) == (True, False)


def test_ids_repeat_with_the_seed(runtime: Runtime) -> None:
    """Two simulations of one seed have the same jobs."""
    assert runtime.get("/jobs/overview") == Runtime().get("/jobs/overview")
