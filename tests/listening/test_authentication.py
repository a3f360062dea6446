"""Only users come in where there are users, and answers about health are for everybody."""

import asyncio
import base64
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from exporter.listening.authentication import Guard
from exporter.listening.headers import DEFAULT_HEADERS, with_headers
from exporter.listening.passwords import Passwords
from exporter.listening.protection import Protection
from exporter.listening.settings import RateLimit
from tests.auth.tools import Clock
from tests.listening.certificates import HASH, PASSWORD

USERS = {"alice": HASH.encode(), "zoë": HASH.encode()}
CHALLENGE = 'Basic realm="streaming-job-exporter", charset="UTF-8"'


async def inside(scope: Scope, receive: Receive, send: Send) -> None:
    headers = [(b"x-frame-options", b"SAMEORIGIN"), (b"content-length", b"6")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"inside"})


class House:
    """An application behind its guard, and what protects it."""

    def __init__(self, protection: Protection) -> None:
        self.protection = protection
        self.clock = Clock(0.0)
        self.passwords = Passwords(b"key")
        guard = Guard(
            protection=lambda: self.protection, passwords=self.passwords, monotonic=self.clock
        )
        app = with_headers(guard.admit_to(inside), lambda: self.protection.headers)
        transport = httpx.ASGITransport(app=app, client=("192.0.2.1", 1))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://exporter")

    async def status(self, path: str = "/metrics", **more: Any) -> int:
        return (await self.http.get(path, **more)).status_code

    async def aclose(self) -> None:
        self.passwords.close()
        await self.http.aclose()


def scene(protection: Protection, body: Callable[[House], Coroutine[Any, Any, None]]) -> None:
    async def play() -> None:
        house = House(protection)
        try:
            await body(house)
        finally:
            await house.aclose()

    asyncio.run(play())


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def test_everybody_comes_in_where_there_are_no_users() -> None:
    async def body(house: House) -> None:
        assert await house.status() == 200
        assert await house.status(auth=("anybody", "x")) == 200

    scene(Protection(), body)


def test_user_comes_in_with_his_password_only() -> None:
    async def body(house: House) -> None:
        assert await house.status(auth=("alice", PASSWORD)) == 200
        assert await house.status(auth=("alice", "wrong")) == 401
        assert await house.status(auth=("bob", PASSWORD)) == 401
        assert await house.status(headers={"Authorization": basic(f"zoë:{PASSWORD}")}) == 200

    scene(Protection(users=USERS), body)


@pytest.mark.parametrize(
    "path",
    [
        *("/metrics", "/", "/job", "/api/v1/jobs", "/-/reload", "/static/page.css", "/nothing"),
        *("/runbooks/StreamingJobFailed", "/runbooks/zh/README.md"),
        *("/-/healthy/", "/-/Healthy", "//-/healthy", "/-/ready/x", "/x/-/ready", "/-/"),
        *("/-/healthy%00", "/-/healthy%2f", "/metrics?x=/-/healthy", "/metrics;/-/ready"),
    ],
)
def test_stranger_is_challenged_everywhere(path: str) -> None:
    async def body(house: House) -> None:
        for method in ("GET", "POST", "HEAD", "PUT", "OPTIONS"):
            answer = await house.http.request(method, path)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == CHALLENGE
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["x-content-type-options"] == "nosniff"

    scene(Protection(users=USERS), body)


@pytest.mark.parametrize("path", ["/-/healthy", "/-/ready", "/-/ready?verbose", "/-/%72eady"])
def test_answers_about_health_are_for_everybody(path: str) -> None:
    async def body(house: House) -> None:
        assert await house.status(path) == 200
        assert await house.status(path, auth=("alice", "wrong")) == 200

    scene(Protection(users=USERS, rate_limit=RateLimit(interval=3600, burst=1)), body)


