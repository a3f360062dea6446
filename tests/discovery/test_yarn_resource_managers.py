"""Whichever ResourceManager is active is asked, and no redirect is followed."""

import asyncio
from typing import Any

import httpx
import pytest

from exporter.discovery.yarn_resource_managers import MOST_APPLICATIONS
from exporter.errors import FetchError, Reason
from exporter.fields import Flaws
from exporter.simulator.yarn.access import YarnAccess
from tests.discovery.yarn_stage import RM1, RM2, Stage, application, identity, staged

Answer = Any


class Hanging:
    """A ResourceManager that accepts a request and never answers."""

    routes = ()

    async def __call__(self, *_: Any) -> None:
        await asyncio.sleep(1e6)


async def _look(stage: Stage) -> list[str]:
    return [each.application_id for each in await stage.managers.living(Flaws())]


def test_standby_is_left_for_the_active_one_which_is_remembered() -> None:
    async def play(stage: Stage) -> None:
        stage.availability.active = "rm2"
        assert await _look(stage) == [identity(1)]
        assert [each.url.host for each in stage.router.requests] == ["rm1", "rm2"]
        assert stage.managers.in_order == (RM2, RM1)
        stage.router.requests.clear()
        assert await _look(stage) == [identity(1)]
        assert [each.url.host for each in stage.router.requests] == ["rm2"]

    staged(play, application(1))


def test_redirect_of_a_standby_takes_nobody_to_a_stranger() -> None:
    async def play(stage: Stage) -> None:
        stage.availability.addresses["rm2"] = "http://stranger:8088"
        stage.availability.active = "rm2"
        assert await _look(stage) == [identity(1)]
        assert {each.url.host for each in stage.router.requests} == {"rm1", "rm2"}

    staged(play, application(1))


@pytest.mark.parametrize(
    "answer",
    [
        None,
        lambda request: httpx.Response(500, text="Internal Server Error"),
        lambda request: httpx.Response(503),
        lambda request: httpx.Response(307, headers={"Refresh": "3;url=/"}),
        lambda request: httpx.Response(200, text="There is no active RM right now.\n"),
        lambda request: httpx.Response(200, html="<html>login</html>"),
        lambda request: httpx.Response(200, text="hello"),
    ],
)
def test_next_one_is_asked_when_one_cannot_answer(answer: Answer) -> None:
    async def play(stage: Stage) -> None:
        stage.availability.active = "rm2"
        stage.router.hosts["rm1"] = answer
        assert await _look(stage) == [identity(1)]

    staged(play, application(1))


@pytest.mark.parametrize(
    ("status", "reason"), [(401, Reason.AUTH), (403, Reason.AUTH), (429, Reason.THROTTLED)]
)
def test_refusal_that_all_would_give_is_told(status: int, reason: Reason) -> None:
    async def play(stage: Stage) -> None:
        stage.router.hosts["rm1"] = lambda request: httpx.Response(status)
        with pytest.raises(FetchError) as caught:
            await _look(stage)
        assert caught.value.reason is reason
        assert {each.url.host for each in stage.router.requests} == {"rm1"}

    staged(play, application(1))


def test_one_that_hangs_is_left_within_a_time_out() -> None:
    async def play(stage: Stage) -> None:
        stage.availability.active = "rm2"
        stage.router.hosts["rm1"] = Hanging()
        began = stage.runtime.monotonic()
        assert await _look(stage) == [identity(1)]
        assert stage.runtime.monotonic() - began < 15

    staged(play, application(1))


def test_nobody_active_is_told_as_that_and_not_as_a_standby() -> None:
    async def play(stage: Stage) -> None:
        stage.availability.active = None
        with pytest.raises(FetchError, match="no ResourceManager is active") as caught:
            await _look(stage)
        assert caught.value.reason is Reason.SERVER

    staged(play, application(1))


def test_that_one_is_a_standby_says_less_than_why_the_other_does_not_answer() -> None:
    async def play(stage: Stage) -> None:
        stage.availability.active = "rm2"
        stage.router.hosts["rm2"] = None
        with pytest.raises(FetchError) as caught:
            await _look(stage)
        assert caught.value.reason is Reason.CONNECTION
        # Also when the standby is asked last.
        with pytest.raises(FetchError) as caught:
            await _look(stage)
        assert caught.value.reason is Reason.CONNECTION

    staged(play, application(1))


def test_only_a_standby_says_that_others_should_be_named() -> None:
    async def play(stage: Stage) -> None:
        stage.availability.active = "rm2"
        with pytest.raises(FetchError, match="endpoints should name every ResourceManager"):
            await _look(stage)

    staged(play, application(1), endpoints=[RM1])


