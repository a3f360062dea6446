"""Requests go out politely, and every way to fail leaves the client as a FetchError."""

import asyncio
import gzip
import json
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.auth import canonical
from exporter.auth.guard import RejectionGuard
from exporter.client import ApiClient, Limits, decode_json, exchange
from exporter.errors import CredentialError, FetchError, Reason
from exporter.pacing import TokenBucket
from exporter.refusals import Answer, ReadRefusal, alibaba, huawei
from exporter.telemetry import Telemetry
from tests.virtual_time import EPOCH, run

HIDDEN = "hunter2-never-shown"
BASE = "https://api.example"
Reply = Callable[[httpx.Request], Awaitable[httpx.Response]]


class Greatest(Random):
    """Chance that always gives the greatest value, so that pauses are known."""

    def uniform(self, a: float, b: float) -> float:
        return b


class Body(httpx.AsyncByteStream):
    """The body of an answer, piece by piece, as it comes from a socket."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self._pieces = pieces
        self.sent = 0
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            if isinstance(piece, Exception):
                raise piece
            self.sent += len(piece)
            yield piece

    async def aclose(self) -> None:
        self.closed = True


def reply(
    status: int = 200,
    body: bytes | httpx.AsyncByteStream = b"{}",
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """Return a way to answer that can be used any number of times."""

    async def answer(_: httpx.Request) -> httpx.Response:
        stream = Body(body) if isinstance(body, bytes) else body
        return httpx.Response(status, headers=headers, stream=stream)

    return answer


def fail(exc: Exception) -> Reply:
    """Return a way to answer that raises instead."""

    async def answer(_: httpx.Request) -> httpx.Response:
        raise exc

    return answer


def slow(seconds: float, then: Reply | None = None) -> Reply:
    """Return a way to answer that takes its time."""

    async def answer(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(seconds)
        return await (then or reply())(request)

    return answer


@dataclass
class Service:
    """Stand in for an API: answer in the order given, the last way for ever, and remember."""

    replies: Sequence[Reply]
    requests: list[httpx.Request] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.times.append(asyncio.get_running_loop().time())
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            return await self.replies[min(len(self.requests), len(self.replies)) - 1](request)
        finally:
            self.in_flight -= 1

    @property
    def targets(self) -> list[str]:
        """Return path and query of every request, as they went over the wire."""
        return [request.url.raw_path.decode("ascii") for request in self.requests]


class Setup:
    """A client of a service that answers as told, in virtual time."""

    def __init__(
        self,
        *replies: Reply,
        base_url: str = BASE,
        read_refusal: ReadRefusal = huawei.read_refusal,
        auth: httpx.Auth | None = None,
        guard: bool = False,
        headers: Mapping[str, str] | None = None,
        rate: float = 1000.0,
        slots: int = 8,
        timeout: float = 10.0,
        largest_answer: int = 1000,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.service = Service(replies or (reply(),))
        self.telemetry = Telemetry()
        self.bucket = TokenBucket(rate, burst=rate, clock=loop.time, sleep=asyncio.sleep)
        self.limits = Limits(
            bucket=self.bucket,
            slots=asyncio.Semaphore(slots),
            timeout=timeout,
            largest_answer=largest_answer,
        )
        self.client = ApiClient(
            source="s",
            base_url=base_url,
            http=httpx.AsyncClient(transport=httpx.MockTransport(self.service)),
            read_refusal=read_refusal,
            limits=self.limits,
            telemetry=self.telemetry,
            clock=lambda: EPOCH + loop.time(),
            monotonic=loop.time,
            sleep=asyncio.sleep,
            random=Greatest(),
            auth=auth,
            guard=RejectionGuard(clock=loop.time) if guard else None,
            headers=headers,
        )

    async def fetch(self, *segments: str) -> Any:
        """Ask for something; return the decoded answer, or the FetchError."""
        try:
            return await self.client.get_json("ListJobs", segments or ("jobs",))
        except FetchError as exc:
            return exc

    async def failure(self, *segments: str) -> FetchError:
        """Ask for something that cannot be had; return why."""
        error = await self.fetch(*segments)
        assert isinstance(error, FetchError)
        return error

    def counted(self) -> dict[tuple[str, str], float]:
        """Return the number of requests counted, by operation and code."""
        return {
            (sample.labels["operation"], sample.labels["code"]): sample.value
            for family in self.telemetry.registry.collect()
            for sample in family.samples
            if sample.name == "streaming_exporter_api_requests_total"
        }

    def own(self, name: str) -> float | None:
        """Return the value of one of the exporter's own metrics about the operation."""
        labels = {"source": "s", "operation": "ListJobs"}
        return self.telemetry.registry.get_sample_value(name, labels)


