"""Flink's REST API, as recorded from a real cluster and as it misbehaves."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from exporter.auth.guard import GuardBook
from exporter.connector import Connector
from exporter.errors import FetchError, Reason
from exporter.merging import merge
from exporter.model import Job, State
from exporter.platforms import load
from exporter.platforms.apache_flink import FlinkSource, Settings, parse_job, parse_overview
from exporter.reading import Flaws, Record
from exporter.refusals import Answer
from exporter.refusals.flink import read_refusal
from exporter.source import Details, Inventory, JobSelection
from exporter.telemetry import Telemetry
from exporter.vendors.flink_delay import (
    parse_metric_names,
    parse_subtask_delay,
    parse_vertex_delay,
    parse_vertices,
    select,
)
from exporter.vendors.flink_health import (
    LONGEST_ERROR_TEXT,
    parse_checkpoints,
    parse_exceptions,
    parse_restarts,
)
from tests.virtual_time import EPOCH, run, virtual_world

T = TypeVar("T")
Handler = Callable[[httpx.Request], httpx.Response]

RECORDED = Path(__file__).parent / "fixtures" / "apache_flink" / "recorded"
JID = "0123456789abcdef0123456789abcdef"
OTHER_JID = "f" * 32
SOURCE_VERTEX = "a" * 32
SINK_VERTEX = "b" * 32
NO_WATERMARK = -(2.0**63)
END_OF_INPUT = 2.0**63
NOW_MS = EPOCH * 1000
NOT_FOUND = {"errors": [f"org.apache.flink.runtime.rest.NotFoundException: Job {JID} not found"]}
NO_LEADER = {"errors": ["Service temporarily unavailable due to an ongoing leader election."]}


def recorded(name: str) -> Any:
    return json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))


def row(**fields: Any) -> dict[str, Any]:
    return {"jid": JID, "name": "orders", "state": "RUNNING", **fields}


def graph(state: str = "RUNNING", **fields: Any) -> dict[str, Any]:
    return {
        "jid": JID,
        "name": "orders",
        "state": state,
        "timestamps": {state: NOW_MS - 3_600_000},
        "plan": {
            "nodes": [
                {"id": SINK_VERTEX, "parallelism": 2, "inputs": [{"id": SOURCE_VERTEX}]},
                {"id": SOURCE_VERTEX, "parallelism": 2},
            ]
        },
        **fields,
    }


class Flink:
    """A JobManager that answers from a dictionary of paths and remembers what it was asked."""

    def __init__(self, **options: Any) -> None:
        self.requests: list[httpx.Request] = []
        self.answers: dict[str, Any] = {
            "/config": {"flink-version": "2.3.0"},
            "/jobs/overview": {"jobs": [row()]},
            f"/jobs/{JID}": graph(),
            f"/jobs/{JID}/metrics": [{"id": "numRestarts", "value": "3"}],
            f"/jobs/{JID}/checkpoints": {"counts": {"failed": 1}, "latest": {"completed": None}},
            f"/jobs/{JID}/exceptions": {"exceptionHistory": {"entries": []}},
        }
        self.metrics: dict[str, list[dict[str, Any]]] = {
            SOURCE_VERTEX: [{"id": "Source__in.currentEmitEventTimeLag", "min": 5.0, "max": 9000.0}]
        }
        self.source = open_source(self.handle, **{"endpoint": "http://flink:8081", **options})

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        path = request.url.path
        answer = self.answers.get(path)
        if answer is None and "/vertices/" in path:
            answer = self._vertex(path.split("/")[4], request.url.params.get("get"))
        if answer is None:
            answer = (404, {"errors": [f"Unable to load requested file {path}."]})
        if isinstance(answer, Exception):
            raise answer
        status, body = answer if isinstance(answer, tuple) else (200, answer)
        return httpx.Response(status, json=body)

    def _vertex(self, vertex: str, wanted: str | None) -> list[dict[str, Any]]:
        metrics = self.metrics.get(vertex, [])
        if wanted is None:
            return [{"id": metric["id"]} for metric in metrics]
        return [metric for metric in metrics if metric["id"] in wanted.split(",")]

    def asked(self) -> list[str]:
        """Return what was asked since the last time, in the order of paths."""
        targets = sorted(unquote(request.url.raw_path.decode()) for request in self.requests)
        self.requests.clear()
        return targets

    def inventory(self) -> Inventory:
        return run(self.source(lambda source: source.fetch_inventory()))

    def details(self, jid: str = JID) -> Details:
        return run(self.source(lambda source: source.fetch_details(listed(jid))))


def open_source(
    handle: Handler, **options: Any
) -> Callable[[Callable[[FlinkSource], Coroutine[Any, Any, T]]], Coroutine[Any, Any, T]]:
    """Return what runs a question to a source that is new each time."""

    async def ask(question: Callable[[FlinkSource], Coroutine[Any, Any, T]]) -> T:
        source = connect(handle, **options)
        try:
            return await question(source)
        finally:
            await source.aclose()

    return ask


def connect(handle: Handler, **options: Any) -> FlinkSource:
    settings = Settings(name="flink", platform="apache_flink", **options)
    world = virtual_world(httpx.MockTransport(handle))
    connector = Connector(
        settings, world=world, telemetry=Telemetry(), guards=GuardBook(clock=world.monotonic)
    )
    return FlinkSource(settings, connector)


def listed(jid: str = JID) -> Job:
    return Job(project="", job_id=jid, job_name="orders", observed_timestamp=EPOCH)


# The listing and the job object.


def test_overview_of_a_real_cluster_is_read_whole() -> None:
    """Every job has its state, times and tasks, and nothing was unreadable."""
    flaws = Flaws()
    jobs = {job.job_name: job for job in parse_overview(recorded("jobs_overview"), EPOCH, flaws)}
    rows = {row["name"]: row for row in recorded("jobs_overview")["jobs"]}
    assert {name: job.native_status for name, job in jobs.items()} == {
        name: row["state"] for name, row in rows.items()
    }
    assert flaws == Flaws()
    ended = next(job for job in jobs.values() if job.state is State.FINISHED)
    native = rows[ended.job_name]
    assert ended.job_id == native["jid"]
    assert ended.start_timestamp == native["start-time"] / 1000
    assert ended.end_timestamp == native["end-time"] / 1000
    assert ended.duration_seconds == native["duration"] / 1000
    assert ended.updated_timestamp == native["last-modification"] / 1000
    assert ended.state_since_timestamp is None
    assert ended.job_type == "STREAMING"
    assert dict(ended.tasks)["finished"] == native["tasks"]["total"]
    assert "total" not in dict(ended.tasks)
    assert all(job.end_timestamp is None for job in jobs.values() if not job.ended)


def test_row_without_a_usable_id_is_left_out() -> None:
    """Nobody could ask for it, and two of them would be one job."""
    flaws = Flaws()
    document = {"jobs": [row(jid=None), row(jid="../config"), row(jid=7), row(), row(), None]}
    assert [job.job_id for job in parse_overview(document, EPOCH, flaws)] == [JID]
    assert len(flaws.unreadable) == 4


def test_row_with_little_in_it_is_a_job_nevertheless() -> None:
    """What is missing is unknown."""
    flaws = Flaws()
    jobs = parse_overview({"jobs": [{"jid": JID, "duration": "long"}]}, EPOCH, flaws)
    assert jobs == (Job(project="", job_id=JID, job_name="", observed_timestamp=EPOCH),)
    assert [str(flaw) for flaw in flaws.unreadable] == [
        "overview.jobs[0].duration: expected a number"
    ]


def test_unknown_state_is_kept_and_noted() -> None:
    """A word of a later version is no reason to lose the job."""
    flaws = Flaws()
    (job,) = parse_overview({"jobs": [row(state="HIBERNATING")]}, EPOCH, flaws)
    assert (job.state, job.native_status) == (State.UNKNOWN, "HIBERNATING")
    assert flaws.unknown_states == ["HIBERNATING"]


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("INITIALIZING", State.STARTING),
        ("CREATED", State.STARTING),
        ("RUNNING", State.RUNNING),
        ("FAILING", State.RESTARTING),
        ("RESTARTING", State.RESTARTING),
        ("RECONCILING", State.RESTARTING),
        ("FAILED", State.FAILED),
        ("CANCELLING", State.STOPPING),
        ("CANCELED", State.STOPPED),
        ("SUSPENDED", State.SUSPENDED),
        ("FINISHED", State.FINISHED),
    ],
)
def test_states_of_flink(word: str, state: State) -> None:
    """Every word of Flink's JobStatus has its place in the vocabulary."""
    (job,) = parse_overview({"jobs": [row(state=word)]}, EPOCH, Flaws())
    assert job.state is state


