"""Simulate STS: temporary keys for whoever an agency trusts.

Pages: "Obtaining a Temporary Security Credential Through an Agency or Trust Agency" and "…Through
the OIDC SSO Trust Agency", POST /v5/agencies/assume and /v5/agencies/assume-with-oidc.
"""

import json
import re
from collections.abc import Iterable
from typing import Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response

from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.huawei.access import HuaweiAccess
from exporter.simulator.huawei.agencies import Agency, HuaweiAgencies
from exporter.simulator.huawei.gateway import Call, Clock, HuaweiGateway
from exporter.simulator.huawei.id_tokens import IdentityProvider
from exporter.simulator.huawei.refusal import HuaweiRefusal, service_refusal

ASSUME = "AssumeAgency"
ASSUME_WITH_OIDC = "AssumeAgencyWithOIDC"

_SHORTEST, _LONGEST, _LONGEST_CHAINED = 900, 43_200, 3_600
_SESSION_NAME = re.compile(r"[\w=,.@-]{2,64}")


class _StsService:
    def __init__(
        self,
        access: HuaweiAccess,
        agencies: HuaweiAgencies,
        providers: Iterable[IdentityProvider],
    ) -> None:
        self._access = access
        self._agencies = agencies
        self._providers = {each.urn: each for each in providers}

    def assume(self, call: Call) -> Response:
        key = self._access.authenticate(call.wire, now=call.now)
        body = _read(call)
        chained = key in self._access.temporary
        seconds = _duration(body, _LONGEST_CHAINED if chained else _LONGEST)
        agency = self._agency(body)
        if agency.external_id and body.get("external_id") != agency.external_id:
            raise _forbidden("external_id")
        return self._grant(call, agency, seconds)

    def assume_with_oidc(self, call: Call) -> Response:
        if "authorization" in call.wire.headers:
            raise _invalid("signed", "Authorization")
        body = _read(call)
        seconds = _duration(body, _LONGEST)
        agency = self._agency(body)
        provider = self._providers.get(str(body.get("provider_urn")))
        if provider is None or provider.urn not in agency.trusts:
            raise _forbidden("provider")
        provider.check(body.get("id_token"), now=call.now)
        return self._grant(call, agency, seconds)

    def _agency(self, body: dict[str, Any]) -> Agency:
        if not _SESSION_NAME.fullmatch(str(body.get("agency_session_name", ""))):
            raise _invalid("session_name", "agency_session_name")
        agency = self._agencies.by_urn(body.get("agency_urn"))
        if agency is None:
            raise _forbidden("agency")
        return agency

    def _grant(self, call: Call, agency: Agency, seconds: int) -> Response:
        key = self._access.issue(agency.urn, call.now, seconds)
        credentials = {
            "access_key_id": key["access"],
            "secret_access_key": key["secret"],
            "security_token": key["securitytoken"],
            "expiration": key["expires_at"],
        }
        assumed = {"urn": f"sts::{agency.domain_id}:assumed-agency:{agency.name}", "id": "1"}
        return JSONResponse({"assumed_agency": assumed, "credentials": credentials})


def build(
    *,
    faults: FaultInjection,
    clock: Clock,
    access: HuaweiAccess,
    agencies: HuaweiAgencies,
    providers: Iterable[IdentityProvider] = (),
) -> Starlette:
    """Build an STS whose keys open `access`, for callers that it knows and for `providers`."""
    service = _StsService(access, agencies, providers)
    gateway = HuaweiGateway(faults=faults, clock=clock, admit=lambda _: None)
    return gateway.app(
        [
            gateway.route("/v5/agencies/assume", ASSUME, service.assume, "POST"),
            gateway.route(
                "/v5/agencies/assume-with-oidc", ASSUME_WITH_OIDC, service.assume_with_oidc, "POST"
            ),
        ]
    )


def _read(call: Call) -> dict[str, Any]:
    if not call.wire.headers.get("content-type", "").startswith("application/json"):
        raise _invalid("content_type", "Content-Type")
    try:
        body = json.loads(call.wire.body)
    except ValueError:
        raise _invalid("body", "body") from None
    if not isinstance(body, dict):
        raise _invalid("body", "body")
    return body


def _duration(body: dict[str, Any], longest: int) -> int:
    seconds = body.get("duration_seconds", 3600)
    if not isinstance(seconds, int) or not _SHORTEST <= seconds <= longest:
        raise _invalid("duration", "duration_seconds")
    return seconds


def _invalid(reason: str, name: str) -> HuaweiRefusal:
    return service_refusal(reason, "PAP5.0001", f"The parameter {name} is invalid.")


def _forbidden(reason: str) -> HuaweiRefusal:
    text = "You are not authorized to perform action sts:agencies:assume."
    return service_refusal(reason, "PAP5.0011", text, status=403)