def everything_in(error: FetchError) -> str:
    """Return all that a log line, a page or a label could show of an error."""
    facts = {name: value for name, value in vars(error).items() if not name.startswith("__")}
    return "\n".join([str(error), repr(error), repr(error.args), repr(facts)])


# What is sent.


def test_answer_is_returned_whole_with_lower_case_header_names() -> None:
    async def scenario() -> Answer:
        setup = Setup(reply(201, b'{"a": 1}', {"X-Request-Id": "r"}))
        return await setup.client.get("ListJobs", ("jobs",))

    answer = run(scenario())
    assert (answer.status, answer.body, answer.headers["x-request-id"]) == (201, b'{"a": 1}', "r")


def test_json_is_decoded() -> None:
    async def scenario() -> Any:
        return await Setup(reply(body='{"a": ["任务"]}'.encode())).fetch()

    assert run(scenario()) == {"a": ["任务"]}


segments = st.lists(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(
        lambda text: text not in (".", "..")
    ),
    min_size=1,
    max_size=4,
)
pairs = st.lists(
    st.tuples(
        st.text(st.characters(exclude_categories=["Cs"])),
        st.text(st.characters(exclude_categories=["Cs"])),
    ),
    max_size=4,
)


@given(path=segments, query=pairs, base=st.sampled_from(["", "/", "/v1", "/a/b/"]))
def test_url_on_the_wire_is_exactly_the_canonical_one(
    path: list[str], query: list[tuple[str, str]], base: str
) -> None:
    async def scenario() -> list[str]:
        setup = Setup(base_url=BASE + base)
        await setup.client.get("ListJobs", path, query)
        return setup.service.targets

    expected = base.rstrip("/") + canonical.path(*path)
    if query:
        expected += "?" + canonical.query(query)
    assert run(scenario()) == [expected]


def test_headers_of_client_and_request_are_sent_and_the_request_wins() -> None:
    async def scenario() -> httpx.Headers:
        setup = Setup(headers={"workspace": "w", "X-Language": "en-us"})
        await setup.client.get("ListJobs", ("jobs",), headers={"X-Language": "zh-cn", "b": "1"})
        return setup.service.requests[0].headers

    headers = run(scenario())
    assert headers["accept"] == "application/json"
    assert headers["workspace"] == "w"
    assert headers.get_list("x-language") == ["zh-cn"]
    assert headers["b"] == "1"


def test_body_is_posted_and_sent_again_when_that_may_work_in_a_moment() -> None:
    async def scenario() -> tuple[Answer, Setup]:
        setup = Setup(reply(503), reply(201, b"taken"), headers={"workspace": "w"})
        return await setup.client.post("Report", ("v1", "job report"), b'{"a": 1}'), setup

    answer, setup = run(scenario())
    assert (answer.status, answer.body) == (201, b"taken")
    assert [(each.method, each.content) for each in setup.service.requests] == [
        ("POST", b'{"a": 1}')
    ] * 2
    assert setup.service.targets == ["/v1/job%20report"] * 2
    assert setup.service.requests[0].headers["workspace"] == "w"
    assert setup.counted() == {("Report", "503"): 1, ("Report", "201"): 1}


def test_body_that_is_refused_is_a_fetch_error_that_does_not_show_it() -> None:
    async def scenario() -> FetchError:
        with pytest.raises(FetchError) as caught:
            await Setup(reply(400)).client.post("Report", ("x",), HIDDEN.encode())
        return caught.value

    error = run(scenario())
    assert str(error) == "Report failed: server, HTTP 400"
    assert HIDDEN not in everything_in(error)


