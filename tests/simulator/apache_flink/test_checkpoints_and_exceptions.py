"""The simulated JobManager tells checkpoints and exceptions as a real one does."""

from exporter.simulator.fleet.fleet import Phase
from tests.simulator.apache_flink.flink_runtime import HEALTHY, START, Runtime, ms


def test_checkpoints_of_a_running_job(runtime: Runtime) -> None:
    """One completes a minute; the latest has its times and size."""
    view = runtime.view()
    assert view.started_at is not None
    expected = int((runtime.now - view.started_at) // 60)
    statistics = runtime.get(f"/jobs/{runtime.jid()}/checkpoints")
    latest = statistics["latest"]["completed"]
    assert statistics["counts"]["completed"] == expected
    assert latest["latest_ack_timestamp"] <= ms(runtime.now) + latest["end_to_end_duration"]
    assert latest["latest_ack_timestamp"] > ms(runtime.now - 61)
    assert latest["state_size"] > 0
    wanted = "lastCheckpointDuration"
    metrics = runtime.get(f"/jobs/{runtime.jid()}/metrics?get={wanted}")
    assert metrics == [{"id": wanted, "value": str(latest["end_to_end_duration"])}]


def test_checkpoints_stop_while_a_job_restarts(runtime: Runtime) -> None:
    """A crash loop completes nothing, and each restart fails one."""
    runtime.now = START + 300
    first = runtime.get(f"/jobs/{runtime.jid('clickstream_sessions')}/checkpoints")["counts"]
    runtime.now = START + 500
    second = runtime.get(f"/jobs/{runtime.jid('clickstream_sessions')}/checkpoints")["counts"]
    assert first["completed"] == second["completed"]
    assert second["failed"] - first["failed"] == 20


def test_job_without_checkpointing_is_a_404(runtime: Runtime) -> None:
    """Where checkpointing is off, Flink has no statistics to show."""
    status, error = runtime.refused(f"/jobs/{runtime.jid('每日对账')}/checkpoints")
    assert status == 404
    assert "RestHandlerException: Checkpointing has not been enabled." in error


def test_young_job_has_no_checkpoint_yet(runtime: Runtime) -> None:
    """Before the first checkpoint there is none, which the metrics write as -1."""
    runtime.fleet.add("young", runtime.now)
    jid = runtime.jid("young")
    assert runtime.get(f"/jobs/{jid}/checkpoints")["latest"]["completed"] is None
    metrics = runtime.get(f"/jobs/{jid}/metrics?get=lastCheckpointCompletedTimestamp")
    assert metrics[0]["value"] == "-1"


def test_exceptions_tell_the_latest_first(runtime: Runtime) -> None:
    """Every restart has its entry; maxExceptions cuts them off and says so."""
    runtime.now = START + 300
    view = runtime.view("clickstream_sessions")
    assert view.error is not None
    assert view.error_at is not None
    path = f"/jobs/{runtime.jid('clickstream_sessions')}/exceptions"
    history = runtime.get(f"{path}?maxExceptions=1")["exceptionHistory"]
    assert history["truncated"] is True
    entry = history["entries"][0]
    assert entry["exceptionName"] == view.error.error_type
    assert entry["stacktrace"].startswith(f"{view.error.error_type}: ")
    assert entry["timestamp"] == ms(view.error_at)
    assert len(runtime.get(path)["exceptionHistory"]["entries"]) == 16
    healthy = runtime.get(f"/jobs/{runtime.jid()}/exceptions")
    assert healthy == {"exceptionHistory": {"entries": [], "truncated": False}}


def test_failed_job_hides_its_cause_one_level_down(runtime: Runtime) -> None:
    """Flink's last word is that it gave up; the task's own exception is in the list below."""
    runtime.set(HEALTHY, Phase.FAILED)
    error = runtime.view().error
    assert error is not None
    history = runtime.get(f"/jobs/{runtime.jid()}/exceptions?maxExceptions=1")["exceptionHistory"]
    entry = history["entries"][0]
    assert (entry["exceptionName"], history["truncated"]) == (
        "org.apache.flink.runtime.JobException",
        False,
    )
    assert f"Caused by: {error.error_type}: {error.text}" in entry["stacktrace"]
    assert entry["concurrentExceptions"][0]["exceptionName"] == error.error_type


def test_flink_1_also_has_the_root_exception() -> None:
    """Flink 2 dropped the fields that 1.13 had deprecated."""
    runtime = Runtime(version="1.13.6")
    runtime.set(HEALTHY, Phase.FAILED)
    body = runtime.get(f"/jobs/{runtime.jid()}/exceptions")
    assert body["root-exception"] == body["exceptionHistory"]["entries"][0]["stacktrace"]
    assert body["timestamp"] == ms(runtime.now)
    healthy = runtime.get(f"/jobs/{runtime.jid('session rollup')}/exceptions")
    assert healthy["root-exception"] is None
    assert "schedulerType" not in runtime.get(f"/jobs/{runtime.jid()}")
    assert "schedulerType" not in runtime.listed(HEALTHY)[0]
