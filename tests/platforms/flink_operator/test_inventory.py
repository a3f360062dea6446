"""A listing is whole, of one moment, and says what of it is missing, and why."""

import httpx
import pytest

from exporter.errors import FetchError, Reason
from exporter.model import State
from exporter.platforms.flink_operator import OperatorSource
from exporter.simulator.kubernetes.access import Rule
from exporter.source import Inventory
from tests.operator_situations import DEPLOYMENTS, SESSION_JOBS
from tests.platforms.flink_operator.clusters import NAMESPACES, World, by_id, healthy

GROUP = "flink.apache.org"
SESSION_KIND = (GROUP, "v1beta1", SESSION_JOBS)
DEPLOYMENT_KIND = (GROUP, "v1beta1", DEPLOYMENTS)


def test_pages_are_read_to_the_end() -> None:
    world = World()
    world.healthy(*(f"job{number:03}" for number in range(250)))
    assert len(world.inventory().jobs) == 250
    assert sum(f"/{DEPLOYMENTS}?" in each for each in world.asked()) == 3


def test_pages_show_one_moment() -> None:
    world = World()
    world.healthy(*(f"job{number:03}" for number in range(150)))

    def meddle(request: httpx.Request) -> None:
        if "continue" in request.url.params:
            world.cluster.objects(DEPLOYMENTS).delete("streams", "job149")
            world.healthy("newcomer")

    world.before = meddle
    assert {"job149"} == by_id(world.inventory()).keys() & {"job149", "newcomer"}


@pytest.mark.parametrize(("times", "works"), [(1, True), (2, True), (3, False)])
def test_expired_listing_begins_anew_a_few_times(times: int, works: bool) -> None:
    world = World()
    world.healthy(*(f"job{number:03}" for number in range(150)))
    left = [times]

    def forget(request: httpx.Request) -> None:
        if "continue" in request.url.params and left[0]:
            left[0] -= 1
            world.healthy(f"later{left[0]}")
            world.cluster.objects(DEPLOYMENTS).compact()

    world.before = forget
    if works:
        assert len(world.inventory().jobs) == 150 + times
        return
    found = world.inventory()
    assert [(each, error.code) for each, error in found.incomplete] == [("streams", "Expired")]
    assert found.jobs == ()


def test_missing_kind_hurts_nothing_and_is_told_once() -> None:
    world = World()
    world.healthy("job")
    world.cluster.served.discard(SESSION_KIND)

    async def twice(source: OperatorSource) -> tuple[Inventory, Inventory]:
        return await source.fetch_inventory(), await source.fetch_inventory()

    first, second = world.use(twice)
    assert by_id(first).keys() == by_id(second).keys() == {"job"}
    assert first.incomplete == second.incomplete == ()
    assert [each.code for each in first.failures] == ["NoSuchKind"]
    assert second.failures == ()


def test_kind_that_is_no_longer_served_keeps_its_jobs() -> None:
    world = World()
    world.healthy("job")
    world.put(healthy("session-job", plural=SESSION_JOBS))

    async def lose(source: OperatorSource) -> Inventory:
        await source.fetch_inventory()
        world.cluster.served.discard(SESSION_KIND)
        return await source.fetch_inventory()

    found = world.use(lose)
    assert by_id(found).keys() == {"job"}
    assert [(each, error.code) for each, error in found.incomplete] == [("streams", "NoSuchKind")]


def test_cluster_without_the_operator_is_a_failure() -> None:
    world = World()
    world.cluster.served -= {SESSION_KIND, DEPLOYMENT_KIND}
    with pytest.raises(FetchError, match="is what defines it installed") as caught:
        world.inventory()
    assert caught.value.reason is Reason.NOT_FOUND
    assert not caught.value.gone


def test_missing_right_is_named_as_a_role_names_it() -> None:
    world = World(rules=(Rule(resources=(DEPLOYMENTS,), namespace="streams"),))
    world.healthy("job")
    found = world.inventory()
    assert by_id(found).keys() == {"job"}
    [(namespace, error)] = found.incomplete
    assert (namespace, error.reason) == ("streams", Reason.AUTH)
    right = "the account may not list flinksessionjobs.flink.apache.org in namespace streams"
    assert right in str(error)


