"""What goes on beside the server is heard of when it fails."""

import asyncio

import pytest

from exporter.commands.serve import _beside
from tests.recording import RecordingLog


def test_work_beside_that_fails_is_told_at_once_and_without_its_text() -> None:
    log = RecordingLog()

    async def watch() -> None:
        raise LookupError("what it stumbled over")

    async def scenario() -> None:
        async with _beside("watch", watch(), log):
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert log.said() == ["a task ended unexpectedly"]

    with pytest.raises(LookupError):
        asyncio.run(scenario())
    ((_, _, facts),) = log.lines
    assert facts["task"] == "watch"
    assert facts["detail"].startswith("LookupError at test_serve.py:")
    assert "stumbled" not in facts["detail"]


def test_work_beside_ends_with_what_it_is_beside() -> None:
    log = RecordingLog()

    async def wait() -> None:
        await asyncio.Event().wait()

    async def scenario() -> None:
        async with _beside("wait", wait(), log), _beside("nothing", None, log):
            await asyncio.sleep(0)

    asyncio.run(scenario())
    assert log.lines == []
