"""Every fault of an answer, at every operation: the matrix holds."""

import pytest

from exporter.errors import Reason
from tests.faults.hurried_time import run
from tests.faults.matrix import FAULTS, Fault, Reaction, expected
from tests.faults.observing import Seen, scenario
from tests.faults.operations import OPERATIONS, Operation, Part


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_every_fault_is_met_as_the_matrix_says(operation: Operation) -> None:
    """One poll meets the fault; the exporter keeps what it knows, and the next poll is well."""

    async def meet_all() -> tuple[dict[str, Seen], list[str]]:
        async with scenario(operation) as met:
            elsewhere = f"http://127.0.0.1:{met.elsewhere.port}"
            seen = {
                fault.name: await met.poll_with(fault.make(operation, elsewhere))
                for fault in FAULTS
            }
            return seen, met.it.secrets_told()

    seen, told = run(meet_all())
    wanted = {fault.name: _wanted(fault, operation, seen[fault.name]) for fault in FAULTS}
    assert {name: (seen[name], wanted[name]) for name in seen if seen[name] != wanted[name]} == {}
    assert told == []


def _wanted(fault: Fault, operation: Operation, seen: Seen) -> Seen:
    reaction = expected(fault, operation)
    polls = {}
    details = {}
    if reaction.reason is not None:
        if operation.part is Part.MONITORING:
            details = {Reason.MONITORING.value: 1.0}
        elif operation.part in (Part.DETAILS, Part.EXTRA):
            details = {reaction.reason.value: float(operation.asked)}
            if operation.part is Part.EXTRA and not seen.detail_failures:
                # That an extra is refused for good is counted once: an earlier fault was that one.
                details = {}
        else:
            polls = {reaction.reason.value: 1.0}
    return Seen(
        up=not polls,
        poll_failures=polls,
        detail_failures=details,
        sends=_sends(reaction, operation, seen.sends),
    )


def _sends(reaction: Reaction, operation: Operation, seen: int) -> int:
    if reaction.sends is not None:
        return reaction.sends * operation.asked_in_spite_of(reaction.reason)
    # At least one, or the fault was never met.
    return min(max(seen, 1), operation.steps * operation.asked)
