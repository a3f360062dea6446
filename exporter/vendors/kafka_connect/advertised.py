"""Look whether the workers that connectors and tasks are said to run on are there at all.

When a worker is killed its tasks stay RUNNING in every listing until they are moved, five minutes
with the defaults of Connect. So each worker is asked for something small, at the address that it
has advertised. Where that means nothing from here nothing is concluded from it: who has never
answered is not missed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from enum import Enum, auto
from urllib.parse import urlsplit

from exporter.errors import FetchError, Reason
from exporter.settings import is_endpoint
from exporter.upstream.addresses import REFUSED
from exporter.upstream.refusals.kafka_connect import STARTING

MOST_WORKERS = 64
"""Asked at one poll; a cluster has some ten."""
_SILENT = 2
"""Polls in a row at which a worker that is gone has not answered: a packet can be lost."""
_NOT_THERE = frozenset({Reason.CONNECTION, Reason.TIMEOUT})

Ask = Callable[[str], Awaitable[object]]
"""Asks the worker at an address, a URL, who it is. Raises FetchError."""


class _Answer(Enum):
    """What there is at an address."""

    WORKER = auto()
    STRANGER = auto()
    """Somebody, who need not be the worker: networks of containers use the same addresses."""
    NOBODY = auto()


class AdvertisedWorkers:
    """What is known of each worker at the address by which the others know it."""

    def __init__(self, ask: Ask, *, endpoints: Collection[str]) -> None:
        """Take who asks, and the addresses that are configured: these are known to mean workers."""
        self._ask = ask
        first, *_ = (urlsplit(each) for each in endpoints)
        self._scheme = first.scheme
        self._answered = {urlsplit(each).netloc for each in endpoints}
        self._configured = frozenset(self._answered)
        self._silent: dict[str, int] = {}

    async def find_gone(self, worker_ids: Collection[str]) -> frozenset[str]:
        """Ask each of these workers; return those that are not there any more.

        Nothing that goes wrong here is raised: it is an answer.
        """
        asked = sorted(each for each in worker_ids if is_endpoint(f"http://{each}"))[:MOST_WORKERS]
        answers = await asyncio.gather(*(self._look_at(each) for each in asked))
        silent = {}
        for worker_id, answer in zip(asked, answers, strict=True):
            if answer is _Answer.WORKER:
                self._answered.add(worker_id)
            elif answer is _Answer.NOBODY:
                silent[worker_id] = self._silent.get(worker_id, 0) + 1
        # Those that nothing runs on are forgotten: their addresses may be given to others.
        self._answered &= {*asked, *self._configured}
        self._silent = silent
        return frozenset(
            each for each, times in silent.items() if times >= _SILENT and each in self._answered
        )

    async def _look_at(self, worker_id: str) -> _Answer:
        try:
            document = await self._ask(f"{self._scheme}://{worker_id}")
        except FetchError as exc:
            if exc.reason is Reason.AUTH:
                # It is shown no credentials: nobody has configured this address.
                return _Answer.WORKER
            # One that is being started again runs nothing yet.
            nobody = exc.reason in _NOT_THERE or exc.code == STARTING
            return _Answer.NOBODY if nobody and exc.code != REFUSED else _Answer.STRANGER
        known = isinstance(document, Mapping) and "version" in document
        return _Answer.WORKER if known else _Answer.STRANGER
