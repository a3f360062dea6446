"""Listings that change, repeat themselves or never end lose no job and invent none."""

import json
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from exporter.simulator.fleet.fleet import Phase
from tests.faults.exchange import Exchange, Spoil, Told, honest
from tests.faults.hurried_time import run
from tests.faults.observing import scenario
from tests.faults.operations import OPERATIONS, Operation, Part
from tests.faults.spoils import editing
from tests.faults.watched_cloud import now

LISTINGS = [
    operation for operation in OPERATIONS if operation.part is Part.LISTING and not operation.by_id
]
# Flink has no pages, and those of Kubernetes are of one moment: tests/platforms/flink_operator.
# Nor has Kafka Connect any.
UNPAGED = ("apache_flink", "flink_operator", "kafka_connect")
PAGED = [operation for operation in LISTINGS if operation.platform not in UNPAGED]

JOBS = [operation for operation in PAGED if operation.name != "DescribeWorkSpaces"]
"""Those whose rows are jobs."""
# A connector is the name of a field, which nobody writes twice.
ROWS = [operation for operation in LISTINGS if operation.platform != "kafka_connect"]


def _rows(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the list of rows of a page, wherever this platform keeps it."""
    inner = document.get("job_list", document.get("Instances", document.get("Response", document)))
    rows: list[dict[str, Any]] = next(value for value in inner.values() if isinstance(value, list))
    return rows


def _set_total(document: dict[str, Any], total: int) -> None:
    holder = document.get("job_list", document.get("Response", document))
    for name in ("total_count", "total", "TotalCount", "totalSize"):
        if name in holder:
            holder[name] = total
    if "ApplicationSummaries" in document:
        # Amazon tells no total, but where the next page begins.
        document["NextToken"] = "the-same-again"


def _listed_twice(document: dict[str, Any]) -> dict[str, Any]:
    rows = _rows(document)
    rows.extend(dict(row) for row in list(rows))
    return document


def _one_of_a_million(document: dict[str, Any]) -> dict[str, Any]:
    _set_total(document, 1_000_000)
    return document


def _always_new() -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Give each page one row that was on none before, and never say that it is the last."""
    numbers = count(1)

    def edit(document: dict[str, Any]) -> dict[str, Any]:
        rows = _rows(document)
        number = next(numbers)
        row = dict(rows[0]) if rows else {}
        for name in ("job_id", "name", "Id", "JobName", "deploymentId"):
            if name in row:
                row[name] = number if isinstance(row[name], int) else f"endless-{number}"
        rows[:] = [row]
        _set_total(document, 1_000_000)
        return document

    return edit


def _only_the_first(edit: Callable[[dict[str, Any]], dict[str, Any]]) -> Spoil:
    """Answer every page with the first one, edited anew."""
    first: list[Told] = []

    async def spoil(exchange: Exchange) -> None:
        first.append(await exchange.truth())
        body = json.dumps(edit(json.loads(first[0].body))).encode()
        await exchange.tell(first[0].with_body(body))

    return spoil


@pytest.mark.parametrize("operation", ROWS, ids=str)
def test_job_that_is_listed_twice_is_shown_once(operation: Operation) -> None:
    async def scenario_() -> tuple[bool, tuple[str, ...], list[str]]:
        async with scenario(operation) as met:
            before = sorted(met.it.states())
            seen = await met.poll_with(editing(_listed_twice))
            keys = [job.key for job in met.it.snapshot.jobs]
            assert len(set(keys)) == len(keys)
            assert sorted(met.it.states()) == before
            return seen.up, seen.wrong, before

    assert run(scenario_()) == (True, (), ["quiet", "steady"])


@pytest.mark.parametrize("operation", PAGED, ids=str)
def test_listing_that_repeats_its_page_ends_and_is_taken_as_incomplete(
    operation: Operation,
) -> None:
    async def scenario_() -> tuple[dict[str, float], dict[str, float], tuple[str, ...], int]:
        async with scenario(operation) as met:
            seen = await met.poll_with(_only_the_first(_one_of_a_million))
            return seen.poll_failures, seen.detail_failures, seen.wrong, seen.sends

    failures, of_parts, wrong, sends = run(scenario_())
    if operation.platform.startswith("alibaba"):
        # A total that is wrong the same way twice counts something else.
        assert failures == {}
    elif operation not in JOBS:
        # Work spaces that were found go on to be listed: the doubt is told as that of a part.
        assert (failures, of_parts) == ({}, {"invalid_response": 1.0})
    else:
        assert failures == {"invalid_response": 1.0}
    assert wrong == ()
    assert sends <= 5 * operation.asked


@pytest.mark.parametrize(
    ("operation", "most"),
    [(operation, 2_000) for operation in PAGED if operation.platform == "huawei_dli"],
    ids=str,
)
def test_listing_without_end_is_given_up(operation: Operation, most: int) -> None:
    async def scenario_() -> tuple[dict[str, float], int, list[str]]:
        async with scenario(operation) as met:
            seen = await met.poll_with(_only_the_first(_always_new()))
            return seen.poll_failures, seen.sends, sorted(met.it.states())

    failures, sends, states = run(scenario_())
    assert failures == {"invalid_response": 1.0}
    assert most <= sends <= most + 10
    assert {"quiet", "steady"} <= set(states)


@pytest.mark.parametrize("operation", JOBS, ids=str)
def test_rows_that_move_between_pages_are_neither_lost_nor_doubled(operation: Operation) -> None:
    """While the second page is asked for, a job of the first one is deleted."""

    async def scenario_() -> tuple[set[str], set[str]]:
        async with scenario(operation) as met:
            fleet = met.it.services.fleet
            for number in range(130):
                fleet.add(f"many_{number:03}", now() - 3600, phase=Phase.RUNNING)
            await met.it.next_poll()
            await met.it.next_poll()
            before = set(met.it.states())
            pages = count(1)

            async def remove_in_between(exchange: Exchange) -> None:
                if next(pages) == 2:
                    fleet.remove("many_003", now())
                await honest(exchange)

            met.listener.spoil(remove_in_between, operation.matches)
            await met.it.next_poll()
            met.listener.mend()
            during = set(met.it.states())
            await met.it.next_poll()
            await met.it.next_poll()
            assert before - {"many_003"} <= during
            return before - set(met.it.states()), set(met.it.states()) - before

    assert run(scenario_()) == ({"many_003"}, set())
