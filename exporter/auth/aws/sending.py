"""Say how logins and metadata requests are sent: as calls of their own, counted by their names."""

from typing import Protocol

import httpx


class SendAs(Protocol):
    """Send a request under the name of an operation, and return whatever is answered."""

    async def __call__(
        self,
        request: httpx.Request,
        operation: str,
        *,
        auth: httpx.Auth | None = None,
        direct: bool = False,
        within: float | None = None,
    ) -> httpx.Response:
        """Return the answer; `direct` is for services of this machine, past any proxy.

        `within` so many seconds, if that is sooner than a login may take.

        Raises FetchError or httpx.HTTPError when there is none.
        """
