"""Log in to Tencent Cloud as the pod: STS exchanges the token of its service account for keys.

Vendor pages: "AssumeRoleWithWebIdentity" (sts 2018-08-13) and TKE's access management for pods,
which puts four variables and the token's file into the pod. The call is not signed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from exporter.auth.cached_file import CachedFile
from exporter.auth.credentials import CredentialProvider, Credentials, UnsupportedSource
from exporter.auth.tencent.roles import DEFAULT_SECONDS, Role
from exporter.auth.tencent.sts import Sts
from exporter.errors import UnusableError
from exporter.runtime import Wait

PLACE = "TKE identity"
_VARIABLES = (
    "TKE_REGION",
    "TKE_PROVIDER_ID",
    "TKE_WEB_IDENTITY_TOKEN_FILE",
    "TKE_ROLE_ARN",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Login:
    """Whom to log in as, and where."""

    region: str
    provider_id: str
    role: Role


def web_identity(environ: Mapping[str, str], *, sts: Sts, aside: Wait) -> CredentialProvider | None:
    """Return the identity of the pod as TKE sets it up; None where nothing of it is."""
    region, provider_id, file, role_arn = (environ.get(name, "") for name in _VARIABLES)
    missing = [name for name in _VARIABLES if not environ.get(name)]
    if len(missing) == len(_VARIABLES):
        return None
    if missing:
        return UnsupportedSource(f"{PLACE}: {' and '.join(missing)} not set")
    if not sts.is_known:
        # The token must not be sent to another cloud than the one that is asked.
        return UnsupportedSource(
            f"{PLACE}: sts_endpoint is required, since endpoint is not a public one"
        )
    login = _Login(region=region, provider_id=provider_id, role=Role(arn=role_arn))
    return WebIdentity(login, Path(file), sts=sts, aside=aside)


class WebIdentity:
    """Temporary keys for the token in a file, which is read anew at each login."""

    MARGIN_SECONDS = 0.1 * DEFAULT_SECONDS
    """Renewed when nine tenths of its life are over, as the SDK does."""

    def __init__(self, login: _Login, path: Path, *, sts: Sts, aside: Wait) -> None:
        self._login = login
        self._file = CachedFile(path, str.strip, aside=aside, named=True)
        self._sts = sts

    async def credentials(self) -> Credentials:
        """Log in.

        Raises UnusableError when the file will not have it, FetchError when STS will not, cannot be
        reached or is out of order: another identity is used in none of these cases.
        """
        token = await self._file.read()
        if not token:
            raise UnusableError(f"{self._file.path}: empty")
        login = self._login
        return await self._sts.exchange(
            token, login.role, provider_id=login.provider_id, region=login.region
        )
