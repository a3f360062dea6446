"""Call a simulated service of Tencent Cloud from a test, with a signer of its own.

It shares no code with the gate that checks signatures, nor with the exporter.
"""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
from starlette.applications import Starlette

from exporter.simulator.tencent.access import TencentKey

HOST = "oceanus.tencentcloudapi.com"


class Caller:
    """Calls one simulated service; whatever a test changes is signed as well as it can be."""

    def __init__(
        self,
        app: Starlette,
        *,
        key: TencentKey,
        clock: Callable[[], float],
        service: str = "oceanus",
        version: str = "2019-04-22",
    ) -> None:
        self.key = key
        self.service = service
        self._app = app
        self._clock = clock
        self._version = version

    def response(
        self, action: str, parameters: object = None, *, skew: float = 0.0, **changed: str
    ) -> httpx.Response:
        """Call an operation; `changed` replaces headers after signing, with _ for -."""
        body = json.dumps({} if parameters is None else parameters).encode()
        stamp = int(self._clock() + skew)
        headers = {
            "Content-Type": "application/json",
            "Host": HOST,
            "X-TC-Action": action,
            "X-TC-Version": self._version,
            "X-TC-Region": "ap-guangzhou",
            "X-TC-Timestamp": str(stamp),
            "Authorization": self._authorization(body, stamp),
        }
        if self.key.token:
            headers["X-TC-Token"] = self.key.token
        headers |= {name.replace("_", "-"): value for name, value in changed.items()}
        return asyncio.run(self._send(headers, body))

    def ask(self, action: str, parameters: object = None, **given: Any) -> dict[str, Any]:
        """Return what an operation responds; a refusal is the code of its Error."""
        response = self.response(action, parameters, **given)
        assert response.status_code == 200
        found: dict[str, Any] = response.json()["Response"]
        assert found.pop("RequestId")
        return found

    def code(self, action: str, parameters: object = None, **given: Any) -> str:
        """Return the code with which an operation is refused."""
        error = self.ask(action, parameters, **given)["Error"]
        assert error["Message"]
        return str(error["Code"])

    def _authorization(self, body: bytes, stamp: int) -> str:
        day = datetime.fromtimestamp(stamp, UTC).strftime("%Y-%m-%d")
        names = "content-type;host"
        request = (
            f"POST\n/\n\ncontent-type:application/json\nhost:{HOST}\n\n{names}\n"
            f"{hashlib.sha256(body).hexdigest()}"
        )
        digest = hashlib.sha256(request.encode()).hexdigest()
        scope = f"{day}/{self.service}/tc3_request"
        text = f"TC3-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
        key = ("TC3" + self.key.secret_key).encode()
        for part in (day, self.service, "tc3_request", text):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return (
            f"TC3-HMAC-SHA256 Credential={self.key.secret_id}/{scope}, SignedHeaders={names}, "
            f"Signature={key.hex()}"
        )

    async def _send(self, headers: dict[str, str], body: bytes) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self._app)) as client:
            return await client.post(f"https://{HOST}/", headers=headers, content=body)
