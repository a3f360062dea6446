"""Services to which something happens at each look: what is asked only then is asked each time."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.faults.exchange import Asked, ask

_TIME = "%Y-%m-%d %H:%M:%S"
_FAULT = -1


class EverChanging:
    """Pass requests on, and change what is answered to some of them."""

    def __init__(self, app: ASGIApp, name: str) -> None:
        """Take the service, and the name of the job to which things happen."""
        self._app = app
        self._name = name
        self._looks = count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = tuple(scope["headers"])
        asked = Asked(
            method=scope["method"],
            target=scope["path"],
            headers=headers,
            body=await _body(receive),
        )
        operation = asked.header("x-amz-target").rpartition(".")[2] or asked.header("x-tc-action")
        own = self.answer_itself(operation, json.loads(asked.body or b"{}"))
        if own is not None:
            await JSONResponse(own)(scope, receive, send)
            return
        told = await ask(self._app, asked)
        document = json.loads(told.body)
        if told.status == 200:
            self.change(operation, document, next(self._looks))
        await JSONResponse(document, told.status)(scope, receive, send)

    def answer_itself(self, operation: str, given: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return the answer to what the service does not know of; None for all else."""
        return None

    def change(self, operation: str, document: dict[str, Any], look: int) -> None:
        """Change an answer."""


class UpdatedApplication(EverChanging):
    """An application whose updates fail, one after the other, while it runs."""

    def answer_itself(self, operation: str, given: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Say why an update has failed."""
        operation_id = str(given.get("OperationId", ""))
        if operation != "DescribeApplicationOperation" or not operation_id.startswith("failed-"):
            return None
        error = {"ErrorInfo": {"ErrorString": f"no room for {operation_id}"}}
        return {"ApplicationOperationInfoDetails": {"OperationFailureDetails": error}}

    def change(self, operation: str, document: dict[str, Any], look: int) -> None:
        """Give the application another version, and its operations another failure."""
        for row in document.get("ApplicationSummaries", ()):
            if row["ApplicationName"] == self._name:
                row["ApplicationVersionId"] += look
        operations = document.get("ApplicationOperationInfoList", ())
        if operations:
            newest = operations[0]
            failed = {
                **newest,
                "Operation": "UpdateApplication",
                "OperationId": f"failed-{look}",
                "OperationStatus": "FAILED",
                "StartTime": newest["StartTime"] + 1,
                "EndTime": newest["StartTime"] + 2,
            }
            operations.insert(0, failed)


class UnexplainedFailure(EverChanging):
    """A job of Oceanus that has failed, of which nobody says why; it is updated all the time."""

    def change(self, operation: str, document: dict[str, Any], look: int) -> None:
        """Let it have failed, and tell of no failure among its events."""
        response = document["Response"]
        for row in response.get("JobSet", ()):
            if row["Name"] == self._name:
                told = datetime.strptime(row["UpdateTime"], _TIME).replace(tzinfo=UTC)
                updated = f"{told + timedelta(seconds=look):{_TIME}}"
                row |= {"Status": _FAULT, "LastOpResult": "", "UpdateTime": updated}
        if "Events" in response:
            response["Events"] = []


async def _body(receive: Receive) -> bytes:
    parts = []
    message: Message = {"more_body": True}
    while message.get("more_body"):
        message = await receive()
        parts.append(message.get("body", b""))
    return b"".join(parts)