@pytest.mark.parametrize("name", ["running", "finished", "failed", "canceled", "late_sql"])
def test_job_object_of_a_real_cluster_agrees_with_the_listing(name: str) -> None:
    """A job says the same of itself in both places; only the details date its state."""
    flaws = Flaws()
    document = recorded(f"{name}/job")
    job = parse_job(Record(document, "job", flaws), EPOCH, flaws)
    rows = {row.job_id: row for row in parse_overview(recorded("jobs_overview"), EPOCH, flaws)}
    same = rows[job.job_id]
    assert (job.job_name, job.state, job.tasks) == (same.job_name, same.state, same.tasks)
    assert (job.start_timestamp, job.end_timestamp) == (same.start_timestamp, same.end_timestamp)
    assert job.state_since_timestamp == document["timestamps"][document["state"]] / 1000
    assert job.parallelism == max(vertex["parallelism"] for vertex in document["vertices"])
    assert flaws == Flaws()


# Restarts, checkpoints, exceptions.


@pytest.mark.parametrize(
    ("metrics", "restarts"),
    [
        ([{"id": "numRestarts", "value": "34"}], 34),
        ([{"id": "fullRestarts", "value": "9"}, {"id": "numRestarts", "value": "7"}], 7),
        ([{"id": "fullRestarts", "value": "2"}], 2),
        ([{"id": "numRestarts", "value": "-1"}, {"id": "fullRestarts", "value": "2"}], 2),
        ([{"id": "numRestarts", "value": "0"}], 0),
        ([{"id": "numRestarts", "value": "n/a"}], None),
        ([], None),
        (None, None),
    ],
)
def test_restarts_are_those_flink_counted(metrics: object, restarts: int | None) -> None:
    """The newer metric wins, -1 and an empty list mean that there is no number yet."""
    assert parse_restarts(metrics, Flaws()) == restarts


