"""Simulate STS, version 2011-06-15: roles for a while, in the query protocol and XML."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qsl
from uuid import UUID

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from exporter.simulator.aws.access import ACCOUNT, AwsAccess, AwsKey
from exporter.simulator.aws.gateway import Clock, read_wire
from exporter.simulator.aws.refusal import AwsRefusal
from exporter.simulator.aws.signature import WireRequest
from exporter.simulator.fault_injection import FaultInjection, Trouble

ASSUME, ASSUME_BY_TOKEN = "AssumeRole", "AssumeRoleWithWebIdentity"
IDENTITY = "GetCallerIdentity"
_VERSION = "2011-06-15"
_FORM = "application/x-www-form-urlencoded"


def build(*, faults: FaultInjection, clock: Clock, access: AwsAccess) -> Starlette:
    """Build the service of one region; the keys it issues open `access`."""
    service = _Sts(faults, clock, access)
    return Starlette(routes=[Route("/", service.answer, methods=["POST"])])


class _Sts:
    def __init__(self, faults: FaultInjection, clock: Clock, access: AwsAccess) -> None:
        self._faults = faults
        self._clock = clock
        self._access = access
        self._answers = 0

    async def answer(self, request: Request) -> Response:
        self._answers += 1
        request_id = str(UUID(int=self._answers))
        wire = await read_wire(request)
        form = dict(parse_qsl(wire.body.decode("utf-8", "replace"), keep_blank_values=True))
        operation = form.get("Action", "unknown")
        trouble = await self._faults.arrive(self._clock())
        now = self._clock()
        canned = self._faults.overrides.get(operation)
        try:
            if trouble is Trouble.OUTAGE:
                raise AwsRefusal(trouble, "ServiceUnavailable", status=503)
            if trouble is Trouble.THROTTLED:
                raise AwsRefusal(trouble, "Throttling", "Rate exceeded")
            if canned is not None:
                self._faults.record(operation, now, "overridden")
                return Response(canned.body, canned.status, canned.headers)
            text = self._act(wire, form, operation, now, request_id)
        except AwsRefusal as refusal:
            self._faults.record(operation, now, refusal.reason)
            return refusal.as_xml(request_id)
        self._faults.record(operation, now)
        return Response(text, media_type="text/xml")

    def _act(
        self,
        wire: WireRequest,
        form: Mapping[str, str],
        operation: str,
        now: float,
        request_id: str,
    ) -> str:
        if not wire.headers.get("content-type", "").startswith(_FORM):
            raise AwsRefusal("content_type", "MissingAction")
        if form.get("Version") != _VERSION:
            raise AwsRefusal("version", "InvalidAction")
        if operation == IDENTITY:
            key = self._access.authorize(wire, "sts", f"sts:{operation}", now)
            return _identity(key, request_id)
        if operation == ASSUME:
            self._access.authorize(wire, "sts", f"sts:{operation}", now)
            wanted = self._access.roles.get(form.get("RoleArn", ""))
            if wanted is None or wanted != form.get("ExternalId", ""):
                raise _denied(operation)
        elif operation == ASSUME_BY_TOKEN:
            if form.get("WebIdentityToken", "") not in self._access.web_tokens:
                raise AwsRefusal("token", "InvalidIdentityToken", "The token is not valid")
            if form.get("RoleArn", "") not in self._access.roles:
                raise _denied(operation)
        else:
            raise AwsRefusal("operation", "InvalidAction")
        return self._credentials(form, operation, now, request_id)

    def _credentials(
        self, form: Mapping[str, str], operation: str, now: float, request_id: str
    ) -> str:
        if not re.fullmatch(r"[\w+=,.@-]{2,64}", form.get("RoleSessionName", ""), re.ASCII):
            raise AwsRefusal("parameter", "ValidationError", "roleSessionName")
        given = form.get("DurationSeconds", "900")
        if not given.isdigit() or not 900 <= int(given) <= 43200:
            raise AwsRefusal("parameter", "ValidationError", "durationSeconds")
        seconds = int(given) if "DurationSeconds" in form else self._access.role_seconds
        key = self._access.issue(expires_at=int(now + seconds))
        return (
            f'<{operation}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
            f"<{operation}Result><Credentials>"
            f"<AccessKeyId>{key.key_id}</AccessKeyId>"
            f"<SecretAccessKey>{key.secret}</SecretAccessKey>"
            f"<SessionToken>{key.session_token}</SessionToken>"
            f"<Expiration>{_iso(key.expires_at or now)}</Expiration></Credentials>"
            f"<AssumedRoleUser><Arn>{form.get('RoleArn')}</Arn>"
            f"<AssumedRoleId>AROA:{form.get('RoleSessionName')}</AssumedRoleId></AssumedRoleUser>"
            f"</{operation}Result><ResponseMetadata><RequestId>{request_id}</RequestId>"
            f"</ResponseMetadata></{operation}Response>"
        )


def _identity(key: AwsKey, request_id: str) -> str:
    kind = "assumed-role/reader/x" if key.session_token else "user/demo"
    return (
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
        f"<GetCallerIdentityResult><Arn>arn:aws:iam::{ACCOUNT}:{kind}</Arn>"
        f"<UserId>AIDA</UserId><Account>{ACCOUNT}</Account></GetCallerIdentityResult>"
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        "</GetCallerIdentityResponse>"
    )


def _denied(operation: str) -> AwsRefusal:
    message = f"User is not authorized to perform: sts:{operation}"
    return AwsRefusal("denied", "AccessDenied", message, status=403)


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
