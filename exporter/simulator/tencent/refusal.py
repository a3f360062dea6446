"""Say no as Tencent Cloud's API 3.0 does: with status 200, a code and a message."""

JsonObject = dict[str, object]


class Refusal(Exception):
    """A call that is refused; `code` has segments, of which the first is the family."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message

    def body(self, request_id: str) -> JsonObject:
        """Return the answer."""
        error = {"Code": self.code, "Message": self.message}
        return {"Response": {"Error": error, "RequestId": request_id}}


def invalid_value(name: str) -> Refusal:
    """Refuse the value of a parameter."""
    return Refusal("InvalidParameterValue", f"The value of parameter `{name}` is not valid.")


def missing(name: str) -> Refusal:
    """Refuse a call that lacks a parameter."""
    return Refusal("MissingParameter", f"The request is missing a required parameter `{name}`.")