@pytest.mark.parametrize(
    "header",
    [
        *("", "Basic", "Basic ", "Bearer abc", "Basic !!!", "Digest username=alice"),
        *("Basic " + base64.b64encode(b"alice").decode(), "Basic " + "QUFB" * 1000),
        "Basic " + base64.b64encode(b"al\xffice:x").decode(),
        basic(f"alice:{PASSWORD}").replace("Basic ", "Basic:"),
        basic(f"alice:{PASSWORD}") + "==",
    ],
)
def test_header_that_is_not_of_http_basic_lets_nobody_in(header: str) -> None:
    async def body(house: House) -> None:
        assert await house.status(headers={"Authorization": header}) == 401

    scene(Protection(users=USERS), body)


def test_two_headers_let_nobody_in() -> None:
    async def body(house: House) -> None:
        good = ("Authorization", basic(f"alice:{PASSWORD}"))
        answer = await house.http.get("/metrics", headers=[good])
        assert answer.status_code == 200
        answer = await house.http.get("/metrics", headers=[good, good])
        assert answer.status_code == 401

    scene(Protection(users=USERS), body)


@pytest.mark.parametrize("scheme", ["basic ", "BASIC ", "Basic   "])
def test_scheme_is_read_as_the_standard_says(scheme: str) -> None:
    async def body(house: House) -> None:
        header = basic(f"alice:{PASSWORD}").replace("Basic ", scheme)
        assert await house.status(headers={"Authorization": header}) == 200

    scene(Protection(users=USERS), body)


def test_removed_user_does_not_come_in_again() -> None:
    async def body(house: House) -> None:
        assert await house.status(auth=("alice", PASSWORD)) == 200
        house.protection = Protection(users={"zoë": HASH.encode()})
        assert await house.status(auth=("alice", PASSWORD)) == 401
        assert "alice" not in house.passwords._right

    scene(Protection(users=USERS), body)


def test_who_tries_too_many_passwords_is_told_to_wait() -> None:
    async def body(house: House) -> None:
        tries = [house.http.get("/", auth=("alice", str(number))) for number in range(30)]
        answers = await asyncio.gather(*tries)
        assert sorted({answer.status_code for answer in answers}) == [401, 503]
        told = [answer for answer in answers if answer.status_code == 503]
        assert {answer.headers["retry-after"] for answer in told} == {"1"}

    scene(Protection(users=USERS), body)


def test_no_more_requests_are_answered_than_allowed() -> None:
    async def body(house: House) -> None:
        assert [await house.status() for _ in range(4)] == [200, 200, 200, 429]
        answer = await house.http.get("/")
        assert answer.headers["retry-after"] == "10"
        house.clock.now += 10
        assert [await house.status() for _ in range(2)] == [200, 429]
        house.clock.now += 1000
        assert [await house.status() for _ in range(4)] == [200, 200, 200, 429]

    scene(Protection(rate_limit=RateLimit(interval=10, burst=3)), body)


def test_strangers_do_not_use_up_what_users_may_do() -> None:
    async def body(house: House) -> None:
        for _ in range(5):
            assert await house.status() == 401
        assert await house.status(auth=("alice", PASSWORD)) == 200
        assert await house.status(auth=("alice", PASSWORD)) == 429

    scene(Protection(users=USERS, rate_limit=RateLimit(interval=10, burst=1)), body)


def test_every_answer_has_the_security_headers_unless_it_has_its_own() -> None:
    async def body(house: House) -> None:
        headers = (await house.http.get("/")).headers
        for name, value in DEFAULT_HEADERS:
            expected = "SAMEORIGIN" if name == b"x-frame-options" else value.decode()
            assert headers.get_list(name.decode()) == [expected]

    scene(Protection(), body)


def test_configured_headers_stand_instead_of_all_others() -> None:
    async def body(house: House) -> None:
        headers = (await house.http.get("/")).headers
        assert headers.get_list("x-frame-options") == ["deny"]
        assert headers.get_list("content-security-policy") == ["default-src *"]
        assert headers.get_list("referrer-policy") == ["no-referrer"]

    scene(
        Protection(
            headers=((b"x-frame-options", b"deny"), (b"content-security-policy", b"default-src *"))
        ),
        body,
    )
