"""SIGTERM ends whatever goes on, and many signals to reload mean one reload."""

import asyncio
import os
import signal

import pytest

from exporter.errors import ConfigError, ConfigProblem
from exporter.serving.server import Signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_start_that_takes_for_ever_is_ended_by_a_signal(number: signal.Signals) -> None:
    cancelled = []

    async def start() -> None:
        os.kill(os.getpid(), number)
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    async def scenario() -> bool:
        with Signals() as signals:
            return await signals.unless_stopped(start())

    assert asyncio.run(scenario()) is False
    assert cancelled == [True]


def test_start_that_fails_says_why_and_one_that_ends_says_so() -> None:
    async def fail() -> None:
        raise ConfigError((ConfigProblem("here", "wrong"),))

    async def scenario() -> bool:
        with Signals() as signals:
            with pytest.raises(ConfigError, match="here: wrong"):
                await signals.unless_stopped(fail())
            return await signals.unless_stopped(asyncio.sleep(0))

    assert asyncio.run(scenario()) is True


def test_reload_that_takes_for_ever_is_not_waited_for() -> None:
    reloads = []

    async def scenario() -> None:
        with Signals() as signals:
            waiting = asyncio.create_task(signals.until_stopped(lambda: reloads.append(True)))
            for _ in range(100):
                os.kill(os.getpid(), signal.SIGHUP)
            await asyncio.sleep(0.05)
            assert not waiting.done()
            os.kill(os.getpid(), signal.SIGHUP)
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(waiting, 10)

    asyncio.run(scenario())
    assert 1 <= len(reloads) <= 50
