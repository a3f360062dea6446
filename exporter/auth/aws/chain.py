"""Put together who asks Amazon Web Services: what is configured, else the usual places in order.

Vendor page: "Standardized credential providers" of the AWS SDKs and Tools Reference Guide, in the
order of botocore: environment, a profile that assumes a role, web identity, any other profile,
container, instance.
"""

from collections.abc import Mapping
from pathlib import Path

from exporter.auth.aws.machine import CONTAINER_HOST, ContainerProvider, InstanceProvider
from exporter.auth.aws.profiles import Places, Profiles, RestOfProfile, RoleOfProfile
from exporter.auth.aws.roles import AssumedRole, Role, SecurityTokenService, WebIdentityRole
from exporter.auth.aws.sending import SendAs
from exporter.auth.aws.settings import SESSION_NAME, AwsAuthSettings, is_session_name
from exporter.auth.credentials import (
    Chain,
    CredentialProvider,
    Credentials,
    EnvironmentProvider,
    Refreshing,
    StaticProvider,
)
from exporter.errors import CredentialError, UnusableError
from exporter.pacing import Clock
from exporter.runtime import Wait

MARGIN_SECONDS = 900.0
"""The vendor's tools renew temporary keys so long before they expire."""
_TOKEN_FILE, _ROLE = "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"


class Identities:
    """Whoever this program may be, by what surrounds it."""

    def __init__(
        self,
        *,
        environ: Mapping[str, str],
        home: Path,
        region: str,
        sts_endpoint: str | None,
        send: SendAs,
        aside: Wait,
        clock: Clock,
        instance_url: str | None = None,
        container_host: str = CONTAINER_HOST,
    ) -> None:
        """Take what surrounds it; `sts_endpoint` is None where it is not known.

        `instance_url` and `container_host` are for services that are elsewhere than usual.
        """
        self._environ = environ
        self._home = home
        self._aside = aside
        self._clock = clock
        self._service = SecurityTokenService(
            sts_endpoint, region=region, send=send, aside=aside, clock=clock
        )
        self._environment = EnvironmentProvider(environ, _variables(environ))
        self._container = self._fresh(
            ContainerProvider(environ, send, aside=aside, host=container_host)
        )
        self._instance = self._fresh(InstanceProvider(environ, send, url=instance_url))

    def of(self, auth: AwsAuthSettings | None) -> CredentialProvider:
        """Return what hands out the keys of a source with these settings."""
        base = self._base(auth)
        if auth is None or auth.role_arn is None:
            return base
        role = Role(
            arn=auth.role_arn,
            session_name=auth.role_session_name,
            external_id=auth.external_id or "",
        )
        return self._fresh(AssumedRole(self._service, role, base))

    def _base(self, auth: AwsAuthSettings | None) -> CredentialProvider:
        if auth is not None and auth.has_key:
            return StaticProvider(
                auth.known_secret("access_key_id"),
                auth.known_secret("secret_access_key"),
                auth.secret("session_token"),
            )
        if auth is not None and auth.profile is not None:
            profiles = self._profiles(auth.profile)
            return Chain([RoleOfProfile(profiles), RestOfProfile(profiles)])
        profiles = self._profiles(None)
        return Chain(
            [
                self._environment,
                RoleOfProfile(profiles),
                self._fresh(_WebIdentity(self._environ, self._service)),
                RestOfProfile(profiles),
                self._container,
                self._instance,
            ]
        )

    def _profiles(self, chosen: str | None) -> Profiles:
        return Profiles(
            self._environ,
            self._home,
            chosen=chosen,
            service=self._service,
            places=Places(
                environment=self._environment, container=self._container, instance=self._instance
            ),
            fresh=self._fresh,
            aside=self._aside,
        )

    def _fresh(self, provider: CredentialProvider) -> CredentialProvider:
        return Refreshing(provider, clock=self._clock, margin=MARGIN_SECONDS)


class _WebIdentity:
    """The role of a service account of Kubernetes (IRSA), as the environment names it."""

    def __init__(self, environ: Mapping[str, str], service: SecurityTokenService) -> None:
        self._environ = environ
        self._service = service

    async def credentials(self) -> Credentials:
        """Ask for new keys.

        Raises CredentialError when nothing of it is set up, UnusableError when only half of it is,
        FetchError when STS gives none.
        """
        token_file, arn = self._environ.get(_TOKEN_FILE), self._environ.get(_ROLE)
        if not token_file:
            # The role alone is what other tools take for other ways to log in.
            raise CredentialError(f"environment: {_TOKEN_FILE} not set")
        if not arn:
            raise UnusableError(f"environment: {_TOKEN_FILE} is set, but {_ROLE} is not")
        name = self._environ.get("AWS_ROLE_SESSION_NAME") or SESSION_NAME
        if not is_session_name(name):
            raise UnusableError("environment: AWS_ROLE_SESSION_NAME is no name of a session")
        role = Role(arn=arn, session_name=name)
        return await WebIdentityRole(self._service, role, Path(token_file)).credentials()


def _variables(environ: Mapping[str, str]) -> tuple[str, str, str]:
    # Older tools know the token by another name, which the vendor's look for first.
    token = "AWS_SECURITY_TOKEN" if environ.get("AWS_SECURITY_TOKEN") else "AWS_SESSION_TOKEN"
    return ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", token)
