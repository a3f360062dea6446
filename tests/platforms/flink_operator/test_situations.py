"""Every situation of a resource is the state that its rule tells, whoever else may be asked."""

import pytest

from exporter.fields import Flaws, Record
from exporter.model import State
from exporter.vendors.flink_operator.jobs import describe
from exporter.vendors.flink_operator.resources import (
    DEPLOYMENTS,
    SESSION_JOBS,
    parse_resource,
)
from tests.operator_situations import SITUATIONS, STARTED, UPDATED, Situation
from tests.platforms.flink_operator.clusters import World, by_id, healthy
from tests.virtual_time import EPOCH


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda each: each.name)
def test_situation_is_told_as_its_rule_says(situation: Situation) -> None:
    world = World()
    world.put(situation)
    if situation.deleting:
        world.cluster.objects(situation.plural).delete("streams", situation.name)
    found = world.inventory(details="none")
    job = by_id(found)[situation.name]
    assert job.state is situation.state
    assert job.native_status == (situation.job or situation.lifecycle or "NO_STATUS")
    assert (job.expected_state, job.expected_running) == (
        situation.desired,
        situation.expected_running,
    )
    assert (job.error_id, job.error_type) == (situation.error_id, situation.error_type)
    assert found.flaws.unreadable == []
    assert found.flaws.unknown_states == []


def _judged(**words: str) -> State:
    situation = healthy("job", **words)
    kind = DEPLOYMENTS if situation.plural == "flinkdeployments" else SESSION_JOBS
    flaws = Flaws()
    resource = parse_resource(Record(situation.resource(), "row", flaws), kind, "streams", flaws)
    assert resource is not None
    return describe(resource, EPOCH, flaws).job.state


@pytest.mark.parametrize(
    ("words", "state"),
    [
        ({"lifecycle": "DELETED"}, State.STOPPING),
        ({"job": "FAILED"}, State.FAILED),
        ({"job": "FAILED", "lifecycle": "UPGRADING"}, State.RESTARTING),
        ({"lifecycle": "FAILED"}, State.FAILED),
        ({"lifecycle": "UPGRADING"}, State.RESTARTING),
        ({"lifecycle": "ROLLING_BACK", "desired": "suspended"}, State.STOPPING),
        ({"lifecycle": "SUSPENDED"}, State.STOPPING),
        ({"lifecycle": "SUSPENDED", "job": "CANCELED", "desired": "suspended"}, State.SUSPENDED),
        ({"lifecycle": "SUSPENDED", "job": "FINISHED"}, State.SUSPENDED),
        ({"desired": "suspended"}, State.STOPPING),
        ({"job": "INITIALIZING"}, State.STARTING),
        ({"job": "CREATED"}, State.STARTING),
        ({"job": "FAILING"}, State.RESTARTING),
        ({"job": "CANCELLING"}, State.STOPPING),
        ({"job": "CANCELED"}, State.STOPPED),
        ({"job": "FINISHED"}, State.FINISHED),
        ({"job": "FINISHED", "in_force": "suspended"}, State.UNKNOWN),
        ({"job": "SUSPENDED"}, State.SUSPENDED),
        ({"job": "PONDERING"}, State.UNKNOWN),
        ({"job": "RECONCILING"}, State.UNKNOWN),
        ({"job": "RECONCILING", "manager": "DEPLOYING"}, State.RESTARTING),
        ({"job": "RECONCILING", "manager": "MISSING"}, State.UNKNOWN),
        ({"lifecycle": "", "in_force": "suspended", "job": "FINISHED"}, State.SUSPENDED),
        ({"lifecycle": "", "step": "UPGRADING"}, State.RESTARTING),
        ({"lifecycle": "", "job": "FINISHED"}, State.FINISHED),
    ],
)
def test_rules_decide_in_their_order(words: dict[str, str], state: State) -> None:
    assert _judged(**words) is state


def test_upgrade_of_what_never_ran_is_a_start() -> None:
    situation = healthy("job", lifecycle="UPGRADING", job="RECONCILING", stable=False, seen=False)
    world = World()
    world.put(situation)
    assert by_id(world.inventory())["job"].state is State.STARTING


def test_times_are_told_where_the_operator_saw_them() -> None:
    world = World()
    world.put(healthy("runs"))
    world.put(healthy("done", job="FINISHED"))
    world.put(healthy("lost", job="RECONCILING"))
    world.put(healthy("held", job="FINISHED", lifecycle="SUSPENDED", in_force="suspended"))
    jobs = by_id(world.inventory(details="none"))
    times = {
        name: (job.start_timestamp, job.end_timestamp, job.state_since_timestamp)
        for name, job in jobs.items()
    }
    assert times == {
        "runs": (STARTED, None, UPDATED),
        "done": (STARTED, UPDATED, UPDATED),
        "lost": (None, None, None),
        "held": (None, None, None),
    }


def test_new_words_are_counted_and_hurt_nothing() -> None:
    world = World()
    world.put(healthy("odd", lifecycle="PAUSED", manager="DREAMING"))
    found = world.inventory()
    assert by_id(found)["odd"].state is State.RUNNING
    assert sorted(found.flaws.unknown_states) == ["DREAMING", "PAUSED"]


def test_session_clusters_and_the_operators_own_dummy_are_no_jobs() -> None:
    world = World()
    world.cluster.put("flinkdeployments", {"metadata": _named("session"), "spec": {}})
    labels = {"labels": {"flink.apache.org/canary": "true"}}
    canary = {"metadata": {**_named("canary"), **labels}, "spec": {"job": {}}}
    world.cluster.put("flinkdeployments", canary)
    assert world.inventory().jobs == ()


def _named(name: str) -> dict[str, str]:
    return {"namespace": "streams", "name": name}


def test_what_is_secret_or_never_read_is_nowhere() -> None:
    world = World()
    world.healthy("job")
    found = world.inventory()
    told = repr([(job, job.error_text) for job in found.jobs])
    assert "never-shown" not in told
    assert "kept-nowhere" not in told