@pytest.mark.parametrize("segment", ["", ".", "..", "a\ud800"])
def test_name_that_no_path_can_hold_is_refused_before_anything_is_sent(segment: str) -> None:
    async def scenario() -> tuple[FetchError, Setup]:
        setup = Setup()
        return await setup.failure("jobs", segment), setup

    error, setup = run(scenario())
    assert error.reason is Reason.INVALID_RESPONSE
    assert (setup.service.requests, setup.counted()) == ([], {})


def test_query_that_cannot_be_encoded_is_refused_before_anything_is_sent() -> None:
    async def scenario() -> Setup:
        setup = Setup()
        with pytest.raises(FetchError, match=r"^ListJobs failed: invalid_response, a name"):
            await setup.client.get("ListJobs", ("jobs",), [("name", "\udc80")])
        return setup

    assert run(scenario()).service.requests == []


@pytest.mark.parametrize(
    ("base_url", "headers", "path"),
    [
        ("https://xn--", {}, "jobs"),
        ("https://[::1", {}, "jobs"),
        (BASE, {"workspace": "工作区 " + HIDDEN}, "jobs"),
        (BASE, {}, "x" * 70_000),
    ],
)
def test_request_that_cannot_be_written_is_a_fetch_error(
    base_url: str, headers: Mapping[str, str], path: str
) -> None:
    async def scenario() -> tuple[FetchError, Setup]:
        setup = Setup(base_url=base_url, headers=headers)
        return await setup.failure(path), setup

    error, setup = run(scenario())
    assert error.reason is Reason.CONNECTION
    assert not error.retryable
    assert error.__cause__ is None
    assert HIDDEN not in everything_in(error)
    assert setup.service.requests == []


# Every exception of the HTTP library.

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


# Trying again.


@pytest.mark.parametrize(
    ("replies", "times"),
    [
        ([reply(500), reply()], [0.0, 0.5]),
        ([reply(502), reply(503), reply()], [0.0, 0.5, 1.5]),
        ([fail(httpx.ConnectError("x")), reply()], [0.0, 0.5]),
        ([fail(httpx.ReadTimeout("x")), reply(504), reply()], [0.0, 0.5, 1.5]),
        ([reply(408), reply()], [0.0, 0.5]),
        ([reply(400, b'{"error_code": "DLI.0999"}'), reply()], [0.0, 0.5]),
        ([reply(503, headers={"retry-after": "3"}), reply()], [0.0, 3.0]),
        ([reply(503, headers={"retry-after": "0"}), reply()], [0.0, 0.0]),
        ([reply(503, headers={"retry-after": "10"}), reply()], [0.0, 10.0]),
        ([reply(503, headers={"retry-after": "soon"}), reply()], [0.0, 0.5]),
        ([reply(503, headers={"retry-after": "Tue, 14 Nov 2023 22:13:26 GMT"}), reply()], [0, 6]),
        ([reply(429), reply()], [0.0, 1.0]),
        ([reply(429, headers={"retry-after": "4"}), reply()], [0.0, 4.0]),
        ([reply(429, headers={"retry-after": "0"}), reply()], [0.0, 1.0]),
    ],
)
def test_request_is_repeated_after_a_pause_when_it_may_work_in_a_moment(
    replies: list[Reply], times: list[float]
) -> None:
    async def scenario() -> tuple[Any, Setup]:
        setup = Setup(*replies)
        return await setup.fetch(), setup

    answer, setup = run(scenario())
    assert answer == {}
    assert setup.service.times == pytest.approx(times)
    assert len(set(setup.service.targets)) == 1


def test_request_is_given_up_after_the_third_try() -> None:
    async def scenario() -> tuple[FetchError, Setup]:
        setup = Setup(reply(500), reply(502), reply(503))
        return await setup.failure(), setup

    error, setup = run(scenario())
    assert error.status == 503
    assert setup.service.times == pytest.approx([0.0, 0.5, 1.5])
    assert setup.counted() == {("ListJobs", code): 1 for code in ("500", "502", "503")}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (reply(400), Reason.SERVER),
        (reply(401), Reason.AUTH),
        (reply(403), Reason.AUTH),
        (reply(404), Reason.NOT_FOUND),
        (reply(501), Reason.SERVER),
        (reply(400, b'{"error_code": "DLI.16001"}'), Reason.NOT_FOUND),
        (reply(200, b'{"is_success": false}'), Reason.SERVER),
        (reply(200, b"<html>"), Reason.INVALID_RESPONSE),
        (reply(503, headers={"retry-after": "11"}), Reason.SERVER),
        (reply(429, headers={"retry-after": "3600"}), Reason.THROTTLED),
    ],
)
def test_request_is_not_repeated_when_that_would_not_help(answer: Reply, reason: Reason) -> None:
    async def scenario() -> tuple[FetchError, Setup]:
        setup = Setup(answer)
        return await setup.failure(), setup

    error, setup = run(scenario())
    assert error.reason is reason
    assert len(setup.service.requests) == 1


