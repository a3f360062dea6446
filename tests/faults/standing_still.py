"""A Flink cluster whose metrics stand still: how often a job restarted is asked of its vertices."""

import json
import re

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.faults.exchange import Asked, ask

_METRICS = re.compile(r".*/jobs/[0-9a-f]{32}/metrics")
_VERTEX = re.compile(r".*/jobs/[0-9a-f]{32}/vertices/[0-9a-f]{32}")


class StandingStill:
    """Tell of each job an uptime of a millisecond, and of each vertex that it was begun once."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if _VERTEX.fullmatch(scope["path"]):
            subtask = {"subtask": 0, "status": "RUNNING", "attempt": 0}
            await JSONResponse({"subtasks": [subtask]})(scope, receive, send)
        elif _METRICS.fullmatch(scope["path"]):
            target = f"{scope['path']}?{scope['query_string'].decode()}"
            told = await ask(self._app, Asked(method="GET", target=target, headers=()))
            rows = json.loads(told.body)
            old = [{**row, "value": "1"} if row["id"] == "uptime" else row for row in rows]
            await JSONResponse(old)(scope, receive, send)
        else:
            await self._app(scope, receive, send)
