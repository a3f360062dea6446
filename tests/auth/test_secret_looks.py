"""Files of secrets are looked at again, whatever a look has stumbled over."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from exporter.auth.secret_watch import SecretWatch
from exporter.process.condition_log import ConditionLog
from exporter.runtime import Runtime
from exporter.secret import FileSecret
from exporter.settings import Section
from tests.recording import RecordingLog


class Slippery(FileSecret):
    """A secret at whose first look something happens that nobody has foreseen."""

    looks = 0

    def look(self) -> str:
        """Fail once."""
        type(self).looks += 1
        if self.looks == 1:
            raise LookupError("the secret itself")
        return super().look()


class Settings(Section):
    """Settings with one secret."""

    token_file: Any


def test_look_that_fails_unexpectedly_is_told_and_the_next_one_is_made(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("old")
    secret, log, pauses = Slippery(path), RecordingLog(), 0

    async def sleep(seconds: float) -> None:
        nonlocal pauses
        pauses += 1
        while log.said() == [] and pauses == 2:  # noqa: ASYNC110
            await asyncio.sleep(0)
        if pauses == 2:
            path.write_text("new")
        while secret.reveal() == "old" and pauses == 3:  # noqa: ASYNC110
            await asyncio.sleep(0)
        if pauses == 3:
            raise asyncio.CancelledError

    watch = SecretWatch(
        lambda: {"flink": Settings(token_file=secret)},
        runtime=Runtime(environ={}, home=tmp_path, sleep=sleep),
        conditions=ConditionLog(log),
    )
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(asyncio.wait_for(watch.keep_looking(), 20))
    assert secret.reveal() == "new"
    ((level, event, facts),) = log.lines
    assert (level, event) == ("warning", "a look at secret files ended unexpectedly")
    assert facts["file"] == str(path)
    assert "the secret itself" not in facts["detail"]
