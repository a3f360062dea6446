"""What Connect says and is not so: of workers and brokers that died, and of what was deleted."""

import httpx
import pytest

from exporter.errors import FetchError, Reason
from exporter.model import ProblemKind, State
from exporter.simulator.kafka_connect.bodies import STARTING_PAGE
from exporter.simulator.kafka_connect.cluster import WORKERS
from exporter.simulator.kafka_connect.service import ConnectLogin
from tests.platforms.kafka_connect.workers import (
    Watch,
    World,
    ask_about,
    connector,
    list_once,
    watching,
)

FIRST, SECOND = WORKERS


def test_what_stands_on_a_worker_that_died_is_restarting_within_two_polls() -> None:
    """Every listing goes on to call it RUNNING until it is moved, five minutes later."""

    async def story(watch: Watch) -> list[dict[str, State]]:
        watch.world.show(
            connector("moved", "RUNNING", "RUNNING", task_worker=SECOND),
            connector("led", "RUNNING", "RUNNING", worker_id=SECOND),
            connector("idle", "RUNNING", worker_id=SECOND, configured_tasks=0),
            connector("stays", "RUNNING", "RUNNING"),
            connector("stopped", "STOPPED", worker_id=SECOND),
        )
        seen = [await watch.states()]
        watch.world.dead.add(SECOND)
        seen.append(await watch.states(2))
        watch.world.show(
            connector("moved", "RUNNING", "RUNNING"),
            connector("led", "RUNNING", "RUNNING"),
            connector("idle", "RUNNING", configured_tasks=0),
            connector("stays", "RUNNING", "RUNNING"),
            connector("stopped", "STOPPED"),
        )
        seen.append(await watch.states())
        return seen

    well = {
        **dict.fromkeys(("moved", "led", "idle", "stays"), State.RUNNING),
        "stopped": State.STOPPED,
    }
    lost = {**well, **dict.fromkeys(("moved", "led", "idle"), State.RESTARTING)}
    assert watching(World(), story) == [well, lost, well]


def test_worker_that_hangs_is_as_one_that_died_and_holds_nobody_up() -> None:
    async def story(watch: Watch) -> tuple[State, float]:
        watch.world.show(connector("orders", "RUNNING", "RUNNING", task_worker=SECOND))
        await watch.poll()
        watch.world.hanging.add(SECOND)
        snapshot = await watch.poll(2)
        return snapshot.jobs[0].state, snapshot.poll_duration_seconds or 0.0

    state, seconds = watching(World(), story)
    assert state is State.RESTARTING
    assert seconds < 3.5


def test_worker_that_is_started_again_runs_nothing_yet() -> None:
    async def story(watch: Watch) -> list[State]:
        watch.world.show(connector("orders", "RUNNING", "RUNNING", task_worker=SECOND))
        await watch.poll()
        watch.world.workers[SECOND].condition.starting = True
        starting = await watch.states(2)
        watch.world.workers[SECOND].condition.starting = False
        return [starting["orders"], (await watch.states())["orders"]]

    assert watching(World(), story) == [State.RESTARTING, State.RUNNING]


def test_one_packet_that_is_lost_moves_nothing() -> None:
    async def story(watch: Watch) -> set[State]:
        watch.world.show(connector("orders", "RUNNING", "RUNNING", task_worker=SECOND))
        seen = set()
        for number in range(6):
            watch.world.dead = {SECOND} if number % 2 else set()
            seen |= set((await watch.states()).values())
        return seen

    assert watching(World(), story) == {State.RUNNING}


@pytest.mark.parametrize(
    "place",
    [
        "10.1.2.3:8083",
        "169.254.169.254:80",
        "127.0.0.1:8083",
        "not a place",
        "user@host:1",
        "h:1/p",
    ],
)
def test_worker_that_has_never_answered_at_its_address_is_not_missed(place: str) -> None:
    """From outside of a network of containers what workers advertise means nothing."""

    async def story(watch: Watch) -> set[State]:
        watch.world.show(connector("orders", "RUNNING", "RUNNING", task_worker=place))
        return set((await watch.states(4)).values())

    assert watching(World(), story) == {State.RUNNING}


