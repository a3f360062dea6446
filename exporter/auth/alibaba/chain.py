"""Find Alibaba Cloud credentials where its SDKs find them, in their order.

Vendor page: "Manage access credentials", default credential provider chain: environment, OIDC,
the CLI's config.json, credentials.ini, ECS instance role, credentials URI. What one of them sets up
is used, or named when it cannot be, and ends the search, since the role of the machine is not the
identity that was meant. For the same reason the URI is looked at before that role, although the
SDKs prefer the role, and a key beside a role to assume is used to assume it, although the SDKs sign
with the key itself.
"""

from collections.abc import Mapping
from pathlib import Path

from exporter.auth.alibaba.cli_profiles import CliProvider
from exporter.auth.alibaba.fields import session_name
from exporter.auth.alibaba.ini_profiles import IniProvider
from exporter.auth.alibaba.instance import MARGIN_SECONDS, InstanceProvider
from exporter.auth.alibaba.oidc import OidcRole
from exporter.auth.alibaba.sts import Role, is_role_arn
from exporter.auth.alibaba.surroundings import Surroundings
from exporter.auth.alibaba.uri import UriProvider
from exporter.auth.credentials import (
    Chain,
    CredentialProvider,
    EnvironmentProvider,
    Refreshing,
    UnsupportedSource,
)

_VARIABLES = (
    "ALIBABA_CLOUD_ACCESS_KEY_ID",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    "ALIBABA_CLOUD_SECURITY_TOKEN",
)
_ROLE = "ALIBABA_CLOUD_ROLE_ARN"
_OIDC = (
    _ROLE,
    "ALIBABA_CLOUD_OIDC_PROVIDER_ARN",
    "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
)
_URI = "ALIBABA_CLOUD_CREDENTIALS_URI"


def alibaba_chain(home: Path, surroundings: Surroundings) -> CredentialProvider:
    """Build the chain that is used when a source has no key in its `auth`."""
    environ = surroundings.environ
    providers = [
        *_key(surroundings),
        *_pod(surroundings),
        CliProvider(home / ".aliyun" / "config.json", surroundings),
        IniProvider(home / ".alibabacloud" / "credentials.ini", surroundings),
    ]
    if address := environ.get(_URI):
        provider = UriProvider(_URI, address, surroundings.send)
        providers.append(Refreshing(provider, clock=surroundings.clock, margin=MARGIN_SECONDS))
    server = InstanceProvider(environ, surroundings.send, surroundings.metadata_url)
    providers.append(Refreshing(server, clock=surroundings.clock, margin=MARGIN_SECONDS))
    return Chain(providers)


def _key(surroundings: Surroundings) -> list[CredentialProvider]:
    """Return the key of the environment, or the role that it is there to assume."""
    environ = surroundings.environ
    key = EnvironmentProvider(environ, _VARIABLES)
    if not environ.get(_ROLE) or any(map(environ.get, _OIDC[1:])):
        return [key]
    if not any(map(environ.get, _VARIABLES)):
        return [
            UnsupportedSource(
                f"environment: {_ROLE} is set, but neither {' and '.join(_VARIABLES[:2])} "
                f"nor {' and '.join(_OIDC[1:])}"
            )
        ]
    role = _role(environ)
    return [surroundings.assumed(key, role)] if role is not None else [_no_arn()]


def _pod(surroundings: Surroundings) -> list[CredentialProvider]:
    """Return the role of the pod (RRSA), or what is missing of one that is set up by halves."""
    environ = surroundings.environ
    found = [name for name in _OIDC if environ.get(name)]
    if not found:
        return []
    if len(found) < len(_OIDC):
        # Of these the SDKs would say nothing and go on.
        lacking = [name for name in _OIDC if name not in found]
        given = f"{' and '.join(found)} {'are' if len(found) > 1 else 'is'} set"
        return [UnsupportedSource(f"environment: {given}, but {' and '.join(lacking)} not")]
    role = _role(environ)
    if role is None:
        return [_no_arn()]
    provider = OidcRole(
        role,
        provider_arn=environ[_OIDC[1]],
        token_file=Path(environ[_OIDC[2]]),
        sts=surroundings.sts(),
        aside=surroundings.aside,
    )
    return [surroundings.with_oidc(provider, role)]


def _role(environ: Mapping[str, str]) -> Role | None:
    arn = environ[_ROLE]
    return Role(arn=arn, session_name=session_name(environ)) if is_role_arn(arn) else None


def _no_arn() -> CredentialProvider:
    return UnsupportedSource(f"environment: {_ROLE} is no acs:ram::<account>:role/<name>")
