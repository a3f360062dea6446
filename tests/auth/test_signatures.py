"""Signatures equal the published ones, and each request is signed as it is sent."""

import asyncio
from typing import Any

import httpx
import pytest

from exporter.auth import canonical
from exporter.auth.alibaba import signature as alibaba_signature
from exporter.auth.alibaba.signature import AlibabaSignatureAuth
from exporter.auth.credentials import Credentials, StaticProvider
from exporter.auth.huawei import signature as huawei_signature
from exporter.auth.huawei.signature import HuaweiSignatureAuth
from exporter.secret import TextSecret
from tests.auth.tools import MARK, Clock, drive, epoch, vectors

URL = "https://dli.example.com/v1.0/0123/streaming/jobs?limit=100"


def credentials(vector: dict[str, Any]) -> Credentials:
    return Credentials(vector["access_key"], vector["secret_key"], vector["security_token"])


def target(vector: dict[str, Any]) -> str:
    path = canonical.path(*vector["segments"])
    query = canonical.query((name, value) for name, value in vector["parameters"])
    return f"{path}?{query}" if query else path


def provider(security_token: str = "") -> StaticProvider:
    token = TextSecret(security_token) if security_token else None
    return StaticProvider(TextSecret("AKEXAMPLE"), TextSecret(f"{MARK}-secret"), token)


@pytest.mark.parametrize("vector", vectors("huawei"), ids=lambda vector: str(vector["name"]))
def test_huawei_signature_equals_the_published_one(vector: dict[str, Any]) -> None:
    """The vector fixes path, query, headers and the whole Authorization header."""
    assert target(vector) == vector["target"]
    added = huawei_signature.sign(
        vector["method"],
        vector["target"],
        vector["headers"],
        vector["body"].encode(),
        credentials(vector),
        epoch(vector["time"]),
    )
    assert added == {
        "X-Sdk-Date": vector["date"],
        "Authorization": (
            f"SDK-HMAC-SHA256 Access={vector['access_key']}, "
            f"SignedHeaders={vector['signed_headers']}, Signature={vector['signature']}"
        ),
    }


@pytest.mark.parametrize("vector", vectors("alibaba"), ids=lambda vector: str(vector["name"]))
def test_alibaba_signature_equals_the_published_one(vector: dict[str, Any]) -> None:
    """The vectors fix path, query, headers and the whole Authorization header."""
    assert target(vector) == vector["target"]
    added = alibaba_signature.sign(
        vector["method"],
        vector["target"],
        vector["headers"] | {"User-Agent": "not signed", "RegionId": "not signed either"},
        vector["body"].encode(),
        credentials(vector),
        timestamp=epoch(vector["time"]),
        nonce=vector["nonce"],
    )
    assert added["x-acs-date"] == vector["time"]
    assert added["Authorization"] == (
        f"ACS3-HMAC-SHA256 Credential={vector['access_key']},"
        f"SignedHeaders={vector['signed_headers']},Signature={vector['signature']}"
    )


def test_huawei_slash_in_a_segment_is_signed_as_a_slash() -> None:
    """The vendor's signer decodes the path before it splits it."""
    key = Credentials("AKEXAMPLE", "SKEXAMPLE")
    signatures = {
        huawei_signature.sign("GET", path, {"host": "h"}, b"", key, 0.0)["Authorization"]
        for path in ("/a%2Fb", "/a/b", "/a/b/")
    }
    assert len(signatures) == 1


def test_huawei_headers_that_matter_are_signed() -> None:
    """Project, workspace, token and content type are signed; what proxies rewrite is not."""

    async def run() -> None:
        auth = HuaweiSignatureAuth(provider("tok"), project_id="0123", clock=Clock())
        headers = {"workspace": "w", "User-Agent": "x", "Accept": "*/*"}
        request = httpx.Request("POST", URL, headers=headers, json={"a": 1})
        (sent,) = await drive(auth, request, httpx.Response(200))
        assert sent["x-project-id"] == "0123"
        assert sent["x-security-token"] == "tok"
        names = sent["authorization"].split("SignedHeaders=")[1].split(",")[0]
        assert names == "content-type;host;workspace;x-project-id;x-sdk-date;x-security-token"

    asyncio.run(run())


def test_alibaba_headers_that_matter_are_signed() -> None:
    """Host, content type and everything named x-acs-* is signed, the rest is not."""

    async def run() -> None:
        auth = AlibabaSignatureAuth(provider("tok"), clock=Clock(), nonce=lambda: "n")
        headers = {"x-acs-action": "A", "x-acs-version": "1", "workspace": "w"}
        request = httpx.Request("POST", URL, headers=headers, json={"a": 1})
        (sent,) = await drive(auth, request, httpx.Response(200))
        names = sent["authorization"].split("SignedHeaders=")[1].split(",")[0]
        assert names == (
            "content-type;host;x-acs-action;x-acs-content-sha256;x-acs-date;"
            "x-acs-security-token;x-acs-signature-nonce;x-acs-version"
        )

    asyncio.run(run())


def test_huawei_request_is_signed_anew_at_every_send() -> None:
    """A request that is sent again carries the date of its second sending, and no old token."""

    async def run() -> None:
        clock = Clock(0.0)
        request = httpx.Request("GET", URL)
        first = HuaweiSignatureAuth(provider("tok"), clock=clock)
        second = HuaweiSignatureAuth(provider(), clock=clock)
        (sent,) = await drive(first, request)
        assert (sent["x-sdk-date"], sent["x-security-token"]) == ("19700101T000000Z", "tok")
        clock.now = 60.0
        (again,) = await drive(second, request)
        assert again["x-sdk-date"] == "19700101T000100Z"
        assert "x-security-token" not in again
        assert again["authorization"] != sent["authorization"]

    asyncio.run(run())


def test_alibaba_request_is_signed_anew_at_every_send() -> None:
    """A nonce is good once: the vendor refuses a request that repeats one."""

    async def run() -> None:
        request = httpx.Request("GET", URL, headers={"x-acs-action": "A", "x-acs-version": "1"})
        (sent,) = await drive(AlibabaSignatureAuth(provider("tok")), request)
        (again,) = await drive(AlibabaSignatureAuth(provider()), request)
        assert sent["x-acs-signature-nonce"] != again["x-acs-signature-nonce"]
        assert len(sent["x-acs-signature-nonce"]) == 32
        assert "x-acs-security-token" not in again
        assert "x-acs-security-token" not in again["authorization"]

    asyncio.run(run())


def test_secrets_stay_out_of_what_is_sent() -> None:
    """The secret key signs; it travels nowhere, and the auth objects do not show it."""

    async def run() -> None:
        for auth in (HuaweiSignatureAuth(provider()), AlibabaSignatureAuth(provider())):
            (sent,) = await drive(auth, httpx.Request("GET", URL))
            assert MARK not in str(sent)
            assert MARK not in repr(auth)
            assert MARK not in repr(vars(auth))

    asyncio.run(run())
