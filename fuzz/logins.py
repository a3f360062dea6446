"""Fuzz what reads the answers of services that hand out keys."""

import httpx

from exporter.auth.alibaba.sts_answers import parse_keys, parse_role_keys, read_sts_refusal
from exporter.auth.credentials import Credentials
from exporter.auth.tencent.sts_answers import parse_role_keys as parse_tencent_keys
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

_TENCENT_KEYS = {"TmpSecretId": "AKID1", "TmpSecretKey": "secret", "Token": "token"}
_TENCENT_EXAMPLES = (
    {"Response": {"Credentials": _TENCENT_KEYS, "ExpiredTime": 1700003600, "RequestId": "R"}},
    {"Response": {"Credentials": _TENCENT_KEYS, "ExpiredTime": 1e400}},
    {"Response": {"Error": {"Code": "ResourceNotFound.RoleNotFound", "Message": "m"}}},
    {"Response": {"Error": {"Code": "InvalidParameter.OverLimit"}, "RequestId": "R"}},
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


def _check_tencent(data: bytes) -> None:
    for status in (200, 403, 503):
        try:
            _sound(parse_tencent_keys(httpx.Response(status, content=data), "AssumeRole", NOW))
        except FetchError as exc:
            str(exc).encode("ascii")
            continue
        if status != 200:
            raise Unsound("keys of somebody on the way")


def _sound(keys: Credentials) -> None:
    if not (keys.security_token and keys.expires_at):
        raise Unsound("temporary keys without a token or an end")


def targets() -> tuple[Target, ...]:
    """Return a target for the answers of STS and the like."""
    return (
        json_target("sts_answers", _check, (parse_role_keys, parse_keys), _EXAMPLES),
        json_target("tencent_keys", _check_tencent, (parse_tencent_keys,), _TENCENT_EXAMPLES),
    )