def test_restarts_of_a_real_crash_loop() -> None:
    """The value among others of a real answer."""
    metrics = recorded("crash_looping/metrics")
    native = next(metric["value"] for metric in metrics if metric["id"] == "numRestarts")
    assert parse_restarts(metrics, Flaws()) == int(native) > 0


def test_checkpoints_of_a_real_job() -> None:
    """The latest completed one, in seconds and bytes, without noise about figures of no use."""
    flaws = Flaws()
    document = recorded("running/checkpoints")
    native = document["latest"]["completed"]
    found = parse_checkpoints(document, flaws)
    assert found.failed == document["counts"]["failed"]
    assert found.completed_timestamp == native["latest_ack_timestamp"] / 1000
    assert found.duration_seconds == native["end_to_end_duration"] / 1000
    assert found.size_bytes == native["checkpointed_size"]
    assert flaws == Flaws()


def test_checkpoint_size_before_it_was_split_is_that_of_the_state() -> None:
    """Version 1.13 tells `state_size` only; from 1.15 on it is the size of the whole state."""
    old = {"latest": {"completed": {"state_size": 700}}}
    new = {"latest": {"completed": {"state_size": 700, "checkpointed_size": 70}}}
    assert parse_checkpoints(old, Flaws()).size_bytes == 700
    assert parse_checkpoints(new, Flaws()).size_bytes == 70


def test_job_without_a_completed_checkpoint_has_no_figures() -> None:
    """Null is no checkpoint, while the failed ones are counted."""
    found = parse_checkpoints(recorded("failed/checkpoints"), Flaws())
    assert found.completed_timestamp is found.duration_seconds is found.size_bytes is None
    assert found.failed is not None


@pytest.mark.parametrize("name", ["failed", "crash_looping"])
def test_exception_of_a_real_job_is_named_by_its_cause(name: str) -> None:
    """The exception that ended a job is wrapped by Flink, the one it restarts from is not."""
    document = recorded(f"{name}/exceptions")
    entry = document["exceptionHistory"]["entries"][0]
    found = parse_exceptions(document, Flaws())
    assert found.error_type == "java.lang.ArithmeticException"
    assert found.timestamp == entry["timestamp"] / 1000
    assert found.text == entry["stacktrace"]


def test_wrapper_without_a_cause_names_itself() -> None:
    """A class name of no great use is better than none."""
    wrapper = "org.apache.flink.runtime.JobException"
    entry = {"exceptionName": wrapper, "stacktrace": f"{wrapper}: Recovery is suppressed"}
    found = parse_exceptions({"exceptionHistory": {"entries": [entry]}}, Flaws())
    assert found.error_type == wrapper


@pytest.mark.parametrize(
    ("first_line", "error_type"),
    [
        ("java.io.IOException: password=hunter2", "java.io.IOException"),
        ("a.b.C$Inner", "a.b.C$Inner"),
        ("Timeout", ""),
        ("The job failed: no reason given", ""),
        ("java.io.IOException because of it", ""),
        ("x." + "y" * 300, ""),
        ("", ""),
    ],
)
def test_root_exception_of_old_versions_is_named_if_it_is_an_exception(
    first_line: str, error_type: str
) -> None:
    """Before 1.13 the class name is the beginning of the stack trace, if it is one at all."""
    document = {"root-exception": f"{first_line}\n\tat a.b.C", "timestamp": NOW_MS}
    found = parse_exceptions(document, Flaws())
    assert (found.error_type, found.timestamp) == (error_type, EPOCH)


@pytest.mark.parametrize("name", ["no class", "java.lang.Exception: text", "a" * 400, "日志", 5])
def test_exception_name_that_is_no_class_name_is_no_error_type(name: object) -> None:
    """Free text never becomes a label."""
    entry = {"exceptionName": name, "timestamp": NOW_MS}
    found = parse_exceptions({"exceptionHistory": {"entries": [entry]}}, Flaws())
    assert found.error_type in ("", "5")
    assert found.timestamp == EPOCH


def test_text_of_an_exception_is_bounded_in_bytes() -> None:
    """A stack trace of megabytes is cut, between two characters."""
    entry = {"stacktrace": "错" * LONGEST_ERROR_TEXT}
    text = parse_exceptions({"exceptionHistory": {"entries": [entry]}}, Flaws()).text
    assert LONGEST_ERROR_TEXT - 3 < len(text.encode()) <= LONGEST_ERROR_TEXT


def test_job_that_never_failed_has_no_error() -> None:
    """A real job without exceptions, and an old version's nulls."""
    for document in (recorded("running/exceptions"), {"root-exception": None, "timestamp": None}):
        found = parse_exceptions(document, Flaws())
        assert (found.timestamp, found.error_type, found.text) == (None, "", "")


# The input delay.


def test_plan_of_a_real_job_tells_who_reads_from_whom() -> None:
    """The source comes last in the plan's list and has no inputs."""
    vertices = parse_vertices(Record(recorded("late_sql/job"), "job", Flaws()))
    sources = [vertex for vertex in vertices.values() if vertex.is_source]
    assert len(vertices) == 2
    assert len(sources) == 1
    assert sources[0].readers == tuple(set(vertices) - {sources[0].vertex_id})


