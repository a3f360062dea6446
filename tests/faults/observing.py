"""See what one fault does to the exporter, and that nothing else happens.

The exporter has polled well, then one poll meets the fault, and the next one does not.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from exporter.model import Job
from tests.faults.exchange import Spoil
from tests.faults.faulty_listener import FaultyListener
from tests.faults.operations import Operation, Part
from tests.faults.services import serving
from tests.faults.spoils import hang_up
from tests.faults.watched_cloud import POLL_INTERVAL, TIMEOUT, Outpost, now, outpost

Change = Callable[[], Awaitable[None]]
_KEPT = (Part.LOGIN, Part.METADATA)
"""What is asked once and then kept: the source is opened anew to have it asked again."""
_LONGEST = 2 * TIMEOUT + 2.0
"""Seconds after which a question is given up: two tries and the pause between them."""
_PATIENCE = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a poll that met a fault showed; `wrong` is what must never be."""

    up: bool
    poll_failures: dict[str, float] = field(default_factory=dict)
    detail_failures: dict[str, float] = field(default_factory=dict)
    requests: dict[str, float] = field(default_factory=dict, compare=False)
    """What was sent by status, or by the reason for which there was none."""
    sends: int = 0
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """An exporter that calls one operation, and a host that nobody may ask anything."""

    it: Outpost
    operation: Operation
    elsewhere: FaultyListener

    @property
    def listener(self) -> FaultyListener:
        """Return the door behind which the operation is."""
        return self.it.services.listeners[self.operation.host]

    async def poll_with(self, spoil: Spoil) -> Seen:
        """Let one poll meet a spoiled answer and the next one not; return what was seen."""

        async def begin() -> None:
            self.listener.spoil(spoil, self.operation.matches)

        async def end() -> None:
            self.listener.mend()

        return await self.poll_through(begin, end)

    async def poll_through(self, begin: Change, end: Change) -> Seen:
        """Let one poll meet a fault and the next one not; return what was seen."""
        it = self.it
        jobs, succeeded = it.jobs(), it.snapshot.last_success_timestamp
        await self._prepare()
        if self.operation.once:
            # What is shown at once by a source that is opened anew is not all that it told before.
            jobs = it.jobs()
        began = now()
        failures, details = it.failures(), it.detail_failures()
        requests = it.requests(self.operation.name)
        self.listener.asked.clear()
        await begin()
        await it.next_poll()
        await asyncio.sleep(self.operation.beside)
        seen = Seen(
            up=bool(it.snapshot.up),
            poll_failures=_increase(failures, it.failures()),
            detail_failures=_increase(details, it.detail_failures()),
            requests=_increase(requests, it.requests(self.operation.name)),
            sends=sum(self.operation.matches(asked) for asked in self.listener.asked),
        )
        wrong = lost(jobs, it.jobs())
        if not seen.up and it.snapshot.last_success_timestamp != succeeded:
            wrong.append("a failed poll passes for a good one")
        if (it.snapshot.poll_duration_seconds or 0.0) > self.operation.asked * _LONGEST:
            wrong.append(f"the poll took {it.snapshot.poll_duration_seconds} seconds")
        await end()
        await it.next_poll()
        if self.operation.beside:
            seen = replace(seen, detail_failures=_increase(details, it.detail_failures()))
        wrong += self._unhealed(jobs, failures, seen)
        wrong += await self._harmed(began)
        return replace(seen, wrong=tuple(wrong))

    async def turn(self) -> None:
        """Have the source opened anew, by a change of a label."""
        old, new = ("turn: a", "turn: b")[:: 1 if "turn: a" in self.it.text[0] else -1]
        await self.it.reload(old, new)

    async def _prepare(self) -> None:
        """Make the exporter ask again for what it keeps."""
        it = self.it
        if self.operation.part in _KEPT or self.operation.once:
            await self.turn()
            if self.operation.part is Part.MONITORING:
                # A new source asks about what runs in its second poll.
                await it.next_poll()
        elif self.operation.part is Part.EXTRA:
            # After a failed listing another JobManager may answer, perhaps of another version.
            self.listener.spoil(hang_up, lambda asked: asked.path == "/jobs/overview")
            await it.next_poll()

    def _unhealed(self, jobs: dict[str, Job], failures: dict[str, float], seen: Seen) -> list[str]:
        it = self.it
        wrong = [f"after the fault: {each}" for each in lost(jobs, it.jobs())]
        if not it.snapshot.up:
            wrong.append(f"after the fault: {it.snapshot.failure}")
        if _increase(failures, it.failures()) != seen.poll_failures:
            wrong.append("after the fault: a poll failed")
        return wrong

    async def _harmed(self, began: float) -> list[str]:
        """Say what happened to others: neither the other source nor another host may notice."""
        for _ in range(_PATIENCE):
            if (self.it.bystander.last_success_timestamp or 0.0) >= began:
                break
            await asyncio.sleep(POLL_INTERVAL / 4)
        bystander = self.it.bystander
        wrong = []
        if bystander.failure or (bystander.last_success_timestamp or 0.0) < began:
            wrong.append("the bystander was not polled well")
        if self.elsewhere.connections:
            wrong.append("a redirect was followed")
        return wrong


@asynccontextmanager
async def scenario(
    operation: Operation,
    *,
    context: ssl.SSLContext | None = None,
    named: str = "127.0.0.1",
    extra: str = "",
) -> AsyncIterator[Scenario]:
    """Start the services and an exporter that has polled them well.

    With a TLS context the services speak it; `named` is what the exporter calls their host.
    """
    async with (
        serving(now, *operation.hosts, context=context) as services,
        serving(now, "bystander") as others,
        outpost(services, operation, named=named, extra=extra) as it,
    ):
        await it.next_poll()
        await it.next_poll()
        assert it.snapshot.up, it.snapshot.failure
        assert it.states()["steady"] == "running"
        listener = services.listeners[operation.host]
        assert any(operation.matches(asked) for asked in listener.asked)
        yield Scenario(it=it, operation=operation, elsewhere=others.listeners["bystander"])


def lost(before: dict[str, Job], after: dict[str, Job]) -> list[str]:
    """Say which jobs, states or known values of jobs are no longer what they were."""
    wrong = [f"{name} is gone" for name in before if name not in after]
    wrong += [f"{name} came from nowhere" for name in after if name not in before]
    for name in before.keys() & after.keys():
        was, is_now = before[name], after[name]
        if was.state != is_now.state:
            wrong.append(f"{name} is {is_now.state}, was {was.state}")
        wrong += [
            f"{name} lost its {fact}"
            for fact, known, left in zip(Job._fields, was, is_now, strict=True)
            if known not in (None, "", ()) and left in (None, "", ())
        ]
    return wrong


def _increase(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    rise = {reason: count - before.get(reason, 0.0) for reason, count in after.items()}
    return {reason: count for reason, count in rise.items() if count}
