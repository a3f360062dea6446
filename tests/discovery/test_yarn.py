"""Applications of YARN become clusters, and those that end are told how."""

import asyncio
import itertools
import json
from typing import Any

import httpx
import pytest

from exporter.discovery.clusters import Cluster, EndedCluster, SkippedTarget
from exporter.discovery.yarn import MARGIN
from exporter.errors import FetchError
from exporter.model import State
from exporter.simulator.yarn.access import YarnAccess
from tests.discovery.yarn_stage import RM1, RM2, Stage, application, identity, staged
from tests.virtual_time import EPOCH


def test_application_that_runs_is_a_cluster_behind_the_proxy_of_the_active_one() -> None:
    async def play(stage: Stage) -> None:
        found = await stage.find()
        path = f"/proxy/{identity(1)}"
        assert found.living == (
            Cluster(
                name="orders",
                addresses=(f"{RM1}{path}", f"{RM2}{path}"),
                incarnation=identity(1),
                native_status="RUNNING",
            ),
        )
        assert not found.ended
        assert not found.skipped
        stage.availability.active = "rm2"
        (cluster,) = (await stage.find()).living
        assert cluster.addresses == (f"{RM2}{path}", f"{RM1}{path}")

    staged(play, application(1))


def test_master_is_reached_directly_where_it_registered() -> None:
    async def play(stage: Stage) -> None:
        (cluster,) = (await stage.find()).living
        assert cluster.addresses == ("https://10.0.0.1:30000",)
        # A new attempt keeps the id and answers elsewhere.
        stage.listed.change(1, attempt=2, master="10.0.0.9:31000")
        (cluster,) = (await stage.find()).living
        assert cluster.addresses == ("https://10.0.0.9:31000",)
        assert cluster.incarnation == identity(1)

    staged(play, application(1), reach="direct", scheme="https")


def test_stand_alone_proxy_has_addresses_of_its_own() -> None:
    async def play(stage: Stage) -> None:
        (cluster,) = (await stage.find()).living
        assert cluster.addresses == (f"https://knox/gateway/t/yarn/proxy/{identity(1)}",)

    staged(play, application(1), proxy_endpoints=["https://knox/gateway/t/yarn/"])


def test_application_in_the_queue_has_nobody_to_ask() -> None:
    async def play(stage: Stage) -> None:
        for state in ("NEW", "NEW_SAVING", "SUBMITTED", "ACCEPTED"):
            stage.listed.change(1, state=state)
            (cluster,) = (await stage.find()).living
            assert (cluster.name, cluster.addresses) == ("orders", ())
            assert cluster.native_status == state

    staged(play, application(1, state="NEW", master="N/A"))


@pytest.mark.parametrize(
    ("state", "final_status", "told", "words"),
    [
        ("FINISHED", "SUCCEEDED", State.FINISHED, "FINISHED/SUCCEEDED"),
        ("FINISHED", "FAILED", State.FAILED, "FINISHED/FAILED"),
        ("FINISHED", "KILLED", State.STOPPED, "FINISHED/KILLED"),
        ("FINISHED", "UNDEFINED", State.UNKNOWN, "FINISHED/UNDEFINED"),
        ("FINISHED", "ENDED", State.UNKNOWN, "FINISHED/ENDED"),
        ("FAILED", "FAILED", State.FAILED, "FAILED"),
        ("KILLED", "KILLED", State.STOPPED, "KILLED"),
    ],
)
def test_end_is_told_in_the_words_of_the_report(
    state: str, final_status: str, told: State, words: str
) -> None:
    async def play(stage: Stage) -> None:
        await stage.find()
        stage.listed.change(
            1, state=state, final_status=final_status, finished_at=EPOCH + 5, diagnostics="why"
        )
        await asyncio.sleep(30)
        found = await stage.find()
        assert not found.living
        assert found.ended == (
            EndedCluster(
                name="orders",
                incarnation=identity(1),
                state=told,
                native_status=words,
                end_timestamp=EPOCH + 5,
                error_text="" if told is State.FINISHED else "why",
            ),
        )

    staged(play, application(1))


def test_end_of_a_session_cluster_says_nothing_of_its_jobs() -> None:
    async def play(stage: Stage) -> None:
        # How the cluster stands is not how a job does.
        assert {each.native_status for each in (await stage.find()).living} == {""}
        for number in (1, 2):
            stage.listed.change(
                number, state="FINISHED", final_status="SUCCEEDED", finished_at=EPOCH + 5
            )
        found = await stage.find()
        assert {each.name: each.state for each in found.ended} == {
            "Flink session cluster": State.UNKNOWN,
            "adhoc-7": State.UNKNOWN,
        }

    staged(
        play,
        application(1, "Flink session cluster"),
        application(2, "adhoc-7"),
        session_clusters=["Flink session cluster", "adhoc-.*"],
    )


