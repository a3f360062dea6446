"""The agencies of a simulated account: who may be assumed, by whom, and what that opens."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    """An agency, of the account with this name and id; it opens one project of that account.

    With an `external_id` it trusts only whoever names that one too; `trusts` are the identity
    providers whose users it takes.
    """

    name: str
    domain: str
    domain_id: str
    project_id: str = ""
    external_id: str = ""
    trusts: tuple[str, ...] = ()

    @property
    def urn(self) -> str:
        """Return what it is called in STS."""
        return f"iam::{self.domain_id}:agency:{self.name}"


class HuaweiAgencies:
    """All agencies that the callers of a simulated IAM or STS could know of."""

    def __init__(self, agencies: Iterable[Agency] = ()) -> None:
        self._agencies = tuple(agencies)

    def by_urn(self, urn: object) -> Agency | None:
        """Return the agency of a name in STS; None when there is none."""
        return next((each for each in self._agencies if each.urn == urn), None)

    def by_role(self, role: dict[str, object]) -> Agency | None:
        """Return the agency that IAM is told of; None when there is none.

        The account is named by its name or by its id, which must be the same one if both are given.
        """
        if not role.get("domain_name") and not role.get("domain_id"):
            return None
        for each in self._agencies:
            if (
                role.get("agency_name", role.get("xrole_name")) == each.name
                and role.get("domain_name", each.domain) == each.domain
                and role.get("domain_id", each.domain_id) == each.domain_id
            ):
                return each
        return None
