"""Every row of the table of states, and what of a connector is told in each."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.model import State
from exporter.simulator.kafka_connect.bodies import SimulatedTask
from exporter.vendors.kafka_connect.states import STATES
from tests.platforms.kafka_connect.workers import Watch, World, connector, list_once, watching

TRACE = "a.b.ConnectException: x\n\tat y\nCaused by: c.d.CauseException: z\n"
ROWS = [
    ("FAILED", (), 2, State.FAILED),
    ("FAILED", ("RUNNING",), None, State.FAILED),
    ("STOPPED", ("RUNNING", "UNASSIGNED"), None, State.STOPPED),
    ("STOPPED", (), 0, State.STOPPED),
    ("PAUSED", ("PAUSED",), None, State.SUSPENDED),
    ("PAUSED", ("FAILED",), None, State.SUSPENDED),
    ("UNASSIGNED", ("RUNNING",), None, State.STARTING),
    ("RESTARTING", ("RUNNING",), None, State.RESTARTING),
    ("RUNNING", ("RUNNING", "FAILED"), None, State.FAILED),
    ("RUNNING", ("RESTARTING", "FAILED"), None, State.FAILED),
    ("RUNNING", ("RUNNING", "RESTARTING"), None, State.RESTARTING),
    ("RUNNING", ("UNASSIGNED",), None, State.RESTARTING),
    ("RUNNING", ("RUNNING", "PAUSED"), None, State.STARTING),
    ("RUNNING", (), 2, State.STARTING),
    ("RUNNING", (), 0, State.RUNNING),
    ("RUNNING", ("RUNNING", "RUNNING"), None, State.RUNNING),
    ("running", ("Running",), None, State.RUNNING),
    ("RUNNING", ("RUNNING", "HIBERNATING"), None, State.UNKNOWN),
    ("DESTROYED", (), 0, State.UNKNOWN),
    ("PROVISIONING", (), 0, State.STARTING),
    ("Degraded", ("RUNNING", "FAILED"), None, State.FAILED),
    ("DELETING", ("RUNNING",), None, State.STOPPING),
]


@pytest.mark.parametrize(("word", "tasks", "configured", "state"), ROWS)
def test_connector_is_judged_by_its_word_and_its_tasks(
    word: str, tasks: tuple[str, ...], configured: int | None, state: State
) -> None:
    world = World()
    world.show(connector("orders", word, *tasks, configured_tasks=configured))
    (job,) = list_once(world).jobs
    assert (job.state, job.native_status) == (state, word)
    wanted = (
        None if state is State.UNKNOWN else word.upper() not in ("PAUSED", "STOPPED", "DELETING")
    )
    assert job.expected_running is wanted


def test_connector_that_ran_before_and_is_unassigned_is_restarting() -> None:
    """Its tasks say RUNNING all the while: of a worker that has left."""

    async def story(watch: Watch) -> list[State]:
        watch.world.show(connector("orders", "UNASSIGNED", "UNASSIGNED"))
        first = await watch.states()
        watch.world.show(connector("orders", "RUNNING", "RUNNING"))
        await watch.poll()
        watch.world.show(connector("orders", "UNASSIGNED", "RUNNING"))
        moved = await watch.job()
        assert [node.state for node in moved.nodes] == [State.RESTARTING, State.RUNNING]
        watch.world.show(connector("other"))
        await watch.poll(2)
        # Another one of its name has not run yet.
        watch.world.show(connector("orders", "UNASSIGNED"))
        return [first["orders"], moved.state, (await watch.states())["orders"]]

    assert watching(World(), story) == [State.STARTING, State.RESTARTING, State.STARTING]


def test_connector_without_tasks_shows_that_it_has_none() -> None:
    world = World()
    world.show(connector("idle", configured_tasks=0))
    (job,) = list_once(world).jobs
    assert dict(job.tasks) == dict.fromkeys(
        ("failed", "paused", "restarting", "running", "unassigned"), 0
    )
    assert job.parallelism == 0


def test_error_is_that_of_the_connector_or_of_its_first_failed_task() -> None:
    failed = connector("task", "RUNNING", "RUNNING", "FAILED", "FAILED")
    tasks = [
        failed.tasks[0],
        replace(failed.tasks[1], trace=TRACE),
        replace(failed.tasks[2], trace="e.f.OtherException: later"),
    ]
    world = World()
    world.show(
        replace(failed, tasks=tuple(tasks)),
        connector("start", "FAILED", trace="g.h.ConfigException: ü中"),
    )
    jobs = {job.job_name: job for job in list_once(world).jobs}
    task, start = jobs["task"], jobs["start"]
    assert (task.error_id, task.error_type) == ("a.b.ConnectException", "c.d.CauseException")
    assert task.error_text == TRACE
    assert (start.error_type, start.error_text) == (
        "g.h.ConfigException",
        "g.h.ConfigException: ü中",
    )


def test_trace_of_what_is_restarting_is_no_error() -> None:
    """It stays beside a task until the task runs again."""
    world = World()
    task = SimulatedTask(task_id=0, state="RESTARTING", worker_id="w:1", trace=TRACE)
    world.show(replace(connector(), tasks=(task,)))
    (job,) = list_once(world).jobs
    assert (job.state, job.error_type, job.error_text) == (State.RESTARTING, "", "")


def test_error_goes_with_the_failure() -> None:
    async def story(watch: Watch) -> list[str]:
        watch.world.show(connector("orders", "FAILED", trace=TRACE))
        failed = await watch.job()
        watch.world.show(connector("orders", "RUNNING", "RUNNING"))
        return [failed.error_type, (await watch.job()).error_type, (await watch.job()).error_type]

    assert watching(World(), story) == ["c.d.CauseException", "", ""]


def test_tasks_are_nodes_with_their_worker_and_the_connector_is_one_with_its_class() -> None:
    world = World()
    config = {"connector.class": "io.acme.Sink", "tasks.max": "2", "db.password": "s3cret"}
    world.show(
        connector("orders", "RUNNING", "RUNNING", "FAILED", task_worker="w:2", config=config)
    )
    (job,) = list_once(world).jobs
    assert [(each.name, each.node_type, each.state, each.run_id) for each in job.nodes] == [
        ("connector", "io.acme.Sink", State.RUNNING, "connect-1:8083"),
        ("task-0", "task", State.RUNNING, "w:2"),
        ("task-1", "task", State.FAILED, "w:2"),
    ]
    assert "s3cret" not in repr(job)


def test_what_connect_does_not_tell_is_not_known() -> None:
    world = World()
    world.show(connector("orders", "RUNNING", "RUNNING", kind="unknown"))
    (job,) = list_once(world).jobs
    for name in ("start_timestamp", "duration_seconds", "restart_times", "input_delay_seconds"):
        assert getattr(job, name) is None
    assert (job.run_id, job.job_type) == ("", "")


def test_version_is_that_of_the_plugin_where_it_is_told() -> None:
    def told(version: str) -> str:
        world = World(version=version)
        world.show(connector("orders", version="" if version == "3.9.0" else "2.7.1"))
        (job,) = list_once(world).jobs
        return job.engine_version

    assert (told("4.3.0"), told("3.9.0")) == ("2.7.1", "")


def test_documented_words_are_those_of_the_state_map() -> None:
    page = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text()
    rows = [line.split("|") for line in page[page.index("## States") :].splitlines() if "|" in line]
    column = [cell.strip() for cell in rows[0]].index("Kafka Connect")
    documented = {
        (word.casefold(), row[1].strip(" `"))
        for row in rows[2:]
        for word in re.findall(r"[A-Z_]{4,}", row[column])
    }
    assert documented == {(word, state.value) for word, state in STATES.items()}
