"""A temporary home, an environment and a metadata service to find keys in."""

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from exporter.auth import Send
from exporter.auth.alibaba.chain import alibaba_chain
from exporter.auth.alibaba.surroundings import Surroundings
from exporter.auth.credentials import CredentialProvider, Credentials
from exporter.auth.guard import GuardBook
from exporter.auth.huawei.chain import huawei_chain
from exporter.auth.huawei.trading import SendAs
from exporter.errors import CredentialError
from exporter.files import at_once
from tests.auth.tools import MARK, Clock, everything_told

Handler = Callable[[httpx.Request], httpx.Response]
URL = "http://metadata.test"


def refuse(request: httpx.Request) -> httpx.Response:
    """Be a machine that is no cloud server."""
    raise httpx.ConnectError(f"no route {MARK}", request=request)


class Place:
    """A temporary home, an environment and a metadata service."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environ: dict[str, str] = {}
        self.clock = Clock()
        self.handler: Handler = refuse
        self.operations: list[str] = []

    def write(self, name: str, content: object) -> Path:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
        return path

    async def send(
        self, request: httpx.Request, operation: str = "", *, direct: bool = False
    ) -> httpx.Response:
        return await httpx.MockTransport(self.handler).handle_async_request(request)

    def huawei(self, send: SendAs | None = None) -> CredentialProvider:
        return huawei_chain(**self._options(send))

    def alibaba(self, send: Send | None = None, **options: Any) -> CredentialProvider:
        sending = send or self.send

        async def ask(
            request: httpx.Request, operation: str, *, direct: bool = False
        ) -> httpx.Response:
            self.operations.append(f"{operation} past any proxy" if direct else operation)
            return await sending(request)

        surroundings = Surroundings(
            environ=self.environ,
            send=ask,
            clock=self.clock,
            aside=at_once,
            metadata_url=URL,
            guards=GuardBook(clock=self.clock),
            **options,
        )
        return alibaba_chain(self.home, surroundings)

    def _options(self, send: Send | SendAs | None) -> Mapping[str, Any]:
        return {
            "environ": self.environ,
            "home": self.home,
            "send": send or self.send,
            "clock": self.clock,
            "metadata_url": URL,
            "aside": at_once,
        }


def found(provider: CredentialProvider) -> Credentials:
    return asyncio.run(provider.credentials())


def problem(provider: CredentialProvider) -> str:
    with pytest.raises(CredentialError) as caught:
        found(provider)
    assert MARK not in everything_told(caught.value)
    return str(caught.value)
