"""A Flink cluster whose jobs are dated otherwise at each look: their exceptions are asked for."""

import json
import re
from itertools import count

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.faults.exchange import Asked, ask

_JOB = re.compile(r".*/jobs/[0-9a-f]{32}")


class Restless:
    """Tell of each vertex of a job that it has been deployed anew, a millisecond later each time.

    Where nothing has happened to a job it is not asked what it failed with.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._looks = count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        told = None
        if _JOB.fullmatch(scope["path"]):
            told = await ask(self._app, Asked(method="GET", target=scope["path"], headers=()))
        if told is None or told.status != 200:
            await self._app(scope, receive, send)
            return
        job = json.loads(told.body)
        later = next(self._looks)
        for vertex in job.get("vertices", ()):
            vertex["start-time"] += later
        await JSONResponse(job)(scope, receive, send)
