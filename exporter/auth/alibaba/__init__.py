"""Prove to Alibaba Cloud who is asking: where keys come from, which roles they assume, signatures.

`chain` looks where the vendor's SDKs look, `profiles` reads what their command wrote down, `sts`
exchanges keys and tokens for those of a role, and `signature` signs with whatever was found.
"""

from typing import Protocol

import httpx


class Send(Protocol):
    """Anything that sends a login as it is: counted, no authentication, no redirects followed."""

    async def __call__(
        self, request: httpx.Request, operation: str, *, direct: bool = False
    ) -> httpx.Response:
        """Return the answer, whatever its status; `direct` asks past any proxy.

        Raises FetchError or httpx.HTTPError when there is none.
        """
