"""A Connect worker whose listing leaves the state of one connector out."""

import json

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.faults.exchange import Asked, ask


class WithoutState:
    """Leave the status of a connector out of the listing, and tell it on request."""

    def __init__(self, app: ASGIApp, name: str) -> None:
        self._app = app
        self._name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["path"] != "/connectors":
            await self._app(scope, receive, send)
            return
        headers = tuple(scope["headers"])
        target = f"/connectors?{scope['query_string'].decode()}"
        told = await ask(self._app, Asked(method="GET", target=target, headers=headers))
        listing = json.loads(told.body)
        listing[self._name].pop("status", None)
        await JSONResponse(listing)(scope, receive, send)
