"""STS gives roles for a while, and says no in many ways, none of which tells a secret."""

import httpx
import pytest

from exporter.auth.aws.roles import read_credentials
from exporter.errors import FetchError, Reason
from exporter.simulator.fault_injection import Canned
from tests.auth.aws.world import ENVIRONMENT, OTHER_ROLE, ROLE, SECRET, Machine
from tests.auth.tools import MARK, everything_told

GOOD = (
    '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>'
    f"<Credentials><AccessKeyId>AK</AccessKeyId><SecretAccessKey>{MARK}</SecretAccessKey>"
    "<SessionToken> t/+= </SessionToken><Expiration>2024-01-02T09:04:05.123Z</Expiration>"
    "</Credentials></AssumeRoleResult></AssumeRoleResponse>"
)


def _refusal(status: int, text: str, **headers: str) -> FetchError:
    response = httpx.Response(status, text=text, headers=headers)
    with pytest.raises(FetchError) as caught:
        read_credentials("AssumeRole", response, 1_700_000_000.0)
    assert MARK not in everything_told(caught.value)
    return caught.value


def _error(code: str) -> str:
    error = f"<Error><Code>{code}</Code><Message>{MARK}</Message></Error>"
    return f"<ErrorResponse>{error}</ErrorResponse>"


def test_keys_are_read_from_xml() -> None:
    found = read_credentials("AssumeRole", httpx.Response(200, text=GOOD), 0.0)
    assert (found.access_key, found.secret_key, found.security_token) == ("AK", MARK, "t/+=")
    assert found.expires_at == pytest.approx(1_704_186_245.123)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        GOOD.replace("AssumeRoleResponse", "ListBucketResult"),
        GOOD.replace("<AccessKeyId>AK", "<AccessKeyId>"),
        GOOD.replace("2024-01-02T09:04:05.123Z", "soon"),
        GOOD.replace(">AK<", ">A\tK<"),
    ],
)
def test_answer_without_keys_is_no_sts(text: str) -> None:
    refused = _refusal(200, text)
    assert refused.reason is Reason.INVALID_RESPONSE
    assert "check sts_endpoint" in refused.detail


@pytest.mark.parametrize(
    ("status", "text", "reason", "retryable"),
    [
        (403, _error("AccessDenied"), Reason.AUTH, False),
        (403, _error("InvalidClientTokenId"), Reason.AUTH, False),
        (403, _error("RegionDisabledException"), Reason.AUTH, False),
        (400, _error("ExpiredTokenException"), Reason.AUTH, False),
        (400, _error("Throttling"), Reason.THROTTLED, True),
        (429, "", Reason.THROTTLED, True),
        (400, _error("IDPCommunicationError"), Reason.SERVER, True),
        (503, "<html>", Reason.SERVER, True),
        (404, "<html>", Reason.INVALID_RESPONSE, False),
        (403, "<ListAllMyBucketsResult/>", Reason.INVALID_RESPONSE, False),
    ],
)
def test_refusal_has_a_reason(status: int, text: str, reason: Reason, retryable: bool) -> None:
    refused = _refusal(status, text)
    assert (refused.reason, refused.retryable) == (reason, retryable)


def test_wait_that_is_asked_for_is_told() -> None:
    assert _refusal(503, _error("ServiceUnavailable"), **{"Retry-After": "7"}).retry_after == 7.0


def test_role_with_another_external_id_is_not_given(machine: Machine) -> None:
    machine.environ |= ENVIRONMENT
    told = machine.problem(role_arn=OTHER_ROLE, external_id="x2")
    assert "AssumeRole failed: auth, HTTP 403, AccessDenied" in told


def test_wrong_key_is_refused_by_sts(machine: Machine) -> None:
    told = machine.problem(access_key_id="AKENV", secret_access_key=f"{MARK}-wrong", role_arn=ROLE)
    assert "AssumeRole failed: auth" in told


def test_token_file_is_read_anew_each_time(machine: Machine) -> None:
    token = machine.write("token", "outdated")
    machine.environ |= {"AWS_WEB_IDENTITY_TOKEN_FILE": str(token), "AWS_ROLE_ARN": ROLE}
    assert "InvalidIdentityToken" in machine.problem()
    machine.write("token", f"{MARK}-web\n")
    machine.found()
    machine.environ["AWS_ROLE_SESSION_NAME"] = "no name of a session"
    assert "AWS_ROLE_SESSION_NAME is no name" in machine.problem()
    token.write_bytes(b"\xff\xfe")
    machine.environ["AWS_ROLE_SESSION_NAME"] = "night"
    assert "not a token" in machine.problem()


def test_page_in_place_of_sts_is_told(machine: Machine) -> None:
    machine.environ |= ENVIRONMENT
    machine.faults.overrides["AssumeRole"] = Canned(status=200, body=SECRET.encode())
    assert "check sts_endpoint" in machine.problem(role_arn=ROLE)
