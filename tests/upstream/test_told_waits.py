"""What others tell us to wait for is believed up to a point, wherever it is told."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import count, pairwise
from math import inf, nan

import httpx
import pytest

from exporter.auth.credentials import Credentials, Refreshing
from exporter.auth.guard import GuardBook
from exporter.auth.huawei.token import HuaweiTokenAuth, PasswordLogin
from exporter.auth.renewal import parse_expiry
from exporter.errors import FetchError, Reason
from exporter.pacing import LONGEST_WAIT, bounded_wait, parse_retry_after
from exporter.process.supervision import Watchdog
from exporter.secret import TextSecret
from exporter.vendors import alibaba_listing, huawei_inventory
from tests.auth.tools import Clock
from tests.collecting.scripted_source import Bench, ScriptedSource
from tests.jobs import job
from tests.virtual_time import EPOCH, run

DAY = 86400.0


@pytest.mark.parametrize(
    ("told", "waited"),
    [
        (None, 0.0),
        (nan, 0.0),
        (-5.0, 0.0),
        (-inf, 0.0),
        (0.0, 0.0),
        (3600.0, 3600.0),
        (3600.1, 3600.0),
        (999999999.0, 3600.0),
        (inf, 3600.0),
    ],
)
def test_wait_is_something_between_nothing_and_an_hour(told: float | None, waited: float) -> None:
    assert bounded_wait(told) == waited


def _date(seconds: float) -> str:
    return format_datetime(datetime.fromtimestamp(EPOCH + seconds, UTC), usegmt=True)


@pytest.mark.parametrize(
    "header",
    [
        *("999999999", "86400", "3601", "9" * 400, "1e9", "-1", "NaN", "inf", "٣٦٠٠٠٠٠"),
        *(_date(DAY), _date(400 * DAY), "Fri, 31 Dec 9999 23:59:59 GMT", _date(-DAY)),
        "Fri, 31 Dec 9999 23:59:59 -2359",
    ],
)
def test_source_is_polled_again_within_an_hour_whatever_it_says(header: str) -> None:
    async def scenario() -> None:
        error = FetchError(
            Reason.THROTTLED, "ListJobs", retry_after=parse_retry_after(header, EPOCH)
        )
        bench = Bench(ScriptedSource(lambda now: error))
        await bench.run_for(10 * LONGEST_WAIT)
        times = bench.source.listed_at
        assert len(times) >= 10
        assert max(b - a for a, b in pairwise(times)) <= LONGEST_WAIT

    run(scenario())


def test_pause_that_is_not_believed_is_said_once_and_again_after_a_success() -> None:
    said = "the platform asks for a pause longer than an hour, asking again after an hour"
    error = FetchError(Reason.THROTTLED, "ListJobs", retry_after=999999999.0)

    def lines(until: float, listing: Callable[[float], object]) -> int:
        async def scenario() -> int:
            bench = Bench(ScriptedSource(listing))  # type: ignore[arg-type]
            await bench.run_for(until)
            return bench.log.said().count(said)

        return run(scenario())

    assert lines(20 * LONGEST_WAIT, lambda now: error) == 1
    ups = (range(5000, 20000),)
    listing: Callable[[float], object] = lambda now: (  # noqa: E731
        [job("a")] if any(int(now) in each for each in ups) else error
    )
    assert lines(20 * LONGEST_WAIT, listing) == 2


class _Keys:
    """A metadata service that tells one expiry for everything."""

    def __init__(self, expires_at: float) -> None:
        self.expires_at = expires_at
        self.asked = 0

    async def credentials(self) -> Credentials:
        self.asked += 1
        return Credentials(f"key{self.asked}", "secret", "token", self.expires_at)


@pytest.mark.parametrize(
    "expiry", ["9999-12-31T23:59:59Z", "2099-01-01T00:00:00Z", "2024-06-01T00:00:00Z"]
)
def test_keys_are_renewed_once_a_day_at_least(expiry: str) -> None:
    async def scenario() -> int:
        keys = _Keys(parse_expiry(expiry))
        clock = Clock(EPOCH)
        refreshing = Refreshing(keys, clock=clock, margin=900.0)
        for minute in range(10 * 24 * 60):
            clock.now = EPOCH + minute * 60.0
            await refreshing.credentials()
        return keys.asked

    assert asyncio.run(scenario()) == 11


@pytest.mark.parametrize("expiry", ["1970-01-01T00:00:00Z", "2023-11-14T22:13:19Z", "0001-01-01"])
def test_keys_that_had_expired_when_they_came_are_renewed_once_a_minute(expiry: str) -> None:
    async def scenario() -> None:
        keys = _Keys(parse_expiry(expiry))
        clock = Clock(EPOCH)
        refreshing = Refreshing(keys, clock=clock, margin=900.0)
        for second in range(600):
            clock.now = EPOCH + second
            await refreshing.credentials()
        assert keys.asked == 10
        # Nor do they stay for the years by which a clock is put back.
        clock.now = EPOCH - 400 * DAY
        await refreshing.credentials()
        assert keys.asked == 10 + (keys.expires_at <= clock.now)

    asyncio.run(scenario())


class _Iam:
    """An IAM whose tokens are as old as it says, and an API that takes the last of them."""

    def __init__(self, expires_at: str) -> None:
        self.expires_at = expires_at
        self.logins = 0
        self.valid = True

    async def login(
        self, request: httpx.Request, operation: str, *, direct: bool = False
    ) -> httpx.Response:
        self.logins += 1
        body = json.dumps({"token": {"expires_at": self.expires_at}})
        return httpx.Response(201, headers={"X-Subject-Token": f"t{self.logins}"}, text=body)

    def api(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200 if self.valid else 401)


def _client(iam: _Iam, clock: Clock) -> httpx.AsyncClient:
    login = PasswordLogin(
        endpoint="https://iam.example.com",
        username="u",
        password=TextSecret("p"),
        domain="d",
        project_id="p",
    )
    auth = HuaweiTokenAuth(login, iam.login, GuardBook(clock=clock), clock=clock)
    return httpx.AsyncClient(auth=auth, transport=httpx.MockTransport(iam.api))


@pytest.mark.parametrize(
    ("expiry", "logins"),
    [
        # Our clock is ahead, or that of IAM behind: fifty requests are no fifty logins.
        ("2023-11-13T22:13:20Z", 1),
        ("1970-01-01T00:00:00Z", 1),
        ("9999-12-31T23:59:59Z", 1),
    ],
)
def test_token_of_a_clock_that_is_off_is_used(expiry: str, logins: int) -> None:
    async def scenario() -> int:
        iam = _Iam(expiry)
        async with _client(iam, Clock(EPOCH)) as client:
            for _ in range(50):
                assert (await client.get("https://api.example")).status_code == 200
        return iam.logins

    assert asyncio.run(scenario()) == logins


def test_login_is_not_held_back_for_the_years_that_a_clock_is_put_back() -> None:
    async def scenario() -> int:
        iam, clock = _Iam("2030-01-01T00:00:00Z"), Clock(EPOCH + 400 * DAY)
        async with _client(iam, clock) as client:
            iam.valid = False
            await client.get("https://api.example")
            clock.now = EPOCH
            before = iam.logins
            await client.get("https://api.example")
            return iam.logins - before

    assert asyncio.run(scenario()) == 1


@pytest.mark.parametrize(
    ("text", "pause"),
    [
        ("30000000", 15.0),
        ("1", 0.05),
        ("18446744073709551615", LONGEST_WAIT),
        ("7200000000", LONGEST_WAIT),
    ],
)
def test_watchdog_is_fed_at_sensible_intervals(text: str, pause: float) -> None:
    watchdog = Watchdog.read({"WATCHDOG_USEC": text}, 42)
    assert watchdog is not None
    assert watchdog.pause == pause


@pytest.mark.parametrize("text", ["9" * 21, "9" * 5000, "00000", "0" * 5000])
def test_watchdog_that_is_no_number_of_systemds_is_not_fed(text: str) -> None:
    assert Watchdog.read({"WATCHDOG_USEC": text}, 42) is None


TRILLION = 10**12


def _rows(first: int, number: int) -> tuple[tuple[str, int], ...]:
    return tuple((str(index), index) for index in range(first, first + number))


@pytest.mark.parametrize("kind", ["same page for ever", "total that falls", "total that flickers"])
def test_totals_that_cannot_be_steer_no_endless_listing(kind: str) -> None:
    asked = count(1)

    async def huawei(offset: int) -> huawei_inventory.Page:
        calls = next(asked)
        total, first = TRILLION, 0
        if kind == "total that falls":
            total, first = TRILLION - calls, offset
        elif kind == "total that flickers":
            total, first = (TRILLION if calls % 2 else 10), offset
        rows = tuple(job(str(index)) for index in range(first, first + 100))
        return huawei_inventory.Page(jobs=rows, size=100, total=total)

    async def alibaba(index: int) -> alibaba_listing.Page[int]:
        calls = next(asked)
        total = {"total that falls": TRILLION - calls, "total that flickers": calls % 2 * TRILLION}
        return alibaba_listing.Page(rows=_rows(0, 100), total=total.get(kind, TRILLION))

    async def scenario() -> tuple[int, int]:
        listing = huawei_inventory.Listing("List", huawei)
        with contextlib.suppress(FetchError):
            await listing.walk_rows()
        calls = next(asked)
        with contextlib.suppress(FetchError):
            await alibaba_listing.read_pages("List", alibaba)
        return calls, next(asked) - calls

    of_huawei, of_alibaba = run(scenario())
    assert of_huawei <= 70
    assert of_alibaba <= 20
