"""A page is sent piece by piece, as its reader takes it, and to nobody for ever."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest
from starlette.types import Message

from exporter.exposition import Exposition, MetricsEndpoint
from tests.exposition.expositions import exposition_of, page_of
from tests.jobs import job, snapshot
from tests.virtual_time import run

Send = Callable[[Message], Awaitable[None]]


@pytest.fixture(name="exposition", scope="module")
def _exposition() -> Exposition:
    return exposition_of(snapshot(*(job(f"job {number}") for number in range(800))))


async def _stays() -> Message:
    await asyncio.Event().wait()
    raise AssertionError("unreachable: nothing comes")


def _leaver() -> Callable[[], Awaitable[Message]]:
    """Return what tells of a request that is complete, and then of a reader who has gone."""
    coming = iter(("http.request", "http.disconnect"))

    async def receive() -> Message:
        return {"type": next(coming)}

    return receive


def _be_busy() -> None:
    """Take as long as it takes to send much to a reader that takes everything at once."""
    time.sleep(0.002)


async def _ask(
    exposition: Exposition,
    send: Send,
    receive: Callable[[], Awaitable[Message]] = _stays,
    method: str = "GET",
) -> None:
    scope = {"type": "http", "method": method, "headers": []}
    await MetricsEndpoint(exposition)(scope, receive, send)


def _bodies(messages: list[Message]) -> list[bytes]:
    assert messages[0]["type"] == "http.response.start"
    return [message["body"] for message in messages[1:]]


def test_page_comes_whole_in_parts_that_are_no_copy_of_it(exposition: Exposition) -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(_ask(exposition, send))
    page = page_of(exposition)
    parts = _bodies(sent)
    assert b"".join(parts) == page
    assert max(map(len, parts)) < len(page) / 4
    assert dict(sent[0]["headers"])[b"content-length"] == b"%d" % len(page)
    assert [message["more_body"] for message in sent[1:]] == [True] * (len(parts) - 1) + [False]


def test_head_is_answered_without_the_page(exposition: Exposition) -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(_ask(exposition, send, method="HEAD"))
    assert _bodies(sent) == [b""]
    assert dict(sent[0]["headers"])[b"content-length"] == b"%d" % len(page_of(exposition))


def test_others_have_their_turn_while_a_page_is_sent(exposition: Exposition) -> None:
    turns: list[int] = []

    async def scenario() -> int:
        parts = 0

        async def send(message: Message) -> None:
            nonlocal parts
            parts += 1
            _be_busy()

        async def other() -> None:
            while True:
                turns.append(parts)
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        await _ask(exposition, send)
        task.cancel()
        return parts

    parts = asyncio.run(scenario())
    assert parts > 4
    assert len(set(turns)) >= parts - 2


def test_page_is_not_unpacked_for_a_reader_who_has_gone(exposition: Exposition) -> None:
    async def scenario(receive: Callable[[], Awaitable[Message]]) -> int:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)
            await asyncio.sleep(0)

        await _ask(exposition, send, receive)
        return len(sent)

    assert asyncio.run(scenario(_leaver())) < asyncio.run(scenario(_stays)) - 1


def test_reader_who_takes_nothing_is_given_up_after_a_minute(exposition: Exposition) -> None:
    async def scenario() -> float:
        async def send(message: Message) -> None:
            if message["type"] == "http.response.body":
                await asyncio.Event().wait()

        started = asyncio.get_running_loop().time()
        with pytest.raises(TimeoutError):
            await _ask(exposition, send)
        return asyncio.get_running_loop().time() - started

    assert run(scenario()) == pytest.approx(60.0)
