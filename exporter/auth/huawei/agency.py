"""Assume an agency: become what another account, or another part of one's own, lets one be.

Vendor pages: "Obtaining a Temporary Security Credential Through an Agency or Trust Agency" (STS,
AssumeAgency, POST /v5/agencies/assume) and, the older way, "Obtaining Temporary Access Keys and
Security Tokens of an Agency" (IAM, CreateTemporaryAccessKeyByAgency, POST
/v3.0/OS-CREDENTIAL/securitytokens). Both are signed with the key of whoever assumes. STS names an
agency by the id of its account, IAM by the account's name too, also where there is no STS.
"""

from dataclasses import dataclass

import httpx

from exporter.auth.credentials import CredentialProvider, Credentials
from exporter.auth.guard import Guarding
from exporter.auth.huawei.refusal import Advice
from exporter.auth.huawei.signature import sign
from exporter.auth.huawei.trading import SendAs, check_granted, post, read_answer
from exporter.errors import Reason
from exporter.pacing import Clock

STS_OPERATION = "AssumeAgency"
IAM_OPERATION = "CreateTemporaryAccessKeyByAgency"
SESSION_NAME = "streaming-job-exporter"
LIFETIME_SECONDS = 3600
"""The most that STS allows when the key that assumes is a temporary one itself."""
MARGIN_SECONDS = 600.0

_NOT_ALLOWED = (
    "the agency is not there, or may not be assumed: check auth.assume_agency, and whether these "
    "credentials are among those that the agency trusts"
)
ADVICE: Advice = {
    400: (Reason.AUTH, "auth.assume_agency is not accepted: check account and agency"),
    401: (Reason.AUTH, "the credentials that are to assume the agency are refused"),
    403: (Reason.AUTH, _NOT_ALLOWED),
    404: (Reason.NOT_FOUND, _NOT_ALLOWED),
    429: (Reason.THROTTLED, ""),
}
STRANGER = "this is no IAM or STS: check auth.assume_agency.endpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    """Which agency, of the account with this name or this id."""

    name: str
    domain: str = ""
    domain_id: str = ""
    external_id: str = ""
    session_name: str = SESSION_NAME

    @property
    def by_sts(self) -> bool:
        """Say whether STS can name it: only by the id of its account."""
        return bool(self.domain_id)

    @property
    def urn(self) -> str:
        """Return its name in STS."""
        return f"iam::{self.domain_id}:agency:{self.name}"

    def as_role(self) -> dict[str, str]:
        """Return its name in IAM."""
        account = {"domain_id": self.domain_id} if self.domain_id else {"domain_name": self.domain}
        return {"agency_name": self.name, **account}


class AgencyProvider:
    """Temporary keys of an agency, at the price of one request signed by `base`."""

    def __init__(
        self,
        agency: Agency,
        base: CredentialProvider,
        *,
        endpoint: str,
        send: SendAs,
        guard: Guarding,
        clock: Clock,
    ) -> None:
        self._agency = agency
        self._base = base
        self._endpoint = endpoint.rstrip("/")
        self._send = send
        self._guard = guard
        self._clock = clock

    async def credentials(self) -> Credentials:
        """Assume the agency; raises CredentialError for those of `base`, FetchError otherwise."""
        operation, request = self._request()
        self._sign(request, await self._base.credentials())
        guard = await self._guard.chosen()
        async with guard.attempt() as attempt:
            response = await self._send(request, operation)
            if response.status_code == 401:
                attempt.rejected()
            elif response.status_code in {200, 201}:
                attempt.accepted()
        check_granted(response, operation, now=self._clock(), advice=ADVICE, stranger=STRANGER)
        return read_answer(response, operation)

    def _request(self) -> tuple[str, httpx.Request]:
        agency = self._agency
        if agency.by_sts:
            body: dict[str, object] = {
                "agency_urn": agency.urn,
                "agency_session_name": agency.session_name,
                "duration_seconds": LIFETIME_SECONDS,
            }
            if agency.external_id:
                body["external_id"] = agency.external_id
            return STS_OPERATION, post(f"{self._endpoint}/v5/agencies/assume", body)
        role = {**agency.as_role(), "duration_seconds": LIFETIME_SECONDS}
        identity = {"methods": ["assume_role"], "assume_role": role}
        url = f"{self._endpoint}/v3.0/OS-CREDENTIAL/securitytokens"
        return IAM_OPERATION, post(url, {"auth": {"identity": identity}})

    def _sign(self, request: httpx.Request, credentials: Credentials) -> None:
        signed = {name: request.headers[name] for name in ("Host", "Content-Type")}
        target = request.url.raw_path.decode("ascii")
        request.headers.update(
            sign(request.method, target, signed, request.content, credentials, self._clock())
        )
