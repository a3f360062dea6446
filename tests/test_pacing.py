"""Requests go out at the rate allowed, pauses grow, and what platforms ask for is understood."""

import asyncio
import math
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.pacing import Backoff, TokenBucket, parse_retry_after
from tests.virtual_time import run

NOW = 1_700_000_000.0
NOW_AS_DATE = "Tue, 14 Nov 2023 22:13:20 GMT"


class Clock:
    """A clock that moves when someone sleeps, or when told to."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        # Real time moves on however short the sleep, and however coarse the clock.
        self.now = max(self.now + seconds, math.nextafter(self.now, math.inf))


def _bucket(clock: Clock, rate: float = 10.0, burst: float = 2.0) -> TokenBucket:
    return TokenBucket(rate, burst=burst, clock=clock, sleep=clock.sleep)


async def _take(bucket: TokenBucket, count: int) -> None:
    for _ in range(count):
        await bucket.acquire()


def test_burst_goes_out_at_once_and_the_rest_at_the_rate() -> None:
    clock = Clock()
    run(_take(_bucket(clock), 5))
    assert clock.slept == pytest.approx([0.1, 0.1, 0.1])


def test_burst_is_at_least_one_request_when_the_rate_is_slow() -> None:
    clock = Clock()
    run(_take(_bucket(clock, rate=0.1, burst=0.1), 2))
    assert clock.slept == pytest.approx([10.0])


def test_tokens_come_back_with_time_but_never_more_than_the_burst() -> None:
    clock = Clock()
    bucket = _bucket(clock)
    run(_take(bucket, 2))
    clock.now += 3600
    run(_take(bucket, 3))
    assert clock.slept == pytest.approx([0.1])


def test_clock_that_jumps_back_neither_stops_the_flow_nor_gives_tokens() -> None:
    clock = Clock()
    bucket = _bucket(clock)
    run(_take(bucket, 2))
    clock.now -= 500
    run(_take(bucket, 1))
    assert clock.slept == pytest.approx([0.1])


def test_hold_keeps_everyone_back_though_there_are_tokens() -> None:
    clock = Clock()
    bucket = _bucket(clock, burst=5)
    bucket.hold(7)
    assert bucket.held_for == 7
    run(_take(bucket, 2))
    assert clock.slept == [7]
    assert bucket.held_for == 0


def test_shorter_hold_does_not_end_a_longer_one() -> None:
    clock = Clock()
    bucket = _bucket(clock)
    bucket.hold(7)
    bucket.hold(1)
    assert bucket.held_for == 7


def test_hold_that_comes_while_someone_waits_holds_them_too() -> None:
    async def scenario() -> float:
        loop = asyncio.get_running_loop()
        bucket = TokenBucket(1.0, burst=1, clock=loop.time, sleep=asyncio.sleep)
        await bucket.acquire()
        waiter = asyncio.create_task(bucket.acquire())
        await asyncio.sleep(0.5)
        bucket.hold(9.5)
        await waiter
        return loop.time()

    assert run(scenario()) == pytest.approx(10.0)


def test_waiters_are_served_in_the_order_they_came() -> None:
    async def scenario() -> list[tuple[int, float]]:
        loop = asyncio.get_running_loop()
        bucket = TokenBucket(2.0, burst=1, clock=loop.time, sleep=asyncio.sleep)
        served = []

        async def wait(number: int) -> None:
            await bucket.acquire()
            served.append((number, loop.time()))

        await asyncio.gather(*(wait(number) for number in range(5)))
        return served

    numbers, times = zip(*run(scenario()), strict=True)
    assert numbers == (0, 1, 2, 3, 4)
    assert times == pytest.approx((0.0, 0.5, 1.0, 1.5, 2.0))


def test_waiter_who_gives_up_lets_the_next_one_through() -> None:
    async def scenario() -> float:
        loop = asyncio.get_running_loop()
        bucket = TokenBucket(1.0, burst=1, clock=loop.time, sleep=asyncio.sleep)
        await bucket.acquire()
        first, second = (asyncio.create_task(bucket.acquire()) for _ in range(2))
        await asyncio.sleep(0.25)
        first.cancel()
        await second
        return loop.time()

    assert run(scenario()) == pytest.approx(1.0)


@given(
    rate=st.floats(0.01, 10_000),
    burst=st.floats(0.1, 100),
    count=st.integers(1, 40),
    start=st.floats(0, 1e6),
)
def test_rate_is_never_exceeded_whatever_it_is(
    rate: float, burst: float, count: int, start: float
) -> None:
    clock = Clock(start)
    run(_take(TokenBucket(rate, burst=burst, clock=clock, sleep=clock.sleep), count))
    least = (count - max(1.0, burst)) / rate
    # Far from its zero a clock has a coarse grain.
    assert clock.now - start >= least * (1 - 1e-6) - 1e-6
    assert len(clock.slept) <= 3 * count


class Greatest(Random):
    """Chance that always gives the greatest value."""

    def uniform(self, a: float, b: float) -> float:
        return b


class Least(Random):
    """Chance that always gives the least value."""

    def uniform(self, a: float, b: float) -> float:
        return a


def test_backoff_doubles_its_bound_up_to_the_limit() -> None:
    backoff = Backoff(base=0.5, limit=5.0, random=Greatest())
    assert [backoff.next() for _ in range(6)] == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]


def test_backoff_is_never_shorter_than_half_its_base() -> None:
    backoff = Backoff(base=0.5, limit=5.0, random=Least())
    assert [backoff.next() for _ in range(3)] == [0.25, 0.25, 0.25]


def test_backoff_starts_again_when_something_worked() -> None:
    backoff = Backoff(base=0.5, limit=5.0, random=Greatest())
    for _ in range(4):
        backoff.next()
    backoff.reset()
    assert [backoff.next(), backoff.next()] == [0.5, 1.0]


def test_backoff_does_not_overflow_after_a_week_of_failures() -> None:
    backoff = Backoff(base=0.5, limit=5.0, random=Greatest())
    assert {backoff.next() for _ in range(5000)} == {0.5, 1.0, 2.0, 4.0, 5.0}


@given(seed=st.integers(), base=st.floats(0.001, 100), limit=st.floats(0.001, 1000))
def test_backoff_draws_between_half_its_base_and_its_bound(
    seed: int, base: float, limit: float
) -> None:
    backoff = Backoff(base=base, limit=limit, random=Random(seed))
    pauses = [backoff.next() for _ in range(12)]
    assert all(base / 2 <= pause <= max(limit, base / 2) for pause in pauses)


def test_backoffs_of_many_clients_are_spread() -> None:
    backoffs = [Backoff(base=8, limit=8, random=Random(seed)) for seed in range(200)]
    pauses = sorted(backoff.next() for backoff in backoffs)
    assert max(later - earlier for earlier, later in pairwise(pauses)) < 0.5


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("999999999", 999999999.0),
        (NOW_AS_DATE, 0.0),
        ("Tue, 14 Nov 2023 22:15:20 GMT", 120.0),
        ("Tue, 14 Nov 2023 22:15:20", 120.0),
        ("Tue, 14 Nov 2023 23:15:20 +0100", 120.0),
        ("Tue, 14 Nov 2023 22:15:20 -0000", 120.0),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0.0),
    ],
)
def test_retry_after_is_read_as_seconds_from_now(text: str, seconds: float) -> None:
    assert parse_retry_after(text, NOW) == seconds


@pytest.mark.parametrize(
    "text",
    [
        *(None, "", " ", "soon", "-5", "+5", "1.5", "1e3", "١٢", "²", "1234567890", "0x10", ","),
        *("Tue, 99 Nov 2023 22:15:20 GMT", "Tue, 14 Nov 99999 22:15:20 GMT", "Mon"),
        "2023-11-14T22:15:20Z",
    ],
)
def test_retry_after_is_none_when_it_makes_no_sense(text: str | None) -> None:
    assert parse_retry_after(text, NOW) is None


def test_retry_after_is_none_when_now_is_no_time() -> None:
    assert parse_retry_after(NOW_AS_DATE, 1e30) is None


date_parts = st.lists(
    st.sampled_from(
        ["Tue", ",", "14", "Nov", "2023", "22:15:20", ":", "GMT", "+0100", "-", "0", "(", " ", "::"]
    ),
    max_size=9,
).map(" ".join)


@given(st.text() | date_parts, st.floats(0, 1e12))
def test_retry_after_is_seconds_or_none_whatever_it_holds(text: str, now: float) -> None:
    seconds = parse_retry_after(text, now)
    assert seconds is None or seconds >= 0