def test_job_without_a_plan_shows_its_sources_by_name() -> None:
    """Vertices are listed in the order of the data."""
    names = ["Source: a", "Source: b", "Join", "Sink"]
    vertices = [{"id": str(index), "name": name} for index, name in enumerate(names)]
    found = parse_vertices(Record({"vertices": vertices}, "job", Flaws()))
    assert [vertex.is_source for vertex in found.values()] == [True, True, False, False]
    assert [vertex.readers for vertex in found.values()] == [(), ("2",), ("3",), ()]


def test_vertex_with_an_id_of_no_use_is_left_out() -> None:
    """An id becomes part of a path."""
    plan = {"nodes": [{"id": ".."}, {"id": ""}, {"id": "a"}]}
    assert list(parse_vertices(Record({"plan": plan}, "job", Flaws()))) == ["a"]


def test_metric_names_that_tell_a_delay_are_picked() -> None:
    """Lags first; of the input watermarks only that of the whole task."""
    assert parse_metric_names(recorded("late_stream/vertex_0_metrics_names"), Flaws()) == (
        "Source__orders.currentEmitEventTimeLag",
        "Source__orders.currentOutputWatermark",
    )
    names = parse_metric_names(recorded("late_sql/vertex_1_metrics_names"), Flaws())
    assert "currentInputWatermark" in names
    assert not any(name.endswith(".currentInputWatermark") for name in names)


def test_metric_name_too_long_to_ask_for_is_left_out() -> None:
    """Flink cuts operator names at 80 characters; nothing else may break the request line."""
    names = ["x" * 4000 + ".currentOutputWatermark", "错" * 400 + ".currentOutputWatermark"]
    assert parse_metric_names([{"id": name} for name in names], Flaws()) == ()


def test_selections_fit_into_a_request_line() -> None:
    """Flink's server refuses request lines beyond 4096 bytes, and names may be long."""
    names = [f"算子{number}{'x' * 70}.currentOutputWatermark" for number in range(100)]
    selections = select(names)
    assert [name for chosen in selections for name in chosen.split(",")] == names
    assert all(len(str(httpx.URL("/", params={"get": chosen}))) < 3100 for chosen in selections)
    assert select([]) == []


def metric(name: str, least: object, greatest: object) -> dict[str, Any]:
    return {"id": name, "min": least, "max": greatest}


LAG = "Source__in.currentEmitEventTimeLag"
SOURCE = "Source__in.currentOutputWatermark"
ASSIGNER = "WatermarkAssigner.currentOutputWatermark"


@pytest.mark.parametrize(
    ("metrics", "seconds"),
    [
        ([metric(LAG, 10.0, 5000.0)], 5.0),
        ([metric(LAG, 10.0, 5000.0), metric(SOURCE, NOW_MS - 1, NOW_MS - 1)], 5.0),
        ([metric(LAG, -700.0, -500.0)], 0.0),
        ([metric(LAG, -1.0, -1.0), metric(SOURCE, NOW_MS - 7000, NOW_MS)], 7.0),
        ([metric(LAG, -1.0, 9e18)], None),
        ([metric(SOURCE, NO_WATERMARK, NO_WATERMARK), metric(ASSIGNER, NOW_MS - 2500, 0)], 2.5),
        ([metric(SOURCE, NOW_MS - 60_000, NOW_MS), metric(ASSIGNER, NOW_MS - 61_000, 0)], 61.0),
        ([metric(SOURCE, NOW_MS + 60_000, NOW_MS + 60_000)], 0.0),
        ([metric(SOURCE, NOW_MS - 3000, END_OF_INPUT)], 3.0),
        ([metric(SOURCE, NO_WATERMARK, NO_WATERMARK)], None),
        ([metric(SOURCE, END_OF_INPUT, END_OF_INPUT)], None),
        ([metric(SOURCE, "NaN", None)], None),
        ([], None),
    ],
)
def test_delay_of_a_vertex(metrics: list[dict[str, Any]], seconds: float | None) -> None:
    """The worst emit lag, else the time since the least watermark that is one."""
    assert parse_vertex_delay([metrics], EPOCH, Flaws()).seconds == seconds


def test_watermark_that_only_some_subtasks_have_is_partial() -> None:
    """A subtask that reads no partition has none for ever; the least value hides the others."""
    delay = parse_vertex_delay([[metric(SOURCE, NO_WATERMARK, NOW_MS - 1000)]], EPOCH, Flaws())
    assert (delay.seconds, delay.partial) == (None, (SOURCE,))
    single = [
        {"id": f"0.{SOURCE}", "value": str(NOW_MS - 60_000)},
        {"id": f"1.{SOURCE}", "value": str(-(2**63))},
        {"id": f"2.{SOURCE}", "value": str(NOW_MS - 1000)},
    ]
    assert parse_subtask_delay(single, EPOCH, Flaws()) == 60.0


def test_delay_is_read_from_a_real_job() -> None:
    """A source of its own lag, and an SQL job whose watermark comes from the assigner."""
    late = recorded("late_stream/vertex_0_metrics")
    lag = next(one["max"] for one in late if one["id"].endswith("EmitEventTimeLag"))
    assert parse_vertex_delay([late], EPOCH * 2, Flaws()).seconds == lag / 1000
    sql = [{**one, "min": one["max"]} for one in recorded("late_sql/vertex_0_metrics")]
    watermark = max(one["max"] for one in sql)
    now = watermark / 1000 + 120
    assert parse_vertex_delay([sql], now, Flaws()).seconds == pytest.approx(120)


