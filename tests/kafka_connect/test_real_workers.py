"""What the exporter says of real Kafka Connect workers is what is so, whatever they say.

The tests tell one story, in this order: a cluster is started once, and its workers and its broker
die one after the other.
"""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from exporter.errors import Reason
from exporter.model import ProblemKind, State
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet
from exporter.simulator.kafka_connect.bodies import SimulatedConnector, SimulatedTask
from exporter.simulator.kafka_connect.cluster import ConnectCluster as SimulatedCluster
from exporter.simulator.kafka_connect.service import Worker
from exporter.upstream.refusals import Answer
from exporter.upstream.refusals.kafka_connect import STARTING, read_refusal
from tests.kafka_connect.shapes import shape_of
from tests.kafka_connect.stage import Stage

pytestmark = pytest.mark.xdist_group("real")

PASSWORD = "hunter2-in-the-clear"
TROUBLE = {
    "connector.class": "TroubleConnector",
    "tasks.max": "2",
    "connection.password": PASSWORD,
}
SINK = {
    "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
    "tasks.max": "1",
    "topics": "nothing",
    "file": "/nonexistent/folder/file",
}
SLASHED = "with/slash"
"""A name that no worker of 4.x takes in a path: not even from another worker, which wants to tell
it of the tasks of its connector. So there it has tasks by luck only."""
WELL = {
    SLASHED: State.RUNNING,
    "well": State.RUNNING,
    "also": State.RUNNING,
    "idle": State.RUNNING,
    "start": State.FAILED,
    "task": State.FAILED,
    "sink": State.FAILED,
}
LIVING = ("well", "also")
TASKS = {
    **{name: ("RUNNING", "RUNNING", "RUNNING") for name in LIVING},
    "task": ("RUNNING", "FAILED", "FAILED"),
    "sink": ("RUNNING", "FAILED"),
}
"""What connectors and their tasks are, once they are settled: tasks come later than connectors."""


@pytest.fixture(scope="module", autouse=True)
def _connectors(stage: Stage) -> None:
    """Create one of each kind; the cluster and all in it are gone at the end."""
    cluster = stage.cluster
    troubles = {
        "well": "never",
        "also": "never",
        "idle": "no-tasks",
        "start": "start",
        "task": "task",
    }
    configs = {name: TROUBLE | {"trouble": trouble} for name, trouble in troubles.items()}
    configs |= {"sink": SINK, SLASHED: TROUBLE | {"trouble": "no-tasks"}}
    # Each is followed by a rebalance, which takes seconds; together they share some.
    with ThreadPoolExecutor(len(configs)) as pool:
        list(pool.map(lambda each: cluster.create(*each), configs.items()))
    for name, words in TASKS.items():
        cluster.wait_for(name, *words)
    stage.wait_for(WELL)


def test_worker_that_starts_says_so_of_everything(stage: Stage) -> None:
    """Every path is a page of Jetty's, which is neither an old version nor a connector gone."""
    pages = [each for each in stage.cluster.starting if each.status_code == 404]
    assert pages, "no worker was met while it started"
    for page in pages:
        headers = {name.lower(): value for name, value in page.headers.items()}
        refusal = read_refusal(Answer(page.status_code, headers, page.content))
        assert refusal is not None
        assert (refusal.reason, refusal.code, refusal.gone) == (Reason.SERVER, STARTING, False)


def test_failed_task_is_a_failed_connector_with_its_cause(stage: Stage) -> None:
    jobs = stage.jobs()
    task, start, sink = jobs["task"], jobs["start"], jobs["sink"]
    assert task.error_id == "org.apache.kafka.connect.errors.ConnectException"
    assert task.error_type == "java.lang.IllegalStateException"
    assert "the cause, ü中" in task.error_text
    assert (start.state, start.error_type) == (
        State.FAILED,
        "org.apache.kafka.connect.errors.ConnectException",
    )
    assert sink.error_type == "java.nio.file.NoSuchFileException"
    assert [node.state for node in task.nodes] == [State.RUNNING, State.FAILED, State.FAILED]
    assert {node.run_id for job in jobs.values() for node in job.nodes} <= {
        *stage.cluster.worker_ids
    }


def test_each_failure_is_one_problem(stage: Stage) -> None:
    assert _problems(stage, ProblemKind.FAILED) == ["sink", "start", "task"]


def test_connector_without_tasks_runs_and_shows_that_it_has_none(stage: Stage) -> None:
    idle = stage.jobs()["idle"]
    assert (idle.state, sum(number for _, number in idle.tasks)) == (State.RUNNING, 0)


def test_password_that_every_listing_shows_is_nowhere(stage: Stage) -> None:
    assert PASSWORD in stage.cluster.answer("/connectors?expand=info").text
    snapshot = stage.poll()
    assert PASSWORD not in repr(snapshot) + stage.page() + repr(stage.log.lines)


def test_simulated_worker_answers_as_a_real_one(stage: Stage) -> None:
    """The same connectors on both, with the same names of fields and kinds of values."""
    version = stage.cluster.version
    simulated = _simulated(version)
    for path in (
        *("/", "/health", "/connectors", "/connectors/task", "/connectors/task/status"),
        *("/connectors?expand=status&expand=info", "/connectors?expand=status,info"),
        *(
            "/connectors/nobody/status",
            "/connectors/nobody",
            "/nothing",
            "/connectors/a%2Fb/status",
        ),
    ):
        real, made = stage.cluster.answer(path), _ask(simulated, path)
        assert made.status_code == real.status_code, path
        if real.text.startswith("<"):
            assert made.text.startswith("<"), path
        else:
            assert shape_of(made.json()) == shape_of(real.json()), path
    headers = {"Accept": "text/html"}
    assert stage.cluster.answer("/connectors", headers=headers).status_code == 406
    assert _ask(simulated, "/connectors", headers=headers).status_code == 406


