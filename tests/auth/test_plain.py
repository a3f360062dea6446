"""Basic and bearer authentication reveal their secret at each request, and nowhere else."""

import asyncio
from pathlib import Path

import httpx
import pytest

from exporter.auth.plain import BasicAuth, BearerAuth
from exporter.errors import CredentialError
from exporter.secret import FileSecret, TextSecret
from tests.auth.tools import MARK, drive, everything_told

URL = "http://flink.example.com/jobs/overview"


def authorization(auth: httpx.Auth) -> str:
    (sent,) = asyncio.run(drive(auth, httpx.Request("GET", URL), httpx.Response(200)))
    return sent["authorization"]


def test_basic_sends_user_and_password() -> None:
    """The example of RFC 7617, section 2.1: the pair is encoded as UTF-8."""
    assert authorization(BasicAuth("test", TextSecret("123\u00a3"))) == "Basic dGVzdDoxMjPCow=="


def test_bearer_token_is_read_again_when_its_file_changes(tmp_path: Path) -> None:
    """A rotated token takes effect at the next request."""
    path = tmp_path / "token"
    path.write_text("old\n")
    secret = FileSecret(path)
    auth = BearerAuth(secret)
    assert authorization(auth) == "Bearer old"
    path.write_text("new-one\n")
    secret.look()
    assert authorization(auth) == "Bearer new-one"


@pytest.mark.parametrize("token", [f"{MARK}\nX: y", f"{MARK} a", f"{MARK}é", ""])
def test_bearer_token_is_refused_untold_when_no_header_can_carry_it(token: str) -> None:
    """The HTTP library would quote such a token in its exception; ours does not."""
    with pytest.raises(CredentialError) as caught:
        authorization(BearerAuth(TextSecret(token)))
    assert MARK not in everything_told(caught.value)


def test_secrets_stay_out_of_texts() -> None:
    """Neither object shows its secret."""
    for auth in (BasicAuth("user", TextSecret(MARK)), BearerAuth(TextSecret(MARK))):
        assert MARK not in repr(auth) + repr(vars(auth))
    # Bytes that are not UTF-8 arrive as surrogates; they are sent, not quoted in an exception.
    assert authorization(BasicAuth("u", TextSecret("\udcff"))).startswith("Basic ")