def test_stranger_at_the_address_of_a_worker_is_not_missed_when_it_goes() -> None:
    place = "172.17.0.3:8083"
    world = World(strange={place: httpx.Response(200, json={"status": "ok"})})

    async def story(watch: Watch) -> set[State]:
        watch.world.show(connector("orders", "RUNNING", "RUNNING", task_worker=place))
        await watch.poll(2)
        watch.world.strange.clear()
        return set((await watch.states(3)).values())

    assert watching(world, story) == {State.RUNNING}


@pytest.mark.parametrize("place", ["169.254.169.254:80", "127.0.0.1:8083", "[::1]:8083"])
def test_address_that_nobody_may_ask_is_not_asked(place: str) -> None:
    world = World()
    world.show(connector("orders", "RUNNING", "RUNNING", task_worker=place))
    list_once(world)
    assert place not in {request.url.netloc.decode() for request in world.requests}


def test_worker_that_nobody_configured_is_shown_no_credentials() -> None:
    login = {"username": "monitor", "password": "s3cret"}
    world = World()
    world.show(connector("orders", "RUNNING", "RUNNING", task_worker=SECOND))
    list_once(world, endpoints=[f"http://{FIRST}"], auth={"basic": login})
    shown = {
        (each.url.netloc.decode(), each.url.path): "authorization" in each.headers
        for each in world.requests
    }
    assert shown == {
        (FIRST, "/health"): True,
        (FIRST, "/connectors"): True,
        (FIRST, "/"): False,
        (SECOND, "/"): False,
    }


def test_workers_are_not_looked_at_when_nobody_wants_it() -> None:
    world = World(dead={SECOND})
    world.show(connector("orders", "RUNNING", "RUNNING", task_worker=SECOND))

    async def story(watch: Watch) -> set[State]:
        return set((await watch.states(4)).values())

    assert watching(world, story, check_workers=False) == {State.RUNNING}
    assert world.asked("/") == []


def test_brokers_that_died_are_a_source_that_is_down_whatever_is_listed() -> None:
    async def story(watch: Watch) -> None:
        watch.world.show(connector("orders", "RUNNING", "RUNNING"))
        await watch.poll()
        for worker in watch.world.workers.values():
            worker.condition.brokers_gone = True
        snapshot = await watch.poll()
        assert (snapshot.up, snapshot.jobs[0].state) == (False, State.RUNNING)
        assert "unhealthy" in snapshot.failure
        for worker in watch.world.workers.values():
            worker.condition.brokers_gone = False
        assert (await watch.poll()).up

    watching(World(), story)


def test_worker_whose_health_hangs_is_as_one_that_is_unhealthy() -> None:
    """It waits for ten seconds itself, as we do."""
    world = World(hanging={FIRST, SECOND})
    with pytest.raises(FetchError) as caught:
        list_once(world)
    assert caught.value.reason is Reason.TIMEOUT
    assert world.asked("/connectors") == []


def test_failed_task_is_one_problem_and_no_other() -> None:
    async def story(watch: Watch) -> list[ProblemKind]:
        watch.world.show(connector("orders", "RUNNING", "RUNNING", "FAILED"))
        return [each.kind for each in (await watch.poll(2)).problems]

    assert watching(World(), story) == [ProblemKind.FAILED]


def test_worker_that_starts_is_passed_over_and_no_connector_is_gone() -> None:
    async def story(watch: Watch) -> None:
        watch.world.show(connector("orders", "RUNNING", "RUNNING"))
        await watch.poll()
        watch.world.workers[FIRST].condition.starting = True
        snapshot = await watch.poll()
        assert (snapshot.up, len(snapshot.jobs)) == (True, 1)
        watch.world.workers[SECOND].condition.starting = True
        snapshot = await watch.poll(3)
        assert (snapshot.up, len(snapshot.jobs), snapshot.gone) == (False, 1, ())
        assert "the worker is starting" in snapshot.failure

    watching(World(), story)


