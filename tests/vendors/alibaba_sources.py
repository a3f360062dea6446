"""Open Alibaba Cloud sources on a scripted server, for the tests of their platforms."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import unquote

import httpx

from exporter.auth.guard import GuardBook
from exporter.platforms import load
from exporter.source import Source
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.connector import Connector
from tests.virtual_time import run, virtual_world

T = TypeVar("T")
Reply = Callable[[httpx.Request], httpx.Response]


class Server:
    """A server that answers by path and query, decoded, and remembers what it was asked.

    An answer is a JSON value, bytes, a whole response, a function, or a list of these that is used
    up to its last one. What nobody scripted is refused with 418.
    """

    def __init__(self, answers: Mapping[str, object]) -> None:
        self._answers = dict(answers)
        self.requests: list[httpx.Request] = []

    @property
    def asked(self) -> list[str]:
        """Return path and query of each request, decoded."""
        return [unquote(request.url.raw_path.decode()) for request in self.requests]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        target = self.asked[-1]
        if target not in self._answers:
            return httpx.Response(418, json={"Code": "NotScripted", "Message": target})
        answer = self._answers[target]
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, httpx.Response):
            return answer
        if isinstance(answer, bytes):
            return httpx.Response(200, content=answer)
        if callable(answer):
            reply: Reply = answer
            return reply(request)
        return httpx.Response(200, content=json.dumps(answer).encode())


def open_source(
    platform: str,
    transport: httpx.AsyncBaseTransport,
    *,
    environ: Mapping[str, str] | None = None,
    **options: Any,
) -> Source:
    """Open a source of a platform; call it inside a running loop."""
    auth = {"access_key_id": "testid", "access_key_secret": "testsecret"}
    given = {"name": "source", "platform": platform, "auth": auth, **options}
    chosen = load(platform)
    settings = chosen.settings.model_validate(given)
    connector = Connector(
        settings,
        runtime=virtual_world(transport, environ=environ),
        telemetry=Telemetry(),
        guards=GuardBook(),
    )
    return chosen.open(settings, connector)


def refusal(status: int, code: str) -> httpx.Response:
    """Return what the gateway says when it refuses."""
    body = {"RequestId": "1", "HostId": "h", "Code": code, "Message": "a message"}
    return httpx.Response(status, json=body)


def use_source(
    platform: str,
    server: Reply,
    work: Callable[[Source], Awaitable[T]],
    **options: Any,
) -> T:
    """Open a source on this server, use it, close it, all in virtual time."""

    async def opened() -> T:
        source = open_source(platform, httpx.MockTransport(server), **options)
        try:
            return await work(source)
        finally:
            await source.aclose()

    return run(opened())
