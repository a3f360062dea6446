"""The ways an API server says no: an object of kind Status, or a line for a strange path."""

from collections.abc import Mapping

from starlette.responses import JSONResponse, PlainTextResponse, Response


class KubernetesRefusal(Exception):
    """A request that is not answered as asked; `reason` is the server's own word."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        *,
        details: Mapping[str, object] | None = None,
        metadata: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self._status = status
        self._headers = dict(headers or {})
        self._body: dict[str, object] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": dict(metadata or {}),
            "status": "Failure",
            "message": message,
            "reason": reason,
            **({"details": dict(details)} if details else {}),
            "code": status,
        }

    def response(self) -> Response:
        """Render the refusal."""
        return JSONResponse(self._body, self._status, headers=self._headers)


class NotServed(KubernetesRefusal):
    """A path that the server does not know: no object, a line of text."""

    def __init__(self) -> None:
        super().__init__(404, "NotServed", "404 page not found")

    def response(self) -> Response:
        """Render the line."""
        return PlainTextResponse("404 page not found\n", 404)


def unauthorized() -> KubernetesRefusal:
    """Refuse a token that is not known."""
    return KubernetesRefusal(401, "Unauthorized", "Unauthorized")


def forbidden(
    user: str, verb: str, resource: str, group: str, namespace: str, name: str
) -> KubernetesRefusal:
    """Refuse what an account has no right to, naming the right."""
    plural = resource.partition("/")[0]
    whole = f"{plural}.{group}" if group else plural
    named = f'{whole} "{name}"' if name else whole
    where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    message = (
        f'{named} is forbidden: User "{user}" cannot {verb} resource "{resource}" '
        f'in API group "{group}" {where}'
    )
    return KubernetesRefusal(403, "Forbidden", message, details=_details(name, group, plural))


def not_found(plural: str, group: str, name: str) -> KubernetesRefusal:
    """Say that there is no object of a name."""
    whole = f"{plural}.{group}" if group else plural
    return KubernetesRefusal(
        404, "NotFound", f'{whole} "{name}" not found', details=_details(name, group, plural)
    )


def bad_request(message: str) -> KubernetesRefusal:
    """Refuse a parameter."""
    return KubernetesRefusal(400, "BadRequest", message)


def expired(token: str) -> KubernetesRefusal:
    """Say that a listing cannot go on; the token shows the rest as it is by now."""
    message = (
        "The provided continue parameter is too old to display a consistent list result. You can "
        "start a new list without the continue parameter, or use the continue token in this "
        "response to retrieve the remainder of the results. Continuing with the provided token "
        "results in an inconsistent list - objects that were created, modified, or deleted "
        "between the time the first chunk was returned and now may show up in the list."
    )
    return KubernetesRefusal(410, "Expired", message, metadata={"continue": token})


def too_many_requests(seconds: int) -> KubernetesRefusal:
    """Ask to stay away for a while."""
    return KubernetesRefusal(
        429,
        "TooManyRequests",
        "too many requests, please try again later",
        details={"retryAfterSeconds": seconds},
        headers={"Retry-After": str(seconds)},
    )


def unavailable(message: str) -> KubernetesRefusal:
    """Say that nobody is there to answer."""
    return KubernetesRefusal(503, "ServiceUnavailable", message)


def _details(name: str, group: str, kind: str) -> dict[str, object]:
    found = {"name": name, "group": group, "kind": kind}
    return {key: value for key, value in found.items() if value}