def test_paused_stopped_and_resumed_connectors_are_seen(stage: Stage) -> None:
    cluster = stage.cluster
    cluster.pause("well")
    cluster.stop_connector("also")
    stage.wait_for(WELL | {"well": State.SUSPENDED, "also": State.STOPPED})
    assert [stage.jobs()[name].expected_running for name in LIVING] == [False, False]
    cluster.resume("well")
    cluster.resume("also")
    stage.wait_for(WELL)


def test_connector_that_was_mended_and_restarted_runs(stage: Stage) -> None:
    stage.cluster.put("task", TROUBLE | {"trouble": "never"})
    stage.cluster.restart("task")
    # The old task starts once more, and fails, before the new one does.
    stage.wait_for(WELL | {"task": State.RUNNING}, {"task": ""})


def test_deleted_connectors_leave_whatever_their_status_says(stage: Stage) -> None:
    deleted = ("task", "sink")
    with ThreadPoolExecutor(len(deleted)) as pool:
        list(pool.map(stage.cluster.delete, deleted))
    stage.wait_for({name: state for name, state in WELL.items() if name not in deleted})


def test_what_ran_on_a_killed_worker_is_restarting_within_two_polls(stage: Stage) -> None:
    """Connect goes on to call all of it RUNNING until it moves it."""
    cluster = stage.cluster
    second = cluster.worker_ids[1]
    there = _wait_for_calm(stage, second)
    cluster.kill_worker(1)
    seen = stage.jobs(2)
    assert {name for name, job in seen.items() if job.state is State.RESTARTING} == there
    assert all(set(cluster.words(name)) == {"RUNNING"} for name in there)
    assert _problems(stage, ProblemKind.STUCK) == sorted(there)
    stage.wait_for({name: WELL[name] for name in seen})
    assert _problems(stage, ProblemKind.STUCK) == []


def test_source_whose_broker_died_is_down_within_two_polls_and_keeps_what_it_knew(
    stage: Stage,
) -> None:
    """Its worker goes on to list everything as RUNNING, with status 200."""
    before = stage.states()
    stage.cluster.kill_broker()
    snapshot = stage.poll(2)
    assert snapshot.up is False
    assert {job.job_name: job.state for job in snapshot.jobs} == before
    assert stage.cluster.answer("/connectors?expand=status").status_code == 200
    assert set(stage.cluster.words("well")) == {"RUNNING"}
    assert _problems(stage, ProblemKind.STUCK) == []


def _problems(stage: Stage, kind: ProblemKind) -> list[str]:
    """Return the connectors that have a problem, which is this one and no other."""
    found = [each for each in stage.poll().problems if each.kind is not ProblemKind.GONE]
    others = {"start"} if kind is not ProblemKind.FAILED else set()
    found = [each for each in found if each.job_name not in others]
    assert {each.kind for each in found} <= {kind}
    return sorted(each.job_name for each in found)


def _wait_for_calm(stage: Stage, worker_id: str) -> set[str]:
    """Wait until nothing is moved any more, and return what stands on a worker."""
    calm, before = 0, set[str]()
    deadline = time.monotonic() + 90
    while calm < 8 or not before:
        jobs = stage.jobs()
        there = {
            name
            for name, job in jobs.items()
            if job.state is State.RUNNING and worker_id in {each.run_id for each in job.nodes}
        }
        calm, before = (calm + 1 if there == before else 0), there
        assert time.monotonic() < deadline, (there, stage.cluster.get("/connectors?expand=status"))
        time.sleep(0.5)
    return before


def _simulated(version: str) -> Worker:
    cluster = SimulatedCluster(Fleet(seed=1, started_at=0.0, jobs=0), version=version)
    told = "1.0" if version.startswith("4.") else ""
    failed = [
        SimulatedTask(task_id=number, state="FAILED", worker_id="w:1", trace="a.b.C: d")
        for number in range(2)
    ]
    running = [SimulatedTask(task_id=n, state="RUNNING", worker_id="w:1") for n in range(2)]
    parts: dict[str, dict[str, Any]] = {
        "well": {"tasks": tuple(running), "config": TROUBLE},
        "also": {"tasks": tuple(running), "config": TROUBLE},
        "idle": {"config": TROUBLE},
        "start": {"state": "FAILED", "trace": "a.b.C: d", "config": TROUBLE},
        "task": {"tasks": tuple(failed), "config": TROUBLE},
        SLASHED: {"config": TROUBLE},
        "sink": {"tasks": tuple(failed[:1]), "config": SINK, "kind": "sink"},
    }
    cluster.extra = {
        name: SimulatedConnector(
            **{"name": name, "state": "RUNNING", "worker_id": "w:1", "version": told, **given}
        )
        for name, given in parts.items()
    }
    return Worker(cluster, faults=FaultInjection(), clock=lambda: 0.0)


def _ask(worker: Worker, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=worker.app())
        async with httpx.AsyncClient(transport=transport, base_url="http://worker") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(ask())
