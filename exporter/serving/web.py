"""Serve the page for Prometheus and what people need around it.

Nothing here waits for a cloud: every answer comes from what is already known.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.collecting.store import Store, fresh
from exporter.edge.receiver import Receiver, is_report
from exporter.errors import ConfigError
from exporter.exposition import Exposition, MetricsEndpoint
from exporter.model import Job, Snapshot
from exporter.pacing import Clock
from exporter.pages.routes import SECURITY_HEADERS, page_routes

_HEADERS = {
    **SECURITY_HEADERS,
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
}


def build_web(
    *,
    store: Store,
    exposition: Exposition,
    clock: Clock,
    ready: Callable[[], bool],
    reload: Callable[[], Awaitable[None]],
    telemetry_path: str = "/metrics",
) -> Starlette:
    """Return the ASGI application over what is known and the way to reload."""

    async def jobs(request: Request) -> Response:
        return JSONResponse(
            await run_in_threadpool(_jobs, list(store.snapshots.values()), clock(), request),
            headers=_HEADERS,
        )

    async def sources(request: Request) -> Response:
        now = clock()
        body = {"sources": [_source(fresh(each, now)) for each in store.snapshots.values()]}
        return JSONResponse(body, headers=_HEADERS)

    async def healthy(request: Request) -> Response:
        return PlainTextResponse("streaming-job-exporter is healthy.\n")

    async def is_ready(request: Request) -> Response:
        if ready():
            return PlainTextResponse("streaming-job-exporter is ready.\n")
        return PlainTextResponse("Some sources have not been polled yet.\n", status_code=503)

    async def reload_now(request: Request) -> Response:
        try:
            await reload()
        except ConfigError as exc:
            return PlainTextResponse(f"{exc}\n", status_code=400)
        return PlainTextResponse("Configuration reloaded.\n")

    site = Starlette(
        routes=[
            Route(telemetry_path, MetricsEndpoint(exposition), methods=["GET"]),
            *page_routes(store=store, clock=clock, telemetry_path=telemetry_path),
            Route("/api/v1/jobs", jobs),
            Route("/api/v1/sources", sources),
            Route("/-/healthy", healthy),
            Route("/-/ready", is_ready),
            Route("/-/reload", reload_now, methods=["POST", "PUT"]),
        ]
    )
    # A redirection names the host that the request named, which can be anybody's.
    site.router.redirect_slashes = False
    return site


def with_metrics(app: ASGIApp, path: str, endpoint: ASGIApp) -> ASGIApp:
    """Return an application that hands scrapes to their endpoint.

    The way through a framework would take half as long again as the answer.
    """

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == path and scope["method"] in ("GET", "HEAD"):
            await endpoint(scope, receive, send)
        else:
            await app(scope, receive, send)

    return dispatch


def with_reports(app: ASGIApp, receiver: Callable[[], Receiver | None]) -> ASGIApp:
    """Return an application that hands edge reports to their receiver, if there is one."""

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and is_report(scope["path"]):
            reports = receiver()
            if reports is not None:
                await reports(scope, receive, send)
                return
        await app(scope, receive, send)

    return dispatch


def _jobs(snapshots: list[Snapshot], now: float, request: Request) -> dict[str, Any]:
    """Return the jobs that the query asks for: `source`, `platform`, `state`, `job_name`."""
    wanted = {
        key: set(request.query_params.getlist(key))
        for key in ("source", "platform", "project", "state", "job_id", "job_name")
        if key in request.query_params
    }
    jobs = []
    for snapshot in snapshots:
        for job in fresh(snapshot, now).jobs:
            entry = _job(job, snapshot)
            if all(entry[key] in values for key, values in wanted.items()):
                jobs.append(entry)
    return {"jobs": jobs}


def _job(job: Job, snapshot: Snapshot) -> dict[str, Any]:
    entry = {"source": snapshot.source, "platform": snapshot.platform} | asdict(job)
    entry["state"] = job.state.value
    entry["tasks"] = dict(job.tasks)
    entry["other_metrics"] = dict(job.other_metrics)
    entry["labels"] = dict(snapshot.labels)
    return entry


def _source(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "source": snapshot.source,
        "platform": snapshot.platform,
        "up": snapshot.up,
        "failure": snapshot.failure,
        "last_success_timestamp": snapshot.last_success_timestamp,
        "last_poll_timestamp": snapshot.last_poll_timestamp,
        "next_poll_timestamp": snapshot.next_poll_timestamp,
        "poll_duration_seconds": snapshot.poll_duration_seconds,
        "jobs": len(snapshot.jobs) if snapshot.counts_jobs else None,
        "absent": list(snapshot.absent),
        "labels": dict(snapshot.labels),
    }