def test_pause_that_ends_the_poll_is_told_to_the_caller() -> None:
    async def scenario() -> FetchError:
        return await Setup(reply(429, headers={"retry-after": "3600"})).failure()

    assert run(scenario()).retry_after == 3600.0


def test_pause_of_the_vendors_own_header_wins_over_retry_after() -> None:
    async def scenario() -> list[float]:
        setup = Setup(
            reply(
                503, b'{"Code": "Throttling"}', {"x-acs-retry-after": "2500", "retry-after": "9"}
            ),
            reply(),
            read_refusal=alibaba.read_refusal,
        )
        await setup.fetch()
        return setup.service.times

    assert run(scenario()) == pytest.approx([0.0, 2.5])


def test_error_tells_what_the_platform_said() -> None:
    body = b'{"error_code": "DLI.16001", "error_msg": "The job\\ndoes not exist"}'

    async def scenario() -> FetchError:
        return await Setup(reply(400, body)).failure()

    error = run(scenario())
    assert error.gone
    assert error.operation == "ListJobs"
    assert str(error) == ("ListJobs failed: not_found, HTTP 400, DLI.16001, The job does not exist")


# Limits.


def test_throttling_holds_everyone_back_and_is_counted() -> None:
    async def scenario() -> Setup:
        setup = Setup(reply(429, headers={"retry-after": "4"}), reply())
        first = asyncio.create_task(setup.fetch())
        await asyncio.sleep(0.1)
        await asyncio.gather(first, *(setup.fetch() for _ in range(3)))
        return setup

    setup = run(scenario())
    assert setup.service.times == pytest.approx([0.0, 4.0, 4.0, 4.0, 4.0], abs=1e-2)
    assert setup.own("streaming_exporter_api_throttled_total") == 1


def test_throttling_holds_no_longer_than_a_poll_can_wait() -> None:
    async def scenario() -> Setup:
        setup = Setup(reply(429, headers={"retry-after": "3600"}), reply())
        await setup.fetch()
        assert setup.bucket.held_for == 10.0
        await setup.fetch()
        return setup

    assert run(scenario()).service.times == pytest.approx([0.0, 10.0])


def test_refusal_that_is_no_throttling_holds_nobody() -> None:
    async def scenario() -> Setup:
        setup = Setup(reply(503, headers={"retry-after": "30"}), reply())
        await setup.fetch()
        await setup.fetch()
        return setup

    setup = run(scenario())
    assert setup.service.times == [0.0, 0.0]
    assert setup.own("streaming_exporter_api_throttled_total") is None


def test_requests_keep_to_the_rate() -> None:
    async def scenario() -> Setup:
        setup = Setup(rate=2.0)
        await asyncio.gather(*(setup.fetch() for _ in range(6)))
        return setup

    assert run(scenario()).service.times == pytest.approx([0.0, 0.0, 0.5, 1.0, 1.5, 2.0])


def test_requests_in_flight_never_exceed_the_slots() -> None:
    async def scenario() -> Setup:
        setup = Setup(slow(1.0), slots=2)
        await asyncio.gather(*(setup.fetch() for _ in range(6)))
        return setup

    setup = run(scenario())
    assert setup.service.most_in_flight == 2
    assert setup.service.times == pytest.approx([0, 0, 1, 1, 2, 2])


def test_pause_before_the_next_try_takes_no_slot() -> None:
    async def scenario() -> Setup:
        setup = Setup(reply(503), slow(0.1), slots=1)
        await asyncio.gather(setup.fetch(), setup.fetch())
        return setup

    assert run(scenario()).service.times == pytest.approx([0.0, 0.0, 0.5])


