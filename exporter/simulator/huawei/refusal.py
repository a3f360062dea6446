"""The ways the Huawei gateway and its services say no."""

from collections.abc import Mapping

from starlette.responses import JSONResponse, Response


class HuaweiRefusal(Exception):
    """A request that is not answered as asked.

    `reason` is our word for the log of requests; status, body and headers are the vendor's.
    `failed_key` is the access key whose signature was wrong: too many of those lock the key.
    """

    def __init__(
        self,
        reason: str,
        *,
        status: int,
        body: Mapping[str, object] | str,
        headers: Mapping[str, str] | None = None,
        failed_key: str = "",
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.body = body
        self.headers = dict(headers or {})
        self.failed_key = failed_key

    def response(self, request_id: str, prefix: str) -> Response:
        """Render the refusal; a text body stays text, anything else becomes JSON."""
        headers = {"X-Request-Id": request_id, **self.headers}
        if isinstance(self.body, str):
            return Response(self.body, self.status, headers, "text/plain")
        return JSONResponse(_complete(self.body, request_id, prefix), self.status, headers)


def _complete(body: Mapping[str, object], request_id: str, prefix: str) -> Mapping[str, object]:
    # Codes of the gateway itself come as bare numbers: its prefix differs between services.
    code = str(body.get("error_code", ""))
    if not code.isdigit():
        return body
    return {**body, "error_code": f"{prefix}.{code}", "request_id": request_id}


def gateway_refusal(
    reason: str,
    number: str,
    text: str,
    *,
    status: int,
    headers: Mapping[str, str] | None = None,
    failed_key: str = "",
) -> HuaweiRefusal:
    """Refuse as the API gateway does. The gateway adds prefix and request id to the body."""
    return HuaweiRefusal(
        reason,
        status=status,
        body={"error_msg": text, "error_code": number},
        headers=headers,
        failed_key=failed_key,
    )


def unauthorized(reason: str, text: str, *, failed_key: str = "") -> HuaweiRefusal:
    """Refuse a request whose token or signature is not accepted."""
    return gateway_refusal(
        reason,
        "0301",
        f"Incorrect IAM authentication information: {text}",
        status=401,
        failed_key=failed_key,
    )


def service_refusal(reason: str, code: str, text: str, *, status: int = 400) -> HuaweiRefusal:
    """Refuse as DLI and DataArts do: nearly always with status 400, missing things included."""
    return HuaweiRefusal(reason, status=status, body={"error_code": code, "error_msg": text})
