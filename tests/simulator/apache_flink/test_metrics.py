"""The simulated JobManager tells metrics of jobs and of tasks as a real one does."""

from exporter.simulator.fleet.fleet import Phase
from tests.simulator.apache_flink.flink_runtime import HEALTHY, Runtime, ms

NO_WATERMARK = -(2**63)


def test_job_metrics_are_strings(runtime: Runtime) -> None:
    """Values are strings, unknown names are left out, no name lists what there is."""
    runtime.set(HEALTHY, Phase.RESTARTING)
    path = f"/jobs/{runtime.jid()}/metrics"
    assert runtime.get(f"{path}?get=numRestarts,nonsense") == [{"id": "numRestarts", "value": "1"}]
    assert {"id": "restartingTime"} in runtime.get(path)


def test_ended_jobs_have_no_metrics(runtime: Runtime) -> None:
    """An ended job answers an empty list, though not at once; so does one that never was."""
    runtime.set(HEALTHY, Phase.STOPPED)
    lingering = runtime.get(f"/jobs/{runtime.jid()}/metrics?get=numRestarts,runningTime")
    assert [row["value"] for row in lingering] == ["0", "0"]
    runtime.now += 10
    assert runtime.get(f"/jobs/{runtime.jid()}/metrics?get=numRestarts") == []
    assert runtime.get(f"/jobs/{'0' * 32}/metrics?get=numRestarts") == []


def test_metrics_aggregate_over_jobs(runtime: Runtime) -> None:
    """Aggregates are numbers, over all jobs or the chosen ones."""
    runtime.set(HEALTHY, Phase.RESTARTING)
    chosen = f"{runtime.jid()},{runtime.jid('session rollup')}"
    path = f"/jobs/metrics?get=numRestarts&jobs={chosen}"
    assert runtime.get(path) == [
        {"id": "numRestarts", "min": 0.0, "max": 1.0, "avg": 0.5, "sum": 1.0}
    ]
    assert runtime.get(f"{path}&agg=max") == [{"id": "numRestarts", "max": 1.0}]
    assert runtime.get("/jobs/metrics?get=nonsense") == []
    assert {"id": "numRestarts"} in runtime.get("/jobs/metrics")


def test_source_tells_its_lag_where_the_connector_does(runtime: Runtime) -> None:
    """Every second source has the FLIP-33 metrics; names carry the operator."""
    name = "Source__input.currentEmitEventTimeLag"
    lag = runtime.view().lag_seconds
    assert lag is not None
    assert runtime.source_metrics(HEALTHY, name) == [{"id": name, "max": float(ms(lag))}]
    assert {"id": name} in runtime.source_metrics(HEALTHY)
    assert {"id": name} not in runtime.source_metrics("session rollup")


def test_watermark_is_behind_the_source(runtime: Runtime) -> None:
    """The source of an SQL job has no watermark; the assigner behind it and the sink have."""
    source = "Source__input[1].currentOutputWatermark"
    assigner = "WatermarkAssigner[2].currentOutputWatermark"
    rows = runtime.source_metrics("session rollup", f"{source},{assigner}")
    lag = runtime.view("session rollup").lag_seconds
    assert lag is not None
    watermark = float(ms(runtime.now - lag))
    assert rows == [{"id": source, "max": float(NO_WATERMARK)}, {"id": assigner, "max": watermark}]
    jid = runtime.jid("session rollup")
    sink = runtime.get(f"/jobs/{jid}")["vertices"][1]["id"]
    path = f"/jobs/{jid}/vertices/{sink}/subtasks/metrics?get=currentInputWatermark&agg=min,max"
    assert runtime.get(path) == [
        {"id": "currentInputWatermark", "min": watermark, "max": watermark}
    ]


def test_job_without_event_time_never_has_a_watermark(runtime: Runtime) -> None:
    """Every fifth job works without event time."""
    timeless = [runtime.fleet.add(f"added_{index}", runtime.now) for index in range(5)]
    name = next(view.name for view in timeless if view.number % 5 == 0)
    jid = runtime.jid(name)
    sink = runtime.get(f"/jobs/{jid}")["vertices"][1]["id"]
    path = f"/jobs/{jid}/vertices/{sink}/subtasks/metrics?get=currentInputWatermark&agg=max"
    assert runtime.get(path) == [{"id": "currentInputWatermark", "max": float(NO_WATERMARK)}]
    assert not [row for row in runtime.source_metrics(name) if "Lag" in row["id"]]


def test_vertices_have_no_metrics_while_their_tasks_do_not_run(runtime: Runtime) -> None:
    """A restarting job, an unknown vertex and an unknown job answer empty lists."""
    runtime.set(HEALTHY, Phase.RESTARTING)
    assert runtime.source_metrics(HEALTHY) == []
    nothing = "0" * 32
    assert runtime.get(f"/jobs/{runtime.jid()}/vertices/{nothing}/subtasks/metrics") == []
    assert runtime.get(f"/jobs/{nothing}/vertices/{nothing}/subtasks/metrics") == []


def test_one_unknown_name_empties_the_answer(runtime: Runtime) -> None:
    """As of a real cluster: whoever asks for names of yesterday gets nothing at all."""
    name = "Source__input.numRecordsOut"
    assert [row["id"] for row in runtime.source_metrics(HEALTHY, name)] == [name]
    assert runtime.source_metrics(HEALTHY, f"{name},Source__input.nonsense") == []


def test_records_are_counted_over_all_subtasks_and_anew_with_each_restart(
    runtime: Runtime,
) -> None:
    path = _source(runtime, HEALTHY)
    name = "Source__input.numRecordsOut"

    def read() -> float:
        [row] = runtime.get(f"{path}?get={name}")
        assert row["sum"] == row["avg"] * runtime.view().parallelism
        return float(row["sum"])

    before = read()
    runtime.now += 60
    assert read() == before + 60 * 25 * runtime.view().parallelism
    runtime.set(HEALTHY, Phase.RESTARTING)
    runtime.set(HEALTHY, Phase.RUNNING)
    runtime.now += 10
    assert read() == 10 * 25 * runtime.view().parallelism


def test_source_of_old_does_not_know_how_busy_it_is(runtime: Runtime) -> None:
    """Java's NaN is no number of JSON, and comes as a text."""
    path = _source(runtime, "session rollup")
    [row] = runtime.get(f"{path}?get=busyTimeMsPerSecond&agg=min,max,sum")
    assert row == {"id": "busyTimeMsPerSecond", "min": "NaN", "max": "NaN", "sum": "NaN"}


def test_job_object_counts_what_goes_from_vertex_to_vertex(runtime: Runtime) -> None:
    source, sink = runtime.get(f"/jobs/{runtime.jid()}")["vertices"]
    moved = source["metrics"]["write-records"]
    assert moved > 0
    assert (source["metrics"]["read-records"], sink["metrics"]["write-records"]) == (0, 0)
    assert sink["metrics"]["read-records"] == moved


def _source(runtime: Runtime, name: str) -> str:
    jid = runtime.jid(name)
    vertex = runtime.get(f"/jobs/{jid}")["vertices"][0]["id"]
    return f"/jobs/{jid}/vertices/{vertex}/subtasks/metrics"
