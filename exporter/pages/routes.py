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
from exporter.pages.formatting import visible
from exporter.pages.languages import preferred
from exporter.pages.overview import overview
from exporter.pages.query import job_link, language_of, parse
from exporter.pages.reader import Reader
from exporter.pages.rendering import (
    Frame,
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
    "vary": "accept-encoding, accept-language",
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
        reader = _reader(request, clock())
        return await _page(
            workshop, request, reader, partial(_overview, store, reader, metrics, request)
        )

    async def show_job(request: Request) -> Response:
        source, project, job_id = (
            request.query_params.get(name, "") for name in ("source", "project", "job_id")
        )
        key = JobKey(project=project, job_id=job_id)
        reader = _reader(request, clock())
        # Read here and not in the thread, since it is written here.
        changes = store.history.of(source, key)
        return await _page(
            workshop, request, reader, partial(_job, store, reader, metrics, source, key, changes)
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


def _reader(request: Request, now: float) -> Reader:
    chosen = language_of(request.query_params.multi_items())
    wish = ",".join(request.headers.getlist("accept-language"))
    return Reader(now=now, language=chosen or preferred(wish), chosen=chosen)


async def _page(
    workshop: Workshop, request: Request, reader: Reader, make: Callable[[], tuple[str, int]]
) -> Response:
    headers = {
        **_PAGE_HEADERS,
        "content-type": "text/html; charset=utf-8",
        "content-language": reader.language.tag,
    }
    try:
        page = await workshop.page(
            f"{reader.language.value} {request.url.path}?{request.url.query}", make
        )
    except CrowdedError:
        headers |= {"retry-after": "1", "content-type": "text/plain; charset=utf-8"}
        text = reader.words["too_many_pages"] + "\n"
        return Response(text, status_code=503, headers=headers)
    zipped = wants_gzip(request.headers.get("accept-encoding", ""))
    return PageResponse(page, headers, zipped=zipped)


def _overview(store: Store, reader: Reader, metrics: str, request: Request) -> tuple[str, int]:
    query = parse(request.query_params.multi_items())
    snapshots = [fresh(snapshot, reader.now) for snapshot in store.snapshots.values()]
    elsewhere = query.link(language=reader.language.other, page=query.page)
    frame = Frame(reader=reader, metrics=metrics, elsewhere=elsewhere)
    return render_overview(overview(snapshots, query, reader), frame), 200


def _job(
    store: Store,
    reader: Reader,
    metrics: str,
    source: str,
    key: JobKey,
    changes: tuple[Change, ...],
) -> tuple[str, int]:
    elsewhere = job_link(source, key.project, key.job_id, reader.language.other)
    frame = Frame(reader=reader, metrics=metrics, elsewhere=elsewhere)
    snapshot = store.snapshots.get(source)
    if snapshot is not None:
        snapshot = fresh(snapshot, reader.now)
        job = _find(snapshot, key)
        if job is not None:
            return render_details(details(job, snapshot, changes, reader), frame), 200
        if problems := problems_of(snapshot, key.project, key.job_id):
            return render_unseen(unseen(problems, snapshot, changes, reader), frame), 200
    return render_missing(visible(key.job_id), change_rows(changes, reader), frame), 404


def _find(snapshot: Snapshot, key: JobKey) -> Job | None:
    for job in snapshot.jobs:
        if job.job_id == key.job_id and job.project == key.project:
            return job
    return None
