"""TC3 signatures equal those of the vendor, and each request is signed as it is sent."""

import asyncio
from typing import Any

import httpx
import pytest

from exporter.auth.credentials import Credentials, StaticProvider
from exporter.auth.tencent.signature import TencentSignatureAuth, sign
from exporter.secret import TextSecret
from tests.auth.tools import MARK, Clock, drive, vectors

URL = "https://oceanus.tencentcloudapi.com/"


@pytest.mark.parametrize("vector", vectors("tencent"), ids=lambda vector: str(vector["name"]))
def test_signature_equals_the_published_one(vector: dict[str, Any]) -> None:
    token = vector["security_token"]
    headers = sign(
        vector["host"],
        vector["content_type"],
        vector["body"].encode(),
        Credentials(vector["access_key"], vector["secret_key"], token),
        service=vector["service"],
        timestamp=vector["timestamp"] + 0.9,
    )
    authorization = str(headers["Authorization"])
    assert authorization.endswith(f", Signature={vector['signature']}")
    assert authorization.startswith(f"TC3-HMAC-SHA256 Credential={vector['access_key']}/20")
    assert (headers["X-TC-Timestamp"], headers["X-TC-Token"]) == (
        str(vector["timestamp"]),
        token or None,
    )


def request() -> httpx.Request:
    headers = {"Content-Type": "application/json", "X-TC-Action": "DescribeJobs"}
    return httpx.Request("POST", URL, headers=headers, content=b"{}")


def auth(clock: Clock, token: str = "") -> TencentSignatureAuth:
    given = TextSecret(token) if token else None
    provider = StaticProvider(TextSecret("AKIDEXAMPLE"), TextSecret(f"{MARK}-secret"), given)
    return TencentSignatureAuth(provider, service="oceanus", clock=clock)


def test_request_is_signed_at_the_moment_it_is_sent() -> None:
    clock = Clock()
    signer, asked = auth(clock), request()
    (first,) = asyncio.run(drive(signer, asked))
    clock.now += 60
    (second,) = asyncio.run(drive(signer, asked))
    assert int(second["x-tc-timestamp"]) == int(first["x-tc-timestamp"]) + 60
    assert second["authorization"] != first["authorization"]
    assert "/oceanus/tc3_request, SignedHeaders=content-type;host, " in second["authorization"]
    assert MARK not in repr(second)


def test_request_sent_again_leaves_the_token_of_replaced_credentials_out() -> None:
    asked = request()
    (first,) = asyncio.run(drive(auth(Clock(), "temporary"), asked))
    (second,) = asyncio.run(drive(auth(Clock()), asked))
    assert first["x-tc-token"] == "temporary"
    assert "x-tc-token" not in second
