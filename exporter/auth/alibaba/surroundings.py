"""Hold what every way to log in needs: the world around the program, and where STS is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from exporter.auth.alibaba import Send
from exporter.auth.alibaba.oidc import OidcRole
from exporter.auth.alibaba.sts import Role, Sts, sts_endpoint
from exporter.auth.assumed_role import AssumedRole
from exporter.auth.credentials import CredentialProvider, Refreshing
from exporter.auth.guard import GuardBook
from exporter.pacing import Clock
from exporter.runtime import Wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The world around the program.

    `sts_endpoint` is the STS that the configuration names. Without it that of the public cloud is
    meant, unless the source is asked elsewhere (`elsewhere`): then none is known.
    """

    environ: Mapping[str, str] = field(repr=False)
    send: Send
    clock: Clock
    aside: Wait
    metadata_url: str
    guards: GuardBook
    sts_endpoint: str | None = None
    elsewhere: bool = False

    def sts(self, *, region: str = "", vpc: bool | None = None) -> Sts:
        """Return the STS that a profile, or else the environment, chooses by its region."""
        endpoint = self.sts_endpoint
        if endpoint is None and not self.elsewhere:
            endpoint = sts_endpoint(self.environ, region=region, vpc=vpc)
        return Sts(endpoint, send=self.send, guards=self.guards, clock=self.clock)

    def assumed(
        self, others: CredentialProvider, role: Role, sts: Sts | None = None
    ) -> CredentialProvider:
        """Return the keys of a role that others may assume, renewed before they end."""
        provider = AssumedRole(others, partial((sts or self.sts()).assume, role))
        return Refreshing(provider, clock=self.clock, margin=role.margin)

    def with_oidc(self, provider: OidcRole, role: Role) -> CredentialProvider:
        """Return the keys of a role that trusts the token of a pod, renewed before they end."""
        return Refreshing(provider, clock=self.clock, margin=role.margin)
