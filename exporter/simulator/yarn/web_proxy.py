"""The web proxy of a simulated ResourceManager, as Hadoop's WebAppProxyServlet is."""

from urllib.parse import parse_qsl, urlencode

import httpx
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from exporter.simulator.yarn.access import YarnAccess
from exporter.simulator.yarn.applications import LIVING, Application

_PASSED_ON = ("user-agent", "accept", "accept-encoding", "accept-language", "accept-charset")
_KEPT = ("content-type", "cache-control", "last-modified")


class WebProxy:
    """Hand requests on to the JobManagers of applications that run."""

    def __init__(self, *, access: YarnAccess, cluster_id: int, history: str) -> None:
        self._access = access
        self._cluster_id = cluster_id
        self._history = history

    async def answer(
        self, request: Request, applications: list[Application], user: str
    ) -> Response:
        """Answer a request below /proxy; a standby has no applications at all."""
        if request.method not in ("GET", "PUT"):
            return Response(status_code=405)
        _, _, identity, *rest = request.url.path.split("/", 3)
        by_id = {each.identity(self._cluster_id): each for each in applications}
        application = by_id.get(identity)
        if application is None:
            text = f"Application {identity} could not be found in RM or history server"
            return _page("Not Found", text, 404)
        path = f"/{rest[0] if rest else ''}"
        if application.master == "N/A" and not (application.state not in LIVING and self._history):
            return RedirectResponse(f"/cluster/app/{identity}", 302)
        if self._warns(request, application, user, identity):
            text = f"The requested web page {path} may not be safe: it belongs to another user"
            page = _page("WARNING", text, 200)
            page.set_cookie(f"checked_{identity}", "false", httponly=True)
            return page
        if application.state not in LIVING:
            return RedirectResponse(f"{self._history}{path}", 302)
        return await self._pass_on(request, application, path)

    def _warns(self, request: Request, application: Application, user: str, identity: str) -> bool:
        if not self._access.secure or user == application.user:
            return False
        approved = request.query_params.get("proxyapproved") == "true"
        return not (approved and f"checked_{identity}" in request.cookies)

    async def _pass_on(self, request: Request, application: Application, path: str) -> Response:
        if application.job_manager is None:
            return _page("Error 500", "java.net.ConnectException: Connection refused", 500)
        headers = {
            name: request.headers[name] for name in _PASSED_ON if name in request.headers
        } | {"accept-encoding": "identity"}
        query = urlencode(parse_qsl(request.url.query, keep_blank_values=True))
        transport = httpx.ASGITransport(app=application.job_manager)
        async with httpx.AsyncClient(transport=transport, base_url="http://jobmanager") as client:
            found = await client.request(
                request.method, f"{path}{'?' if query else ''}{query}", headers=headers
            )
        kept = {name: found.headers[name] for name in _KEPT if name in found.headers}
        return Response(found.content, found.status_code, headers=kept)


def _page(title: str, text: str, status: int) -> Response:
    return HTMLResponse(
        f"<!DOCTYPE html><html><title>{title}</title><body><h1>{text}</h1></body></html>", status
    )
