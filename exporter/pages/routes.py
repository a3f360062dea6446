"""Answer the requests for pages; `workshop` says where they are worked out."""

from collections.abc import Callable
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from exporter.collecting.history import Change
from exporter.collecting.store import Store, fresh
from exporter.exposition import wants_gzip
from exporter.model import Job, JobKey, Snapshot
from exporter.pacing import Clock
from exporter.pages.changes import change_rows
from exporter.pages.details import details, problems_of
from exporter.pages.formatting import moment, visible
from exporter.pages.overview import overview
from exporter.pages.query import parse
from exporter.pages.rendering import (
    assets,
    prepare,
    render_details,
    render_missing,
    render_overview,
    render_unseen,
)
from exporter.pages.runbooks import runbooks
from exporter.pages.unseen import unseen
from exporter.pages.workshop import PageResponse, Workshop
from exporter.process.turns import CrowdedError

SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "x-frame-options": "DENY",
}
_PAGE_HEADERS = {
    **SECURITY_HEADERS,
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "cache-control": "no-store",
    "vary": "accept-encoding",
}
_ASSET_HEADERS = {
    **SECURITY_HEADERS,
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    # Their addresses change with their content.
    "cache-control": "public, max-age=31536000, immutable",
}
_RUNBOOK_HEADERS = {
    **SECURITY_HEADERS,
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-cache",
}


def page_routes(*, store: Store, clock: Clock, telemetry_path: str) -> list[Route]:
    """Return the routes of all pages."""
    prepare()
    # Relative, as all links are: a proxy may serve the pages under any path.
    metrics = telemetry_path.lstrip("/")
    workshop = Workshop(store, clock=clock)

    async def show_overview(request: Request) -> Response:
        return await _page(workshop, request, partial(_overview, store, clock(), metrics, request))

    async def show_job(request: Request) -> Response:
        source, project, job_id = (
            request.query_params.get(name, "") for name in ("source", "project", "job_id")
        )
        key = JobKey(project=project, job_id=job_id)
        # Read here and not in the thread, since it is written here.
        changes = store.history.of(source, key)
        return await _page(
            workshop, request, partial(_job, store, clock(), metrics, source, key, changes)
        )

    async def show_asset(request: Request) -> Response:
        found = assets().get(request.path_params["name"])
        if found is None:
            return Response(status_code=404, headers=SECURITY_HEADERS)
        body, content_type = found
        return Response(body, headers={**_ASSET_HEADERS, "content-type": content_type})

    async def show_runbook(language: str, request: Request) -> Response:
        # Only a name that is in there leads to a text: nothing of an address becomes a path.
        text = runbooks().get((language, request.path_params["name"]))
        if text is None:
            return Response(status_code=404, headers=SECURITY_HEADERS)
        headers = {**_RUNBOOK_HEADERS, "content-type": "text/plain; charset=utf-8"}
        return Response(text, headers=headers)

    return [
        Route("/", show_overview),
        Route("/job", show_job),
        Route("/static/{name}", show_asset),
        Route("/runbooks/{name}", partial(show_runbook, "")),
        Route("/runbooks/zh/{name}", partial(show_runbook, "zh")),
    ]


async def _page(
    workshop: Workshop, request: Request, make: Callable[[], tuple[str, int]]
) -> Response:
    headers = {**_PAGE_HEADERS, "content-type": "text/html; charset=utf-8"}
    try:
        page = await workshop.page(f"{request.url.path}?{request.url.query}", make)
    except CrowdedError:
        headers |= {"retry-after": "1", "content-type": "text/plain; charset=utf-8"}
        return Response("Too many pages at a time\n", status_code=503, headers=headers)
    zipped = wants_gzip(request.headers.get("accept-encoding", ""))
    return PageResponse(page, headers, zipped=zipped)


def _overview(store: Store, now: float, metrics: str, request: Request) -> tuple[str, int]:
    snapshots = [fresh(snapshot, now) for snapshot in store.snapshots.values()]
    page = overview(snapshots, parse(request.query_params.multi_items()), now)
    return render_overview(page, rendered=moment(now, now), metrics=metrics), 200


def _job(
    store: Store, now: float, metrics: str, source: str, key: JobKey, changes: tuple[Change, ...]
) -> tuple[str, int]:
    rendered = moment(now, now)
    snapshot = store.snapshots.get(source)
    if snapshot is not None:
        snapshot = fresh(snapshot, now)
        job = _find(snapshot, key)
        if job is not None:
            page = details(job, snapshot, changes, now)
            return render_details(page, rendered=rendered, metrics=metrics), 200
        if problems := problems_of(snapshot, key.project, key.job_id):
            left = unseen(problems, snapshot, changes, now)
            return render_unseen(left, rendered=rendered, metrics=metrics), 200
    name, rows = visible(key.job_id), change_rows(changes, now)
    return render_missing(name, rows, rendered=rendered, metrics=metrics), 404


def _find(snapshot: Snapshot, key: JobKey) -> Job | None:
    for job in snapshot.jobs:
        if job.job_id == key.job_id and job.project == key.project:
            return job
    return None