def test_master_that_signed_off_is_over_though_its_container_still_runs() -> None:
    async def play(stage: Stage) -> None:
        await stage.find()
        # FINISHING is in no list that can be asked for: YARN's own report calls it FINISHED.
        stage.listed.change(1, state="FINISHING", final_status="SUCCEEDED")
        found = await stage.find()
        assert not found.living
        (ended,) = found.ended
        assert (ended.state, ended.end_timestamp) == (State.FINISHED, None)

    staged(play, application(1))


def test_proxy_that_loses_the_query_ends_nothing() -> None:
    async def play(stage: Stage) -> None:
        rows = (await _rows(stage))["apps"]["app"]
        stage.router.hosts["rm1"] = lambda request: httpx.Response(
            200, json={"apps": {"app": rows}}
        )
        found = await stage.find()
        assert [each.name for each in found.living] == ["orders"]
        assert [each.name for each in found.ended] == ["payments"]

    staged(play, application(1), application(2, "payments", state="FAILED", finished_at=EPOCH))


async def _rows(stage: Stage) -> Any:
    request = httpx.Request("GET", f"{RM1}/ws/v1/cluster/apps")
    answer = await stage.router.handle_async_request(request)
    return json.loads(await answer.aread())


def test_end_since_the_last_look_is_asked_for_with_a_margin() -> None:
    async def play(stage: Stage) -> None:
        await stage.find()
        await asyncio.sleep(30)
        await stage.find()
        begins = [
            float(request.url.params["finishedTimeBegin"]) / 1000
            for request in stage.router.requests
            if "finishedTimeBegin" in request.url.params
        ]
        assert begins == [EPOCH - MARGIN, EPOCH - MARGIN]
        stage.availability.active = None
        await asyncio.sleep(3600)
        with pytest.raises(FetchError):
            await stage.find()
        stage.availability.active = "rm1"
        stage.router.requests.clear()
        await stage.find()
        # Nobody could be asked for an hour, whose ends are news all the same.
        (begin,) = (
            float(request.url.params["finishedTimeBegin"]) / 1000
            for request in stage.router.requests
            if "finishedTimeBegin" in request.url.params
        )
        assert begin == EPOCH + 30 - MARGIN

    staged(play, application(1))


def test_application_in_no_list_is_asked_for_before_it_is_gone() -> None:
    async def play(stage: Stage) -> None:
        await stage.find()
        # YARN remembers a few ended applications only, and of this one it is not known when.
        stage.listed.change(1, state="KILLED", final_status="KILLED", finished_at=1.0)
        found = await stage.find()
        assert [each.state for each in found.ended] == [State.STOPPED]
        assert [each.name for each in found.living] == ["payments"]
        assert stage.faults["rm1"].count("app") == 1
        del stage.listed.now[2]
        found = await stage.find()
        assert not found.living
        assert not found.ended
        await stage.find()
        assert stage.faults["rm1"].count("app") == 2

    staged(play, application(1), application(2, "payments"))


def test_application_that_is_hidden_from_the_list_is_still_there() -> None:
    """With `filter-entity-list-by-user` a list is incomplete, and says 200."""

    async def play(stage: Stage) -> None:
        (before,) = (await stage.find()).living
        stage.listed.change(1, user="somebody")
        (after,) = (await stage.find()).living
        assert after == before

    access = YarnAccess(acl=True, filtered=True, admins=frozenset())
    staged(play, application(1, user="flink"), access=access, user="flink")


def test_hidden_half_of_an_application_is_no_address() -> None:
    async def play(stage: Stage) -> None:
        found = await stage.find()
        assert [each.name for each in found.living] == ["orders"]
        (skipped,) = found.skipped
        assert isinstance(skipped, SkippedTarget)
        assert skipped.name == "payments"
        assert "access control list" in skipped.reason
        # What was known before it was hidden still holds.
        stage.listed.change(1, user="somebody")
        again = await stage.find()
        assert again.living == found.living
        # Its end has no time then.
        stage.listed.change(1, state="FINISHED", final_status="FAILED", finished_at=EPOCH)
        (ended,) = (await stage.find()).ended
        assert (ended.state, ended.end_timestamp) == (State.FAILED, None)

    access = YarnAccess(acl=True, admins=frozenset())
    staged(
        play,
        application(1, user="flink"),
        application(2, "payments", user="somebody"),
        access=access,
        user="flink",
        reach="direct",
    )


