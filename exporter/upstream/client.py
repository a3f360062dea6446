"""Ask a platform's API, politely and within limits.

Every failure leaves here as a FetchError with a reason; no httpx exception does. A request goes
through, in this order: the source's concurrency limit, the guard of its access key, its token
bucket, the wire. What may work in a moment is tried again a few times with growing pauses.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random
from typing import Any, Protocol

import httpx

from exporter.auth import canonical
from exporter.auth.guard import Guarding, RejectionGuard
from exporter.errors import CredentialError, FetchError, Reason
from exporter.pacing import Backoff, Clock, Sleep, parse_retry_after
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.exchange import Limits, exchange
from exporter.upstream.large_json import RowReader
from exporter.upstream.refusals import Answer, ReadRefusal, Refusal
from exporter.upstream.urls import Place

_TRIES = 3
GIVE_UP_AFTER = 1.4
"""Time-outs after which no other try is begun: what hangs twice hangs, be it a login, which has
three quarters of a time-out. A third try would take longer than most polls."""
_LONGEST_WAIT = 10.0
"""Seconds a request waits inside one poll when asked to; longer ones end the poll instead."""


NOT_THE_API = "check endpoint: does it lead to the API itself, not to a page or service before it?"
"""What to change when a success is not in the words of the API at all."""


class Http(Protocol):
    """What is needed of an `httpx.AsyncClient`, or of something lighter."""

    async def send(
        self,
        request: httpx.Request,
        *,
        auth: httpx.Auth | None,
        follow_redirects: bool,
        stream: bool,
    ) -> httpx.Response:
        """Send a request; return the answer with its body unread."""

    async def aclose(self) -> None:
        """Close every connection."""


@dataclass(frozen=True, slots=True)
class _Call:
    """One request as it is sent, however often."""

    operation: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes | None = None
    rows: RowReader | None = None

    @property
    def method(self) -> str:
        """Return GET, or POST when there is a body."""
        return "GET" if self.body is None else "POST"


@dataclass(slots=True)
class _Spent:
    """How long the tries of one request have taken, their waits for their turn left out."""

    seconds: float = 0.0

    @contextmanager
    def counting(self, monotonic: Clock) -> Iterator[None]:
        """Add the time in the context."""
        begun = monotonic()
        try:
            yield
        finally:
            self.seconds += monotonic() - begun


class ApiClient:
    """A client of one API of one source."""

    def __init__(
        self,
        *,
        source: str,
        base_url: str,
        http: Http,
        read_refusal: ReadRefusal,
        limits: Limits,
        telemetry: Telemetry,
        clock: Clock,
        monotonic: Clock,
        sleep: Sleep,
        random: Random,
        auth: httpx.Auth | None = None,
        guard: Guarding | None = None,
        headers: Mapping[str, str] | None = None,
        server_name: str = "",
    ) -> None:
        self._source = source
        self._base_url = base_url
        self._http = http
        self._read_refusal = read_refusal
        self._limits = limits
        self._telemetry = telemetry
        self._clock = clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._random = random
        self._auth = auth
        self._guard = guard
        self._headers = {"Accept": "application/json", **(headers or {})}
        self._extensions = {"sni_hostname": server_name} if server_name else None

    async def get(
        self,
        operation: str,
        segments: Sequence[str],
        query: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        *,
        give_up_after: float = GIVE_UP_AFTER,
        rows: RowReader | None = None,
    ) -> Answer:
        """Send a GET for a path of unencoded segments; return an answer that is no refusal.

        Once its tries have taken `give_up_after` time-outs no other is begun. In a large answer the
        rows of a listing are read while it is decoded: see `read_rows`. Raises FetchError.
        """
        call = _call(operation, segments, query, headers or {})
        return await self._send(replace(call, rows=rows), give_up_after)

    async def post(
        self,
        operation: str,
        segments: Sequence[str],
        body: bytes,
        headers: Mapping[str, str] | None = None,
        *,
        rows: RowReader | None = None,
    ) -> Answer:
        """Send a body; return an answer that is no refusal.

        It is tried again like a GET, so sending it twice must do no harm. In a large answer rows
        are read as in one of `get`. Raises FetchError.
        """
        call = _call(operation, segments, (), headers or {}, body)
        return await self._send(replace(call, rows=rows), GIVE_UP_AFTER)

    @cached_property
    def _place(self) -> Place:
        return Place(self._base_url)

    async def _send(self, call: _Call, give_up_after: float) -> Answer:
        stall = self._limits.stall
        if stall is None:
            return await self._tries(call, give_up_after)
        async with stall.bounding(call.operation):
            return await self._tries(call, give_up_after)

    async def _tries(self, call: _Call, give_up_after: float) -> Answer:
        spent, limit = _Spent(), self._limits.timeout * give_up_after
        backoff = Backoff(base=0.5, limit=5.0, random=self._random)
        for tries_left in reversed(range(_TRIES)):
            try:
                return await self._try(call, spent)
            except FetchError as exc:
                pause = exc.retry_after if exc.retry_after is not None else backoff.next()
                if not exc.retryable or tries_left == 0 or pause > _LONGEST_WAIT:
                    raise
                if spent.seconds >= limit:
                    raise
                # A pause that the platform asks for is a word from it, one of ours is none.
                with self._under_way() if exc.retry_after is None else nullcontext():
                    await self._sleep(pause)
        raise AssertionError("unreachable: the last try returns or raises")

    def _under_way(self) -> AbstractContextManager[None]:
        stall = self._limits.stall
        return nullcontext() if stall is None else stall.under_way()

    async def get_json(
        self,
        operation: str,
        segments: Sequence[str],
        query: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        *,
        give_up_after: float = GIVE_UP_AFTER,
        rows: RowReader | None = None,
    ) -> Any:
        """Send a GET and return its decoded JSON body, as `get` does.

        Raises FetchError, with reason invalid_response when the body is not JSON.
        """
        answer = await self.get(
            operation, segments, query, headers, give_up_after=give_up_after, rows=rows
        )
        return decode_json(operation, answer, NOT_THE_API)

    async def _try(self, call: _Call, spent: _Spent) -> Answer:
        async with self._limits.slots:
            if self._guard is None:
                return await self._exchange(call, spent, lambda _: None)
            try:
                guard = await self._chosen(self._guard, call.operation, spent)
                async with guard.attempt() as attempt:

                    def judge(refusal: Refusal | None) -> None:
                        if refusal is not None and refusal.rejected:
                            attempt.rejected()
                        elif refusal is None or refusal.gone:
                            # Other refusals prove nothing: a gateway can throttle, or fail to find
                            # an API, before it looks at the signature.
                            attempt.accepted()

                    return await self._exchange(call, spent, judge)
            except CredentialError as exc:
                raise FetchError(Reason.AUTH, call.operation, detail=str(exc)) from exc

    async def _chosen(self, guard: Guarding, operation: str, spent: _Spent) -> RejectionGuard:
        """Return the guard of the key that will sign; to know it can take a login, or a file."""
        try:
            with self._under_way(), spent.counting(self._monotonic):
                async with asyncio.timeout(self._limits.timeout):
                    return await guard.chosen()
        except TimeoutError:
            detail = "the credentials were not there in time"
            raise FetchError(Reason.TIMEOUT, operation, detail=detail, retryable=True) from None

    async def _exchange(
        self, call: _Call, spent: _Spent, judge: Callable[[Refusal | None], None]
    ) -> Answer:
        operation = call.operation
        await self._limits.bucket.acquire()
        try:
            request = _write(call, self._place, self._headers)
            if self._extensions is not None:
                request.extensions.update(self._extensions)
        except (httpx.InvalidURL, ValueError) as exc:
            # Raised without its cause, which holds the header or the host.
            detail = f"the request cannot be written: {type(exc).__name__}"
            raise FetchError(Reason.CONNECTION, operation, detail=detail) from None
        with self._under_way(), spent.counting(self._monotonic):
            answer = await exchange(
                lambda: self._http.send(
                    request, auth=self._auth, follow_redirects=False, stream=True
                ),
                operation=operation,
                source=self._source,
                telemetry=self._telemetry,
                monotonic=self._monotonic,
                limits=self._limits,
                rows=call.rows,
            )
        refusal = self._read_refusal(answer)
        judge(refusal)
        if self._limits.stall is not None and (refusal is None or not refusal.retryable):
            # A gateway that says after a while that nobody answered brings nothing.
            self._limits.stall.heard()
        if refusal is None:
            return answer
        raise self._error(operation, answer, refusal)

    def _error(self, operation: str, answer: Answer, refusal: Refusal) -> FetchError:
        retry_after = refusal.retry_after
        if retry_after is None:
            retry_after = parse_retry_after(answer.headers.get("retry-after"), self._clock())
        if refusal.reason is Reason.THROTTLED:
            self._telemetry.throttled(self._source, operation)
            # Everybody waits: the others would only be refused as well.
            self._limits.bucket.hold(min(retry_after or 1.0, _LONGEST_WAIT))
        return FetchError(
            refusal.reason,
            operation,
            status=answer.status,
            code=refusal.code,
            detail=refusal.told,
            retry_after=retry_after,
            gone=refusal.gone,
            retryable=refusal.retryable,
        )


def _call(
    operation: str,
    segments: Sequence[str],
    query: Sequence[tuple[str, str]],
    headers: Mapping[str, str],
    body: bytes | None = None,
) -> _Call:
    # httpx encodes a space as "+" and keeps the order of parameters, which breaks signatures: what
    # it gets is encoded already, and it leaves that alone.
    try:
        return _Call(operation, canonical.path(*segments), canonical.query(query), headers, body)
    except ValueError:
        # A job named ".." cannot be asked for: every HTTP stack would resolve it away.
        detail = "a name to ask for is empty, dots only or not UTF-8 text"
        raise FetchError(Reason.INVALID_RESPONSE, operation, detail=detail) from None


def _write(call: _Call, place: Place, headers: Mapping[str, str]) -> httpx.Request:
    """Write a request; raises InvalidURL or ValueError when that is not possible.

    With its headers encoded and its body a stream, httpx need not find out what is known already,
    which takes it longer than all the rest.
    """
    url = place.url(call.path, call.query)
    named = {**headers, **call.headers}
    raw = [(name.encode("ascii"), value.encode("ascii")) for name, value in named.items()]
    raw.append((b"Host", url.netloc))
    if call.body is not None:
        raw.append((b"Content-Length", b"%d" % len(call.body)))
    return httpx.Request(call.method, url, headers=raw, stream=httpx.ByteStream(call.body or b""))


def decode_json(operation: str, answer: Answer, advice: str = "") -> Any:
    """Return the decoded JSON body of an answer.

    Raises FetchError with reason invalid_response when it is not JSON; what it is instead is said
    by its first character only, since an unexpected page can hold anything. `advice` is added.
    """
    try:
        return answer.document
    except (ValueError, RecursionError) as exc:
        looks_like = "HTML or XML" if answer.body.lstrip()[:1] == b"<" else "something else"
        got = looks_like if answer.body else "an empty body"
        raise FetchError(
            Reason.INVALID_RESPONSE,
            operation,
            status=answer.status,
            detail=f"expected JSON, got {got}" + (f"; {advice}" if advice else ""),
        ) from exc
