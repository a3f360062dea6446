"""Trade the token of a user for that of an agency, the older way to act for another account.

Vendor page: IAM API reference, "Obtaining an Agency Token" (KeystoneCreateAgencyToken, POST
/v3/auth/tokens with the method assume_role). The user's token needs the permission Agent Operator
and stands for the user's own account; the agency's is good for one project of the other account.
"""

from dataclasses import dataclass

import httpx

from exporter.auth.huawei.agency import Agency
from exporter.auth.huawei.trading import post

OPERATION = "KeystoneCreateAgencyToken"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyToken:
    """Which agency, and for which project of its account."""

    agency: Agency
    endpoint: str
    project: dict[str, str]

    def request(self, token: str) -> httpx.Request:
        """Build the request that trades a user's token for one of the agency."""
        identity = {"methods": ["assume_role"], "assume_role": self.agency.as_role()}
        body = {"auth": {"identity": identity, "scope": {"project": self.project}}}
        url = f"{self.endpoint.rstrip('/')}/v3/auth/tokens?nocatalog=true"
        return post(url, body, {"X-Auth-Token": token})
