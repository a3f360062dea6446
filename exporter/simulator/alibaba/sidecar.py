"""Simulate what stands at ALIBABA_CLOUD_CREDENTIALS_URI: a sidecar that hands out keys."""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from exporter.simulator.alibaba.access import Access
from exporter.simulator.alibaba.signing_in import written


def build(
    *, clock: Callable[[], float], access: Access, principal: str, lifetime: float = 3600.0
) -> Starlette:
    """Build a sidecar that hands out keys of one principal at /credentials?pod=exporter."""

    async def keys(request: Request) -> Response:
        if request.query_params.get("pod") != "exporter":
            return JSONResponse({"Code": "Forbidden"}, 403)
        key = access.issue(expires_at=int(clock() + lifetime), principal=principal)
        return JSONResponse({"Code": "Success", **written(key)})

    return Starlette(routes=[Route("/credentials", keys)])
