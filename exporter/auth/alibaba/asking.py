"""Ask a service that hands out keys, and hear its whole answer."""

import httpx

from exporter.auth.alibaba import Send
from exporter.errors import FetchError, Reason


async def ask(
    send: Send, request: httpx.Request, operation: str, *, direct: bool = False
) -> httpx.Response:
    """Return the answer, whatever its status; raises FetchError when there is none."""
    try:
        response = await send(request, operation, direct=direct)
        await response.aread()
    except httpx.HTTPError as exc:
        detail = type(exc).__name__
    else:
        return response
    # Raised out here: what the library raises may quote the address.
    raise FetchError(Reason.CONNECTION, operation, detail=detail, retryable=True)