@pytest.mark.parametrize("hadoop", [2, 3])
def test_no_application_at_all_is_an_empty_list(hadoop: int) -> None:
    async def play(stage: Stage) -> None:
        found = await stage.find()
        assert (found.living, found.ended) == ((), ())

    staged(play, hadoop=hadoop)


@pytest.mark.parametrize(
    "body",
    [b"[]", b"{}", b'{"apps": 1}', b'{"apps": {"app": 1}}', b'{"apps": [1]}', b"<html>", b"yes"],
)
def test_answer_that_is_none_of_a_resource_manager_ends_nothing(body: bytes) -> None:
    async def play(stage: Stage) -> None:
        await stage.find()
        answering = stage.router.hosts["rm1"]
        stage.router.hosts["rm1"] = lambda request: httpx.Response(200, content=body)
        stage.router.hosts["rm2"] = None
        with pytest.raises(FetchError):
            await stage.find()
        stage.router.hosts["rm1"] = answering
        assert await stage.names() == ["orders"]

    staged(play, application(1))


def test_row_without_an_id_fails_the_look() -> None:
    async def play(stage: Stage) -> None:
        body = {"apps": {"app": [{"id": "application_1_0001"}, {"name": "orders"}]}}
        stage.router.hosts["rm1"] = lambda request: httpx.Response(200, json=body)
        with pytest.raises(FetchError, match="1 applications have no id"):
            await stage.find()

    staged(play)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ["audit", "etl_a", "etl_b"]),
        ({"applications": {"include": ["etl_.*"]}}, ["etl_a", "etl_b"]),
        ({"applications": {"exclude": ["etl_a"]}}, ["audit", "etl_b"]),
        ({"queues": ["streaming"]}, ["etl_a", "etl_b"]),
        ({"queues": ["root.risk", "root.a.streaming"]}, ["audit", "etl_a", "etl_b"]),
        ({"queues": ["other"]}, []),
        ({"application_type": "My Flink"}, ["own"]),
    ],
)
def test_applications_are_chosen(settings: dict[str, Any], expected: list[str]) -> None:
    async def play(stage: Stage) -> None:
        assert await stage.names() == expected

    staged(
        play,
        application(1, "etl_a"),
        application(2, "etl_b", queue="streaming"),
        application(3, "audit", queue="risk"),
        application(4, "own", application_type="MY FLINK"),
        application(5, "spark", application_type="SPARK"),
        **settings,
    )


def test_two_whole_names_of_queues_are_compared_whole() -> None:
    async def play(stage: Stage) -> None:
        assert await stage.names() == ["a"]

    staged(
        play,
        application(1, "a", queue="root.a.streaming"),
        application(2, "b", queue="root.b.streaming"),
        queues=["root.a.streaming"],
    )


def test_name_that_takes_too_long_fails_the_look() -> None:
    async def play(stage: Stage) -> None:
        with pytest.raises(FetchError, match="takes too long to match"):
            await stage.find()

    hours = itertools.count(0.0, 3600.0)
    options = {"applications": {"include": ["o.*"]}, "cpu_time": lambda: next(hours)}
    staged(play, application(1), **options)


def test_end_of_what_may_be_a_session_cluster_is_not_believed() -> None:
    async def play(stage: Stage) -> None:
        stage.listed.change(1, state="FINISHED", final_status="SUCCEEDED", finished_at=EPOCH)
        (ended,) = (await stage.find()).ended
        assert ended.state is State.UNKNOWN

    hours = itertools.count(0.0, 3600.0)
    staged(play, application(1), cpu_time=lambda: next(hours))


def test_many_that_vanish_are_asked_for_a_few_at_a_time() -> None:
    async def play(stage: Stage) -> None:
        assert len(await stage.names()) == 120
        stage.listed.now.clear()
        left = [len(await stage.names()) for _ in range(4)]
        assert left == [70, 20, 0, 0]

    staged(play, *(application(number, f"job-{number}") for number in range(1, 121)))


def test_application_that_cannot_be_asked_for_stays() -> None:
    async def play(stage: Stage) -> None:
        await stage.find()
        stage.listed.now.clear()

        def fail(request: httpx.Request) -> None:
            if request.url.path.endswith(identity(1)):
                raise httpx.ConnectError("refused", request=request)

        stage.router.before = fail
        assert await stage.names() == ["orders"]
        stage.router.before = lambda request: None
        assert await stage.names() == []

    staged(play, application(1))
