"""Find Huawei Cloud credentials where its SDK finds them, in its order.

Vendor pages: "Credentials management" of huaweicloud-sdk-python-v3 and "Obtaining metadata" of the
ECS user guide. The order is that of the SDK: OIDC, federation, a key in the environment, the
profile file, with two differences. What is set up by halves is named and ends the search, where the
SDK would go on and sign as somebody else. And the identity of a pod comes before the agency of the
machine, which the SDK prefers: the agency of a node is not whom a pod was associated with.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from exporter.auth import Send, metadata
from exporter.auth.credentials import (
    Chain,
    CredentialProvider,
    Credentials,
    EnvironmentProvider,
    Refreshing,
    UnsupportedSource,
)
from exporter.auth.huawei import pod
from exporter.auth.huawei.agency import SESSION_NAME
from exporter.auth.huawei.federation import FederationProvider, OidcProvider, Trust
from exporter.auth.huawei.profile import ProfileProvider
from exporter.auth.huawei.token_file import TokenFile
from exporter.auth.huawei.trading import SendAs, Surroundings, parse_keys
from exporter.errors import CredentialError
from exporter.pacing import Clock
from exporter.runtime import Wait
from exporter.settings import is_endpoint

METADATA_OPERATION = "GetSecurityKey"

# The SDK renews temporary credentials when fewer than 40 minutes remain.
_MARGIN_SECONDS = 2400.0
_VARIABLES = ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_SECURITY_TOKEN")
_IAM, _STS = "HUAWEICLOUD_SDK_IAM_ENDPOINT", "HUAWEICLOUD_SDK_STS_ENDPOINT"
_OIDC = "HUAWEICLOUD_OIDC_"
_OIDC_TRUST = (f"{_OIDC}PROVIDER_URN", f"{_OIDC}AGENCY_URN")
_OIDC_TOKENS = (f"{_OIDC}ID_TOKEN", f"{_OIDC}TOKEN_FILE")
_OIDC_UNKNOWN = f"{_OIDC}ID_TOKEN_FILE"
"""What the variable of federation is called, and the one of OIDC is not."""
_OIDC_SECONDS = "3600"
_FEDERATION = ("HUAWEICLOUD_SDK_IDP_ID", "HUAWEICLOUD_SDK_ID_TOKEN_FILE")
_POD = (pod.URI, pod.TOKEN_FILE)


def huawei_chain(
    *,
    environ: Mapping[str, str],
    home: Path,
    send: SendAs,
    clock: Clock,
    metadata_url: str,
    aside: Wait,
    iam: str | None = None,
    sts: str | None = None,
) -> CredentialProvider:
    """Build the chain that is used when a source names no credentials.

    `iam` and `sts` are where these services are as the settings imply, None where they do not; the
    variables of the SDK win over them.
    """
    wrong = [
        UnsupportedSource(f"environment: {name} is no address")
        for name in (_IAM, _STS)
        if environ.get(name) and not is_endpoint(environ[name])
    ]
    around = Surroundings(
        send=send,
        clock=clock,
        aside=aside,
        iam=environ.get(_IAM) or iam,
        sts=environ.get(_STS) or sts,
        margin=_MARGIN_SECONDS,
    )
    profile = environ.get("HUAWEICLOUD_SDK_CREDENTIALS_FILE")
    path = Path(profile) if profile else home / ".huaweicloud" / "credentials"
    server = MetadataProvider(partial(send, operation=METADATA_OPERATION), metadata_url)
    return Chain(
        [
            *wrong,
            *_oidc(environ, around),
            *_federation(environ, around),
            EnvironmentProvider(environ, _VARIABLES),
            *_halves(environ, (*_OIDC_TRUST, _OIDC_TOKENS), extra=(_OIDC_UNKNOWN,)),
            *_halves(environ, _FEDERATION),
            ProfileProvider(path, around, named=bool(profile)),
            *_halves(environ, _POD),
            *_pod(environ, around),
            Refreshing(server, clock=clock, margin=_MARGIN_SECONDS),
        ]
    )


def _oidc(environ: Mapping[str, str], around: Surroundings) -> list[CredentialProvider]:
    if not all(map(environ.get, _OIDC_TRUST)) or not any(map(environ.get, _OIDC_TOKENS)):
        return []
    seconds = environ.get(f"{_OIDC}DURATION_SECONDS") or _OIDC_SECONDS
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) < 7):
        return [UnsupportedSource(f"environment: {_OIDC}DURATION_SECONDS is no number of seconds")]
    policies = environ.get(f"{_OIDC}POLICY_IDS", "").split(",")
    trust = Trust(
        provider_urn=environ[_OIDC_TRUST[0]],
        agency_urn=environ[_OIDC_TRUST[1]],
        session_name=environ.get(f"{_OIDC}SESSION_NAME") or SESSION_NAME,
        duration_seconds=int(seconds),
        policy=environ.get(f"{_OIDC}POLICY", ""),
        policy_ids=tuple(policy.strip() for policy in policies if policy.strip()),
    )
    token = environ.get(_OIDC_TOKENS[0])

    async def given() -> str:
        return token or ""

    file = TokenFile(environ.get(_OIDC_TOKENS[1], ""), aside=around.aside)
    provider = OidcProvider(
        trust,
        given if token else file.read,
        sts=around.sts,
        send=around.send,
        clock=around.clock,
    )
    return [_kept(provider, around)]


def _federation(environ: Mapping[str, str], around: Surroundings) -> list[CredentialProvider]:
    if not all(map(environ.get, _FEDERATION)):
        return []
    provider = FederationProvider(
        environ[_FEDERATION[0]],
        TokenFile(environ[_FEDERATION[1]], aside=around.aside).read,
        iam=around.iam,
        send=around.send,
        clock=around.clock,
    )
    return [_kept(provider, around)]


def _pod(environ: Mapping[str, str], around: Surroundings) -> list[CredentialProvider]:
    if not all(map(environ.get, _POD)):
        return []
    uri, token_file = (environ[name] for name in _POD)
    provider = pod.PodProvider(
        uri, token_file, send=around.send, clock=around.clock, aside=around.aside
    )
    return [_kept(provider, around)]


def _kept(provider: CredentialProvider, around: Surroundings) -> CredentialProvider:
    return Refreshing(provider, clock=around.clock, margin=around.margin)


def _halves(
    environ: Mapping[str, str],
    needed: Sequence[str | Sequence[str]],
    *,
    extra: Sequence[str] = (),
) -> list[CredentialProvider]:
    """Return what names the variables that a way to log in lacks, if it is set up by halves.

    Of variables that stand in a group any one is enough; `extra` are none of them, but show what
    was meant.
    """
    groups = [(each,) if isinstance(each, str) else tuple(each) for each in needed]
    named = [name for group in (*groups, tuple(extra)) for name in group if environ.get(name)]
    lacking = [" or ".join(group) for group in groups if not any(map(environ.get, group))]
    if not named or not lacking:
        return []
    text = f"environment: {named[0]} is set, but not {' and '.join(lacking)}"
    return [UnsupportedSource(text)]


class MetadataProvider:
    """Temporary keys of the agency that is attached to this cloud server."""

    def __init__(self, send: Send, url: str) -> None:
        self._send = send
        self._url = url

    async def credentials(self) -> Credentials:
        """Fetch new keys; raises CredentialError when the service has none or is not there."""
        headers = await self._session()
        url = f"{self._url}/openstack/latest/securitykey"
        response = await metadata.ask(self._send, "GET", url, headers)
        told = metadata.read_text(response)
        if response.status_code == 401 and "configure Cloud Service Agency" in told:
            raise CredentialError(f"{metadata.PLACE}: no agency is attached to this server")
        if response.status_code != 200:
            raise CredentialError(
                f"{metadata.PLACE}: HTTP {response.status_code} for the security key"
            )
        return parse_keys(metadata.read_object(response), metadata.PLACE)

    async def _session(self) -> dict[str, str]:
        response = await metadata.ask(
            self._send,
            "PUT",
            f"{self._url}/meta-data/latest/api/token",
            {"X-Metadata-Token-Ttl-Seconds": metadata.SESSION_SECONDS},
        )
        if response.status_code == 200:
            return {"X-Metadata-Token": metadata.read_session(response)}
        # These mean a server that knows version 1 of the service only, which needs no token.
        if response.status_code in {404, 405, 503}:
            return {}
        raise CredentialError(f"{metadata.PLACE}: HTTP {response.status_code} for a session token")