# Whatever JSON can hold.

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("jid", "jobs", "state", "plan", "nodes", "vertices", "tasks", "timestamps"),
                    *("id", "value", "min", "max", "inputs", "counts", "latest", "completed"),
                    *("exceptionHistory", "entries", "stacktrace", "exceptionName", "timestamp"),
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(ANY_JSON)
def test_no_document_makes_a_parser_fail(document: Any) -> None:
    """What cannot be read is skipped."""
    flaws = Flaws()
    parse_job(Record(document, "job", flaws), EPOCH, flaws)
    parse_overview({"jobs": document}, EPOCH, flaws)
    parse_vertices(Record(document, "job", flaws))
    parse_restarts(document, flaws)
    parse_checkpoints(document, flaws)
    parse_exceptions(document, flaws)
    parse_metric_names(document, flaws)
    parse_vertex_delay([document], EPOCH, flaws)
    parse_subtask_delay(document, EPOCH, flaws)


# Refusals.


def answer(status: int, body: object) -> Answer:
    return Answer(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())


def test_job_is_gone_when_flink_says_so() -> None:
    """The real answer, and those of the handlers of older versions."""
    old = {"errors": [f"Could not find Flink job ({JID})"]}
    for body in (recorded("unknown/job"), recorded("unknown/checkpoints"), NOT_FOUND, old):
        refusal = read_refusal(answer(404, body))
        assert refusal is not None
        assert (refusal.reason, refusal.gone) == (Reason.NOT_FOUND, True)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>404 page not found</html>",
        b"404 page not found",
        {"errors": ["Unable to load requested file /jobs/x."]},
        {"errors": ["Job not found"]},
        {"errors": [None, 7]},
        {"errors": f"Job {JID} not found"},
        [f"Job {JID} not found"],
    ],
)
def test_other_404_does_not_make_a_job_gone(body: object) -> None:
    """Proxies answer 404 when they lose the cluster."""
    refusal = read_refusal(answer(404, body))
    assert refusal is not None
    assert (refusal.reason, refusal.gone) == (Reason.NOT_FOUND, False)


@pytest.mark.parametrize("status", [307, 308, 500, 502, 503, 504])
def test_cluster_without_a_leader_is_down_and_asked_again(status: int) -> None:
    """No such answer says anything about a job, whatever its text."""
    refusal = read_refusal(answer(status, NOT_FOUND))
    assert refusal is not None
    assert (refusal.reason, refusal.retryable, refusal.gone) == (Reason.SERVER, True, False)


def test_nothing_of_an_error_text_is_repeated() -> None:
    """A stack trace can quote job arguments."""
    for status in (400, 404, 500, 503):
        refusal = read_refusal(answer(status, {"errors": ["--password hunter2"]}))
        assert "hunter2" not in repr(refusal)


def test_error_kept_by_a_history_server_is_a_refusal() -> None:
    """It answers archived errors with status 200."""
    refusal = read_refusal(answer(200, {"errors": ["Checkpointing has not been enabled."]}))
    assert refusal is not None
    assert refusal.reason is Reason.NOT_FOUND
    assert read_refusal(answer(200, {"jobs": []})) is None


# The source.


def test_inventory_is_one_call_and_the_version_is_asked_once() -> None:
    """The version does not change with every poll."""
    flink = Flink()

    async def poll_twice(source: FlinkSource) -> tuple[Inventory, Inventory]:
        return await source.fetch_inventory(), await source.fetch_inventory()

    first, second = run(flink.source(poll_twice))
    assert flink.asked() == ["/config", "/jobs/overview", "/jobs/overview"]
    assert [job.engine_version for job in (*first.jobs, *second.jobs)] == ["2.3.0", "2.3.0"]
    assert first.jobs[0].observed_timestamp == EPOCH


def test_version_is_asked_again_after_a_failure_and_when_jobs_disappear() -> None:
    """Both are what the replacement of a JobManager looks like from here."""
    flink = Flink()

    listings: list[Any] = [
        {"jobs": [row()]},
        (503, NO_LEADER),
        {"jobs": [row()]},
        {"jobs": [row(jid=OTHER_JID)]},
    ]

    async def story(source: FlinkSource) -> list[str]:
        versions: list[str] = []
        for listing in listings:
            flink.answers["/jobs/overview"] = listing
            flink.answers["/config"] = {"flink-version": f"2.{len(versions)}"}
            try:
                versions.append((await source.fetch_inventory()).jobs[0].engine_version)
            except FetchError:
                versions.append("down")
        return versions

    assert run(flink.source(story)) == ["2.0", "down", "2.2", "2.3"]


def test_hidden_configuration_is_no_failure() -> None:
    """A proxy that keeps `/config` to itself is asked for it once."""
    flink = Flink()
    flink.answers["/config"] = (403, {})

    async def poll_twice(source: FlinkSource) -> Inventory:
        await source.fetch_inventory()
        return await source.fetch_inventory()

    assert run(flink.source(poll_twice)).jobs[0].engine_version == ""
    assert flink.asked().count("/config") == 1


