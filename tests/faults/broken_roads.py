"""The ways a connection can fail before any request arrives: rows of the matrix by host."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from exporter.errors import Reason
from tests.faults.authority import NAME, Authority
from tests.faults.hurried_time import HurriedLoop
from tests.faults.matrix import Reaction
from tests.faults.observing import Change, Scenario


@dataclass(frozen=True, slots=True)
class Road:
    """One row: what is broken, how, the reaction, and whether it takes TLS to break it."""

    name: str
    begin: Callable[[Scenario, Authority], Change]
    reaction: Reaction
    encrypted: bool = False


def _refusing(met: Scenario, _: Authority) -> Change:
    return met.listener.shut


def _clogged(met: Scenario, _: Authority) -> Change:
    return met.listener.clog


def _nameless(met: Scenario, _: Authority) -> Change:
    async def begin() -> None:
        loop = cast("HurriedLoop", asyncio.get_running_loop())
        del loop.names[NAME]
        # Names are kept for a while: a source that is opened anew has none.
        await met.turn()

    return begin


def _showing(certificate: str) -> Callable[[Scenario, Authority], Change]:
    return lambda met, authority: _speaking(met, authority.context(certificate))


def _plain(met: Scenario, _: Authority) -> Change:
    return _speaking(met, None)


def _speaking(met: Scenario, context: ssl.SSLContext | None) -> Change:
    async def begin() -> None:
        await met.listener.shut()
        met.listener.context = context
        await met.listener.open()

    return begin


_REFUSED = Reaction(Reason.CONNECTION, 3)
_UNTRUSTED = Reaction(Reason.TLS)

ROADS = (
    Road("connection refused", _refusing, _REFUSED),
    Road("name not found", _nameless, _REFUSED),
    Road("connection not accepted", _clogged, Reaction(Reason.TIMEOUT, 2)),
    Road("certificate expired", _showing("expired"), _UNTRUSTED, encrypted=True),
    Road("certificate of another name", _showing("misnamed"), _UNTRUSTED, encrypted=True),
    Road("certificate of an unknown authority", _showing("unknown"), _UNTRUSTED, encrypted=True),
    Road("no TLS where TLS is spoken", _plain, _UNTRUSTED, encrypted=True),
)
