"""Credentials are found in order, kept fresh with few calls, and never shown."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from exporter.auth.credentials import (
    Chain,
    Credentials,
    EnvironmentProvider,
    Refreshing,
    StaticProvider,
    UnsupportedSource,
)
from exporter.auth.renewal import Renewed, parse_expiry
from exporter.errors import CredentialError, UnusableError
from exporter.secret import FileSecret, TextSecret
from tests.auth.tools import MARK, Clock, everything_told

NAMES = ("X_AK", "X_SK", "X_TOKEN")


class Keys:
    """A place that issues numbered keys, good for `lifetime` seconds, unless it is broken."""

    def __init__(self, clock: Clock, lifetime: float | None = 3600.0) -> None:
        self.clock = clock
        self.lifetime = lifetime
        self.calls = 0
        self.broken = ""
        self.open = asyncio.Event()
        self.open.set()

    async def credentials(self) -> Credentials:
        self.calls += 1
        number = self.calls
        await self.open.wait()
        if self.broken:
            raise CredentialError(self.broken)
        expires_at = None if self.lifetime is None else self.clock.now + self.lifetime
        return Credentials(f"key{number}", MARK, expires_at=expires_at)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_credentials_show_nothing_of_themselves() -> None:
    """Not even the id of the key, which some vendors treat as a secret."""
    shown = Credentials(f"{MARK}1", f"{MARK}2", f"{MARK}3", 5.0)
    assert repr(shown) == (
        "Credentials(access_key=<secret>, secret_key=<secret>, "
        "security_token=<secret>, expires_at=5.0)"
    )
    assert str(Credentials(MARK, MARK)) == (
        "Credentials(access_key=<secret>, secret_key=<secret>, security_token='', expires_at=None)"
    )


@pytest.mark.parametrize(
    ("access_key", "secret_key", "token", "text"),
    [
        ("", MARK, "", "the access key or its secret is empty"),
        (MARK, "", "", "the access key or its secret is empty"),
        (f"{MARK}\r\nX: y", MARK, "", "the access_key holds characters that no header can carry"),
        (MARK, MARK, f"{MARK} é", "the security_token holds characters that no header can carry"),
        (MARK, f"{MARK}\udcff", "", "the secret_key is not UTF-8 text"),
    ],
)
def test_credentials_are_refused_untold_when_unusable(
    access_key: str, secret_key: str, token: str, text: str
) -> None:
    """Later, the HTTP library would refuse them with an exception that quotes them."""
    with pytest.raises(CredentialError) as caught:
        Credentials(access_key, secret_key, token)
    assert str(caught.value) == text
    assert MARK not in everything_told(caught.value)


def test_static_keys_are_read_again_when_their_files_change(tmp_path: Path) -> None:
    """Rotated files take effect at the next request."""
    path = tmp_path / "sk"
    path.write_text("old")
    secret = FileSecret(path)
    provider = StaticProvider(TextSecret("ak"), secret, TextSecret("tok"))
    assert asyncio.run(provider.credentials()) == Credentials("ak", "old", "tok")
    path.write_text("newer")
    secret.look()
    assert asyncio.run(provider.credentials()) == Credentials("ak", "newer", "tok")
    path.write_text("")
    secret.look()
    assert asyncio.run(provider.credentials()) == Credentials("ak", "newer", "tok")


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"X_AK": "ak", "X_SK": "sk"}, Credentials("ak", "sk")),
        ({"X_AK": "ak", "X_SK": "sk", "X_TOKEN": "tok"}, Credentials("ak", "sk", "tok")),
        ({}, "environment: X_AK and X_SK not set"),
        ({"X_AK": MARK, "X_SK": ""}, "environment: X_SK not set"),
        (
            {"X_AK": f"{MARK}\n", "X_SK": MARK},
            "environment: the access_key holds characters that no header can carry",
        ),
    ],
)
def test_environment_gives_keys_or_says_what_is_missing(
    environ: dict[str, str], expected: Credentials | str
) -> None:
    """An empty variable counts as not set."""
    provider = EnvironmentProvider(environ, NAMES)
    if isinstance(expected, Credentials):
        assert asyncio.run(provider.credentials()) == expected
        return
    with pytest.raises(CredentialError) as caught:
        asyncio.run(provider.credentials())
    assert str(caught.value) == expected
    assert MARK not in everything_told(caught.value)


def test_chain_names_every_place_when_none_has_keys() -> None:
    """The one who reads the log learns all that could be filled in."""
    chain = Chain([EnvironmentProvider({}, NAMES), UnsupportedSource("moon: not supported")])
    with pytest.raises(CredentialError) as caught:
        asyncio.run(chain.credentials())
    assert str(caught.value) == (
        "no credentials found: environment: X_AK and X_SK not set; moon: not supported"
    )


def test_no_place_takes_over_from_an_earlier_one_that_had_keys() -> None:
    """Whoever set it up did not mean the identity of the machine."""

    async def run() -> None:
        first, second, third = (Keys(Clock()) for _ in range(3))
        chain = Chain([first, second, third])
        first.broken = "first: nothing"
        assert (await chain.credentials()).access_key == "key1"
        second.broken = "second: gone"
        for _ in range(2):
            with pytest.raises(UnusableError) as caught:
                await chain.credentials()
            assert str(caught.value) == (
                "no credentials found: first: nothing; second: gone, where they were before: "
                "load the configuration again if that is meant"
            )
        second.broken = ""
        assert (await chain.credentials()).access_key == "key4"
        assert third.calls == 0

    asyncio.run(run())


def test_earlier_place_that_has_keys_again_comes_first_again_and_for_good() -> None:
    """Its file may have been missing at the moment when the program began."""

    async def run() -> None:
        first, second = Keys(Clock()), Keys(Clock())
        chain = Chain([first, second])
        first.broken = "first: nothing"
        assert (await chain.credentials()).access_key == "key1"
        first.broken = ""
        assert (await chain.credentials()).access_key == "key2"
        first.broken = "first: nothing"
        with pytest.raises(UnusableError, match="first: nothing, where they were before"):
            await chain.credentials()
        assert (first.calls, second.calls) == (3, 1)

    asyncio.run(run())


def test_keys_found_by_others_meanwhile_are_those_of_whoever_looked_further() -> None:
    async def run() -> None:
        first, second = Keys(Clock()), Keys(Clock())
        chain = Chain([first, second])
        first.broken = "first: nothing"
        second.open.clear()
        looking = asyncio.create_task(chain.credentials())
        await settle()
        first.broken = ""
        assert (await chain.credentials()).access_key == "key2"
        second.open.set()
        assert (await looking).access_key == "key3"
        assert (first.calls, second.calls) == (3, 1)

    asyncio.run(run())


def test_last_place_that_has_none_any_more_is_told_with_all_others() -> None:
    async def run() -> None:
        first, second = Keys(Clock()), Keys(Clock())
        chain = Chain([first, second])
        first.broken = "first: nothing"
        await chain.credentials()
        second.broken = "second: gone"
        with pytest.raises(CredentialError) as caught:
            await chain.credentials()
        assert str(caught.value) == "no credentials found: first: nothing; second: gone"

    asyncio.run(run())


def test_fifty_requests_wait_for_one_refresh() -> None:
    """The metadata service throttles whoever asks too often."""

    async def run() -> None:
        keys = Keys(Clock())
        keys.open.clear()
        refreshing = Refreshing(keys, clock=keys.clock)
        tasks = [asyncio.create_task(refreshing.credentials()) for _ in range(50)]
        await settle()
        keys.open.set()
        assert {found.access_key for found in await asyncio.gather(*tasks)} == {"key1"}
        assert keys.calls == 1

    asyncio.run(run())


def test_fifty_requests_share_one_failure() -> None:
    """Otherwise fifty time-outs would follow one another."""

    async def run() -> None:
        keys = Keys(Clock())
        keys.broken = "place: no answer"
        keys.open.clear()
        refreshing = Refreshing(keys, clock=keys.clock)
        tasks = [asyncio.create_task(refreshing.credentials()) for _ in range(50)]
        await settle()
        keys.open.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert {str(result) for result in results} == {"place: no answer"}
        assert keys.calls == 1
        keys.broken = ""
        assert (await refreshing.credentials()).access_key == "key2"

    asyncio.run(run())


def test_keys_are_refreshed_before_they_expire() -> None:
    """Not earlier than `margin` before, and never so late that a request carries expired ones."""

    async def run() -> None:
        clock = Clock(0.0)
        keys = Keys(clock, lifetime=3600.0)
        refreshing = Refreshing(keys, clock=clock, margin=900.0)
        for now, expected in [(0.0, "key1"), (2699.0, "key1"), (2700.0, "key2"), (5000.0, "key2")]:
            clock.now = now
            assert (await refreshing.credentials()).access_key == expected

    asyncio.run(run())


def test_valid_keys_stay_in_use_while_a_refresh_runs_or_fails() -> None:
    """A failing refresh is tried once a minute, not at each request, until the keys expire."""

    async def run() -> None:
        clock = Clock(0.0)
        keys = Keys(clock, lifetime=1000.0)
        refreshing = Refreshing(keys, clock=clock, margin=900.0)
        await refreshing.credentials()
        clock.now = 100.0
        keys.broken = "place: HTTP 500"
        keys.open.clear()
        slow = asyncio.create_task(refreshing.credentials())
        await settle()
        assert (await refreshing.credentials()).access_key == "key1"
        keys.open.set()
        assert (await slow).access_key == "key1"
        for now in (101.0, 159.0):
            clock.now = now
            assert (await refreshing.credentials()).access_key == "key1"
        assert keys.calls == 2
        clock.now = 160.0
        assert (await refreshing.credentials()).access_key == "key1"
        assert keys.calls == 3
        clock.now = 1000.0
        with pytest.raises(CredentialError, match="HTTP 500"):
            await refreshing.credentials()

    asyncio.run(run())


def test_short_lived_keys_are_refreshed_at_most_once_a_minute() -> None:
    """Metadata services repeat the same keys until shortly before they expire."""

    async def run() -> None:
        clock = Clock(0.0)
        keys = Keys(clock, lifetime=600.0)
        refreshing = Refreshing(keys, clock=clock, margin=900.0)
        for now in range(60):
            clock.now = float(now)
            await refreshing.credentials()
        assert keys.calls == 1
        clock.now = 60.0
        await refreshing.credentials()
        assert keys.calls == 2

    asyncio.run(run())


def test_keys_without_expiry_are_not_cached() -> None:
    """Who hands out permanent keys knows best when they change."""

    async def run() -> None:
        keys = Keys(Clock(), lifetime=None)
        refreshing = Refreshing(keys, clock=keys.clock)
        assert (await refreshing.credentials()).access_key == "key1"
        assert (await refreshing.credentials()).access_key == "key2"

    asyncio.run(run())


def test_a_cancelled_refresh_is_taken_over_by_who_waits() -> None:
    """The first request may run into its own time-out while it refreshes for the others."""

    async def run() -> None:
        keys = Keys(Clock())
        keys.open.clear()
        refreshing = Refreshing(keys, clock=keys.clock)
        first, second = (asyncio.create_task(refreshing.credentials()) for _ in range(2))
        await settle()
        first.cancel()
        await settle()
        keys.open.set()
        assert (await second).access_key == "key2"
        assert first.cancelled()

    asyncio.run(run())


@dataclass(frozen=True)
class Value:
    number: int


def counting() -> Callable[[], "asyncio.Future[Value]"]:
    count = 0

    def renew() -> "asyncio.Future[Value]":
        nonlocal count
        count += 1
        future: asyncio.Future[Value] = asyncio.get_running_loop().create_future()
        future.set_result(Value(count))
        return future

    return renew


def test_a_refused_value_is_replaced_once() -> None:
    """All who were refused with the same value get the same new one."""

    async def run() -> None:
        renewed: Renewed[Value] = Renewed(
            counting(), lambda value: 1000.0, margin=10.0, clock=Clock(0.0)
        )
        first = await renewed.get()
        results = await asyncio.gather(*(renewed.get(refused=first) for _ in range(50)))
        assert {value.number for value in results} == {2}
        assert await renewed.get() == Value(2)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:01:00Z", 60.0),
        ("1970-01-01T00:01:00.500000Z", 60.5),
        ("1970-01-01T08:01:00+08:00", 60.0),
        ("1970-01-01T00:01:00", 60.0),
    ],
)
def test_expiry_is_read_as_utc(text: str, expected: float) -> None:
    """Both vendors mean UTC, whether they say so or not."""
    assert parse_expiry(text) == expected


@pytest.mark.parametrize("text", ["", "soon", None, 5])
def test_expiry_is_refused_when_it_is_no_time(text: object) -> None:
    """The caller then knows that it does not know."""
    with pytest.raises(ValueError, match=r"."):
        parse_expiry(text)