def test_page_that_a_starting_worker_answers_says_nothing_of_a_connector() -> None:
    world = World()
    world.show(connector("orders"))

    async def story(watch: Watch) -> FetchError:
        (job,) = (await watch.source.fetch_inventory()).jobs
        watch.world.show(connector("other"))
        await watch.source.fetch_inventory()
        for place in WORKERS:
            watch.world.strange[place] = httpx.Response(404, content=STARTING_PAGE)
        with pytest.raises(FetchError) as caught:
            await watch.source.fetch_details(job)
        return caught.value

    error = watching(world, story)
    assert (error.reason, error.gone) == (Reason.SERVER, False)


def test_status_that_outlives_its_connector_does_not_keep_it() -> None:
    async def story(watch: Watch) -> list[int]:
        watch.world.show(connector("orders", "RUNNING", "RUNNING"), connector("other"))
        await watch.poll()
        watch.world.cluster.forget("orders", 0.0)
        snapshot = await watch.poll(2)
        return [len(snapshot.jobs), len(snapshot.gone)]

    assert watching(World(), story) == [1, 1]


def test_deleted_connector_is_gone_at_the_next_poll() -> None:
    async def story(watch: Watch) -> list[str]:
        watch.world.show(connector("orders", "RUNNING", "RUNNING"), connector("other"))
        await watch.poll()
        watch.world.show(connector("other"))
        return sorted(await watch.states())

    assert watching(World(), story) == ["other"]


@pytest.mark.parametrize("name", ["a/b", "..", "n" * 1100])
def test_name_that_no_path_can_hold_is_gone_when_two_listings_lack_it(name: str) -> None:
    async def story(watch: Watch) -> list[int]:
        watch.world.show(connector(name, "RUNNING", "RUNNING"), connector("other"))
        seen = [len((await watch.poll()).jobs)]
        watch.world.show(connector("other"))
        return [*seen, len((await watch.poll()).jobs), len((await watch.poll()).jobs)]

    world = World()
    assert watching(world, story) == [2, 2, 1]
    assert not any("status" in request.url.path for request in world.requests)


def test_connector_is_asked_for_only_when_the_listing_does_not_tell() -> None:
    world = World()
    world.show(connector("orders", "RUNNING", "RUNNING"))
    (job,) = list_once(world).jobs
    details = ask_about(world, job)
    assert details.job.state is State.RUNNING
    assert world.asked("/connectors/orders/status") == []


def test_worker_that_wants_a_password_is_there_and_missed_when_it_dies() -> None:
    """It is asked without one: nobody configured its address."""
    world = World(login=ConnectLogin(username="monitor", password="s3cret"))

    async def story(watch: Watch) -> list[State]:
        watch.world.show(connector("orders", "RUNNING", "RUNNING", task_worker=SECOND))
        seen = list((await watch.states(2)).values())
        watch.world.dead.add(SECOND)
        return [*seen, *(await watch.states(2)).values()]

    auth = {"basic": {"username": "monitor", "password": "s3cret"}}
    found = watching(world, story, endpoints=[f"http://{FIRST}"], auth=auth)
    assert found == [State.RUNNING, State.RESTARTING]


@pytest.mark.parametrize("health", [{"status": "well"}, {}, [], "healthy"])
def test_health_that_is_none_is_no_word_of_a_worker(health: object) -> None:
    world = World()
    world.statuses = {"/health": health}
    with pytest.raises(FetchError) as caught:
        list_once(world)
    assert caught.value.reason is Reason.INVALID_RESPONSE
    assert world.asked("/connectors") == []