def test_slow_answer_ends_by_the_timeout() -> None:
    async def scenario() -> tuple[FetchError, Setup, float]:
        setup = Setup(slow(3600), timeout=7.0)
        error = await setup.failure()
        return error, setup, asyncio.get_running_loop().time()

    error, setup, now = run(scenario())
    assert (error.reason, error.detail, error.status) == (Reason.TIMEOUT, "TimeoutError", None)
    assert setup.service.times == pytest.approx([0.0, 7.5, 15.5])
    assert now == pytest.approx(22.5)
    assert setup.counted() == {("ListJobs", "timeout"): 3}


def test_slow_body_ends_by_the_timeout_though_each_piece_comes_soon() -> None:
    class Drip(httpx.AsyncByteStream):
        """A body that never ends, one byte every second."""

        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                await asyncio.sleep(1.0)
                yield b" "

    async def scenario() -> tuple[FetchError, float]:
        setup = Setup(reply(body=Drip()), reply(404), timeout=7.0)
        return await setup.failure(), setup.service.times[1]

    error, second = run(scenario())
    assert error.reason is Reason.NOT_FOUND
    assert second == pytest.approx(7.5)


def test_waiting_for_rate_and_slot_is_no_part_of_the_timeout() -> None:
    async def scenario() -> list[Any]:
        setup = Setup(slow(5.0), rate=1.0, slots=1, timeout=7.0)
        return await asyncio.gather(*(setup.fetch() for _ in range(5)))

    assert run(scenario()) == [{}] * 5


def test_answer_above_the_limit_is_refused_while_it_streams() -> None:
    body = Body(*[b"x" * 100] * 1000)

    async def scenario() -> tuple[FetchError, Setup]:
        setup = Setup(reply(body=body))
        return await setup.failure(), setup

    error, setup = run(scenario())
    assert str(error) == (
        "ListJobs failed: invalid_response, HTTP 200, the answer is larger than 1000 bytes"
    )
    assert body.sent == 1100
    assert body.closed
    assert setup.counted() == {("ListJobs", "200"): 1}


def test_answer_at_the_limit_is_read() -> None:
    body = b'"' + b"x" * 998 + b'"'

    async def scenario() -> Any:
        return await Setup(reply(body=Body(*(body[n : n + 7] for n in range(0, 1000, 7))))).fetch()

    assert run(scenario()) == "x" * 998


def test_answer_one_byte_above_the_limit_is_refused() -> None:
    async def scenario() -> FetchError:
        return await Setup(reply(body=b" " * 1001)).failure()

    assert run(scenario()).detail == "the answer is larger than 1000 bytes"


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_limit_counts_the_bytes_after_decompression(status: int, coding: str) -> None:
    plain = b" " * 1_000_000
    packed = gzip.compress(plain) if coding == "gzip" else zlib.compress(plain)
    body = Body(*(packed[n : n + 10] for n in range(0, len(packed), 10)))
    assert len(packed) < 1500

    async def scenario() -> FetchError:
        return await Setup(reply(status, body, {"content-encoding": coding})).failure()

    error = run(scenario())
    assert error.detail == "the answer is larger than 1000 bytes"
    assert (error.reason, error.status) == (Reason.INVALID_RESPONSE, status)
    assert body.sent < 100


def test_compressed_answer_below_the_limit_is_read() -> None:
    async def scenario() -> Any:
        body = gzip.compress(b'{"a": 1}')
        return await Setup(reply(body=body, headers={"content-encoding": "gzip"})).fetch()

    assert run(scenario()) == {"a": 1}


def test_answer_compressed_twice_is_refused_unread() -> None:
    body = Body(gzip.compress(gzip.compress(b"{}")))

    async def scenario() -> FetchError:
        return await Setup(reply(body=body, headers={"content-encoding": "gzip, gzip"})).failure()

    error = run(scenario())
    assert (error.reason, error.detail) == (
        Reason.INVALID_RESPONSE,
        "the answer is compressed more than once",
    )
    assert (body.sent, body.closed) == (0, True)


