"""A connector beside a source's own is opened when it is needed, or says why it cannot be."""

import asyncio
from collections.abc import Callable, Hashable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from exporter.errors import FetchError, Reason
from exporter.runtime import Runtime
from exporter.source import TlsSettings
from exporter.upstream.connector import Connector
from exporter.upstream.late_connector import LateConnector
from tests.upstream.connectors import open_connector

T = TypeVar("T")


async def at_once(work: Callable[[], T], of: Hashable = None) -> T:
    return work()


async def too_late(work: Callable[[], T], of: Hashable = None) -> T:
    raise OSError("it takes too long")


def opened(aside: Any, tls: TlsSettings, times: int = 1) -> list[Connector]:
    """Ask for a connector so many times at once; return what came."""

    async def ask() -> list[Connector]:
        connector, _ = open_connector(replace(Runtime(environ={}), aside=aside))
        late = LateConnector(connector, tls, "service")
        try:
            return list(await asyncio.gather(*(late.get() for _ in range(times))))
        finally:
            await late.aclose()
            await connector.aclose()

    return asyncio.run(ask())


def test_everybody_gets_the_same_one() -> None:
    one, *others = opened(at_once, TlsSettings(), times=3)
    assert all(each is one for each in others)


def test_file_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    authorities = tmp_path / "ca.pem"
    authorities.write_text("no certificate")
    with pytest.raises(FetchError, match=r"tls.ca_file: not a usable PEM file") as caught:
        opened(at_once, TlsSettings(ca_file=authorities))
    assert (caught.value.reason, caught.value.operation) == (Reason.TLS, "service")


def test_folder_that_hangs_is_told() -> None:
    with pytest.raises(FetchError, match="the files of tls cannot be read"):
        opened(too_late, TlsSettings())


def test_what_was_never_opened_is_closed_all_the_same() -> None:
    async def close() -> None:
        connector, _ = open_connector(Runtime(environ={}))
        await LateConnector(connector, TlsSettings(), "service").aclose()
        await connector.aclose()

    asyncio.run(close())
