"""Log in to Huawei Cloud as the settings of a source say, and open clients of its services.

Who asks is one of three: an access key of the configuration, an IAM user, or whoever environment,
profile file, pod or machine say one is. Each may assume an agency then, and is that from there on.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from exporter.auth.credentials import CredentialProvider, Refreshing, StaticProvider
from exporter.auth.guard import Guarding
from exporter.auth.huawei import token as huawei_token
from exporter.auth.huawei.agency import (
    MARGIN_SECONDS,
    SESSION_NAME,
    Agency,
    AgencyProvider,
)
from exporter.auth.huawei.agency_token import AgencyToken
from exporter.auth.huawei.chain import huawei_chain
from exporter.auth.huawei.signature import HuaweiSignatureAuth
from exporter.auth.settings import AgencySettings, HuaweiAuthSettings, IamSettings
from exporter.upstream.client import ApiClient
from exporter.upstream.connector import Connector
from exporter.upstream.exchange import Limits
from exporter.upstream.refusals.huawei import read_refusal
from exporter.vendors.huawei import HuaweiSettings, iam_beside, sts_beside


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Who asks: one for all services of a source, so that it logs in once."""

    auth: httpx.Auth
    guard: Guarding | None
    """Of the key that signs; None where nothing is signed: a refused token locks nothing."""


def open_api(
    settings: HuaweiSettings,
    connector: Connector,
    endpoint: str,
    headers: Mapping[str, str] | None = None,
    *,
    login: Login | None = None,
    limits: Limits | None = None,
) -> ApiClient:
    """Return a client of one service that logs in as the settings say, or as somebody already did.

    Without `auth` the credentials come from environment, profile file, pod or machine.
    """
    login = login or log_in(settings, connector)
    return connector.api(
        endpoint,
        read_refusal=read_refusal,
        auth=login.auth,
        guard=login.guard,
        limits=limits,
        # X-Language chooses the language of messages; the SDK sends a Content-Type with GETs too.
        headers={"Content-Type": "application/json", "X-Language": "en-us", **(headers or {})},
    )


def log_in(settings: HuaweiSettings, connector: Connector) -> Login:
    """Return who asks; the first request that needs it is what logs in."""
    auth, runtime = settings.auth, connector.runtime
    if auth is not None and auth.iam is not None:
        # Logins have a guard of their own.
        return Login(auth=_token_auth(settings, auth.iam, connector), guard=None)
    provider = _base(settings, connector)
    guard = connector.guards.of_keys(provider)
    if auth is not None and auth.assume_agency is not None:
        provider, guard = _assumed(settings, auth.assume_agency, connector, provider, guard)
    signature = HuaweiSignatureAuth(provider, project_id=settings.project_id, clock=runtime.clock)
    return Login(auth=signature, guard=guard)


def _base(settings: HuaweiSettings, connector: Connector) -> CredentialProvider:
    """Return the key that signs, or that signs the request for another one."""
    auth, runtime = settings.auth, connector.runtime
    if auth is not None and auth.names_key:
        return _static_provider(auth)
    return huawei_chain(
        environ=runtime.environ,
        home=runtime.home,
        send=connector.send,
        clock=runtime.clock,
        metadata_url=runtime.huawei_metadata,
        aside=runtime.aside,
        iam=iam_beside(settings.endpoint, settings.region),
        sts=sts_beside(settings.endpoint, settings.region),
    )


def _static_provider(auth: HuaweiAuthSettings) -> CredentialProvider:
    access_key = auth.known_secret("access_key")
    secret_key = auth.known_secret("secret_key")
    return StaticProvider(access_key, secret_key, auth.secret("security_token"))


def _assumed(
    settings: HuaweiSettings,
    given: AgencySettings,
    connector: Connector,
    base: CredentialProvider,
    guard: Guarding,
) -> tuple[CredentialProvider, Guarding]:
    agency, clock = _agency(given), connector.runtime.clock
    beside = sts_beside if agency.by_sts else iam_beside
    endpoint = given.endpoint or _told(beside(settings.endpoint, settings.region))
    provider = AgencyProvider(
        agency, base, endpoint=endpoint, send=connector.send, guard=guard, clock=clock
    )
    # Its keys are others than those that assume it: neither is to lock out the other.
    name = "\n".join(["huawei agency", settings.name, endpoint, agency.name, given.domain])
    kept = Refreshing(provider, clock=clock, margin=MARGIN_SECONDS)
    return kept, connector.guards.of(f"{name}\n{given.domain_id}")


def _agency(given: AgencySettings) -> Agency:
    return Agency(
        name=given.agency,
        domain=given.domain,
        domain_id=given.domain_id or "",
        external_id=given.external_id or "",
        session_name=given.session_name or SESSION_NAME,
    )


def _told(endpoint: str | None) -> str:
    """Return an address that the settings have made sure of. Raises LookupError for none."""
    if endpoint is None:
        raise LookupError("no endpoint was given")
    return endpoint


def _token_auth(
    settings: HuaweiSettings, iam: IamSettings, connector: Connector
) -> huawei_token.HuaweiTokenAuth:
    endpoint = iam.endpoint or _told(iam_beside(settings.endpoint, settings.region))
    agency = settings.auth.assume_agency if settings.auth is not None else None
    assumed = None
    if agency is not None:
        project = huawei_token.project_scope(settings.project_id, iam.project_name)
        assumed = AgencyToken(agency=_agency(agency), endpoint=endpoint, project=project)
    login = huawei_token.PasswordLogin(
        endpoint=endpoint,
        username=iam.username,
        password=iam.known_secret("password"),
        domain=iam.domain,
        # The project is one of the agency's account then.
        project_id="" if assumed else settings.project_id,
        project_name="" if assumed else iam.project_name,
    )
    return huawei_token.HuaweiTokenAuth(
        login, connector.send, connector.guards, agency=assumed, clock=connector.runtime.clock
    )