def test_answer_that_is_not_compressed_as_it_says_is_an_invalid_response() -> None:
    async def scenario() -> FetchError:
        return await Setup(reply(body=b"{}", headers={"content-encoding": "gzip"})).failure()

    assert run(scenario()).reason is Reason.INVALID_RESPONSE


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed(status: int) -> None:
    async def scenario() -> tuple[FetchError, Setup]:
        setup = Setup(reply(status, headers={"location": f"https://elsewhere.example/{HIDDEN}"}))
        return await setup.failure(), setup

    error, setup = run(scenario())
    assert (error.reason, error.status) == (Reason.SERVER, status)
    assert len(setup.service.requests) == 1
    assert HIDDEN not in everything_in(error)


@pytest.mark.parametrize(
    ("body", "got"),
    [
        (b"", "an empty body"),
        (b"<html>secret</html>", "HTML or XML"),
        (b"\n <?xml", "HTML or XML"),
        (b"sorry", "something else"),
        (b"\xff\xfe", "something else"),
        (b"{'a': 1}", "something else"),
        (b"[" * 100_000, "something else"),
        (b"9" * 5000, "something else"),
    ],
)
def test_answer_that_is_no_json_is_described_by_its_first_character(body: bytes, got: str) -> None:
    with pytest.raises(FetchError) as caught:
        decode_json("ListJobs", Answer(200, {}, body))
    error = caught.value
    assert str(error) == f"ListJobs failed: invalid_response, HTTP 200, expected JSON, got {got}"
    assert not error.retryable


# Counting.


def test_every_try_is_counted_with_its_time() -> None:
    async def scenario() -> Setup:
        setup = Setup(slow(0.5, reply(503)), slow(2.0))
        await setup.fetch()
        return setup

    setup = run(scenario())
    assert setup.counted() == {("ListJobs", "503"): 1, ("ListJobs", "200"): 1}
    assert setup.own("streaming_exporter_api_request_duration_seconds_count") == 2
    assert setup.own("streaming_exporter_api_request_duration_seconds_sum") == pytest.approx(2.5)


