"""A wrong key never gets a fourth chance in a row, however requests and answers interleave."""

import asyncio
import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.auth.credentials import Credentials
from exporter.auth.guard import Attempt, GuardBook, RejectionGuard
from exporter.errors import CredentialError
from tests.auth.tools import MARK, Clock, everything_told

LIMIT, PAUSE = 3, 330.0


async def settle() -> None:
    """Let every task run until it waits for something."""
    for _ in range(5):
        await asyncio.sleep(0)


class Platform:
    """A platform that counts rejections in a row, and clients that answer when told to."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.guard = RejectionGuard(LIMIT, PAUSE, clock=clock)
        self.tasks: list[asyncio.Task[str]] = []
        self.sent: list[asyncio.Future[bool | None]] = []
        self.answered: list[tuple[asyncio.Future[bool | None], bool | None]] = []
        self.in_a_row = 0
        self.last_rejection = float("-inf")

    def start(self) -> None:
        self.tasks.append(asyncio.create_task(self._client()))

    async def _client(self) -> str:
        try:
            async with self.guard.attempt() as attempt:
                answer: asyncio.Future[bool | None] = asyncio.get_running_loop().create_future()
                self.sent.append(answer)
                accepted = await answer
                if accepted:
                    attempt.accepted()
                elif accepted is not None:
                    attempt.rejected()
                return "done"
        except CredentialError:
            return "paused"

    def serve(self, index: int, accepted: bool | None) -> None:
        """Judge a request on its arrival; None is one that never arrives."""
        self.answered.append((self.sent.pop(index), accepted))
        if accepted:
            self.in_a_row = 0
        elif accepted is not None:
            if self.clock.now - self.last_rejection >= PAUSE:
                self.in_a_row = 0
            self.in_a_row += 1
            self.last_rejection = self.clock.now

    def deliver(self, index: int) -> None:
        """Let an answer reach its client, perhaps overtaking earlier ones."""
        future, accepted = self.answered.pop(index)
        future.set_result(accepted)

    @property
    def in_flight(self) -> int:
        return len(self.sent) + len(self.answered)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_more_than_three_rejections_in_a_row_reach_the_platform(data: st.DataObject) -> None:
    """Whatever the order of sending, judging and answering; and nobody waits for ever."""

    async def run() -> None:
        clock = Clock(0.0)
        platform = Platform(clock)
        for _ in range(data.draw(st.integers(1, 60))):
            steps = ["start", "start", "wait"]
            steps += ["serve"] * 2 if platform.sent else []
            steps += ["deliver"] * 2 if platform.answered else []
            step = data.draw(st.sampled_from(steps))
            if step == "start":
                platform.start()
            elif step == "wait":
                clock.now += data.draw(st.sampled_from([0.0, 1.0, 100.0, 400.0]))
            elif step == "serve":
                index = data.draw(st.integers(0, len(platform.sent) - 1))
                verdict = data.draw(st.sampled_from([False, False, False, True, None]))
                platform.serve(index, verdict)
            else:
                platform.deliver(data.draw(st.integers(0, len(platform.answered) - 1)))
            await settle()
            assert platform.in_a_row <= LIMIT
            assert platform.in_flight <= LIMIT
        while platform.in_flight:
            while platform.sent:
                platform.serve(0, True)
            platform.deliver(0)
            await settle()
        assert all(task.done() for task in platform.tasks)
        assert {task.result() for task in platform.tasks} <= {"done", "paused"}

    asyncio.run(run())


async def attempts(guard: RejectionGuard, *verdicts: bool | None) -> None:
    """Make attempts one after the other."""
    for verdict in verdicts:
        async with guard.attempt() as attempt:
            if verdict:
                attempt.accepted()
            elif verdict is not None:
                attempt.rejected()


def test_use_is_paused_after_three_rejections() -> None:
    """The pause outlasts the platform's lock of five minutes and says how long it still is."""

    async def run() -> None:
        clock = Clock(0.0)
        guard = RejectionGuard(clock=clock)
        await attempts(guard, False, False, True, False, None, False, False)
        clock.now = 9.6
        with pytest.raises(CredentialError, match="paused for another 320 s"):
            await attempts(guard, True)
        clock.now = 330.0
        await attempts(guard, True, False, False)
        await attempts(guard, True)

    asyncio.run(run())


def test_use_is_paused_again_when_the_first_try_after_a_pause_is_rejected() -> None:
    """A pause is not a licence for three more rejections."""

    async def run() -> None:
        clock = Clock(0.0)
        guard = RejectionGuard(clock=clock)
        await attempts(guard, False, False, False)
        clock.now = 330.0
        await attempts(guard, None, False)
        with pytest.raises(CredentialError, match="paused for another 330 s"):
            await attempts(guard, True)

    asyncio.run(run())


