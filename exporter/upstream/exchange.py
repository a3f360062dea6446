"""Send one request, and read its answer within the limits of its source.

Every failure leaves here as a FetchError with a reason; no httpx exception does. Logins go through
here as well as the calls of `exporter.upstream.client`, which paces them and tries again.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping
from dataclasses import dataclass

import httpx

from exporter.errors import CredentialError, FetchError, Reason
from exporter.headers import read_headers
from exporter.pacing import Clock, TokenBucket
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.refusals import Answer
from exporter.upstream.stall import StallLimit

LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes, after decompression: ten times what 100 rows with full SQL texts take."""

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

    bucket: TokenBucket
    slots: asyncio.Semaphore
    timeout: float
    """Seconds for one request, from sending it to the end of its answer."""
    largest_answer: int = LARGEST_ANSWER
    stall: StallLimit | None = None
    """What bounds all requests of one listing together; None for requests of no listing."""


async def exchange(
    send: Callable[[], Awaitable[httpx.Response]],
    *,
    operation: str,
    source: str,
    telemetry: Telemetry,
    monotonic: Clock,
    limits: Limits,
) -> Answer:
    """Send one request, read its answer within the limits, and count both.

    Raises FetchError.
    """
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
                body = await _read(response, headers, operation, limits.largest_answer)
            finally:
                await response.aclose()
        return Answer(response.status_code, headers, body)
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
        raise FetchError(
            reason,
            operation,
            detail=_harmless(exc),
            retryable=reason in (Reason.TIMEOUT, Reason.CONNECTION),
        ) from exc
    except asyncio.CancelledError:
        if limits.stall is not None and limits.stall.stalled:
            code = Reason.TIMEOUT.value
        raise
    finally:
        if code is not None:
            telemetry.request_done(source, operation, code, monotonic() - started)


async def _read(
    response: httpx.Response, headers: Mapping[str, str], operation: str, largest: int
) -> bytes:
    """Read a body, decompressed, refusing to hold more than `largest` bytes of it."""
    encoding = headers.get("content-encoding", "")
    if "," in encoding:
        # Compressed twice, the 64 kB of one read could become 64 GB at once.
        raise FetchError(
            Reason.INVALID_RESPONSE,
            operation,
            status=response.status_code,
            detail="the answer is compressed more than once",
        )
    chunks = []
    size = 0
    stream: AsyncIterable[bytes] = response.aiter_bytes()
    if not encoding and isinstance(response.stream, httpx.AsyncByteStream):
        # What is not compressed needs nothing of what httpx does on the way.
        stream = response.stream
    async for chunk in stream:
        size += len(chunk)
        if size > largest:
            raise FetchError(
                Reason.INVALID_RESPONSE,
                operation,
                status=response.status_code,
                detail=f"the answer is larger than {largest} bytes",
            )
        chunks.append(chunk)
    return b"".join(chunks)


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
