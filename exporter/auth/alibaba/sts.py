"""Exchange a key, or the token of a pod, for the temporary keys of a RAM role.

Vendor pages: "AssumeRole" and "AssumeRoleWithOIDC" of the STS API 2015-04-01, "Use RRSA to
authorize different pods" for the second one's errors. Parameters go in the body, as in the vendor's
newer SDKs: addresses get into the logs of whatever stands between.
"""

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx

from exporter.auth import canonical
from exporter.auth.alibaba import Send
from exporter.auth.alibaba.asking import ask
from exporter.auth.alibaba.signature import sign
from exporter.auth.alibaba.sts_answers import parse_role_keys, read_sts_refusal
from exporter.auth.assumed_role import margin_of
from exporter.auth.credentials import Credentials
from exporter.auth.guard import GuardBook
from exporter.errors import Reason, UnusableError
from exporter.pacing import Clock
from exporter.secret import Secret

ASSUME_ROLE = "AssumeRole"
ASSUME_ROLE_WITH_OIDC = "AssumeRoleWithOIDC"
SESSION_NAME = "streaming-job-exporter"
DEFAULT_SECONDS = 3600
SHORTEST_SECONDS = 900
LONGEST_SECONDS = 43200
"""STS gives out nothing shorter, and nothing longer."""

_VERSION = "2015-04-01"
_FORM = "application/x-www-form-urlencoded"
_ROLE_ARN = re.compile(r"acs:ram::\d{1,32}:role/[\w.+=@-]{1,64}", re.ASCII)


def is_role_arn(text: str) -> bool:
    """Say whether a text names a RAM role: `acs:ram::<account>:role/<name>`."""
    return _ROLE_ARN.fullmatch(text) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role to assume; `seconds` is how long its keys are to live."""

    arn: str
    session_name: str = SESSION_NAME
    external_id: Secret | None = field(default=None, repr=False)
    policy: str = field(default="", repr=False)
    seconds: int = DEFAULT_SECONDS

    @property
    def margin(self) -> float:
        """Return how many seconds before their end its keys are renewed, as the SDKs do."""
        return margin_of(self.seconds)

    def parameters(self) -> list[tuple[str, str]]:
        """Return what STS is told of it."""
        optional = {
            "ExternalId": self.external_id.reveal() if self.external_id is not None else "",
            "Policy": self.policy,
        }
        return [
            ("RoleArn", self.arn),
            ("RoleSessionName", self.session_name),
            ("DurationSeconds", str(self.seconds)),
            *((name, value) for name, value in optional.items() if value),
        ]


class Sts:
    """The STS at one address; None where it is not known."""

    def __init__(
        self,
        endpoint: str | None,
        *,
        send: Send,
        guards: GuardBook,
        clock: Clock,
        nonce: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._endpoint = endpoint
        self._send = send
        self._guards = guards
        self._clock = clock
        self._nonce = nonce

    async def assume(self, role: Role, credentials: Credentials) -> Credentials:
        """Return keys of a role that the credentials may assume.

        Raises FetchError, UnusableError where no STS is known, CredentialError while the use of
        these credentials is paused.
        """
        body = canonical.query(role.parameters()).encode()
        request = self._request("/", body, {"x-acs-action": ASSUME_ROLE, "x-acs-version": _VERSION})
        request.headers.update(
            sign(
                request.method,
                request.url.raw_path.decode("ascii"),
                request.headers,
                body,
                credentials,
                timestamp=self._clock(),
                nonce=self._nonce(),
            )
        )
        return await self._keys(ASSUME_ROLE, request, role, credentials.secret_key)

    async def assume_with_oidc(self, role: Role, provider_arn: str, token: str) -> Credentials:
        """Return keys of a role that trusts who issued a token; nothing is signed.

        Raises what `assume` raises.
        """
        common = [("Action", ASSUME_ROLE_WITH_OIDC), ("Format", "JSON"), ("Version", _VERSION)]
        parameters = [
            *role.parameters(),
            ("OIDCProviderArn", provider_arn),
            ("OIDCToken", token),
        ]
        body = canonical.query(parameters).encode()
        request = self._request(f"/?{canonical.query(common)}", body, {})
        return await self._keys(ASSUME_ROLE_WITH_OIDC, request, role, token)

    def _request(self, target: str, body: bytes, headers: Mapping[str, str]) -> httpx.Request:
        if self._endpoint is None:
            raise UnusableError(
                "a role cannot be assumed: the STS of this endpoint is not known, "
                "give auth.sts_endpoint"
            )
        sent = {"Accept": "application/json", "Content-Type": _FORM, **headers}
        return httpx.Request("POST", f"{self._endpoint}{target}", headers=sent, content=body)

    async def _keys(
        self, operation: str, request: httpx.Request, role: Role, secret: str
    ) -> Credentials:
        guard = self._guards.of("\n".join(("sts", str(self._endpoint), role.arn)), secret)
        async with guard.attempt() as attempt:
            response = await ask(self._send, request, operation)
            refusal = read_sts_refusal(response, operation, self._clock())
            if refusal is None:
                attempt.accepted()
            elif refusal.reason is Reason.AUTH:
                attempt.rejected()
        if refusal is not None:
            raise refusal
        return parse_role_keys(response, operation)


def sts_endpoint(
    environ: Mapping[str, str], *, region: str = "", vpc: bool | None = None
) -> str | None:
    """Return the public address of STS, chosen as the vendor's SDKs do; None for no region.

    A region, and whether to ask within the network of the account, are told by a profile or else
    by the environment; without a region there is one address for all.
    """
    chosen = region or environ.get("ALIBABA_CLOUD_STS_REGION", "")
    if not chosen:
        return "https://sts.aliyuncs.com"
    if not re.fullmatch(r"[a-z0-9-]{1,64}", chosen):
        return None
    if vpc is None:
        vpc = environ.get("ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED", "").lower() == "true"
    return f"https://{'sts-vpc' if vpc else 'sts'}.{chosen}.aliyuncs.com"
