"""IAM logins are few, early and quiet; their failures say why, and never with what."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from exporter.auth.guard import GuardBook
from exporter.auth.huawei.token import OPERATION, HuaweiTokenAuth, PasswordLogin
from exporter.errors import FetchError, Reason
from exporter.secret import Secret, TextSecret
from tests.auth.tools import MARK, Clock, drive, everything_told

API = "https://dli.example.com/v1.0/0123/streaming/jobs"
DAY = 86400.0


class Iam:
    """A small IAM that issues numbered tokens, and an API that takes only those it still knows."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.lifetime = DAY
        self.logins: list[httpx.Request] = []
        self.valid: set[str] = set()
        self.open = asyncio.Event()
        self.open.set()
        self.answer: httpx.Response | Exception | None = None

    async def send(
        self, request: httpx.Request, operation: str, *, direct: bool = False
    ) -> httpx.Response:
        self.logins.append(request)
        await self.open.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is not None:
            return self.answer
        token = f"{MARK}-token{len(self.logins)}"
        self.valid.add(token)
        expires_at = datetime.fromtimestamp(self.clock.now + self.lifetime, UTC)
        body = {"token": {"expires_at": expires_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}}
        return httpx.Response(201, headers={"X-Subject-Token": token}, json=body)

    def api(self, request: httpx.Request) -> httpx.Response:
        known = request.headers.get("X-Auth-Token") in self.valid
        return httpx.Response(200 if known else 401, content=request.content)


class Runtime:
    """An IAM, the authentication under test, and a client of the API behind it."""

    def __init__(self, password: Secret | None = None, **scope: str) -> None:
        self.clock = Clock(0.0)
        self.iam = Iam(self.clock)
        login = PasswordLogin(
            endpoint="https://iam.example.com/",
            username="user",
            password=password or TextSecret(f"{MARK}-pässword"),
            domain="company",
            **(scope or {"project_id": "0123"}),
        )
        self.auth = HuaweiTokenAuth(
            login, self.iam.send, GuardBook(clock=self.clock), clock=self.clock
        )
        self.client = httpx.AsyncClient(auth=self.auth, transport=httpx.MockTransport(self.iam.api))

    async def status(self) -> int:
        return (await self.client.get(API)).status_code

    async def failure(self) -> FetchError:
        with pytest.raises(FetchError) as caught:
            await self.status()
        assert MARK not in everything_told(caught.value)
        return caught.value


def play(scene: Callable[[Runtime], Awaitable[None]], **options: Any) -> None:
    async def run() -> None:
        runtime = Runtime(**options)
        async with runtime.client:
            await scene(runtime)

    asyncio.run(run())


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_login_is_the_documented_request() -> None:
    """KeystoneCreateUserTokenByPassword, scoped to the project, without the catalog."""

    async def scene(runtime: Runtime) -> None:
        (sent,) = await drive(runtime.auth, httpx.Request("GET", API), httpx.Response(200))
        assert sent["x-auth-token"] == f"{MARK}-token1"
        (request,) = runtime.iam.logins
        assert request.method == "POST"
        assert str(request.url) == "https://iam.example.com/v3/auth/tokens?nocatalog=true"
        assert request.headers["Content-Type"] == "application/json"
        user = {"name": "user", "password": f"{MARK}-pässword", "domain": {"name": "company"}}
        assert json.loads(request.content) == {
            "auth": {
                "identity": {"methods": ["password"], "password": {"user": user}},
                "scope": {"project": {"id": "0123"}},
            }
        }

    play(scene)


def test_login_names_the_project_when_its_name_is_given() -> None:
    """A name wins over the id of the source, because it was written for the login."""

    async def scene(runtime: Runtime) -> None:
        await runtime.status()
        scope = json.loads(runtime.iam.logins[0].content)["auth"]["scope"]
        assert scope == {"project": {"name": "cn-north-4_sub"}}

    play(scene, project_id="0123", project_name="cn-north-4_sub")


def test_fifty_requests_wait_for_one_login() -> None:
    """The first poll starts many requests at once."""

    async def scene(runtime: Runtime) -> None:
        runtime.iam.open.clear()
        tasks = [asyncio.create_task(runtime.status()) for _ in range(50)]
        await settle()
        runtime.iam.open.set()
        assert set(await asyncio.gather(*tasks)) == {200}
        assert len(runtime.iam.logins) == 1

    play(scene)


def test_fifty_refused_requests_log_in_once_more() -> None:
    """A changed password or permission ends tokens early: one new login, each request repeated."""

    async def scene(runtime: Runtime) -> None:
        await runtime.status()
        runtime.iam.valid.clear()
        assert set(await asyncio.gather(*(runtime.status() for _ in range(50)))) == {200}
        assert len(runtime.iam.logins) == 2

    play(scene)


def test_a_repeated_request_carries_its_body_again() -> None:
    """Also when the body came as a stream."""

    async def stream() -> Any:
        yield b"one"
        yield b"two"

    async def scene(runtime: Runtime) -> None:
        request = httpx.Request("POST", API, content=stream())
        sent = await drive(runtime.auth, request, httpx.Response(401), httpx.Response(200))
        assert len(sent) == 2
        assert request.content == b"onetwo"

    play(scene)


