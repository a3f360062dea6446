"""Sign requests for the simulated Huawei clouds, apart from the exporter and the simulator."""

import asyncio
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from urllib.parse import quote

import httpx
from starlette.applications import Starlette
from starlette.types import ASGIApp

from exporter.simulator.huawei.tokens import HuaweiTokens

NOW = 1_704_067_200.0  # 2024-01-01T00:00:00Z
PROJECT = "330e068af1334c9782f4226acc00a2e2"
NOTHING: Mapping[str, str] = MappingProxyType({})
KEY, SECRET = "AKEXAMPLE", "SKEXAMPLE"
HOST = "cloud.example.com"


class Clock:
    """A clock that only moves when told to."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def encode(text: str) -> str:
    return quote(text, safe="-_.~")


def encode_query(parameters: Mapping[str, str]) -> str:
    pairs = sorted(parameters.items())
    return "&".join(f"{encode(name)}={encode(value)}" for name, value in pairs)


def sign(
    path: str,
    parameters: Mapping[str, str],
    headers: Mapping[str, str],
    *,
    key: str = KEY,
    secret: str = SECRET,
) -> dict[str, str]:
    """Return the headers of a GET with its Authorization; all given headers are signed."""
    names = sorted(name.lower() for name in headers)
    lowered = {name.lower(): value for name, value in headers.items()}
    signed = ";".join(names)
    canonical = "\n".join(
        [
            "GET",
            "/".join(encode(part) for part in path.split("/")) + "/",
            encode_query(parameters),
            "".join(f"{name}:{lowered[name]}\n" for name in names),
            signed,
            hashlib.sha256(b"").hexdigest(),
        ]
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"SDK-HMAC-SHA256\n{lowered['x-sdk-date']}\n{digest}"
    signature = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    authorization = f"SDK-HMAC-SHA256 Access={key}, SignedHeaders={signed}, Signature={signature}"
    return {**headers, "Authorization": authorization}


def dated(now: float = NOW, **further: str) -> dict[str, str]:
    """Return the headers every signed request needs."""
    date = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    more = {name.replace("_", "-"): value for name, value in further.items()}
    return {"Host": HOST, "X-Sdk-Date": date, "X-Project-Id": PROJECT, **more}


def send(
    app: ASGIApp,
    target: str,
    headers: Mapping[str, str],
    *,
    method: str = "GET",
    content: bytes = b"",
) -> httpx.Response:
    """Send one request with the target exactly as given."""

    async def request() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=f"https://{HOST}") as client:
            return await client.request(method, target, headers=headers, content=content)

    return asyncio.run(request())


def fetch(
    app: Starlette, path: str, parameters: Mapping[str, str] = NOTHING, /, **headers: str
) -> httpx.Response:
    """Send a signed GET; further headers are given with underscores."""
    target = "/".join(encode(part) for part in path.split("/"))
    signed = sign(path, parameters, dated(NOW, **headers))
    return send(app, f"{target}?{encode_query(parameters)}" if parameters else target, signed)


def token_headers(tokens: HuaweiTokens, now: float = NOW) -> dict[str, str]:
    return {"X-Auth-Token": tokens.issue(PROJECT, now).text}
