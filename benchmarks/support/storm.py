"""Serve every simulated cloud amid faults: `python -m benchmarks.support.storm JOBS SEED`.

Prints one line of JSON, a configuration that watches the clouds, and serves until its standard
input ends. Faults come at random, one cloud at a time or several, and pass: refusals, throttling,
slow answers, pages of proxies, half an answer, connections that are cut or never answered.
"""

import asyncio
import contextlib
import json
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from random import Random

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.simulator.clouds import Cloud, build_clouds, configuration

_BETWEEN = 2.5
"""Mean seconds from one fault to the next."""
_LASTS = 10.0
"""Mean seconds that one lasts."""
_PAGE = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


class Fault(Enum):
    """What can be wrong with a cloud."""

    OUTAGE = "outage"
    THROTTLING = "throttling"
    SOME_THROTTLED = "every third request throttled"
    SLOW = "slow"
    ERROR = "500 and a page of a proxy"
    GARBAGE = "200 and a page of a proxy"
    HALF = "half of each answer"
    CUT = "connections cut"
    SILENCE = "no answer at all"


@dataclass(slots=True)
class Storm:
    """The faults of one cloud, and a listener in front of it that has faults of its own."""

    cloud: Cloud
    faults: set[Fault] = field(default_factory=set)

    def begin(self, fault: Fault) -> None:
        """Let a fault begin."""
        self.faults.add(fault)
        self._apply()

    def end(self, fault: Fault) -> None:
        """Let a fault end."""
        self.faults.discard(fault)
        self._apply()

    def _apply(self) -> None:
        faults = self.cloud.faults
        faults.outage = Fault.OUTAGE in self.faults
        faults.throttling = Fault.THROTTLING in self.faults
        faults.throttle_every = 3 if Fault.SOME_THROTTLED in self.faults else 0
        faults.latency = 0.7 if Fault.SLOW in self.faults else 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request as the cloud does, or as what stands before it."""
        if scope["type"] != "http":
            return
        if Fault.SILENCE in self.faults:
            while (await receive())["type"] != "http.disconnect":
                pass
        elif Fault.CUT in self.faults:
            raise ConnectionResetError("cut on purpose")
        elif Fault.ERROR in self.faults:
            await _answer(send, 500, _PAGE)
        elif Fault.GARBAGE in self.faults:
            await _answer(send, 200, _PAGE)
        else:
            app: ASGIApp = self.cloud.app
            await app(scope, receive, _halved(send) if Fault.HALF in self.faults else send)


async def _answer(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"text/html"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _halved(send: Send) -> Send:
    """Send half of the body, and then nothing though the header promised more."""

    async def half(message: Message) -> None:
        if message["type"] == "http.response.body":
            body = message.get("body", b"")
            await send({**message, "body": body[: len(body) // 2], "more_body": True})
            raise ConnectionResetError("cut on purpose")
        await send(message)

    return half


async def _blow(storms: list[Storm], random: Random) -> None:
    """Let faults come and go."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(random.expovariate(1 / _BETWEEN))
        storm, fault = random.choice(storms), random.choice(list(Fault))
        storm.begin(fault)
        loop.call_later(random.expovariate(1 / _LASTS), storm.end, fault)


def _seconds() -> float:
    # A fleet is looked at anew for each moment: whole seconds let a page be made of the last look.
    return float(int(time.time()))


def _clouds(jobs: int, seed: int, clock: Callable[[], float]) -> list[Storm]:
    return [Storm(each) for each in build_clouds(clock=clock, seed=seed, jobs=jobs).all()]


async def _serve(jobs: int, seed: int) -> None:
    storms = _clouds(jobs, seed, _seconds)
    async with contextlib.AsyncExitStack() as stack:
        addresses, tasks = {}, []
        for storm in storms:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            addresses[storm.cloud.name] = f"http://127.0.0.1:{listener.getsockname()[1]}"
            config = uvicorn.Config(
                storm, log_level="critical", access_log=False, lifespan="off", ws="none"
            )
            server = uvicorn.Server(config)
            tasks.append(asyncio.create_task(server.serve(sockets=[listener])))
        tasks.append(asyncio.create_task(_blow(storms, Random(seed))))
        print(json.dumps({"configuration": configuration(addresses)}), flush=True)
        await asyncio.to_thread(sys.stdin.read)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2])))