def test_requests_go_one_at_a_time_after_a_pause() -> None:
    """Until one is accepted; then as many as before."""

    async def run() -> None:
        clock = Clock(0.0)
        platform = Platform(clock)
        await attempts(platform.guard, False, False, False)
        clock.now = 330.0
        for _ in range(5):
            platform.start()
        await settle()
        assert platform.in_flight == 1
        platform.serve(0, None)
        platform.deliver(0)
        await settle()
        assert platform.in_flight == 1
        platform.serve(0, True)
        platform.deliver(0)
        await settle()
        assert platform.in_flight == LIMIT
        for task in platform.tasks:
            task.cancel()
        await asyncio.gather(*platform.tasks, return_exceptions=True)
        await attempts(platform.guard, True)

    asyncio.run(run())


def test_waiting_requests_are_told_when_a_pause_begins() -> None:
    """They fail at once instead of waiting for five minutes."""

    async def run() -> None:
        platform = Platform(Clock(0.0))
        for _ in range(10):
            platform.start()
        await settle()
        assert platform.in_flight == LIMIT
        for _ in range(LIMIT):
            platform.serve(0, False)
            platform.deliver(0)
            await settle()
        assert platform.in_flight == 0
        results = [task.result() for task in platform.tasks]
        assert results == ["done"] * 3 + ["paused"] * 7

    asyncio.run(run())


def test_success_forgives_only_what_was_known_when_it_was_sent() -> None:
    """Its request may have arrived before the rejected one whose answer came first."""

    async def run() -> None:
        guard = RejectionGuard(clock=Clock(0.0))
        async with guard.attempt() as early:
            await attempts(guard, False, False)
            early.accepted()
        await attempts(guard, False)
        with pytest.raises(CredentialError):
            await attempts(guard, True)

    asyncio.run(run())


def test_a_cancelled_request_leaves_its_place() -> None:
    """No request is counted as in flight for ever."""

    async def run() -> None:
        platform = Platform(Clock(0.0))
        for _ in range(4):
            platform.start()
        await settle()
        for task in platform.tasks:
            task.cancel()
        await asyncio.gather(*platform.tasks, return_exceptions=True)
        async with platform.guard.attempt(), platform.guard.attempt():
            await attempts(platform.guard, True)

    asyncio.run(run())


def test_one_guard_serves_all_who_use_the_same_key() -> None:
    """Sources that share a key share its guard, others do not; the key itself is not kept."""
    book = GuardBook(limit=2, clock=Clock(0.0))
    assert book.of(f"{MARK}-1") is book.of(f"{MARK}-1")
    assert book.of(f"{MARK}-1") is not book.of(f"{MARK}-2")
    assert isinstance(book.of("x").attempt(), Attempt)
    assert MARK not in repr(vars(book)) + repr(vars(book.of(f"{MARK}-1")))


def test_guards_that_nobody_needs_any_more_are_forgotten() -> None:
    """Temporary keys are others every hour, for as long as the program runs."""

    async def run() -> None:
        clock = Clock(0.0)
        book = GuardBook(limit=1, clock=clock)
        paused, idle = book.of("paused"), book.of("idle")
        await attempts(paused, False)
        busy = book.of("busy")
        async with busy.attempt():
            for number in range(3000):
                book.of(f"temporary {number}")
            assert book.of("paused") is paused
            assert book.of("busy") is busy
        assert book.of("idle") is not idle
        assert len(book._guards) == 1000

    asyncio.run(run())


def test_the_text_of_a_pause_tells_no_secret() -> None:
    """It names neither key nor user."""

    async def run() -> None:
        guard = GuardBook(limit=1, clock=Clock(0.0)).of(MARK)
        await attempts(guard, False)
        with pytest.raises(CredentialError) as caught:
            await attempts(guard, True)
        assert MARK not in everything_told(caught.value)

    asyncio.run(run())


def test_guard_is_that_of_the_key_that_is_handed_out_at_the_moment() -> None:
    """A file with another key in it is another key, and a new secret may be tried at once."""

    async def run() -> None:
        book = GuardBook(limit=1, clock=Clock(0.0))
        handed = [Credentials("old", "s"), Credentials("new", "wrong"), Credentials("new", "right")]

        class Keys:
            async def credentials(self) -> Credentials:
                return handed[0]

        guarding = book.of_keys(Keys())
        assert await guarding.chosen() is book.of("old", "s")
        handed.pop(0)
        guard = await guarding.chosen()
        assert guard is book.of("new", "wrong")
        await attempts(guard, False)
        with pytest.raises(CredentialError, match="paused"):
            await attempts(await guarding.chosen(), True)
        handed.pop(0)
        await attempts(await guarding.chosen(), True)

    asyncio.run(run())


def test_two_secrets_of_one_key_in_turn_do_not_end_its_pause() -> None:
    """One of two sources may have a secret that is mistyped."""

    async def run() -> None:
        book = GuardBook(clock=Clock(0.0))
        await attempts(book.of("key", "wrong"), False, False, False)
        tried = []
        for secret in ("other", "wrong", "other", "wrong"):
            with contextlib.suppress(CredentialError):
                await attempts(book.of("key", secret), False)
                tried.append(secret)
        assert tried == ["other"]

    asyncio.run(run())