def test_all_namespaces_take_a_right_to_all() -> None:
    world = World(rules=(Rule(resources=(DEPLOYMENTS, SESSION_JOBS), namespace="streams"),))
    with pytest.raises(FetchError, match=r"may not list .* in all namespaces"):
        world.inventory(namespaces=[])
    world = World()
    world.healthy("one")
    world.put(healthy("two"), "risk")
    found = world.inventory(namespaces=[])
    assert {(job.project, job.job_id) for job in found.jobs} == {
        ("streams", "one"),
        ("risk", "two"),
    }


def test_one_namespace_does_not_hurt_another() -> None:
    world = World(rules=(Rule(resources=(DEPLOYMENTS, SESSION_JOBS), namespace="streams"),))
    world.healthy("job")
    found = world.inventory(namespaces=["streams", "risk"])
    assert by_id(found).keys() == {"job"}
    assert {namespace for namespace, _ in found.incomplete} == {"risk"}


def test_namespace_that_does_not_exist_is_told() -> None:
    world = World()
    world.healthy("job")
    found = world.inventory(namespaces=["streams", "steams"])
    assert by_id(found).keys() == {"job"}
    [(namespace, error)] = found.incomplete
    assert (namespace, error.reason) == ("steams", Reason.NOT_FOUND)
    assert "the namespace steams does not exist" in str(error)


def test_namespace_that_is_empty_is_asked_for_once() -> None:
    world = World()

    async def twice(source: OperatorSource) -> Inventory:
        await source.fetch_inventory()
        return await source.fetch_inventory()

    assert world.use(twice).incomplete == ()
    assert world.asked().count("/api/v1/namespaces/streams") == 1


def test_namespace_that_may_not_be_asked_for_is_a_warning_once() -> None:
    world = World(rules=(Rule(resources=(DEPLOYMENTS, SESSION_JOBS)),))

    async def twice(source: OperatorSource) -> tuple[Inventory, Inventory]:
        return await source.fetch_inventory(), await source.fetch_inventory()

    first, second = world.use(twice)
    assert (first.incomplete, second.incomplete, second.failures) == ((), (), ())
    assert ["whether it exists may not be asked" in str(each) for each in first.failures] == [True]


def test_label_selector_goes_with_every_page() -> None:
    world = World()
    for number in range(120):
        body = healthy(f"job{number:03}").resource()
        body["metadata"]["labels"] = {"team": "payments" if number else "risk"}
        world.cluster.put(DEPLOYMENTS, body)
    assert len(world.inventory(label_selector="team=payments").jobs) == 119


def test_session_job_with_the_name_of_an_application_has_a_prefix_for_good() -> None:
    world = World()
    world.healthy("orders")
    world.put(healthy("orders", plural=SESSION_JOBS, manager=""))

    async def look(source: OperatorSource) -> list[set[str]]:
        first = by_id(await source.fetch_inventory()).keys()
        world.cluster.objects(DEPLOYMENTS).delete("streams", "orders")
        return [set(first), set(by_id(await source.fetch_inventory()))]

    assert world.use(look) == [{"orders", "sessionjob/orders"}, {"sessionjob/orders"}]


def test_chosen_jobs_are_asked_for_by_name() -> None:
    world = World(rules=(Rule(resources=(DEPLOYMENTS, SESSION_JOBS), verbs=("get",)), NAMESPACES))
    world.healthy("orders", "other")
    world.put(healthy("batch", plural=SESSION_JOBS, manager=""))
    ids = ["orders", "streams/batch", "nobody"]
    found = world.inventory(jobs={"ids": ids})
    assert by_id(found).keys() == {"orders", "batch"}
    assert [flaw.place for flaw in found.flaws.unreadable] == ["jobs.ids streams/nobody"]


def test_rejected_token_is_a_failure_of_the_credentials() -> None:
    world = World()
    world.account.token = "another"
    with pytest.raises(FetchError, match="does not know these credentials") as caught:
        world.inventory()
    assert caught.value.reason is Reason.AUTH


def test_answer_of_somebody_else_is_no_empty_listing() -> None:
    world = World()

    def other(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"items": []})

    class Stranger(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return other(request)

    world._app = Stranger()
    with pytest.raises(FetchError, match="expected a Flink") as caught:
        world.inventory()
    assert caught.value.reason is Reason.INVALID_RESPONSE


def test_unreadable_row_is_noted_and_hurts_no_other() -> None:
    world = World()
    world.healthy("job")
    world.cluster.put(
        DEPLOYMENTS,
        {"metadata": {"namespace": "streams", "name": "odd"}, "spec": [], "status": "none"},
    )
    found = world.inventory()
    assert by_id(found)["job"].state is State.RUNNING
    assert found.flaws.unreadable_count == 2
