"""Every exception and every refusal leaves the client as a FetchError that shows no secret."""

import json
import socket
import ssl
from typing import Any

import httpx
import pytest

from exporter.errors import FetchError, Reason
from tests.upstream.client.api_service import BASE, HIDDEN, Body, Setup, everything_in, fail, reply
from tests.virtual_time import run

_NEVER_RETRIED = {"DecodingError", "StreamError", "StreamConsumed", "StreamClosed"} | {
    "ResponseNotRead",
    "RequestNotRead",
}
_TIMEOUTS = {"TimeoutException", "ConnectTimeout", "ReadTimeout", "WriteTimeout", "PoolTimeout"}
_EXCEPTIONS = {
    name: kind
    for name, kind in vars(httpx).items()
    if isinstance(kind, type) and issubclass(kind, Exception)
}


def _make(kind: type[Exception]) -> Exception:
    """Make an exception of the library whose text quotes what it must not."""
    text = f"GET https://user:{HIDDEN}@api.example/?token={HIDDEN}"
    request = httpx.Request("GET", BASE, headers={"authorization": HIDDEN})
    if issubclass(kind, httpx.HTTPStatusError):
        return kind(text, request=request, response=httpx.Response(500, text=HIDDEN))
    if kind in (
        httpx.StreamConsumed,
        httpx.StreamClosed,
        httpx.ResponseNotRead,
        httpx.RequestNotRead,
    ):
        return kind()
    return kind(text)


def test_list_of_library_exceptions_is_not_empty() -> None:
    assert len(_EXCEPTIONS) >= 25
    assert set(_EXCEPTIONS) >= _NEVER_RETRIED | _TIMEOUTS


@pytest.mark.parametrize("name", _EXCEPTIONS)
@pytest.mark.parametrize("where", ["sending", "reading"])
def test_every_library_exception_leaves_as_a_fetch_error_with_a_reason(
    name: str, where: str
) -> None:
    exc = _make(_EXCEPTIONS[name])

    async def scenario() -> tuple[FetchError, Setup]:
        setup = Setup(fail(exc) if where == "sending" else reply(body=Body(b"{", exc)))
        return await setup.failure(), setup

    error, setup = run(scenario())
    expected = Reason.CONNECTION
    if name in _NEVER_RETRIED:
        expected = Reason.INVALID_RESPONSE
    elif name in _TIMEOUTS:
        expected = Reason.TIMEOUT
    assert error.reason is expected
    assert error.status is None
    assert error.detail == name
    assert error.__cause__ is exc
    assert HIDDEN not in everything_in(error)
    tries = 1 if name in _NEVER_RETRIED else 3
    assert len(setup.service.requests) == tries
    assert setup.counted() == {("ListJobs", expected.value): tries}


@pytest.mark.parametrize(
    ("exc", "reason", "detail"),
    [
        (TimeoutError(), Reason.TIMEOUT, "TimeoutError"),
        (OSError(104, f"reset by {HIDDEN}"), Reason.CONNECTION, "Connection reset by peer"),
        (OSError(HIDDEN), Reason.CONNECTION, "OSError"),
        (ConnectionRefusedError(111, HIDDEN), Reason.CONNECTION, "Connection refused"),
        (socket.gaierror(-2, "Name not known"), Reason.CONNECTION, "Name not known"),
        (ValueError(HIDDEN), Reason.CONNECTION, "ValueError"),
        (ExceptionGroup(HIDDEN, [OverflowError(HIDDEN)]), Reason.CONNECTION, "ExceptionGroup"),
        (ssl.SSLError(1, HIDDEN), Reason.TLS, "SSLError"),
    ],
)
def test_exception_from_below_the_library_leaves_as_a_fetch_error(
    exc: Exception, reason: Reason, detail: str
) -> None:
    async def scenario() -> FetchError:
        return await Setup(fail(exc)).failure()

    error = run(scenario())
    assert (error.reason, error.detail) == (reason, detail)
    assert HIDDEN not in everything_in(error)


@pytest.mark.parametrize("link", ["__cause__", "__context__"])
def test_reason_is_tls_when_a_tls_error_is_underneath(link: str) -> None:
    exc = httpx.ConnectError(HIDDEN)
    middle = OSError(HIDDEN)
    setattr(exc, link, middle)
    setattr(middle, link, ssl.SSLError(1, HIDDEN))

    async def scenario() -> tuple[FetchError, int]:
        setup = Setup(fail(exc))
        return await setup.failure(), len(setup.service.requests)

    error, tries = run(scenario())
    assert (error.reason, error.retryable, tries) == (Reason.TLS, False, 1)
    assert HIDDEN not in everything_in(error)


def test_cause_with_a_number_is_described_by_the_system_and_not_by_its_text() -> None:
    exc = httpx.ConnectError("All connection attempts failed")
    exc.__cause__ = OSError(111, "Connect call failed ('10.1.2.3', 443)")

    async def scenario() -> FetchError:
        return await Setup(fail(exc)).failure()

    assert run(scenario()).detail == "Connection refused"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_error_shows_nothing_of_url_header_token_or_body(status: int) -> None:
    body = json.dumps({"error_code": HIDDEN + "!", "error_msg": {"token": HIDDEN}, "x": HIDDEN})

    class TokenAuth(httpx.Auth):
        """Send a token with each request."""

        def auth_flow(self, request: httpx.Request) -> Any:
            request.headers["X-Auth-Token"] = HIDDEN
            yield request

    async def scenario() -> FetchError:
        setup = Setup(
            reply(status, body.encode(), {"X-Subject-Token": HIDDEN, "location": HIDDEN}),
            base_url=f"{BASE}/{HIDDEN}",
            headers={"workspace": HIDDEN},
            auth=TokenAuth(),
        )
        return await setup.failure(HIDDEN)

    error = run(scenario())
    assert error.status == status
    assert HIDDEN not in everything_in(error)


def test_error_tells_what_the_platform_said() -> None:
    body = b'{"error_code": "DLI.16001", "error_msg": "The job\\ndoes not exist"}'

    async def scenario() -> FetchError:
        return await Setup(reply(400, body)).failure()

    error = run(scenario())
    assert error.gone
    assert error.operation == "ListJobs"
    assert str(error) == ("ListJobs failed: not_found, HTTP 400, DLI.16001, The job does not exist")
