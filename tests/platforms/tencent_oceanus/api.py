"""A scripted API of Tencent Cloud, and Oceanus sources that ask it in virtual time."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import httpx

from exporter.auth.guard import GuardBook
from exporter.platforms.tencent_oceanus import PLATFORM, OceanusSource, Settings
from exporter.source import Inventory
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.connector import Connector
from tests.virtual_time import run, virtual_world

T = TypeVar("T")
Body = Mapping[str, Any]


def refused(code: str) -> dict[str, Any]:
    """Return a response that refuses."""
    return {"Error": {"Code": code, "Message": "because"}}


class Api:
    """Answers an operation with what it is given: a response, a list used up, or a function."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        action = request.headers["X-TC-Action"]
        body = json.loads(request.content)
        self.requests.append(request)
        self.asked.append((action, body))
        answer = self.answers[action]
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if callable(answer):
            answer = answer(body)
        if isinstance(answer, httpx.Response):
            return answer
        return httpx.Response(200, json={"Response": {**answer, "RequestId": "1"}})

    def bodies(self, action: str = "DescribeJobs") -> list[dict[str, Any]]:
        """Return what was asked of one operation."""
        return [body for name, body in self.asked if name == action]


def settings(**given: Any) -> Settings:
    """Return the settings of a source of one work space."""
    return Settings.model_validate(
        {
            "name": "oceanus",
            "platform": "tencent_oceanus",
            "region": "ap-guangzhou",
            "workspaces": ["space-1"],
            "auth": {"secret_id": "AKIDEXAMPLE", "secret_key": "SK"},
            **given,
        }
    )


def use(api: Api, work: Callable[[OceanusSource], Awaitable[T]], **given: Any) -> T:
    """Open a source, use it, close it, all in virtual time."""

    async def scenario() -> T:
        runtime = virtual_world(httpx.MockTransport(api))
        telemetry = Telemetry()
        guards = GuardBook(clock=runtime.monotonic)
        chosen = settings(**given)
        connector = Connector(chosen, runtime=runtime, telemetry=telemetry, guards=guards)
        source = PLATFORM.open(chosen, connector)
        assert isinstance(source, OceanusSource)
        try:
            return await work(source)
        finally:
            await source.aclose()

    return run(scenario())


def inventory(api: Api, **given: Any) -> Inventory:
    """Return the first inventory of a source."""
    return use(api, lambda source: source.fetch_inventory(), **given)


def listing(*rows: dict[str, Any], total: int | None = None) -> dict[str, Any]:
    """Return a page of DescribeJobs."""
    return {"TotalCount": len(rows) if total is None else total, "JobSet": list(rows)}


def paged(rows: list[dict[str, Any]]) -> Callable[[Body], dict[str, Any]]:
    """Return what answers DescribeJobs from these rows, page by page."""

    def answer(body: Body) -> dict[str, Any]:
        begin = body["Offset"]
        return listing(*rows[begin : begin + body["Limit"]], total=len(rows))

    return answer