def test_login_is_not_repeated_when_the_new_token_is_refused_as_well() -> None:
    """A platform that refuses every token is asked for a new one once a minute at most."""

    async def scene(runtime: Runtime) -> None:
        flow_headers = await drive(
            runtime.auth, httpx.Request("GET", API), httpx.Response(401), httpx.Response(401)
        )
        tokens = [headers["x-auth-token"] for headers in flow_headers]
        assert tokens == [f"{MARK}-token1", f"{MARK}-token2"]
        runtime.iam.valid.clear()
        assert [await runtime.status() for _ in range(10)] == [401] * 10
        assert len(runtime.iam.logins) == 2
        runtime.clock.now = 60.0
        assert await runtime.status() == 200
        assert len(runtime.iam.logins) == 3

    play(scene)


def test_token_is_renewed_an_hour_before_it_expires() -> None:
    """No request ever carries a token that expires under way."""

    async def scene(runtime: Runtime) -> None:
        for now, logins in [(0.0, 1), (DAY - 3601, 1), (DAY - 3600, 2), (DAY + 1, 2)]:
            runtime.clock.now = now
            assert await runtime.status() == 200
            assert len(runtime.iam.logins) == logins

    play(scene)


def test_valid_token_stays_in_use_when_its_renewal_fails() -> None:
    """IAM may be away for an hour without any poll failing."""

    async def scene(runtime: Runtime) -> None:
        await runtime.status()
        runtime.clock.now = DAY - 3600
        runtime.iam.answer = httpx.Response(503)
        assert [await runtime.status() for _ in range(3)] == [200, 200, 200]
        assert len(runtime.iam.logins) == 2
        runtime.clock.now = DAY
        assert (await runtime.failure()).reason is Reason.SERVER

    play(scene)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (
            httpx.Response(401, json={"error": {"code": 401, "message": MARK}}),
            "auth, HTTP 401, user name, password or domain refused",
        ),
        (
            httpx.Response(403, json={"error_code": "IAM.0002", "error_msg": MARK}),
            "auth, HTTP 403, IAM.0002, user locked, disabled or without programmatic access",
        ),
        (
            httpx.Response(400, json={"error_code": MARK}),
            "auth, HTTP 400, user, domain or project not known",
        ),
        (
            httpx.Response(404, json={"error": {"code": 404, "message": MARK}}),
            "not_found, HTTP 404, check auth.iam.endpoint",
        ),
        (
            httpx.Response(404, text=MARK),
            "invalid_response, HTTP 404, this is no IAM: check auth.iam.endpoint",
        ),
        (
            httpx.Response(400, text=f"<html>{MARK}</html>"),
            "invalid_response, HTTP 400, this is no IAM: check auth.iam.endpoint",
        ),
        (httpx.Response(429, headers={"Retry-After": "7"}), "throttled, HTTP 429"),
        (httpx.Response(502, json=[MARK]), "server, HTTP 502"),
        (
            httpx.Response(302, headers={"Location": MARK}),
            "invalid_response, HTTP 302, this is no IAM: check auth.iam.endpoint",
        ),
        (
            httpx.Response(200, json={"token": {"expires_at": "2026-01-01T00:00:00Z"}}),
            "invalid_response, HTTP 200, this is no IAM: check auth.iam.endpoint",
        ),
        (
            httpx.Response(201, headers={"X-Subject-Token": MARK}, text=MARK),
            "invalid_response, HTTP 201, no usable X-Subject-Token or token.expires_at",
        ),
        (
            httpx.Response(201, headers={"X-Subject-Token": MARK}, json={"token": {}}),
            "invalid_response, HTTP 201, no usable X-Subject-Token or token.expires_at",
        ),
        (
            httpx.Response(201, json={"token": {"expires_at": "2026-01-01T00:00:00Z"}}),
            "invalid_response, HTTP 201, no usable X-Subject-Token or token.expires_at",
        ),
        (
            httpx.Response(
                201,
                headers={b"X-Subject-Token": f"{MARK} é".encode()},
                json={"token": {"expires_at": "2026-01-01T00:00:00Z"}},
            ),
            "invalid_response, HTTP 201, no usable X-Subject-Token or token.expires_at",
        ),
    ],
)
def test_login_failure_says_why(answer: httpx.Response, text: str) -> None:
    """With reason, status and code; without body and without secrets."""

    async def scene(runtime: Runtime) -> None:
        runtime.iam.answer = answer
        assert str(await runtime.failure()) == f"{OPERATION} failed: {text}"

    play(scene)


def test_login_failure_that_may_pass_is_marked_so() -> None:
    """The client may then try again, as late as IAM asks."""

    async def scene(runtime: Runtime) -> None:
        runtime.iam.answer = httpx.Response(429, headers={"Retry-After": "7"})
        throttled = await runtime.failure()
        assert (throttled.retryable, throttled.retry_after) == (True, 7.0)
        runtime.iam.answer = httpx.Response(400)
        assert not (await runtime.failure()).retryable

    play(scene)


def test_failure_to_reach_iam_passes_on_to_all_who_wait() -> None:
    """Whatever the client made of it; fifty requests must not time out one after the other."""

    async def scene(runtime: Runtime) -> None:
        runtime.iam.open.clear()
        runtime.iam.answer = FetchError(Reason.TIMEOUT, OPERATION)
        tasks = [asyncio.create_task(runtime.status()) for _ in range(50)]
        await settle()
        runtime.iam.open.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert {str(result) for result in results} == {f"{OPERATION} failed: timeout"}
        assert len(runtime.iam.logins) == 1

    play(scene)


def test_token_is_not_shown() -> None:
    """Neither by the object that keeps it nor by what it is kept in."""

    async def scene(runtime: Runtime) -> None:
        await runtime.status()
        assert MARK not in repr(vars(runtime.auth)) + repr(vars(runtime.auth._tokens))

    play(scene)
