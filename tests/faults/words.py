"""How each platform words a refusal: what its documentation and its users show."""

import json
from collections.abc import Mapping
from dataclasses import replace

from tests.faults.exchange import Spoil, Told
from tests.faults.operations import Operation, Part
from tests.faults.spoils import HTML, JSON, rewriting

STATUSES = (400, 401, 403, 404, 409, 429, 500, 502, 503, 504)
_HUAWEI = {
    400: ("DLI.0001", "The parameter limit is invalid."),
    401: ("APIGW.0301", "Incorrect IAM authentication information: verify aksk signature fail"),
    403: ("APIGW.0302", "The IAM user is not authorized to access this API."),
    404: ("APIGW.0101", "The API does not exist or has not been published."),
    409: ("DLI.0017", "The resource is used by another operation."),
    429: ("APIGW.0308", "The throttling threshold has been reached."),
    500: ("DLI.0999", "Server-side errors."),
    502: ("APIGW.0202", "Backend unavailable."),
    503: ("APIGW.0202", "Backend unavailable."),
    504: ("APIGW.0201", "Backend timeout."),
}
_IAM = {
    400: ("IAM.0011", "Request body is invalid."),
    401: ("IAM.0101", "The username or password is wrong."),
    403: ("IAM.0104", "The user is locked."),
    404: ("IAM.0004", "Could not find the project."),
    409: ("IAM.0005", "Conflict."),
    429: ("IAM.0012", "Too many requests."),
    500: ("IAM.0006", "An unexpected error prevented the server from answering."),
    502: ("APIGW.0202", "Backend unavailable."),
    503: ("APIGW.0202", "Backend unavailable."),
    504: ("APIGW.0201", "Backend timeout."),
}
_ALIBABA = {
    400: ("InvalidParameter", 'The specified parameter "pageSize" is not valid.'),
    401: ("InvalidSecurityToken.Malformed", "The security token is malformed."),
    403: ("Forbidden.RAM", "User not authorized to operate on the specified resource."),
    404: ("InvalidAction.NotFound", "The specified action is not found."),
    409: ("Conflict", "The resource is being changed."),
    429: ("Throttling.User", "Request was denied due to user flow control."),
    500: ("InternalError", "The request processing has failed due to some unknown error."),
    502: ("ServiceUnavailable", "The request has failed due to a temporary failure."),
    503: ("ServiceUnavailable", "The request has failed due to a temporary failure."),
    504: ("ServiceUnavailable", "The request has failed due to a temporary failure."),
}
_TENCENT = {
    400: ("ResourceUnavailable", "The resource is not available."),
    401: ("AuthFailure.SignatureFailure", "The provided credentials could not be validated."),
    403: ("AuthFailure.UnauthorizedOperation", "You are not authorized to do this."),
    404: ("ResourceNotFound.WorkSpace", "The work space does not exist."),
    409: ("ResourceUnavailable", "The resource is not available."),
    429: ("RequestLimitExceeded", "Your current request times exceeds the limit."),
    500: ("InternalError", "An internal error has occurred."),
    502: ("InternalError.SystemError", "An internal error has occurred."),
    503: ("InternalError", "An internal error has occurred."),
    504: ("InternalError", "An internal error has occurred."),
}
"""Whatever it is, the status says 200."""
_KUBERNETES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    429: "TooManyRequests",
    500: "InternalError",
    502: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}
_AWS = {
    400: ("InvalidArgumentException", "Value at limit is not valid."),
    401: ("MissingAuthenticationTokenException", "Missing Authentication Token"),
    403: ("AccessDeniedException", "User is not authorized to perform: x:Y"),
    404: ("UnknownOperationException", "There is no such operation."),
    409: ("ResourceInUseException", "It is being changed."),
    429: ("ThrottlingException", "Rate exceeded"),
    500: ("InternalFailure", "The request processing has failed."),
    502: ("ServiceUnavailable", "The request has failed."),
    503: ("ServiceUnavailable", "The request has failed."),
    504: ("ServiceUnavailable", "The request has failed."),
}
_CLAIMS: Mapping[str, Mapping[str, object]] = {
    "huawei": {"is_success": False, "message": "Something went wrong."},
    "alibaba": {"success": False, "errorCode": "990001", "errorMessage": "Something went wrong."},
    "aws": {"__type": "OddException", "message": "Something went wrong."},
    "apache": {"errors": ["java.util.concurrent.CompletionException"]},
    "tencent": {"Response": {"Error": {"Code": "ResourceUnavailable", "Message": "m"}}},
    "kubernetes": {"kind": "Status", "status": "Failure", "reason": "InternalError"},
    "kafka": {"error_code": 500, "message": "Something went wrong."},
}


def worded(operation: Operation, status: int) -> Told:
    """Return a refusal as this platform words it."""
    if operation.part is Part.METADATA:
        return page(status)
    if operation.vendor == "kubernetes":
        reason = _KUBERNETES[status]
        body: Mapping[str, object] = {"kind": "Status", "reason": reason, "message": "It is so."}
    elif operation.vendor == "aws":
        code, message = _AWS[status]
        if operation.part is Part.LOGIN:
            error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
            text = f"<ErrorResponse>{error}</ErrorResponse>".encode()
            return Told(status=status, headers=(("Content-Type", "text/xml"),), body=text)
        body = {"__type": code, "message": message}
    elif operation.vendor == "apache":
        body = {"errors": [f"org.apache.flink.SomeException: {status}"]}
    elif operation.vendor == "kafka":
        body = {"error_code": status, "message": "It is so."}
    elif operation.vendor == "tencent":
        code, message = _TENCENT[status]
        told = {"Error": {"Code": code, "Message": message}, "RequestId": "a1"}
        return Told(status=200, headers=JSON, body=json.dumps({"Response": told}).encode())
    elif operation.platform.startswith("alibaba"):
        code, message = _ALIBABA[status]
        body = {"RequestId": "A-1", "HostId": "foas", "Code": code, "Message": message}
    else:
        code, message = (_IAM if operation.part is Part.LOGIN else _HUAWEI)[status]
        body = {"error_code": code, "error_msg": message, "request_id": "a1"}
    return Told(status=status, headers=JSON, body=json.dumps(body).encode())


def throttled(operation: Operation) -> Told:
    """Return a request to slow down that neither the status nor the first word of a code tells."""
    if operation.vendor == "aws" and operation.part is not Part.METADATA:
        # With the status of any other refusal.
        return replace(worded(operation, 429), status=400)
    if not operation.platform.startswith("alibaba"):
        return worded(operation, 429)
    body = {"RequestId": "A-1", "HostId": "foas", "Code": "Rejected.Throttling", "Message": "m"}
    headers = (*JSON, ("x-acs-retry-after", "500"))
    return Told(status=403, headers=headers, body=json.dumps(body).encode())


def page(status: int) -> Told:
    """Return a refusal as a proxy words it for people."""
    return Told(status=status, headers=(("Content-Type", "text/html"),), body=HTML)


def claiming(operation: Operation) -> Spoil:
    """Answer 200 and say, as this platform does, that it is a failure."""
    platform = operation.vendor
    claim = _CLAIMS[platform]

    def rewrite(told: Told) -> Told:
        document = decoded(told.body)
        # Flink says nothing beside its errors; the others may well add data.
        kept = document if isinstance(document, dict) and platform != "apache" else {}
        return told.with_body(json.dumps({**kept, **claim}).encode())

    return rewriting(rewrite)


def decoded(body: bytes) -> object:
    """Return the JSON of a body, None when it is none."""
    try:
        return json.loads(body)
    except ValueError:
        return None
