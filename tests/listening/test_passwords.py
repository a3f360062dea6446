"""A password costs a tenth of a second once, and whoever tries many waits for himself alone."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import bcrypt
import pytest

from exporter.listening.passwords import CrowdedError, Passwords, _nobodys_hash
from tests.listening.certificates import HASH, PASSWORD

USERS = {"alice": HASH.encode()}
RIGHT = PASSWORD.encode()
DEAR = bcrypt.hashpw(RIGHT, bcrypt.gensalt(9))
"""Dear enough that a second check of it shows as a second of CPU after a hundred."""


def scene(body: Callable[[Passwords], Coroutine[Any, Any, None]]) -> None:
    async def play() -> None:
        passwords = Passwords(b"key")
        try:
            await body(passwords)
        finally:
            passwords.close()

    asyncio.run(play())


def test_right_password_of_a_user_is_right_and_nothing_else() -> None:
    async def body(passwords: Passwords) -> None:
        async def match(user: str, password: bytes) -> bool:
            return await passwords.match(USERS, user, password, client="c")

        for _ in range(2):
            assert await match("alice", RIGHT)
            assert not await match("alice", b"wrong")
            assert not await match("alice", b"")
            assert not await match("bob", RIGHT)
            assert not await match("", RIGHT)

    scene(body)


def known_at_once(passwords: Passwords, user: str, password: bytes) -> bool:
    """Return what is known without giving way to anything else; the first step must end it."""
    with pytest.raises(StopIteration) as ended:
        passwords.match(USERS, user, password, client="c").send(None)
    return bool(ended.value.value)


def test_password_is_checked_once_and_a_wrong_one_too() -> None:
    async def body(passwords: Passwords) -> None:
        assert await passwords.match(USERS, "alice", RIGHT, client="c")
        assert not await passwords.match(USERS, "alice", b"wrong", client="c")
        assert not await passwords.match(USERS, "bob", RIGHT, client="c")
        assert known_at_once(passwords, "alice", RIGHT)
        assert not known_at_once(passwords, "alice", b"wrong")
        assert not known_at_once(passwords, "bob", RIGHT)

    scene(body)


def test_changed_hash_is_checked_anew() -> None:
    async def body(passwords: Passwords) -> None:
        assert await passwords.match(USERS, "alice", RIGHT, client="c")
        other = {"alice": bcrypt.hashpw(b"other", bcrypt.gensalt(4))}
        assert not await passwords.match(other, "alice", RIGHT, client="c")
        assert await passwords.match(other, "alice", b"other", client="c")

    scene(body)


def test_removed_user_is_no_user_though_he_was_let_in_before() -> None:
    async def body(passwords: Passwords) -> None:
        both = {**USERS, "bob": HASH.encode()}
        assert await passwords.match(both, "bob", RIGHT, client="c")
        assert not await passwords.match(USERS, "bob", RIGHT, client="c")
        passwords.forget(USERS)
        assert "bob" not in passwords._right

    scene(body)


def test_requests_that_come_together_with_one_password_cost_one_check() -> None:
    async def body(passwords: Passwords) -> None:
        # More than may wait of one client, so that each of their own would be too many.
        asked = (passwords.match(USERS, "alice", RIGHT, client="c") for _ in range(50))
        assert all(await asyncio.gather(*asked))

    scene(body)


def test_client_who_tries_many_passwords_is_turned_away_and_others_are_not() -> None:
    async def body(passwords: Passwords) -> None:
        users = {"alice": DEAR}
        tries = [
            asyncio.create_task(passwords.match(users, "alice", b"%d" % number, client="bad"))
            for number in range(50)
        ]
        await asyncio.sleep(0)
        assert await passwords.match(users, "alice", RIGHT, client="good")
        results = await asyncio.gather(*tries, return_exceptions=True)
        assert results.count(False) == 4
        assert sum(isinstance(each, CrowdedError) for each in results) == 46
        # He may try again when his others are done.
        assert not await passwords.match(users, "alice", b"again", client="bad")
        assert not passwords._waiting_of

    scene(body)


def test_queue_is_short_however_many_clients_there_are() -> None:
    async def body(passwords: Passwords) -> None:
        tries = [
            asyncio.create_task(passwords.match(USERS, "x", b"%d" % number, client=str(number)))
            for number in range(50)
        ]
        results = await asyncio.gather(*tries, return_exceptions=True)
        assert results.count(False) == 16

    scene(body)


def test_known_user_is_let_in_without_a_thread_while_the_queue_is_full() -> None:
    async def body(passwords: Passwords) -> None:
        assert await passwords.match(USERS, "alice", RIGHT, client="c")
        users = {**USERS, "eve": DEAR}
        tries = [
            asyncio.create_task(passwords.match(users, "eve", b"%d" % number, client=str(number)))
            for number in range(16)
        ]
        await asyncio.sleep(0)
        assert known_at_once(passwords, "alice", RIGHT)
        await asyncio.gather(*tries)

    scene(body)


def test_wrong_passwords_that_are_remembered_are_bounded() -> None:
    async def body(passwords: Passwords) -> None:
        for number in range(300):
            assert not await passwords.match(USERS, "alice", b"%d" % number, client="c")
        assert len(passwords._wrong) == 256

    scene(body)


def test_password_is_cut_as_other_servers_cut_it() -> None:
    async def body(passwords: Passwords) -> None:
        users = {"alice": bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4))}
        assert await passwords.match(users, "alice", b"x" * 100, client="c")
        assert not await passwords.match(users, "alice", b"x" * 71, client="c")

    scene(body)


def test_unknown_user_costs_what_the_dearest_user_does() -> None:
    users = {"a": b"$2y$04$" + b"." * 53, "b": b"$2a$11$" + b"." * 53}
    assert _nobodys_hash(users)[:7] == b"$2b$11$"


def test_nothing_that_is_remembered_holds_the_password() -> None:
    async def body(passwords: Passwords) -> None:
        await passwords.match(USERS, "alice", RIGHT, client="c")
        await passwords.match(USERS, "alice", b"nearly " + RIGHT, client="c")
        kept = repr((passwords._right, passwords._wrong, vars(passwords)))
        assert PASSWORD not in kept
        other = Passwords(b"another key")
        await other.match(USERS, "alice", RIGHT, client="c")
        assert other._right != passwords._right
        other.close()

    scene(body)
