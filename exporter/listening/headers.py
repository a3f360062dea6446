"""Add the security headers to every answer that lacks them."""

from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.pages.routes import SECURITY_HEADERS

_Pairs = tuple[tuple[bytes, bytes], ...]
DEFAULT_HEADERS: _Pairs = tuple(
    (name.encode(), value.encode())
    for name, value in (
        *SECURITY_HEADERS.items(),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    )
)


def with_headers(app: ASGIApp, configured: Callable[[], _Pairs]) -> ASGIApp:
    """Return an application whose answers have the configured headers, and ours by default."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": _merged(message["headers"], configured())}
            await send(message)

        await app(scope, receive, send_with_headers)

    return answer


def _merged(own: list[tuple[bytes, bytes]], configured: _Pairs) -> list[tuple[bytes, bytes]]:
    if configured:
        chosen = {name for name, _ in configured}
        own = [*(pair for pair in own if pair[0] not in chosen), *configured]
    names = {name for name, _ in own}
    return [*own, *(pair for pair in DEFAULT_HEADERS if pair[0] not in names)]
