"""Send one request, and read its answer within the limits of its source.

Every failure leaves here as a FetchError with a reason; no httpx exception does. Logins go through
here as well as the calls of `exporter.upstream.client`, which paces them and tries again.
"""

import asyncio
import os
import socket
import ssl
import zlib
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import httpx

from exporter.auth.headers import read_headers
from exporter.errors import CredentialError, FetchError, Reason, UnreadableError
from exporter.pacing import Clock, Pace
from exporter.process.steps import in_steps
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.addresses import REFUSED, ForbiddenAddressError
from exporter.upstream.budget import SMALL, AnswerBudget, Room
from exporter.upstream.inflating import inflated, is_known
from exporter.upstream.large_json import PIECE, RowReader, decode_in_steps
from exporter.upstream.refusals import Answer
from exporter.upstream.stall import StallLimit

LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes, after decompression: ten times what 100 rows with full SQL texts take."""
_LARGEST_REFUSAL = 1024 * 1024
"""Bytes of an answer that is no success: what comes after them is not read."""
_LARGEST_XML = 4 * 1024 * 1024
"""Bytes: XML is decoded at once."""

_FOREIGN = (
    OSError,
    ValueError,
    ExceptionGroup,
    httpx.HTTPError,
    httpx.StreamError,
    httpx.InvalidURL,
    httpx.CookieConflict,
)
"""What sending can raise; ValueError and groups come of hosts and ports that cannot be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What bounds the requests of one source."""

    bucket: Pace
    slots: AbstractAsyncContextManager[Any]
    timeout: float
    """Seconds for one request, from sending it to the end of its answer."""
    largest_answer: int = LARGEST_ANSWER
    stall: StallLimit | None = None
    """What bounds all requests of one listing together; None for requests of no listing."""
    budget: AnswerBudget = field(default_factory=AnswerBudget)
    """Shared by all sources."""


async def exchange(
    send: Callable[[], Awaitable[httpx.Response]],
    *,
    operation: str,
    source: str,
    telemetry: Telemetry,
    monotonic: Clock,
    limits: Limits,
    rows: RowReader | None = None,
    decode: bool = True,
) -> Answer:
    """Send one request, read its answer within the limits, and count both.

    A large answer is decoded here, in steps, unless it is not to be; of its `rows` only what was
    read of them is kept. Raises FetchError.
    """
    async with limits.budget.room(source) as room:
        status, headers, body = await _send(
            send,
            operation=operation,
            source=source,
            telemetry=telemetry,
            monotonic=monotonic,
            limits=limits,
            room=room,
        )
        if len(body) <= PIECE or not decode:
            return Answer(status, headers, bytes(body))
        async with limits.budget.decoding(len(body)):
            return await _decode(
                Answer(status, headers, bytes(body[:PIECE])), operation, body, rows
            )


async def _decode(
    answer: Answer, operation: str, body: bytes | bytearray, rows: RowReader | None
) -> Answer:
    """Return the answer with what its body says, decoded in steps."""
    if answer.body.lstrip()[:1] == b"<":
        if len(body) <= _LARGEST_XML:
            return replace(answer, body=bytes(body))
        raise _invalid(operation, answer.status, f"XML of more than {_LARGEST_XML} bytes")
    try:
        document = await in_steps(decode_in_steps(body, rows))
        return replace(answer, large=lambda: document)
    except UnreadableError as exc:
        failure = _invalid(operation, answer.status, str(exc))
    except (ValueError, RecursionError) as exc:
        # Another one without a trace: that holds all that was decoded for as long as it lives.
        return replace(answer, large=partial(_raise, ValueError(str(exc))))
    raise failure


def _raise(exc: Exception) -> Any:
    raise exc


def _invalid(operation: str, status: int, detail: str) -> FetchError:
    return FetchError(Reason.INVALID_RESPONSE, operation, status=status, detail=detail)


async def _send(
    send: Callable[[], Awaitable[httpx.Response]],
    *,
    operation: str,
    source: str,
    telemetry: Telemetry,
    monotonic: Clock,
    limits: Limits,
    room: Room,
) -> tuple[int, dict[str, str], bytes | bytearray]:
    started = monotonic()
    code: str | None = "canceled"
    try:
        async with asyncio.timeout(limits.timeout):
            response = await send()
            code = str(response.status_code)
            headers = read_headers(response.headers)
            for refused in response.history:
                # A request that an expired token failed was sent twice, and counts twice.
                telemetry.request_repeated(source, operation, str(refused.status_code))
            try:
                body = await _read(response, headers, operation, limits.largest_answer, room)
            finally:
                await response.aclose()
        return response.status_code, headers, body
    except FetchError as exc:
        if exc.operation != operation:
            # Logging in failed, which is counted by itself: this request never left.
            code = None
        raise
    except CredentialError as exc:
        code = None
        raise FetchError(Reason.AUTH, operation, detail=str(exc)) from exc
    except _FOREIGN as exc:
        reason = reason_of(exc)
        code = reason.value
        forbidden = _forbidden(exc)
        raise FetchError(
            reason,
            operation,
            code=REFUSED if forbidden else "",
            detail=forbidden or _harmless(exc),
            retryable=not forbidden and reason in (Reason.TIMEOUT, Reason.CONNECTION),
        ) from exc
    except asyncio.CancelledError:
        if limits.stall is not None and limits.stall.stalled:
            code = Reason.TIMEOUT.value
        raise
    finally:
        if code is not None:
            telemetry.request_done(source, operation, code, monotonic() - started)


async def _read(
    response: httpx.Response, headers: Mapping[str, str], operation: str, largest: int, room: Room
) -> bytes | bytearray:
    """Read a body, decompressed, refusing to hold more than `largest` bytes of it."""
    encoding, status = headers.get("content-encoding", "").strip().lower(), response.status_code
    if "," in encoding:
        # Compressed twice, the 64 kB of one read could become 64 GB at once.
        raise _invalid(operation, status, "the answer is compressed more than once")
    stream: AsyncIterable[bytes] = response.aiter_raw()
    if isinstance(response.stream, httpx.AsyncByteStream):
        # httpx does nothing on the way that is needed here.
        stream = response.stream
    if is_known(encoding):
        stream = inflated(stream, encoding, largest)
    success = 200 <= status < 300
    announced = None if encoding else _announced(headers)
    most, sure = min(announced or largest, largest), announced is not None
    body = bytearray()
    try:
        async for chunk in stream:
            size = len(body) + len(chunk)
            if size > largest:
                raise _invalid(operation, status, f"the answer is larger than {largest} bytes")
            if size > _LARGEST_REFUSAL and not success:
                break
            if size > SMALL:
                await room.make(size, most, sure=sure)
            body += chunk
    except zlib.error as exc:
        raise _invalid(operation, status, f"the answer cannot be decompressed: {exc}") from exc
    return body


def _announced(headers: Mapping[str, str]) -> int | None:
    """Return how many bytes a body has as its head tells; None when that tells nothing."""
    length = headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 12 else None


def reason_of(exc: BaseException) -> Reason:
    """Name the reason behind an exception of the HTTP library."""
    if isinstance(exc, TimeoutError | httpx.TimeoutException):
        return Reason.TIMEOUT
    cause: BaseException | None = exc
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return Reason.TLS
        cause = cause.__cause__ or cause.__context__
    if isinstance(exc, httpx.DecodingError | httpx.StreamError):
        return Reason.INVALID_RESPONSE
    return Reason.CONNECTION


def _forbidden(exc: BaseException) -> str:
    """Return why an address was not connected to, if that is what happened."""
    cause: BaseException | None = exc
    while cause is not None:
        if isinstance(cause, ForbiddenAddressError):
            return str(cause.strerror)
        cause = cause.__cause__ or cause.__context__
    return ""


def _harmless(exc: BaseException) -> str:
    """Describe a failure of the connection without the address or anything of the request."""
    cause: BaseException | None = exc
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"certificate not accepted: {cause.verify_message}"
        if isinstance(cause, socket.gaierror) and cause.strerror:
            return cause.strerror
        if isinstance(cause, OSError) and cause.errno and not isinstance(cause, ssl.SSLError):
            # asyncio puts the address into its own texts: "Connect call failed ('10.1.2.3', 443)".
            return os.strerror(cause.errno)
        cause = cause.__cause__ or cause.__context__
    return type(exc).__name__
