"""Make edge reports, and an exporter that receives them, for tests."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

from exporter.app import App
from exporter.configuration.config import Config, parse
from exporter.runtime import Runtime
from tests.recording import RecordingLog
from tests.virtual_time import EPOCH

T = TypeVar("T")

PROJECT = "330e068af1334c9782f4226acc00a2e2"
TOKEN = "token-of-the-project"
PATH = f"/v1/{PROJECT}/edgesrv/job-report"
SUCCESS = {
    "is_success": "true",
    "message": "The IEF Flink job status information is successfully reported.",
}
NOW_MS = int(EPOCH * 1000)

SEED = """\
{
    "jobs": [
        {
            "create_time": 1591104868201,
            "job_id": 99270,
            "exceptions": {
                "error_id": "Agent.51000",
                "error_type": "JOB_SUBMIT_EXCEPTION",
                "error_cause": "agent_submit_job_exception_error",
                "exception": "",
                "error_time": "2020-06-02 13:34:28"
            },
            "status": "job_submit_fail"
        }
    ],
    "msg_confirm_topic": "hw/events/messages/dli/message/confirm",
    "message_id": "uuid"
}"""
"""The example request of the vendor's page, as it stands."""


def entry(job_id: Any = 1, status: Any = "job_running", **facts: Any) -> dict[str, Any]:
    """Return one job of a report."""
    job: dict[str, Any] = {"status": status, "create_time": NOW_MS, **facts}
    return job if job_id is None else {"job_id": job_id, **job}


def body(*jobs: dict[str, Any], message_id: str = "m-1", **fields: Any) -> bytes:
    """Return the body of a report."""
    return with_fields(list(jobs), message_id, fields)


def with_fields(jobs: list[Any], message_id: str, fields: dict[str, Any]) -> bytes:
    """Return the body of a report with fields of any name."""
    return json.dumps({"jobs": jobs, "message_id": message_id, **fields}).encode()


ONE_PROJECT = f"projects: {{{PROJECT}: {{token: {TOKEN}}}}}"


def configuration(
    directory: Path, more: str = "", sources: str = "", projects: str = ONE_PROJECT
) -> str:
    """Return a configuration with one project; `more` is further settings of `edge`."""
    return f"""\
{sources}
edge:
  database: {directory / "edge.db"}
  {projects}
  {more}
"""


@dataclass(slots=True, kw_only=True)
class Edge:
    """An exporter that receives reports, and how to reach it."""

    app: App
    client: httpx.AsyncClient
    log: RecordingLog
    text: list[str]

    async def post(
        self, content: bytes | str, *, token: str = TOKEN, path: str = PATH, **headers: str
    ) -> httpx.Response:
        """Send a report."""
        sent = {"X-Auth-Token": token, **{k.replace("_", "-"): v for k, v in headers.items()}}
        return await self.client.post(path, content=content, headers=sent)

    async def jobs(self) -> list[dict[str, Any]]:
        """Return the jobs of /api/v1/jobs, once those reported so far are published."""
        self.app._edge._service._publisher.publish()  # type: ignore[union-attr]
        answer = await self.client.get("/api/v1/jobs", params={"platform": "edge"})
        found: list[dict[str, Any]] = answer.json()["jobs"]
        return found

    async def page(self) -> str:
        """Return /metrics with everything that was reported so far."""
        self.app._edge._service._publisher.publish()  # type: ignore[union-attr]
        self.app.exposition.refresh()
        return (await self.client.get("/metrics")).text


@contextlib.asynccontextmanager
async def receiving(
    directory: Path,
    more: str = "",
    *,
    sources: str = "",
    projects: str = ONE_PROJECT,
    runtime: Runtime | None = None,
) -> AsyncIterator[Edge]:
    """Run an exporter with a journal in the directory."""
    text = [configuration(directory, more, sources, projects)]

    def load() -> Config:
        return parse(text[0], environ={}, directory=directory)

    log = RecordingLog()
    app = App(load, runtime=runtime or Runtime(environ={}, home=directory), log=log)
    await app.start()
    transport = httpx.ASGITransport(app.web(), raise_app_exceptions=True)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://exporter") as client:
            yield Edge(app=app, client=client, log=log, text=text)
    finally:
        await app.stop()


def with_exporter(
    directory: Path, work: Callable[[Edge], Awaitable[T]], more: str = "", **facts: Any
) -> T:
    """Do some work with an exporter that receives reports."""

    async def scenario() -> T:
        async with receiving(directory, more, **facts) as edge:
            return await work(edge)

    return asyncio.run(scenario())
