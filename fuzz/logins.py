"""Fuzz what reads the answers of services that hand out keys."""

import httpx

from exporter.auth.alibaba.sts_answers import parse_keys, parse_role_keys, read_sts_refusal
from exporter.auth.credentials import Credentials
from exporter.errors import CredentialError, FetchError
from fuzz.page import NOW, Unsound
from fuzz.target import Target, json_target

_KEYS = {
    "AccessKeyId": "STS.NU1",
    "AccessKeySecret": "secret",
    "SecurityToken": "CAIS",
    "Expiration": "2023-11-14T23:13:20Z",
}
_EXAMPLES = (
    {"RequestId": "R", "Credentials": _KEYS, "AssumedRoleUser": {"Arn": "a"}},
    {"Code": "Success", **_KEYS},
    {"CloudCredential": {**_KEYS, "Expiration": "2023-11-14T23:13:20+08:00"}},
    {"Code": "AuthenticationFail.OIDCToken.Expired", "Message": "m", "RequestId": "R"},
    {"Code": "Rejected.Throttling", "Message": "m"},
    {"Credentials": {**_KEYS, "Expiration": None}},
)


def _check(data: bytes) -> None:
    for status in (200, 400, 403, 503):
        answer = httpx.Response(status, content=data)
        refusal = read_sts_refusal(answer, "AssumeRole", NOW)
        if (refusal is None) != (status == 200):
            raise Unsound("a refusal without a status, or the reverse")
        if refusal is not None:
            str(refusal).encode("ascii")
    answer = httpx.Response(200, content=data)
    for name in ("Credentials", "CloudCredential", ""):
        try:
            _sound(parse_role_keys(answer, "AssumeRole", name))
        except FetchError:
            continue
    try:
        document = answer.json()
    except (ValueError, RecursionError):
        return
    if isinstance(document, dict):
        try:
            _sound(parse_keys(document, "here"))
        except CredentialError:
            return


def _sound(keys: Credentials) -> None:
    if not (keys.security_token and keys.expires_at):
        raise Unsound("temporary keys without a token or an end")


def targets() -> tuple[Target, ...]:
    """Return a target for the answers of STS and the like."""
    return (json_target("sts_answers", _check, (parse_role_keys, parse_keys), _EXAMPLES),)
