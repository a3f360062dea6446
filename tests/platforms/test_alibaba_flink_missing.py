"""A configured deployment is missed only when the listing of its namespace does not have it."""

from typing import Any

import pytest

from exporter.errors import FetchError, Reason
from exporter.source import Inventory, Source
from tests.platforms.alibaba_deployments import (
    a_run,
    deployment,
    envelope,
    failure,
    inventory,
    listing,
    runs,
    states,
    use,
)
from tests.vendors.alibaba_sources import Server, refusal

ONE_ROW = listing().replace("pageSize=100", "pageSize=1")
MISSING = failure("990301")


def one(number: int) -> str:
    return f"/api/v2/namespaces/default/deployments/d-{number}"


def polls(server: Server, count: int) -> list[Inventory | FetchError]:
    async def poll(source: Source) -> list[Inventory | FetchError]:
        found: list[Inventory | FetchError] = []
        for _ in range(count):
            try:
                found.append(await source.fetch_inventory())
            except FetchError as exc:
                found.append(exc)
        return found

    return use(server, poll, jobs={"ids": ["d-1", "d-2"]})


@pytest.mark.parametrize(
    "missing", [MISSING, refusal(404, "990301"), failure("DeploymentNotExist"), refusal(404, "X")]
)
def test_deleted_deployment_does_not_take_the_source_down(missing: object) -> None:
    server = Server(
        {
            one(1): envelope(deployment(1, running=1)),
            one(2): missing,
            listing(): envelope([deployment(1, running=1)]),
        }
    )
    found = inventory(server, jobs={"ids": ["d-1", "d-2"]})
    assert states(found) == {"d-1": "RUNNING"}
    assert found.incomplete == ()
    assert [flaw.place for flaw in found.flaws.unreadable] == ["jobs.ids default/d-2"]


def test_only_configured_deployment_may_be_deleted() -> None:
    server = Server({one(1): MISSING, listing(): envelope([])})
    found = inventory(server, jobs={"ids": ["d-1"]})
    assert (found.jobs, found.incomplete) == ((), ())


def test_deployment_that_the_listing_has_is_not_missed() -> None:
    server = Server(
        {one(1): MISSING, listing(): envelope([deployment(1, running=1), deployment(3)])}
    )
    found = inventory(server, jobs={"ids": ["d-1"]})
    assert states(found) == {"d-1": "RUNNING"}
    assert found.flaws.unreadable == []


@pytest.mark.parametrize(
    "answer", [MISSING, failure("990001"), refusal(403, "NoPermission"), {"data": 3}]
)
def test_namespace_that_cannot_be_listed_is_a_failure_and_ends_no_job(answer: object) -> None:
    """The namespace itself may be what does not exist."""
    server = Server(
        {one(1): MISSING, one(2): envelope(deployment(2, running=1)), listing(): answer}
    )
    found = inventory(server, jobs={"ids": ["d-1", "d-2"]})
    assert states(found) == {"d-2": "RUNNING"}
    assert [namespace for namespace, _ in found.incomplete] == ["default"]
    with pytest.raises(FetchError) as caught:
        inventory(Server({one(1): MISSING, listing(): answer}), jobs={"ids": ["d-1"]})
    assert not caught.value.gone


def test_gateway_without_such_a_call_is_a_failure() -> None:
    server = Server({one(1): refusal(404, "InvalidAction.NotFound"), listing(): envelope([])})
    with pytest.raises(FetchError) as caught:
        inventory(server, jobs={"ids": ["d-1"]})
    assert (caught.value.reason, server.asked) == (Reason.NOT_FOUND, [one(1)])


def test_whole_namespace_is_listed_once_and_then_only_looked_at() -> None:
    """A namespace of thousands must not be listed at each poll because one id is outdated."""
    server = Server(
        {
            one(1): envelope(deployment(1, running=1)),
            one(2): MISSING,
            listing(): envelope([deployment(1)]),
            ONE_ROW: [envelope([deployment(1)]), MISSING, envelope([deployment(1)])],
        }
    )
    first, second, third, fourth, fifth = polls(server, 5)
    listings = [target for target in server.asked if "pageIndex" in target]
    assert listings == [listing(), ONE_ROW, ONE_ROW, listing(), ONE_ROW]
    assert [_incomplete(found) for found in (first, second, third, fourth, fifth)] == [
        False,
        False,
        True,
        False,
        False,
    ]


def _incomplete(found: Inventory | FetchError) -> bool:
    return isinstance(found, FetchError) or found.incomplete != ()


def test_deleted_deployment_is_gone_when_the_listing_by_its_name_says_so() -> None:
    answers: dict[str, Any] = {
        listing(): envelope([deployment(1, running=1)]),
        runs(): MISSING,
        listing(more="name=orders"): envelope([]),
    }

    async def both(source: Source) -> None:
        found = await source.fetch_inventory()
        await source.fetch_details(found.jobs[0])

    answers[listing()] = envelope([{**deployment(1, running=1), "name": "orders"}])
    with pytest.raises(FetchError) as caught:
        use(Server(answers), both)
    assert caught.value.gone
    answers[listing(more="name=orders")] = MISSING
    with pytest.raises(FetchError) as caught:
        use(Server(answers), both)
    assert (caught.value.gone, caught.value.reason) == (False, Reason.NOT_FOUND)


def test_latest_run_is_asked_for_by_name_and_order() -> None:
    """No page states a default, so the first row of an unsorted answer may be any run."""
    server = Server({listing(): envelope([deployment(1, running=1)]), runs(): envelope([a_run()])})

    async def both(source: Source) -> None:
        found = await source.fetch_inventory()
        await source.fetch_details(found.jobs[0])

    use(server, both)
    assert "sortName=gmt_create&sortOrder=desc" in server.asked[-1]