def test_request_that_is_cancelled_is_counted_and_closed() -> None:
    body = Body(b"{", b"}")

    async def hang(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(3600)
        return httpx.Response(200, stream=body)

    async def scenario() -> Setup:
        setup = Setup(hang, timeout=100_000)
        task = asyncio.create_task(setup.fetch())
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return setup

    setup = run(scenario())
    assert setup.counted() == {("ListJobs", "canceled"): 1}
    assert setup.service.in_flight == 0


def test_request_that_an_ended_token_failed_is_counted_twice() -> None:
    class TokenAuth(httpx.Auth):
        """Send the request again with a new token when the first is refused."""

        def auth_flow(self, request: httpx.Request) -> Any:
            response = yield request
            if response.status_code == 401:
                yield request

    async def scenario() -> Setup:
        setup = Setup(reply(401), reply(), auth=TokenAuth())
        assert await setup.fetch() == {}
        return setup

    setup = run(scenario())
    assert len(setup.service.requests) == 2
    assert setup.counted() == {("ListJobs", "401"): 1, ("ListJobs", "200"): 1}


class LoginAuth(httpx.Auth):
    """Fail to log in, so that the request itself is never sent."""

    def __init__(self, *failures: Exception) -> None:
        self._failures = iter(failures)

    async def async_auth_flow(self, request: httpx.Request) -> Any:
        failure = next(self._failures, None)
        if failure is not None:
            raise failure
        yield request


def test_failed_login_is_not_counted_as_a_request_of_the_operation() -> None:
    login = FetchError(Reason.AUTH, "Login", status=401, detail="refused")

    async def scenario() -> tuple[FetchError, Setup]:
        setup = Setup(auth=LoginAuth(login))
        return await setup.failure(), setup

    error, setup = run(scenario())
    assert error is login
    assert (setup.counted(), setup.service.requests) == ({}, [])


def test_failed_login_is_tried_again_when_it_may_work_in_a_moment() -> None:
    login = FetchError(Reason.SERVER, "Login", status=503, retryable=True, retry_after=2.0)

    async def scenario() -> tuple[Any, Setup]:
        setup = Setup(auth=LoginAuth(login, login))
        return await setup.fetch(), setup

    answer, setup = run(scenario())
    assert answer == {}
    assert setup.service.times == pytest.approx([4.0])
    assert setup.counted() == {("ListJobs", "200"): 1}


@pytest.mark.parametrize("guard", [False, True])
def test_missing_credentials_are_an_auth_failure_and_no_request(guard: bool) -> None:
    async def scenario() -> tuple[FetchError, Setup]:
        setup = Setup(auth=LoginAuth(CredentialError("no keys found")), guard=guard)
        return await setup.failure(), setup

    error, setup = run(scenario())
    assert str(error) == "ListJobs failed: auth, no keys found"
    assert not error.retryable
    assert (setup.counted(), setup.service.requests) == ({}, [])


# The guard of the access key.


def _after(setup: Setup, count: int) -> Coroutine[Any, Any, list[Any]]:
    async def ask() -> list[Any]:
        return [await setup.fetch() for _ in range(count)]

    return ask()


def test_third_rejection_pauses_the_key_and_nothing_more_is_sent() -> None:
    async def scenario() -> tuple[list[Any], Setup]:
        setup = Setup(reply(401), guard=True)
        return await _after(setup, 5), setup

    errors, setup = run(scenario())
    assert len(setup.service.requests) == 3
    assert [error.reason for error in errors] == [Reason.AUTH] * 5
    assert [error.status for error in errors] == [401, 401, 401, None, None]
    assert "paused for another 330 s" in errors[4].detail
    assert setup.counted() == {("ListJobs", "401"): 3}


def test_no_more_than_three_rejections_leave_when_many_ask_at_once() -> None:
    async def scenario() -> Setup:
        setup = Setup(slow(1.0, reply(401)), guard=True, slots=50)
        await asyncio.gather(*(setup.fetch() for _ in range(50)))
        return setup

    assert len(run(scenario()).service.requests) == 3


def test_paused_key_is_tried_with_one_request_when_the_pause_is_over() -> None:
    async def scenario() -> tuple[list[Any], Setup]:
        setup = Setup(reply(401), reply(401), reply(401), slow(1.0), guard=True)
        await _after(setup, 3)
        await asyncio.sleep(331)
        answers = await asyncio.gather(*(setup.fetch() for _ in range(4)))
        return answers, setup

    answers, setup = run(scenario())
    assert answers == [{}] * 4
    assert setup.service.times[3:] == pytest.approx([331.0, 332.0, 332.0, 332.0])


@pytest.mark.parametrize(
    ("between", "sent"),
    [
        (reply(200), 5),
        (reply(400, b'{"error_code": "DLI.16001"}'), 5),
        (reply(404), 4),
        (reply(403), 4),
        (reply(429, headers={"retry-after": "60"}), 4),
        (reply(501), 4),
        (fail(httpx.DecodingError("x")), 4),
    ],
)
def test_only_an_answer_that_took_the_key_ends_a_row_of_rejections(
    between: Reply, sent: int
) -> None:
    async def scenario() -> Setup:
        rejected = reply(401)
        setup = Setup(rejected, rejected, between, rejected, rejected, guard=True)
        await _after(setup, 5)
        return setup

    assert len(run(scenario()).service.requests) == sent


def test_guard_does_not_stop_tries_that_were_not_rejected() -> None:
    async def scenario() -> Setup:
        setup = Setup(reply(503), guard=True)
        await _after(setup, 4)
        return setup

    assert len(run(scenario()).service.requests) == 12


# Sending without a client.


def test_exchange_returns_an_answer_of_any_status() -> None:
    async def scenario() -> tuple[Answer, Setup]:
        setup = Setup(reply(503, b"busy"))
        http = httpx.AsyncClient(transport=httpx.MockTransport(setup.service))
        request = http.build_request("POST", BASE)
        answer = await exchange(
            lambda: http.send(request, stream=True),
            operation="Login",
            source="s",
            telemetry=setup.telemetry,
            monotonic=asyncio.get_running_loop().time,
            limits=setup.limits,
        )
        return answer, setup

    answer, setup = run(scenario())
    assert (answer.status, answer.body) == (503, b"busy")
    assert setup.counted() == {("Login", "503"): 1}
