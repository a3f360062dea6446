"""Hold what a program usually takes from thin air: time, chance, environment, network.

One `Runtime` is made where the program starts and handed down; tests make their own, so nothing has
to be patched and no test waits.
"""

import asyncio
import os
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Protocol, TypeVar

import httpx

from exporter.files import Aside
from exporter.pacing import Clock, Sleep

T = TypeVar("T")
HUAWEI_METADATA = "http://169.254.169.254"
ALIBABA_METADATA = "http://100.100.100.200"
TENCENT_METADATA = "http://metadata.tencentyun.com"
TENCENT_CREDENTIALS = Path("/etc/tencentcloud/credentials")
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class Wait(Protocol):
    """Anything that does what may take long, such as reading a file, and waits for it."""

    async def __call__(self, work: Callable[[], T], of: Hashable = None) -> T:
        """Return what the work returns, or raise what it raises; OSError when it takes too long.

        It may be `of` something that hangs, such as a path: work on the same does not run twice.
        """


def find_home() -> Path:
    """Return the home of the user, or a folder that does not exist when there is none.

    In a container the process often runs under a number that no name, and so no home, belongs to.
    Only the profile files of the vendors' tools are looked for there.
    """
    try:
        return Path.home()
    except RuntimeError:
        return Path("/nonexistent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """Everything that varies from one run to the next."""

    clock: Clock = time.time
    """Seconds since the epoch; may jump."""
    monotonic: Clock = time.monotonic
    """Seconds that never run backwards, for durations and pauses."""
    sleep: Sleep = asyncio.sleep
    random: Random = field(default_factory=Random)
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    home: Path = field(default_factory=find_home)
    aside: Wait = field(default_factory=Aside)
    """Does off the event loop what may take long."""
    transport: Callable[[], httpx.AsyncBaseTransport] | None = None
    """Makes the transport of a source's client; None for real connections."""
    huawei_metadata: str = HUAWEI_METADATA
    alibaba_metadata: str = ALIBABA_METADATA
    aws_metadata: str | None = None
    """Where the metadata of EC2 are; None for where the environment says, or the usual place."""
    tencent_metadata: str = TENCENT_METADATA
    tencent_credentials: Path = TENCENT_CREDENTIALS
    """The profile file of the whole machine, after that of the user."""
    service_account: Path = SERVICE_ACCOUNT
    """Where the kubelet keeps the token of the pod."""
