"""An answer of any size costs the exporter no more than its limit."""

import pytest

from exporter.upstream.exchange import LARGEST_ANSWER
from tests.faults.exchange import Exchange, Told
from tests.faults.hurried_time import run
from tests.faults.observing import scenario
from tests.faults.operations import OPERATIONS, Operation, Part
from tests.faults.spoils import JSON, LARGE

MEBIBYTE = 1024 * 1024
BUFFERED = 16 * MEBIBYTE
"""What the kernel and both ends hold of a connection, generously."""


@pytest.mark.parametrize(
    "operation",
    [
        each
        for each in OPERATIONS
        if each.part not in (Part.DETAILS, Part.MONITORING) and not each.by_id
    ],
    ids=str,
)
def test_answer_is_not_taken_beyond_its_limit(operation: Operation) -> None:
    """The server counts what went into the connection before the exporter closed it."""
    limit = MEBIBYTE if operation.part in (Part.LOGIN, Part.METADATA) else LARGEST_ANSWER
    taken = []

    async def scenario_() -> None:
        async with scenario(operation) as met:

            async def pour(exchange: Exchange) -> None:
                taken.append(0)
                await exchange.write(Told(headers=JSON).head(LARGE * 100))
                piece = b" " * 65536
                while not exchange.writer.transport.is_closing():
                    await exchange.write(piece)
                    taken[-1] += len(piece)

            seen = await met.poll_with(pour)
            assert seen.wrong == ()

    run(scenario_())
    assert taken
    # What was written last may not have been counted when the connection closed.
    assert all(limit - MEBIBYTE < each < limit + BUFFERED for each in taken)
