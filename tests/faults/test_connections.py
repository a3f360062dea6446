"""Every way a connection can fail, at every host that the exporter connects to."""

import asyncio
from typing import cast

import pytest

from exporter.errors import Reason
from tests.faults.authority import NAME, Authority
from tests.faults.broken_roads import ROADS, Road
from tests.faults.hurried_time import HurriedLoop, run
from tests.faults.observing import Scenario, scenario
from tests.faults.operations import OPERATIONS, Operation, Part

_FIRST = {
    (operation.platform, operation.host): operation
    for operation in reversed(OPERATIONS)
    if operation.part not in (Part.DETAILS, Part.MONITORING) and not operation.by_id
}
"""For each host of each platform the operation that is called there first."""
_REACHED = sorted(_FIRST.values(), key=str)


@pytest.mark.parametrize("operation", _REACHED, ids=str)
def test_connection_that_fails_is_met_as_the_matrix_says(
    operation: Operation, authority: Authority
) -> None:
    """One poll cannot connect; the exporter keeps what it knows, and the next poll is well."""

    async def meet_all() -> tuple[dict[str, tuple[object, ...]], list[str]]:
        context = authority.context("good")
        extra = f", tls: {{ca_file: '{authority.ca_file}'}}"
        async with scenario(operation, context=context, named=NAME, extra=extra) as met:
            seen = {road.name: await _meet(met, road, authority) for road in _roads(operation)}
            return seen, met.it.secrets_told()

    seen, told = run(meet_all(), {NAME: "127.0.0.1"})
    assert seen == {road.name: _wanted(road, operation) for road in _roads(operation)}
    assert told == []


def _roads(operation: Operation) -> list[Road]:
    if operation.part is not Part.METADATA:
        return list(ROADS)
    # Metadata services have a fixed address and speak no TLS.
    return [road for road in ROADS if not road.encrypted and road.name != "name not found"]


async def _meet(met: Scenario, road: Road, authority: Authority) -> tuple[object, ...]:
    good = met.listener.context

    async def end() -> None:
        cast("HurriedLoop", asyncio.get_running_loop()).names[NAME] = "127.0.0.1"
        await met.listener.shut()
        met.listener.context = good
        await met.listener.open()

    seen = await met.poll_through(road.begin(met, authority), end)
    return seen.up, seen.poll_failures, seen.requests, seen.wrong


def _wanted(road: Road, operation: Operation) -> tuple[object, ...]:
    reason = road.reaction.reason
    assert reason is not None
    tries = (road.reaction.sends or 0) * operation.asked_in_spite_of(reason)
    if operation.part is Part.METADATA:
        silent = reason is Reason.TIMEOUT
        asked = (operation.asked_in_silence if silent else 0) or operation.asked
        return False, {Reason.AUTH.value: 1.0}, {reason.value: float(asked)}, ()
    return False, {reason.value: 1.0}, {reason.value: float(tries)}, ()
