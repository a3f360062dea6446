"""Tokens that end, keys that are refused and clocks that are wrong."""

import asyncio
from itertools import cycle

import pytest

from exporter.simulator.fleet.fleet import Phase
from tests.faults.exchange import Exchange, honest
from tests.faults.hurried_time import run
from tests.faults.observing import scenario
from tests.faults.operations import OPERATIONS, Operation, Part
from tests.faults.watched_cloud import POLL_INTERVAL, now

LOGINS = [
    operation
    for operation in OPERATIONS
    # What is signed by a clock that is wrong is refused, whoever signs.
    if operation.part is Part.LOGIN and operation.login == "huawei_login"
]
SIGNED = [
    operation
    for operation in OPERATIONS
    if operation.part is Part.LISTING and operation.login in ("huawei", "alibaba", "tencent")
    if not operation.by_id
]
TOLERANT = [operation for operation in SIGNED if operation.login != "tencent"]
"""Those whose platform takes signatures of more than five minutes ago."""


@pytest.mark.parametrize("operation", LOGINS, ids=str)
def test_token_that_ends_in_the_middle_of_a_poll_costs_one_login_and_nothing_else(
    operation: Operation,
) -> None:
    async def scenario_() -> tuple[bool, dict[str, float], dict[str, float], int, list[str]]:
        async with scenario(operation) as met:
            it = met.it
            api = it.services.listeners[operation.also[0]]

            async def end_of_the_token(exchange: Exchange) -> None:
                await honest(exchange)
                api.mend()
                # The listing was the last thing it was good for.
                it.services.tokens.revoke_all()

            met.listener.asked.clear()
            api.spoil(end_of_the_token)
            states = it.states()
            await it.next_poll()
            assert it.states() == states
            logins = len(met.listener.asked)
            return (
                bool(it.snapshot.up),
                it.failures(),
                it.detail_failures(),
                logins,
                it.secrets_told(),
            )

    assert run(scenario_()) == (True, {}, {}, 1, [])


@pytest.mark.parametrize("operation", LOGINS, ids=str)
def test_token_that_a_slow_clock_takes_for_valid_is_replaced_when_it_is_refused(
    operation: Operation,
) -> None:
    """An exporter whose clock is two hours behind does not know that its token has ended."""

    async def scenario_() -> tuple[bool, dict[str, float], int]:
        async with scenario(operation) as met:
            it = met.it
            it.shift[0] = -7200.0
            await it.next_poll()
            it.services.tokens.revoke_all()
            met.listener.asked.clear()
            await it.next_poll()
            await it.next_poll()
            return bool(it.snapshot.up), it.failures(), len(met.listener.asked)

    assert run(scenario_()) == (True, {}, 1)


@pytest.mark.parametrize(
    ("operation", "shift"), list(zip(SIGNED, cycle((-3600.0, 3600.0)), strict=False))
)
def test_clock_that_is_an_hour_wrong_costs_three_requests_and_heals_after_the_pause(
    operation: Operation, shift: float
) -> None:
    """The platform refuses signatures of another hour, which must not lock the key."""

    async def scenario_() -> tuple[int, set[str], dict[str, str], bool, dict[str, str]]:
        async with scenario(operation) as met:
            it = met.it
            states = it.states()
            met.listener.asked.clear()
            it.shift[0] = shift
            for _ in range(8):
                await it.next_poll()
            sent = len(met.listener.asked)
            refused = it.states() if it.states() == states else {}
            assert not it.snapshot.up
            it.shift[0] = 0.0
            await asyncio.sleep(340)
            return sent, set(it.failures()), refused, bool(it.snapshot.up), it.states()

    sent, reasons, refused, up, states = run(scenario_())
    assert (sent, reasons, up) == (3, {"auth"}, True)
    assert refused == states == {"steady": "running", "quiet": "stopped"}


@pytest.mark.parametrize(
    ("operation", "shift"),
    [
        *((each, shift) for each in TOLERANT for shift in (-400.0, 400.0)),
        *((each, shift) for each in SIGNED if each not in TOLERANT for shift in (-250.0, 250.0)),
    ],
)
def test_clock_that_jumps_changes_neither_states_nor_the_pace_of_polls(
    operation: Operation, shift: float
) -> None:
    """Less than the platforms tolerate and more than every interval of this exporter."""

    async def scenario_() -> tuple[bool, dict[str, float], dict[str, str], str]:
        async with scenario(operation) as met:
            it = met.it
            it.shift[0] = shift
            began = now()
            for _ in range(5):
                await it.next_poll()
            assert 5 < now() - began < 10 * POLL_INTERVAL
            met.it.services.fleet.set_phase("steady", Phase.STOPPED, now())
            await it.next_poll()
            await it.next_poll()
            return bool(it.snapshot.up), it.failures(), it.states(), it.snapshot.failure

    up, failures, states, failure = run(scenario_())
    assert (up, failures, failure) == (True, {}, "")
    assert states == {"steady": "stopped", "quiet": "stopped"}
