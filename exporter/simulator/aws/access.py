"""Who may do what in one simulated account: keys, temporary keys, roles and what is denied."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256

from exporter.simulator.aws.refusal import AwsRefusal, denied
from exporter.simulator.aws.signature import WireRequest, read_authorization, verify

ACCOUNT = "123456789012"


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsKey:
    """One access key; a temporary one has a session token and an end."""

    key_id: str
    secret: str
    session_token: str = ""
    expires_at: float | None = None


class AwsAccess:
    """The keys of one account in one region.

    `roles` maps ARNs to the external id that assuming them takes, empty for none; `web_tokens` are
    tokens that an identity provider issued; roles are good for `role_seconds`, unless who takes one
    says otherwise. Actions in `denied` are allowed by no policy.
    """

    def __init__(
        self,
        *keys: AwsKey,
        region: str = "eu-west-1",
        roles: Mapping[str, str] | None = None,
        web_tokens: Collection[str] = (),
        role_seconds: float = 3600.0,
    ) -> None:
        self.region = region
        self.keys = {key.key_id: key for key in keys}
        self.roles = dict(roles or {})
        self.web_tokens = set(web_tokens)
        self.role_seconds = role_seconds
        self.denied: set[str] = set()
        self._issued = 0

    def issue(self, *, expires_at: float) -> AwsKey:
        """Issue a temporary key, good until then."""
        self._issued += 1
        digest = sha256(f"{self.region}:{self._issued}:{expires_at}".encode()).hexdigest()
        key = AwsKey(
            key_id=f"ASIA{digest[:16].upper()}",
            secret=f"{digest[16:54]}/+",
            session_token=f"{digest * 4}/+==",
            expires_at=expires_at,
        )
        self.keys[key.key_id] = key
        return key

    def authorize(self, request: WireRequest, service: str, action: str, now: float) -> AwsKey:
        """Let a request of a service pass. Raises AwsRefusal in the words of the gateway."""
        claim = read_authorization(request.headers)
        key = self.keys.get(claim.access_key)
        if key is None or request.headers.get("x-amz-security-token", "") != key.session_token:
            message = "The security token included in the request is invalid."
            raise AwsRefusal("unknown_key", "UnrecognizedClientException", message, status=403)
        if key.expires_at is not None and now >= key.expires_at:
            message = "The security token included in the request is expired"
            raise AwsRefusal("expired", "ExpiredTokenException", message, status=403)
        if (claim.service, claim.region) != (service, self.region):
            message = f"Credential should be scoped to correct service: '{service}'."
            raise AwsRefusal("scope", "InvalidSignatureException", message)
        verify(request, claim, secret=key.secret, now=now)
        if action in self.denied:
            raise denied(action)
        return key
