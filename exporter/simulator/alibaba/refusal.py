"""The refusals of Alibaba Cloud's API gateway, with its own codes, statuses and wording.

Statuses differ by product in the real world; these are the ones the public error centre gives.
"""

_TROUBLESHOOT = "https://api.aliyun.com/troubleshoot?q={code}&product={product}&requestId={request}"


class Refusal(Exception):
    """One answer of the gateway that is an error: HTTP status, code, message, extra fields."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        detail: dict[str, str] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.detail = detail
        self.retry_after = retry_after

    def body(self, *, product: str, host: str, request_id: str) -> dict[str, object]:
        """Return the error body the way the gateway words it."""
        answer: dict[str, object] = {
            "RequestId": request_id,
            "HostId": host,
            "Code": self.code,
            "Message": self.message,
            "Recommend": _TROUBLESHOOT.format(code=self.code, product=product, request=request_id),
        }
        if self.detail is not None:
            answer["AccessDeniedDetail"] = self.detail
        return answer


def missing_parameter(name: str) -> Refusal:
    """Refuse a call that lacks a mandatory parameter or header."""
    return Refusal(
        400,
        "MissingParameter",
        f'The input parameter "{name}" that is mandatory for processing this request'
        " is not supplied.",
    )


def invalid_parameter(name: str) -> Refusal:
    """Refuse a value outside what the API page allows."""
    return Refusal(400, "InvalidParameter", f'The specified parameter "{name}" is not valid.')


def throttled(code: str = "Throttling.User", retry_after: int | None = None) -> Refusal:
    """Refuse for flow control: HTTP 400, so that only the code tells it from a client's mistake."""
    scope = "api" if code == "Throttling.Api" else "user"
    message = f"Request was denied due to {scope} flow control."
    return Refusal(400, code, message, retry_after=retry_after)


def unavailable() -> Refusal:
    """Refuse because the service itself is down."""
    message = "The request has failed due to a temporary failure of the server."
    return Refusal(503, "ServiceUnavailable", message)


def forbidden(operation: str, key_id: str) -> Refusal:
    """Refuse a caller whose RAM policy lacks the operation."""
    return Refusal(
        403,
        "Forbidden.RAM",
        "User not authorized to operate on the specified resource,"
        " or this API doesn't support RAM.",
        detail={
            "AuthAction": operation,
            "AuthPrincipalDisplayName": key_id,
            "AuthPrincipalType": "SubUser",
            "NoPermissionType": "ImplicitDeny",
        },
    )
