"""Signature version 4 is that of the vendor: published vectors, and what they leave open."""

import asyncio
from typing import Any

import httpx
import pytest

from exporter.auth.aws.signature import AwsSignatureAuth, sign
from exporter.auth.credentials import Credentials, StaticProvider
from exporter.secret import TextSecret
from tests.auth.tools import MARK, Clock, drive, epoch, vectors

VECTORS = vectors("aws")
KEY = Credentials("AKIDEXAMPLE", "secret")
HEADERS = {"Host": "h.example", "Content-Type": "application/x-amz-json-1.1"}


def _signed(headers: dict[str, str], target: str = "/") -> str:
    added = sign(
        "POST", target, headers, b"{}", KEY, region="r", service="s", timestamp=1_700_000_000.0
    )
    return added["Authorization"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_signature_equals_the_published_one(vector: dict[str, Any]) -> None:
    added = sign(
        vector["method"],
        vector["target"],
        vector["headers"],
        vector["body"].encode(),
        Credentials(vector["access_key"], vector["secret_key"], vector["security_token"]),
        region=vector["region"],
        service=vector["service"],
        timestamp=epoch(vector["date"]),
    )
    assert added["Authorization"].endswith(f"Signature={vector['signature']}")


def test_only_what_no_proxy_touches_is_signed() -> None:
    more = HEADERS | {"User-Agent": "x", "Accept-Encoding": "gzip", "X-Amz-Target": "T.Op"}
    assert "SignedHeaders=content-type;host;x-amz-date;x-amz-target," in _signed(more)


def test_default_port_is_none_to_the_gateway() -> None:
    assert _signed(HEADERS | {"Host": "h.example:443"}) == _signed(HEADERS)
    assert _signed(HEADERS | {"Host": "h.example:8443"}) != _signed(HEADERS)


def test_runs_of_blanks_in_a_header_count_as_one() -> None:
    assert _signed(HEADERS | {"X-Amz-Note": " a   b "}) == _signed(HEADERS | {"X-Amz-Note": "a b"})


def test_order_and_encoding_of_a_query_make_no_difference() -> None:
    assert _signed(HEADERS, "/?b=%7E&a=2&a=1") == _signed(HEADERS, "/?a=1&a=2&b=~")
    # By the encoded names: "%" comes before every letter.
    assert _signed(HEADERS, "/?z=1&%C3%A9=2") == _signed(HEADERS, "/?%C3%A9=2&z=1")


def test_repeated_request_carries_the_token_of_its_own_signature() -> None:
    clock = Clock()
    provider = StaticProvider(TextSecret("AK"), TextSecret(MARK), TextSecret("tok"))
    auth = AwsSignatureAuth(provider, region="eu-west-1", service="sts", clock=clock)
    request = httpx.Request("POST", "https://h/", headers={"X-Amz-Security-Token": "old"})
    (sent,) = asyncio.run(drive(auth, request))
    assert sent["x-amz-security-token"] == "tok"
    assert sent["x-amz-date"] == "20240102T030405Z"
    assert "/20240102/eu-west-1/sts/aws4_request, " in sent["authorization"]
    assert MARK not in str(sent)
