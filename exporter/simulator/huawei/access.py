"""Who may call a simulated Huawei account: keys, temporary keys, tokens and lock-outs."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from exporter.simulator.huawei.refusal import HuaweiRefusal, gateway_refusal, unauthorized
from exporter.simulator.huawei.signature import WireRequest, read_authorization, verify
from exporter.simulator.huawei.tokens import HuaweiTokens, iso_time

_TOLERATED_FAILURES = 5
_LOCK_SECONDS = 5 * 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TemporaryKey:
    """A secret key that only works together with its security token, and only for a while."""

    secret: str
    security_token: str
    expires_at: float
    holder: str = ""
    """Whom it stands for."""


class HuaweiAccess:
    """The credentials of one account, and what it remembers of failed attempts.

    `keys` maps access keys to secret keys; the registry of tokens may be shared with an IAM.
    An account with `several_projects` refuses signed requests without X-Project-Id.
    More than five failed authentications in a row lock an access key for five minutes.
    """

    def __init__(
        self,
        *,
        keys: Mapping[str, str] | None = None,
        tokens: HuaweiTokens | None = None,
        several_projects: bool = True,
    ) -> None:
        self.keys = dict(keys or {})
        self.temporary: dict[str, TemporaryKey] = {}
        self.tokens = tokens if tokens is not None else HuaweiTokens()
        self._several_projects = several_projects
        self._failures: dict[str, int] = {}
        self._locked_until: dict[str, float] = {}

    def locked(self, access_key: str, now: float) -> bool:
        """Tell whether failed attempts have locked this key."""
        return now < self._locked_until.get(access_key, 0.0)

    def authorize(self, request: WireRequest, *, project_id: str, now: float) -> None:
        """Let a request for a project pass. Raises HuaweiRefusal with the gateway's answer."""
        if "x-auth-token" in request.headers:
            token = self.tokens.check(request.headers["x-auth-token"], now)
            if token.project_id != project_id:
                raise _wrong_project()
            return
        self.authenticate(request, now=now)
        named = request.headers.get("x-project-id", "" if self._several_projects else project_id)
        if named != project_id:
            raise _wrong_project()

    def authenticate(self, request: WireRequest, *, now: float) -> str:
        """Return the key that has signed a request. Raises HuaweiRefusal when none has."""
        if "authorization" not in request.headers:
            raise unauthorized("unauthenticated", "x-auth-token not found")
        claim = read_authorization(request.headers["authorization"])
        key = claim.access_key
        if self.locked(key, now):
            raise unauthorized("locked", "AK access failed to reach the limit,forbidden.")
        try:
            verify(request, claim, secret=self._secret(key, request, now), now=now)
        except HuaweiRefusal as refusal:
            self._count_failure(refusal.failed_key, now)
            raise
        self._failures.pop(key, None)
        return key

    def issue(self, holder: str, now: float, lifetime: float) -> dict[str, str]:
        """Issue a temporary key to somebody; return its parts, the last being when it ends."""
        digest = sha256(f"{holder}:{now}:{len(self.temporary)}".encode()).hexdigest()
        key = TemporaryKey(
            secret=digest[20:60],
            security_token=digest * 8,
            expires_at=now + lifetime,
            holder=holder,
        )
        access_key = digest[:20].upper()
        self.temporary[access_key] = key
        ends = iso_time(key.expires_at)
        names = ("access", "secret", "securitytoken", "expires_at")
        return dict(zip(names, (access_key, key.secret, key.security_token, ends), strict=True))

    def _secret(self, key: str, request: WireRequest, now: float) -> str:
        if key in self.keys:
            return self.keys[key]
        temporary = self.temporary.get(key)
        if temporary is None:
            raise unauthorized("unknown_key", f"Get secretKey failed,ak:{key},err:ak not exist")
        if request.headers.get("x-security-token") != temporary.security_token:
            raise unauthorized("security_token", "verify aksk signature fail", failed_key=key)
        if now >= temporary.expires_at:
            raise unauthorized("security_token_expired", "securityToken expired", failed_key=key)
        return temporary.secret

    def _count_failure(self, key: str, now: float) -> None:
        if not key:
            return
        self._failures[key] = self._failures.get(key, 0) + 1
        if self._failures[key] > _TOLERATED_FAILURES:
            self._locked_until[key] = now + _LOCK_SECONDS
            del self._failures[key]


def _wrong_project() -> HuaweiRefusal:
    return gateway_refusal("project", "0310", "The project is unavailable.", status=403)