@pytest.mark.parametrize("body", [[], {}, {"jobs": None}, {"jobs": {}}, "text", None])
def test_listing_that_is_none_fails_instead_of_ending_every_job(body: object) -> None:
    """The login page of a proxy, as JSON or not, is not an empty cluster."""
    flink = Flink()
    flink.answers["/jobs/overview"] = (200, body)
    with pytest.raises(FetchError) as caught:
        flink.inventory()
    assert caught.value.reason is Reason.INVALID_RESPONSE
    assert not caught.value.gone


def test_details_take_exactly_the_calls_they_cost() -> None:
    """Once the names of the metrics are known: the job and four questions about it."""
    flink = Flink()
    platform = load("apache_flink")

    async def ask_twice(source: FlinkSource) -> Details:
        await source.fetch_details(listed())
        flink.asked()
        return await source.fetch_details(listed())

    details = run(flink.source(ask_twice))
    assert flink.asked() == [
        f"/jobs/{JID}",
        f"/jobs/{JID}/checkpoints",
        f"/jobs/{JID}/exceptions?maxExceptions=1",
        f"/jobs/{JID}/metrics?get=numRestarts,fullRestarts",
        f"/jobs/{JID}/vertices/{SOURCE_VERTEX}/subtasks/metrics?agg=min,max&get={LAG}",
    ]
    settings = Settings(name="f", platform="apache_flink", endpoint="http://flink")
    cost = platform.cost(settings, 10)
    assert (cost.per_inventory, cost.per_details) == (1, 5)
    assert (details.job.restart_times, details.job.input_delay_seconds) == (3, 9.0)
    assert details.job.state_since_timestamp == EPOCH - 3600
    assert details.failures == ()
    assert details.flaws == Flaws()


def test_input_delay_can_be_switched_off() -> None:
    """It costs a call for each job and pass."""
    flink = Flink(input_delay=False)
    assert flink.details().job.input_delay_seconds is None
    assert len(flink.asked()) == 4
    settings = Settings(
        name="f", platform="apache_flink", endpoint="http://flink", input_delay=False
    )
    assert load("apache_flink").cost(settings, 10).per_details == 4


def test_names_of_a_young_job_are_not_kept() -> None:
    """Operators register one by one, so that an early list may lack the one that matters."""
    flink = Flink()
    flink.answers[f"/jobs/{JID}"] = graph(timestamps={"RUNNING": NOW_MS - 1000})

    async def story(source: FlinkSource) -> list[float | None]:
        known, flink.metrics = flink.metrics, {}
        delays = [(await source.fetch_details(listed())).job.input_delay_seconds]
        flink.metrics = known
        delays.append((await source.fetch_details(listed())).job.input_delay_seconds)
        return delays

    assert run(flink.source(story)) == [None, 9.0]


def test_names_are_forgotten_with_the_job() -> None:
    """What is kept is bounded by the listing."""
    flink = Flink()

    async def story(source: FlinkSource) -> list[str]:
        await source.fetch_details(listed())
        flink.answers["/jobs/overview"] = {"jobs": []}
        await source.fetch_inventory()
        flink.asked()
        await source.fetch_details(listed())
        return flink.asked()

    names = f"/jobs/{JID}/vertices/{SOURCE_VERTEX}/subtasks/metrics"
    assert names in run(flink.source(story))


def test_vertex_behind_a_source_without_event_time_is_asked() -> None:
    """The watermark may be made there, as in SQL jobs whose assigner is not chained."""
    flink = Flink()
    flink.metrics = {
        SOURCE_VERTEX: [metric(SOURCE, NO_WATERMARK, NO_WATERMARK)],
        SINK_VERTEX: [metric("currentInputWatermark", NOW_MS - 4000, NOW_MS)],
    }
    assert flink.details().job.input_delay_seconds == 4.0


def test_job_without_event_time_has_no_delay() -> None:
    """-2^63 everywhere, as in a real job: unknown is not zero."""
    flink = Flink()
    flink.metrics = {
        SOURCE_VERTEX: [metric(SOURCE, NO_WATERMARK, NO_WATERMARK)],
        SINK_VERTEX: [metric("currentInputWatermark", NO_WATERMARK, NO_WATERMARK)],
    }
    details = flink.details()
    assert details.job.input_delay_seconds is None
    assert details.failures == ()


def test_subtasks_are_asked_one_by_one_where_some_are_idle() -> None:
    """The one that lags an hour would hide between an idle one and one that is up to date."""
    flink = Flink()
    flink.metrics = {SOURCE_VERTEX: [metric(SOURCE, NO_WATERMARK, NOW_MS - 1000)]}
    flink.answers[f"/jobs/{JID}/vertices/{SOURCE_VERTEX}/metrics"] = [
        {"id": f"0.{SOURCE}", "value": str(NO_WATERMARK)},
        {"id": f"1.{SOURCE}", "value": str(NOW_MS - 3_600_000)},
    ]
    assert flink.details().job.input_delay_seconds == 3600.0
    wanted = f"0.{SOURCE},1.{SOURCE}"
    path = f"/jobs/{JID}/vertices/{SOURCE_VERTEX}/metrics?get={wanted}"
    assert flink.asked().count(path) == 1


