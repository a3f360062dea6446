"""A Flink cluster some of whose subtasks are idle: they know of no event time."""

import json
import re
from urllib.parse import parse_qs

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.simulator.apache_flink.metrics import NO_WATERMARK
from tests.faults.exchange import Asked, ask

_OF_ALL = re.compile(r"/jobs/\w+/vertices/\w+/subtasks/metrics")
_FLOW = re.compile(r"(?:num|pending)Records|sourceIdle|TimeMsPerSecond")
"""What goes through a vertex: an empty answer is no failure, and withdraws it."""
_OF_ONE = re.compile(r"/jobs/\w+/vertices/\w+/metrics")


class HalfIdle:
    """Tell of each watermark that one subtask has none, and of single subtasks on request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        query = parse_qs(scope["query_string"].decode())
        if _OF_ALL.fullmatch(scope["path"]) and "get" in query:
            rows = await self._ask(scope["path"], scope["query_string"])
            changed = [
                {**row, "min": NO_WATERMARK} if row["id"].endswith("Watermark") else row
                for row in rows
                if not row["id"].endswith("Lag")
            ]
            await JSONResponse(changed)(scope, receive, send)
        elif _OF_ALL.fullmatch(scope["path"]):
            rows = await self._ask(scope["path"], b"")
            known = [row for row in rows if not _FLOW.search(row["id"])]
            await JSONResponse(known)(scope, receive, send)
        elif _OF_ONE.fullmatch(scope["path"]):
            names = query["get"][0].split(",")
            values = [{"id": name, "value": str(NO_WATERMARK)} for name in names]
            await JSONResponse(values)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _ask(self, path: str, query: bytes) -> list[dict[str, str]]:
        asked = Asked(method="GET", target=f"{path}?{query.decode()}", headers=())
        rows: list[dict[str, str]] = json.loads((await ask(self._app, asked)).body)
        return rows
