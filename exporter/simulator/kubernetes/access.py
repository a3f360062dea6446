"""Who may ask a simulated API server for what: accounts with tokens, rules as roles have."""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from exporter.simulator.kubernetes.refusal import forbidden, unauthorized


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of a role: verbs on resources of a group, in a namespace or (empty) in all."""

    resources: tuple[str, ...]
    group: str = "flink.apache.org"
    verbs: tuple[str, ...] = ("get", "list")
    namespace: str = ""

    def allows(self, verb: str, resource: str, group: str, namespace: str) -> bool:
        """Tell whether the rule allows an access; one to all namespaces is a rule for all."""
        place = self.namespace in ("", namespace)
        return place and group == self.group and verb in self.verbs and resource in self.resources


@dataclass(slots=True, kw_only=True)
class Account:
    """One service account, its token, and until when that is taken (None: for ever)."""

    name: str
    token: str = field(repr=False)
    rules: tuple[Rule, ...] = ()
    expires_at: float | None = None


FLINK = Rule(resources=("flinkdeployments", "flinksessionjobs"))


class KubernetesAccess:
    """The accounts of one cluster."""

    def __init__(self, accounts: Sequence[Account], *, clock: Callable[[], float]) -> None:
        self.accounts = list(accounts)
        self._clock = clock

    def authenticate(self, authorization: str) -> Account:
        """Return the account of a header; raises KubernetesRefusal."""
        now = self._clock()
        for account in self.accounts:
            wanted = f"Bearer {account.token}"
            lives = account.expires_at is None or now < account.expires_at
            if lives and hmac.compare_digest(authorization.encode(), wanted.encode()):
                return account
        raise unauthorized()

    def authorize(
        self, account: Account, verb: str, resource: str, group: str, namespace: str, name: str
    ) -> None:
        """Raise KubernetesRefusal unless a rule allows it. Asked before anything is looked up."""
        if not any(rule.allows(verb, resource, group, namespace) for rule in account.rules):
            raise forbidden(account.name, verb, resource, group, namespace, name)