def test_failover_between_two_questions_of_one_look_loses_nobody() -> None:
    async def play(stage: Stage) -> None:
        await stage.find()

        def fail_over(request: httpx.Request) -> None:
            if "finishedTimeBegin" in request.url.params:
                stage.availability.active = "rm2"

        stage.router.before = fail_over
        assert [each.incarnation for each in (await stage.find()).living] == [identity(1)]
        assert stage.managers.in_order == (RM2, RM1)

    staged(play, application(1))


def test_user_is_named_in_every_question() -> None:
    async def play(stage: Stage) -> None:
        assert await _look(stage) == [identity(1)]
        assert await stage.managers.find(identity(1), Flaws()) is not None
        assert {each.url.params["user.name"] for each in stage.router.requests} == {"prometheus"}

    staged(play, application(1), access=YarnAccess(anonymous=False), user="prometheus")


def test_anonymous_caller_is_refused_where_a_name_is_wanted() -> None:
    async def play(stage: Stage) -> None:
        with pytest.raises(FetchError) as caught:
            await _look(stage)
        assert (caught.value.reason, caught.value.status) == (Reason.AUTH, 401)

    staged(play, application(1), access=YarnAccess(anonymous=False))


def test_only_what_is_needed_is_asked_for() -> None:
    async def play(stage: Stage) -> None:
        await stage.managers.living(Flaws())
        await stage.managers.ended(-1.0, Flaws())
        living, ended = (dict(each.url.params) for each in stage.router.requests)
        assert living == {
            "applicationTypes": "Apache Flink",
            "states": "NEW,NEW_SAVING,SUBMITTED,ACCEPTED,RUNNING",
            "deSelects": "resourceRequests",
        }
        assert ended == {
            "applicationTypes": "Apache Flink",
            "states": "FINISHED,FAILED,KILLED",
            "finishedTimeBegin": "0",
            "deSelects": "resourceRequests",
        }

    staged(play)


def test_unknown_application_is_none_and_a_stranger_is_an_error() -> None:
    async def play(stage: Stage) -> None:
        assert await stage.managers.find(identity(7), Flaws()) is None
        bodies: list[Any] = [
            {"app": {"id": identity(2)}},
            {"app": None},
            {},
            [],
            {"app": {"id": 3}},
        ]
        for body in bodies:
            answer = httpx.Response(200, json=body)
            stage.router.hosts["rm1"] = lambda request, answer=answer: answer
            with pytest.raises(FetchError, match="expected the application that was asked for"):
                await stage.managers.find(identity(1), Flaws())
        # A page of somebody else that says 404 is no word of YARN's.
        stage.router.hosts["rm1"] = lambda request: httpx.Response(404, html="<html></html>")
        stage.router.hosts["rm2"] = None
        with pytest.raises(FetchError):
            await stage.managers.find(identity(1), Flaws())

    staged(play, application(1))


def test_knox_has_paths_of_its_own() -> None:
    async def play(stage: Stage) -> None:
        stage.router.hosts["knox"] = lambda request: httpx.Response(200, json={"apps": None})
        assert await _look(stage) == []
        (request,) = stage.router.requests
        assert request.url.path == "/gateway/t/resourcemanager/v1/cluster/apps"

    staged(play, endpoints=["https://knox:8443/gateway/t/resourcemanager"])


def test_more_applications_than_anybody_has_are_an_error() -> None:
    async def play(stage: Stage) -> None:
        rows = [{"id": f"application_1_{number:05d}"} for number in range(MOST_APPLICATIONS + 1)]
        answer = httpx.Response(200, json={"apps": {"app": rows}})
        stage.router.hosts["rm1"] = lambda request: answer
        with pytest.raises(FetchError, match="more than 10000 applications"):
            await _look(stage)

    staged(play)


def test_listing_that_was_broken_off_is_not_begun_elsewhere() -> None:
    async def play(stage: Stage) -> None:
        hosts = [f"rm{number}" for number in range(1, 6)]
        stage.router.hosts = dict.fromkeys(hosts, Hanging())
        with stage.connector.stall.listing(), pytest.raises(FetchError) as caught:
            await _look(stage)
        assert (caught.value.reason, caught.value.retryable) == (Reason.TIMEOUT, False)
        assert {each.url.host for each in stage.router.requests} <= {"rm1", "rm2", "rm3"}
        assert stage.runtime.monotonic() < 25

    staged(play, endpoints=[f"http://rm{number}:8088" for number in range(1, 6)])