def test_vertex_of_too_many_subtasks_leaves_the_answer_to_the_next() -> None:
    """A vertex behind it leaves out idle inputs by itself, in one call."""
    flink = Flink()
    flink.answers[f"/jobs/{JID}"] = graph(
        plan={
            "nodes": [
                {"id": SOURCE_VERTEX, "parallelism": 500},
                {"id": SINK_VERTEX, "parallelism": 2, "inputs": [{"id": SOURCE_VERTEX}]},
            ]
        }
    )
    flink.metrics = {
        SOURCE_VERTEX: [metric(SOURCE, NO_WATERMARK, NOW_MS - 1000)],
        SINK_VERTEX: [metric("currentInputWatermark", NOW_MS - 8000, NOW_MS - 8000)],
    }
    assert flink.details().job.input_delay_seconds == 8.0


def test_delay_is_unknown_when_a_source_did_not_answer() -> None:
    """The one that failed may be the one that lags."""
    flink = Flink()
    flink.answers[f"/jobs/{JID}"] = graph(
        plan={"nodes": [{"id": SOURCE_VERTEX}, {"id": SINK_VERTEX}]}
    )
    flink.answers[f"/jobs/{JID}/vertices/{SINK_VERTEX}/subtasks/metrics"] = (400, {})
    details = flink.details()
    assert details.job.input_delay_seconds is None
    assert [failure.status for failure in details.failures] == [400]


@pytest.mark.parametrize("part", ["metrics", "checkpoints", "exceptions"])
def test_part_that_fails_does_not_hurt_the_rest(part: str) -> None:
    """The job is known, and the failure is told."""
    flink = Flink()
    flink.answers[f"/jobs/{JID}/{part}"] = (500, {"errors": ["Internal server error."]})
    details = flink.details()
    assert details.job.state is State.RUNNING
    assert details.job.input_delay_seconds == 9.0
    assert [failure.operation for failure in details.failures] == [f"/jobs/:jobid/{part}"]
    assert (details.job.restart_times is None) == (part == "metrics")
    assert (details.job.checkpoints_failed is None) == (part == "checkpoints")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, "Checkpointing has not been enabled."),
        (404, f"org.apache.flink.runtime.rest.NotFoundException: Job {JID} not found"),
        (500, "x.UnavailableDispatcherOperationException: while the JobManager is initializing"),
    ],
)
def test_part_that_cannot_be_is_no_failure(status: int, error: str) -> None:
    """Jobs without checkpoints are healthy, and those that vanish or begin are told of later."""
    flink = Flink()
    flink.answers[f"/jobs/{JID}/checkpoints"] = (status, {"errors": ["", error]})
    details = flink.details()
    assert (details.failures, details.job.checkpoints_failed) == ((), None)
    assert flink.asked().count(f"/jobs/{JID}/checkpoints") == 1


def test_initializing_job_is_not_asked_what_it_cannot_know() -> None:
    """Flink would answer 500 about its checkpoints."""
    flink = Flink()
    flink.answers[f"/jobs/{JID}"] = graph("INITIALIZING", plan={}, vertices=[])
    assert flink.details().job.state is State.STARTING
    assert flink.asked() == [f"/jobs/{JID}", f"/jobs/{JID}/exceptions?maxExceptions=1"]


def test_ended_job_has_no_metrics_to_ask_for() -> None:
    """Its checkpoints and exceptions are kept, its metrics are an empty list."""
    flink = Flink()
    flink.answers[f"/jobs/{JID}"] = graph("FAILED")
    assert flink.details().job.restart_times is None
    assert flink.asked() == [
        f"/jobs/{JID}",
        f"/jobs/{JID}/checkpoints",
        f"/jobs/{JID}/exceptions?maxExceptions=1",
    ]


def test_answer_out_of_a_cache_does_not_let_an_ended_job_live_again() -> None:
    flink = Flink()
    details = run(flink.source(lambda source: source.fetch_details(listed().at(EPOCH))))
    assert details.job.observed_timestamp == EPOCH
    ended = parse_overview({"jobs": [row(state="FAILED")]}, EPOCH, Flaws())[0]
    details = run(flink.source(lambda source: source.fetch_details(ended)))
    assert details.job.native_status == "RUNNING"
    assert details.job.observed_timestamp < ended.observed_timestamp
    assert merge(ended, details.job).state is State.FAILED
    assert merge(ended, details.job).restart_times == 3


def test_details_of_a_job_flink_forgot_are_gone() -> None:
    """After a restart of the JobManager, ended jobs are unknown."""
    flink = Flink()
    flink.answers[f"/jobs/{JID}"] = (404, NOT_FOUND)
    with pytest.raises(FetchError) as caught:
        flink.details()
    assert caught.value.gone


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((503, NO_LEADER), Reason.SERVER),
        ((404, {}), Reason.NOT_FOUND),
        (httpx.ConnectError("refused"), Reason.CONNECTION),
        (graph(jid=OTHER_JID), Reason.INVALID_RESPONSE),
        ([], Reason.INVALID_RESPONSE),
    ],
)
def test_job_is_not_gone_while_the_cluster_is_in_trouble(answer: Any, reason: Reason) -> None:
    """A JobManager that restarts, moves, or whose proxy is lost, says nothing about jobs."""
    flink = Flink()
    flink.answers[f"/jobs/{JID}"] = answer
    with pytest.raises(FetchError) as caught:
        flink.details()
    assert (caught.value.reason, caught.value.gone) == (reason, False)


