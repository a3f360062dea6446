"""Run one recorded case of a platform: its source settings and exchanges in, exposition out.

A case is a folder under tests/fixtures/<platform>/ with `case.yml` (what is configured and which
request gets which answer), the bodies of the answers, and `expected.prom`.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import yaml

from exporter.app import App
from exporter.configuration.config import parse
from exporter.runtime import Runtime
from tests.recording import RecordingLog
from tests.virtual_time import EPOCH, run, virtual_world

FIXTURES = Path(__file__).parent / "fixtures"
_VOLATILE = ("streaming_source_poll_duration_seconds",)
_KEPT_OWN = (
    "streaming_source_poll_failures_total",
    "streaming_source_detail_failures_total",
    "streaming_source_unknown_states_total",
    "streaming_source_unreadable_fields_total",
)


def cases() -> list[Path]:
    """Return the folders of all cases."""
    return sorted(path.parent for path in FIXTURES.glob("*/*/case.yml"))


@dataclass(slots=True)
class Exchanges:
    """A server that knows a few requests by heart and refuses all others."""

    folder: Path
    entries: list[dict[str, Any]]
    unexpected: list[str]
    used: set[int]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        asked = f"{request.method} {request.url.raw_path.decode()}"
        # Where every operation has the same path a header names it, and the body says the rest.
        action = request.headers.get("x-tc-action")
        asked = f"{asked} {action}" if action else asked
        for index, entry in enumerate(self.entries):
            if entry["request"] == asked and _fits(entry, request):
                self.used.add(index)
                return httpx.Response(
                    entry.get("status", 200),
                    headers=entry.get("headers", {}),
                    content=self._body(entry),
                )
        self.unexpected.append(asked)
        return httpx.Response(418, text=f"not in case.yml: {asked}")

    @property
    def unused(self) -> list[str]:
        """Return the requests that nobody has made."""
        return [
            entry["request"] for index, entry in enumerate(self.entries) if index not in self.used
        ]

    def _body(self, entry: dict[str, Any]) -> bytes:
        if "body" in entry:
            return (self.folder / str(entry["body"])).read_bytes()
        if "text" in entry:
            return str(entry["text"]).encode()
        return json.dumps(entry.get("json")).encode()


def _fits(entry: Mapping[str, Any], request: httpx.Request) -> bool:
    """Say whether header and body of a request are as an entry wants them, where it says."""
    wanted = entry.get("given", {}).items()
    if any(request.headers.get(name) != value for name, value in wanted):
        return False
    if "among" in entry:
        # Where the rest is of the moment, such as times.
        sent = json.loads(request.content)
        return all(sent.get(name) == value for name, value in entry["among"].items())
    return "sent" not in entry or bool(json.loads(request.content) == entry["sent"])


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a case came to."""

    exposition: str
    unexpected: list[str]
    unused: list[str]


def world_of(case: Mapping[str, Any], transport: httpx.AsyncBaseTransport) -> Runtime:
    """Return the runtime of a case, whose time begins when the case says."""
    loop = asyncio.get_running_loop()
    start = float(case.get("now", EPOCH))
    return replace(virtual_world(transport), clock=lambda: start + loop.time())


def play(folder: Path) -> Outcome:
    """Poll the source of a case once and return its part of the exposition.

    Where the case says what was told `before`, the source is polled twice: some words mean this or
    that by what was.
    """
    case = yaml.safe_load((folder / "case.yml").read_text())
    told = [
        Exchanges(folder, case[name], [], set()) for name in ("before", "exchanges") if name in case
    ]
    text = yaml.safe_dump({"sources": [case["source"]]})
    servers = told[:1]

    async def poll() -> str:
        runtime = world_of(case, httpx.MockTransport(lambda request: servers[-1](request)))
        config = parse(text, environ={}, directory=folder)
        app = App(lambda: config, runtime=runtime, log=RecordingLog())
        try:
            if len(told) == 1:
                await app.poll_once()
                return app.exposition.scrape()[0].decode()
            (source,) = config.sources
            await app.start()
            await asyncio.sleep(source.settings.poll_interval)
            servers.append(told[-1])
            await asyncio.sleep(source.settings.poll_interval)
            app.exposition.refresh()
            return app.exposition.scrape()[0].decode()
        finally:
            await app.stop()

    page = run(poll())
    return Outcome(
        _readable(page),
        [request for each in told for request in each.unexpected],
        [request for each in told for request in each.unused],
    )


def _readable(page: str) -> str:
    """Keep the samples that say something about the platform, in a fixed order."""
    lines = []
    for line in page.splitlines():
        name = line.partition("{")[0]
        if line.startswith("#") or name in _VOLATILE:
            continue
        if name.startswith(("streaming_job", "streaming_source_up", "streaming_source_last")) or (
            name in _KEPT_OWN and not line.endswith(" 0.0")
        ):
            # Nine of ten states are 0: the one that counts is enough to read.
            if name in ("streaming_job_state", "streaming_job_node_state") and line.endswith(
                " 0.0"
            ):
                continue
            lines.append(line)
    return "\n".join(sorted(lines)) + "\n"
