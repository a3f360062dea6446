"""A home, an environment, the metadata of a server, and STS to find Tencent's keys in."""

import json
from pathlib import Path
from typing import Any

import httpx

from exporter.auth import Send
from exporter.auth.credentials import CredentialProvider
from exporter.auth.guard import GuardBook
from exporter.auth.tencent.sources import tencent_chain
from exporter.auth.tencent.sts import SendAs
from exporter.auth.tencent.sts import Sts as TencentSts
from exporter.files import at_once
from tests.auth.sources.key_places import URL, Handler, refuse
from tests.auth.tools import MARK, Clock

STS = "https://sts.tencentcloudapi.com"
EXPIRY = 1_704_164_645.0 + 6 * 3600
ROLE = "/latest/meta-data/cam/security-credentials/"
TKE = {
    "TKE_REGION": "ap-guangzhou",
    "TKE_PROVIDER_ID": "cls-1",
    "TKE_ROLE_ARN": "qcs::cam::uin/1:roleName/exporter",
}


class Server:
    """The metadata service of a server."""

    def __init__(self, *, role: str = "exporter", keys: int = 200, body: object = None) -> None:
        self.role = role
        self.keys = keys
        self.body: object = body or {
            "Code": "Success",
            "TmpSecretId": "cvm",
            "TmpSecretKey": MARK,
            "Token": "tok",
            "ExpiredTime": EXPIRY,
        }
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.raw_path.decode()}")
        assert request.extensions["timeout"]["connect"] == 3.0
        if request.url.path.endswith("/"):
            return httpx.Response(200 if self.role else 404, text=self.role)
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        return httpx.Response(self.keys, text=text)


class Sts:
    """STS, which hands out another key each time; `answer` is said instead, if there is one."""

    def __init__(self, answer: object = None, *, status: int = 200, expires: float = 0.0) -> None:
        self.answer = answer
        self.status = status
        self.expires = expires
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answer
        if answer is None:
            number = len(self.requests)
            keys = {"TmpSecretId": f"pod{number}", "TmpSecretKey": MARK, "Token": "tok"}
            answer = {"Response": {"Credentials": keys, "ExpiredTime": self.expires or EXPIRY}}
        text = answer if isinstance(answer, str) else json.dumps(answer)
        return httpx.Response(self.status, text=text)


class Place:
    """Everything that a chain looks at; nothing is there until a test puts it there."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.system = home / "etc" / "credentials"
        self.environ: dict[str, str] = {}
        self.clock = Clock()
        self.server: Handler = refuse
        self.sts: Handler = refuse
        self.operations: list[str] = []

    def write(self, name: str, text: str) -> Path:
        """Write a file in the home."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    def on_tke(self, token: str = f"{MARK}-token\n") -> Path:
        """Set up the identity of a pod; return the file of its token."""
        path = self.write("token", token)
        self.environ |= {**TKE, "TKE_WEB_IDENTITY_TOKEN_FILE": str(path)}
        return path

    def chain(
        self,
        *,
        sts: str | None = STS,
        send: Send | None = None,
        send_login: SendAs | None = None,
    ) -> CredentialProvider:
        """Return the chain that looks here."""
        return tencent_chain(
            environ=self.environ,
            home=self.home,
            send=send or self._sending(lambda request: self.server(request)),
            clock=self.clock,
            metadata_url=URL,
            system_file=self.system,
            sts=self.service(sts, send_login),
            aside=at_once,
        )

    def service(
        self, endpoint: str | None = STS, send: SendAs | None = None, **options: Any
    ) -> TencentSts:
        """Return the STS that is asked here."""

        async def ask(request: httpx.Request, operation: str) -> httpx.Response:
            self.operations.append(operation)
            return await self._sending(lambda request: self.sts(request))(request)

        return TencentSts(
            endpoint,
            send=send or ask,
            guards=GuardBook(clock=self.clock),
            clock=self.clock,
            **options,
        )

    def _sending(self, handler: Handler) -> Send:
        async def send(request: httpx.Request) -> httpx.Response:
            return await httpx.MockTransport(handler).handle_async_request(request)

        return send
