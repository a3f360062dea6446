"""Stand in for an API, and set a client up before it in virtual time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

from exporter.auth.guard import Guarding, RejectionGuard
from exporter.errors import FetchError
from exporter.pacing import Clock, TokenBucket
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.client import ApiClient
from exporter.upstream.exchange import Limits
from exporter.upstream.refusals import ReadRefusal, huawei
from tests.virtual_time import EPOCH

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
        guard: bool | Guarding = False,
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
            guard=_guard(guard, loop.time),
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


def _guard(given: bool | Guarding, clock: Clock) -> Guarding | None:
    if isinstance(given, bool):
        return RejectionGuard(clock=clock) if given else None
    return given


def everything_in(error: FetchError) -> str:
    """Return all that a log line, a page or a label could show of an error."""
    facts = {name: value for name, value in vars(error).items() if not name.startswith("__")}
    return "\n".join([str(error), repr(error), repr(error.args), repr(facts)])
