"""Open Huawei Cloud sources against a server that lives in a dictionary."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

from exporter.auth.guard import GuardBook
from exporter.platforms import Platform
from exporter.source import Source
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.connector import Connector
from tests.virtual_time import run, virtual_world

PROJECT = "330e068af1334c9782f4226acc00a2e2"
FIXTURES = Path(__file__).parents[1] / "fixtures"
AUTH = {"access_key": "AK", "secret_key": "SK"}
T = TypeVar("T")

Answer = Any
"""A JSON document, a (status, document) pair, or a function of the request that returns either."""


@dataclass(slots=True)
class Server:
    """Answers what it knows, by path and query; everything else does not exist."""

    answers: Mapping[str, Answer]
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.get(request.url.raw_path.decode(), (404, {}))
        if callable(answer):
            answer = answer(request)
        status, document = answer if isinstance(answer, tuple) else (200, answer)
        return httpx.Response(status, json=document)

    @property
    def asked(self) -> list[str]:
        """Return the paths and queries asked for, in order."""
        return [request.url.raw_path.decode() for request in self.requests]


def with_source(
    platform: Platform,
    handler: Callable[[httpx.Request], httpx.Response],
    use: Callable[[Any], Awaitable[T]],
    *,
    environ: Mapping[str, str] | None = None,
    **settings: Any,
) -> T:
    """Open a source, use it, close it, all in virtual time."""
    given = {"region": "cn-north-4", "project_id": PROJECT, "auth": AUTH, **settings}
    checked = platform.settings.model_validate({"name": "s", "platform": platform.name, **given})

    async def main() -> T:
        runtime = virtual_world(httpx.MockTransport(handler), environ=environ)
        connector = Connector(
            checked,
            runtime=runtime,
            telemetry=Telemetry(),
            guards=GuardBook(clock=runtime.monotonic),
        )
        source: Source = platform.open(checked, connector)
        try:
            return await use(source)
        finally:
            await source.aclose()

    return run(main())
