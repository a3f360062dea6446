"""Put together who signs the requests of a source: its keys, where they are found, its roles."""

from exporter.auth.alibaba.chain import alibaba_chain
from exporter.auth.alibaba.sts import Role
from exporter.auth.alibaba.surroundings import Surroundings
from exporter.auth.credentials import CredentialProvider, StaticProvider
from exporter.auth.guard import Guarding
from exporter.auth.settings import AlibabaAuthSettings, AssumeRoleSettings
from exporter.upstream.connector import Connector


def credentials(
    auth: AlibabaAuthSettings | None, connector: Connector, *, elsewhere: bool
) -> tuple[CredentialProvider, Guarding]:
    """Return what hands out the credentials, and the guard that all who use them share.

    `elsewhere` says that the source is asked at another cloud than the public one.
    """
    runtime = connector.runtime
    surroundings = Surroundings(
        environ=runtime.environ,
        send=connector.send,
        clock=runtime.clock,
        aside=runtime.aside,
        metadata_url=runtime.alibaba_metadata,
        guards=connector.guards,
        sts_endpoint=auth.sts_endpoint if auth is not None else None,
        elsewhere=elsewhere,
    )
    if auth is not None and auth.has_a_key:
        key_id = auth.known_secret("access_key_id")
        secret = auth.known_secret("access_key_secret")
        provider: CredentialProvider = StaticProvider(key_id, secret, auth.secret("security_token"))
    else:
        provider = alibaba_chain(runtime.home, surroundings)
    guard = connector.guards.of_keys(provider)
    roles = auth.assume_role if auth is not None else ()
    for settings in roles:
        role = _role(settings)
        provider = surroundings.assumed(provider, role)
        guard = connector.guards.of("\n".join(("alibaba role", role.arn, role.session_name)))
    return provider, guard


def _role(settings: AssumeRoleSettings) -> Role:
    return Role(
        arn=settings.role_arn,
        session_name=settings.session_name,
        external_id=settings.secret("external_id"),
        seconds=int(settings.duration),
    )
