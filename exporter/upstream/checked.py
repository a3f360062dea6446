"""Send nothing to a literal address that the rules refuse, whoever would carry it."""

import httpx

from exporter.upstream.addresses import AddressRules, ForbiddenAddressError
from exporter.upstream.client import Http


class CheckedHttp:
    """Send requests as another client does, but none to a literal address that is refused."""

    def __init__(self, rules: AddressRules, inner: Http) -> None:
        self._rules = rules
        self._inner = inner

    async def send(
        self,
        request: httpx.Request,
        *,
        auth: httpx.Auth | None,
        follow_redirects: bool,
        stream: bool,
    ) -> httpx.Response:
        """Send a request. Raises httpx.ConnectError when its host is refused."""
        why = self._rules.refusal_of_host(request.url.host)
        if why:
            raise httpx.ConnectError("", request=request) from ForbiddenAddressError(why)
        return await self._inner.send(
            request, auth=auth, follow_redirects=follow_redirects, stream=stream
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._inner.aclose()
