"""Pages are worked out one at a time, once for all who ask for the same, and few wait for it."""

import asyncio
import gzip
import threading
from collections.abc import Callable

import pytest
from starlette.types import Message

from exporter.collecting.store import Store
from exporter.pages.workshop import Page, PageResponse, Workshop
from exporter.process.turns import CrowdedError
from tests.jobs import job, snapshot


class Place:
    """A workshop whose pages take until they are let go."""

    def __init__(self, most_waiting: int = 2) -> None:
        self.store = Store()
        self.now = 0.0
        self.workshop = Workshop(self.store, clock=lambda: self.now, most_waiting=most_waiting)
        self.made: list[str] = []
        self.at_once = 0
        self.most_at_once = 0
        self.gate = threading.Event()

    def make(self, name: str) -> Callable[[], tuple[str, int]]:
        def work() -> tuple[str, int]:
            self.made.append(name)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            self.gate.wait(20)
            self.at_once -= 1
            return f"page {name}", 200

        return work

    def ask(self, address: str, name: str = "") -> "asyncio.Task[Page]":
        return asyncio.create_task(self.workshop.page(address, self.make(name or address)))


def _text(page: Page) -> str:
    return gzip.decompress(page.packed).decode()


async def _turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_page_does_not_hold_the_time_for_which_there_are_only_32_bits() -> None:
    async def scenario() -> None:
        place = Place()
        place.gate.set()
        page = await place.ask("a")
        assert page.packed[:4] == b"\x1f\x8b\x08\x00"
        assert page.packed[4:8] == bytes(4)

    asyncio.run(scenario())


def test_who_asks_for_the_same_at_once_gets_the_same() -> None:
    async def scenario() -> None:
        place = Place()
        tasks = [place.ask("a", f"{number}") for number in range(20)]
        await _turns()
        place.gate.set()
        assert {_text(page) for page in await asyncio.gather(*tasks)} == {"page 0"}
        place.now = 0.9
        assert _text(await place.ask("a", "soon")) == "page 0"
        place.now = 1.0
        assert _text(await place.ask("a", "later")) == "page later"
        place.store.put(snapshot(job()))
        assert _text(await place.ask("a", "news")) == "page news"
        assert place.made == ["0", "later", "news"]

    asyncio.run(scenario())


def test_one_at_a_time_and_who_is_too_many_is_told_so() -> None:
    async def scenario() -> None:
        place = Place(most_waiting=2)
        tasks = [place.ask(name) for name in "abc"]
        await _turns()
        with pytest.raises(CrowdedError):
            await place.ask("d")
        place.gate.set()
        assert [_text(page) for page in await asyncio.gather(*tasks)] == [
            *("page a", "page b", "page c")
        ]
        assert place.most_at_once == 1
        assert _text(await place.ask("d")) == "page d"

    asyncio.run(scenario())


def test_who_leaves_does_not_take_the_page_from_others() -> None:
    async def scenario() -> None:
        place = Place()
        first, second = place.ask("a"), place.ask("a", "other")
        await _turns()
        first.cancel()
        place.gate.set()
        assert _text(await second) == "page a"

    asyncio.run(scenario())


def test_page_that_failed_is_tried_again() -> None:
    async def scenario() -> None:
        place = Place()
        place.gate.set()

        def fail() -> tuple[str, int]:
            raise ValueError("a fault")

        with pytest.raises(ValueError, match="a fault"):
            await place.workshop.page("a", fail)
        assert _text(await place.ask("a")) == "page a"

    asyncio.run(scenario())


def test_few_pages_are_kept() -> None:
    async def scenario() -> None:
        place = Place()
        place.gate.set()
        for number in range(100):
            await place.ask(f"{number}")
        assert len(place.workshop._orders) <= 17

    asyncio.run(scenario())


@pytest.mark.parametrize("zipped", [False, True])
def test_page_is_sent_in_the_form_asked_for_in_pieces(zipped: bool) -> None:
    async def scenario() -> None:
        text = "".join(f"{number * 7919 % 10**9}" for number in range(100_000))
        page = Page(gzip.compress(text.encode(), 1), len(text), 200)
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            await asyncio.Event().wait()
            raise AssertionError("unreachable: nothing comes")

        response = PageResponse(page, {"x": "y"}, zipped=zipped)
        await response({"type": "http", "method": "GET"}, receive, send)
        body = b"".join(message["body"] for message in sent[1:])
        headers = dict(sent[0]["headers"])
        assert int(headers[b"content-length"]) == len(body)
        assert (gzip.decompress(body) if zipped else body).decode() == text
        assert max(len(message["body"]) for message in sent[1:]) <= 256 * 1024
        assert (headers.get(b"content-encoding") == b"gzip") is zipped

    asyncio.run(scenario())