def test_chosen_ids_are_asked_instead_of_the_listing() -> None:
    """One that Flink forgot is left out; the listing is whole all the same."""
    flink = Flink(jobs={"ids": [JID, OTHER_JID]})
    flink.answers[f"/jobs/{OTHER_JID}"] = (404, {"errors": [f"Job {OTHER_JID} not found"]})
    inventory = flink.inventory()
    assert [job.job_id for job in inventory.jobs] == [JID]
    assert inventory.incomplete == ()
    assert flink.asked() == ["/config", f"/jobs/{JID}", f"/jobs/{OTHER_JID}"]
    selection = JobSelection(ids=(JID, OTHER_JID))
    settings = Settings(name="f", platform="apache_flink", endpoint="http://f", jobs=selection)
    assert load("apache_flink").cost(settings, 2).per_inventory == 2


def test_chosen_id_without_an_answer_makes_the_inventory_incomplete() -> None:
    """What was known of that job stays; when none answers, the source is down."""
    flink = Flink(jobs={"ids": [JID, OTHER_JID]})
    flink.answers[f"/jobs/{OTHER_JID}"] = (503, NO_LEADER)
    assert [project for project, _ in flink.inventory().incomplete] == [""]
    flink.answers[f"/jobs/{JID}"] = (503, NO_LEADER)
    with pytest.raises(FetchError):
        flink.inventory()


# Several JobManagers, and logging in.

PAIR = {"endpoint": None, "endpoints": ["http://one:8081", "http://two:8081"]}


@pytest.mark.parametrize("trouble", [httpx.ConnectError("refused"), (503, NO_LEADER), (307, {})])
def test_next_job_manager_is_asked_when_one_cannot_answer(trouble: Any) -> None:
    """The other one is asked from then on, and nothing follows a redirect."""
    flink = Flink(**PAIR)
    healthy = flink.handle
    hosts: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        hosts.append(request.url.host)
        if request.url.host == "two":
            return healthy(request)
        if isinstance(trouble, Exception):
            raise trouble
        return httpx.Response(
            trouble[0], json=trouble[1], headers={"location": "http://three:8081/jobs/overview"}
        )

    async def poll_twice(source: FlinkSource) -> Inventory:
        await source.fetch_inventory()
        return await source.fetch_inventory()

    assert len(run(open_source(handle, **PAIR)(poll_twice)).jobs) == 1
    assert hosts == ["one", "one", "one", "two", "two", "two"]


def test_requests_beside_each_other_move_on_once() -> None:
    """The second failure must not move back to the JobManager that is down."""
    flink = Flink(**PAIR)
    healthy = flink.handle
    hosts: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        hosts.append(request.url.host)
        if request.url.host == "one":
            raise httpx.ConnectError("refused")
        return healthy(request)

    async def ask_at_once(source: FlinkSource) -> int:
        questions = (source.fetch_details(listed()) for _ in range(3))
        await asyncio.gather(*questions)
        hosts.clear()
        await source.fetch_details(listed())
        return len(hosts)

    assert run(open_source(handle, **PAIR)(ask_at_once)) == 5
    assert set(hosts) == {"two"}


def test_source_is_down_when_no_job_manager_answers() -> None:
    """The failure of the last one is told."""
    flink = Flink(**PAIR)
    flink.answers["/jobs/overview"] = httpx.ConnectError("refused")
    with pytest.raises(FetchError) as caught:
        flink.inventory()
    assert caught.value.reason is Reason.CONNECTION
    assert {request.url.host for request in flink.requests} == {"one", "two"}


def test_refusal_that_holds_everywhere_is_not_taken_elsewhere() -> None:
    """A wrong password is as wrong for the other JobManager."""
    flink = Flink(**PAIR)
    flink.answers["/jobs/overview"] = (401, {})
    with pytest.raises(FetchError) as caught:
        flink.inventory()
    assert caught.value.reason is Reason.AUTH
    assert len(flink.requests) == 1


@pytest.mark.parametrize(
    ("auth", "header"),
    [
        ({"basic": {"username": "u", "password": "p"}}, "Basic dTpw"),
        ({"bearer": {"token": "t"}}, "Bearer t"),
        (None, None),
    ],
)
def test_login_is_sent_with_every_request(auth: object, header: str | None) -> None:
    """As the proxy before Flink asks for it."""
    flink = Flink(auth=auth)
    flink.inventory()
    assert {request.headers.get("authorization") for request in flink.requests} == {header}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give either endpoint or endpoints"),
        ({"endpoint": "http://a", "endpoints": ["http://b"]}, "give either endpoint or endpoints"),
        ({"endpoint": "http://a", "jobs": {"ids": ["orders"]}}, "32 hex digits"),
        ({"endpoint": "http://u:p@a"}, "without credentials"),
        ({"endpoint": "http://a", "auth": {}}, "give either basic or bearer"),
        ({"endpoint": "http://a", "region": "x"}, "Extra inputs"),
    ],
)
def test_settings_that_cannot_work_are_refused(options: dict[str, Any], message: str) -> None:
    """Before anything is asked."""
    with pytest.raises(ValidationError, match=message):
        Settings(name="flink", platform="apache_flink", **options)


def test_defaults_of_a_cluster_of_ones_own() -> None:
    """Flink is asked faster than a cloud, and runs of one name replace each other."""
    platform = load("apache_flink")
    settings = platform.settings(name="f", platform="apache_flink", endpoint="http://f")
    assert settings.rate_limit == 50
    assert platform.supersedes
    assert platform.name == "apache_flink"
