"""The ways services of AWS say no, in the JSON and in the query protocol."""

from html import escape

from starlette.responses import JSONResponse, Response


class AwsRefusal(Exception):
    """A request that is not answered as asked; `reason` is our word for the log of requests."""

    def __init__(self, reason: str, code: str, message: str = "", *, status: int = 400) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.message = message
        self.status = status

    def as_json(self, request_id: str) -> Response:
        """Render it as the JSON protocols do: the code is a type, at times with a namespace."""
        body = {"__type": self.code, "message": self.message}
        return JSONResponse(
            body,
            self.status,
            {"x-amzn-RequestId": request_id},
            media_type="application/x-amz-json-1.1",
        )

    def as_xml(self, request_id: str) -> Response:
        """Render it as the query protocol does."""
        kind = "Sender" if self.status < 500 else "Receiver"
        message = escape(self.message, quote=False)
        text = (
            '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>'
            f"<Type>{kind}</Type><Code>{self.code}</Code><Message>{message}</Message>"
            f"</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return Response(text, self.status, media_type="text/xml")


def denied(action: str) -> AwsRefusal:
    """Refuse an action that no policy of the caller allows."""
    message = (
        f"User: arn:aws:iam::123456789012:user/demo is not authorized to perform: {action} "
        "because no identity-based policy allows it"
    )
    return AwsRefusal("denied", "AccessDeniedException", message)
