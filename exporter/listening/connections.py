"""Keep account of who is connected, and part with whoever takes too long.

Each connection has a deadline for what it is doing: one number, set as it goes on, and looked at
once a second for all. That costs a request next to nothing, unlike timers of its own.
"""

import asyncio
import contextlib
import math
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from exporter.pacing import Clock
from exporter.process.condition_log import ConditionLog

MOST_CONNECTIONS = 512
_SWEEP_EVERY = 1.0
_ANSWERED_SECONDS = 10.0
"""After so long an answer is being read too slowly, or by nobody."""
_STILL_SECONDS, _MOMENT_SECONDS = 2.0, 0.25
"""Who takes nothing for so long of what is ready goes first when there are too many; who takes
nothing for a moment goes when nobody else is idle: a scraper that is busy must not."""
_LOOK_EVERY = 0.05
"""Looking at all of them takes as long as a request: not for each of many that come at once."""
_CROWDED = "too many connections"
_RELAXED = 0.9
_MANY = 0.5
_MOST_UNSENT = 128 * 1024
"""Bytes that the system holds of an answer beyond those on their way, for each of many readers. By
itself it holds up to four megabytes for one who does not read, all of which were made for it; less
is less work, but makes a single large answer slower."""


class Phase(IntEnum):
    """What a connection is doing; whole numbers, since it is looked up at each step."""

    SHAKING_HANDS = 0
    ASKING = 1
    """The head of a request has begun, or is awaited for the first time."""
    SENDING = 2
    """The body of a request is coming."""
    ANSWERED = 3
    """It waits for an answer, or reads one."""
    IDLE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How many seconds each phase may take."""

    handshake: float = 10.0
    head: float = 10.0
    body: float = 40.0
    """More than the receiver of reports waits: its refusal says what is wrong."""
    answer: float = 90.0
    """More than the page of metrics may take."""
    idle: float = 180.0
    """Longer than between two scrapes: with TLS a new connection costs more than a scrape."""
    unread: float = 15.0
    """In any phase, without taking anything of what was sent."""

    def by_phase(self) -> tuple[float, ...]:
        """Return the seconds of each phase."""
        return self.handshake, self.head, self.body, self.answer, self.idle


@dataclass(slots=True, eq=False)
class Client:
    """One connection: its transport underneath any TLS, and until when it may go on as it does."""

    transport: asyncio.Transport
    pending: Callable[[], int] = int
    """Says how many bytes wait to be taken by the peer."""
    since: float = 0.0
    deadline: float = math.inf
    unread: int = 0
    """Bytes that were sent and not taken, when it was last looked at."""
    taken_at: float = math.inf
    """When something of them was last taken, as far as looking now and then can tell."""
    answer_ends: bool = False
    """Whether it has all of its answer but what is unread, and is idle after that."""


class Connections:
    """Everybody who is connected.

    When there are too many, whoever does not read what is sent must go, the longest first; then
    whoever has been waited for the longest. A connection that is being answered and reads stays,
    unless it has been for long: when all are such, the new one goes.
    """

    def __init__(
        self,
        *,
        monotonic: Clock,
        most: int = MOST_CONNECTIONS,
        patience: Patience | None = None,
        conditions: ConditionLog | None = None,
    ) -> None:
        self._monotonic = monotonic
        self._most = most
        patience = patience or Patience()
        self._patience = patience.by_phase()
        self._longest_unread = patience.unread
        self._conditions = conditions
        self._looked_at = -math.inf
        # Both in the order in which their members came to be in them.
        self._answered: dict[Client, None] = {}
        self._awaited: dict[Client, None] = {}

    def __len__(self) -> int:
        return len(self._answered) + len(self._awaited)

    def limit(self, most: int) -> None:
        """Allow so many from now on; those that are there stay until others come."""
        self._most = most

    def enter(self, client: Client, phase: Phase) -> bool:
        """Take in a new connection; False when there is no room, and it is closed."""
        if len(self) >= self._most * _MANY:
            _hold_little(client.transport)
        while len(self) >= self._most:
            if self._conditions is not None:
                event = f"{_CROWDED}: closing those that were waited for the longest"
                self._conditions.began(_CROWDED, event, limit=str(self._most))
            first = self._first_to_go()
            if first is None:
                client.transport.abort()
                return False
            self.leave(first)
            first.transport.abort()
        self.turn(client, phase)
        return True

    def turn(self, client: Client, phase: Phase) -> None:
        """Note that a connection begins something else."""
        client.since = self._monotonic()
        client.deadline = client.since + self._patience[phase]
        client.answer_ends = False
        self.leave(client)
        (self._answered if phase is Phase.ANSWERED else self._awaited)[client] = None

    def answered(self, client: Client) -> None:
        """Note that a connection has its whole answer; it is idle when all of it is taken."""
        if client.pending():
            # Until then the time for the answer runs on.
            client.answer_ends = True
        else:
            self.turn(client, Phase.IDLE)

    def leave(self, client: Client) -> None:
        """Forget a connection, if it is known."""
        self._answered.pop(client, None)
        self._awaited.pop(client, None)

    def sweep(self) -> None:
        """Close whoever has taken too long."""
        now = self._monotonic()
        self._look_at_readers(now)
        for client in [*self._answered, *self._awaited]:
            if client.deadline < now or now - client.taken_at > self._longest_unread:
                self.leave(client)
                client.transport.abort()
            elif client.answer_ends and not client.unread:
                self.turn(client, Phase.IDLE)
        if self._conditions is not None and len(self) < self._most * _RELAXED:
            self._conditions.ended(_CROWDED, "connections are below their limit again")

    @contextlib.contextmanager
    def sweeping(self) -> Iterator[None]:
        """Sweep every second while the context is entered."""
        task = asyncio.get_running_loop().create_task(self._sweep_on(), name="sweep connections")
        try:
            yield
        finally:
            task.cancel()

    async def _sweep_on(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_EVERY)
            self.sweep()

    def _look_at_readers(self, now: float) -> None:
        self._looked_at = now
        for client in [*self._answered, *self._awaited]:
            unread = client.pending()
            if not unread:
                client.taken_at = math.inf
            elif unread != client.unread:
                client.taken_at = now
            client.unread = unread

    def _first_to_go(self) -> Client | None:
        now = self._monotonic()
        if now - self._looked_at >= _LOOK_EVERY:
            self._look_at_readers(now)
        everybody = [*self._answered, *self._awaited]
        still = min(everybody, key=lambda client: client.taken_at, default=None)
        seconds = 0.0 if still is None else now - still.taken_at
        if seconds >= _STILL_SECONDS:
            return still
        if self._awaited:
            return next(iter(self._awaited))
        if seconds >= _MOMENT_SECONDS:
            return still
        oldest = next(iter(self._answered), None)
        if oldest is not None and now - oldest.since > _ANSWERED_SECONDS:
            return oldest
        return None


def _hold_little(transport: asyncio.Transport) -> None:
    connection = transport.get_extra_info("socket")
    if connection is not None and hasattr(socket, "TCP_NOTSENT_LOWAT"):
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _MOST_UNSENT)
