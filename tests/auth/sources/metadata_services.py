"""The metadata services of cloud servers, which hand out keys."""

import json

import httpx

from tests.auth.tools import MARK

EXPIRY = 1_704_164_645.0 + 6 * 3600


class HuaweiServer:
    """The metadata service of a Huawei Cloud server."""

    def __init__(self, *, session: int = 200, key: int = 200, body: object = None) -> None:
        self.session = session
        self.key = key
        self.body: object = body or {
            "credential": {
                "access": "ak",
                "secret": MARK,
                "securitytoken": "tok",
                "expires_at": "2024-01-02T09:04:05.000000Z",
            }
        }
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.path}")
        assert request.extensions["timeout"]["connect"] == 3.0
        if request.method == "PUT":
            assert request.headers["X-Metadata-Token-Ttl-Seconds"] == "21600"
            return httpx.Response(self.session, text="session")
        token = request.headers.get("X-Metadata-Token")
        assert token == ("session" if self.session == 200 else None)
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        return httpx.Response(self.key, text=text)


class AlibabaServer:
    """The metadata service of an Alibaba Cloud server."""

    def __init__(
        self, *, session: int = 200, role: str = "my role", keys: int = 200, body: object = None
    ) -> None:
        self.session = session
        self.role = role
        self.keys = keys
        self.body: object = body or {
            "Code": "Success",
            "AccessKeyId": "ak",
            "AccessKeySecret": MARK,
            "SecurityToken": "tok",
            "Expiration": "2024-01-02T09:04:05Z",
        }
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.raw_path.decode()}")
        if request.method == "PUT":
            assert request.headers["X-aliyun-ecs-metadata-token-ttl-seconds"] == "21600"
            return httpx.Response(self.session, text="session")
        token = request.headers.get("X-aliyun-ecs-metadata-token")
        assert token == ("session" if self.session == 200 else None)
        if request.url.path.endswith("/"):
            return httpx.Response(200 if self.role else 404, text=self.role)
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        return httpx.Response(self.keys, text=text)
