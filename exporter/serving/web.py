"""Serve the page for Prometheus and what people need around it.

Nothing here waits for a cloud: every answer comes from what is already known.
"""

from collections.abc import Awaitable, Callable
from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.collecting.store import Store
from exporter.edge.receiver import Receiver, is_report
from exporter.errors import ConfigError
from exporter.exposition import Exposition, MetricsEndpoint
from exporter.pacing import Clock
from exporter.pages.routes import SECURITY_HEADERS, page_routes
from exporter.serving.api import DocumentEndpoint

_API_HEADERS = {
    **SECURITY_HEADERS,
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
}
_HEADERS = [(name.encode(), value.encode()) for name, value in _API_HEADERS.items()]


def build_web(
    *,
    store: Store,
    exposition: Exposition,
    clock: Clock,
    ready: Callable[[], bool],
    reload: Callable[[], Awaitable[None]],
    telemetry_path: str = "/metrics",
) -> Starlette:
    """Return the ASGI application over what is known and the way to reload.

    `reload` is shared by all who ask for it at a time.
    """
    document = partial(DocumentEndpoint, store, clock=clock, headers=_HEADERS)

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
            Route("/api/v1/jobs", document(of_jobs=True), methods=["GET"]),
            Route("/api/v1/sources", document(of_jobs=False), methods=["GET"]),
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
