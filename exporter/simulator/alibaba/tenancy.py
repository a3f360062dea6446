"""The tenancy of a simulated Apsara Stack: whose resources a caller says that it wants to see.

Apsara Stack's gateway (ASAPI) reads organization, resource group and region from headers of each
call. Who leaves one out is shown nothing, with status 200; who names what does not exist is refused
within a success, too: `asapiSuccess` is false then.
"""

from collections.abc import Mapping
from dataclasses import dataclass

HEADERS = ("x-acs-organizationid", "x-acs-resourcegroupid", "x-acs-regionid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenancy:
    """The one organization, resource group and region that the simulated resources are of."""

    organization: str
    resource_group: str
    region: str

    def is_told(self, headers: Mapping[str, str]) -> bool:
        """Say whether a call names all three, rightly or not."""
        return all(headers.get(name) for name in HEADERS)

    def is_right(self, headers: Mapping[str, str]) -> bool:
        """Say whether a call names this tenancy."""
        told = tuple(headers.get(name) for name in HEADERS)
        return told == (self.organization, self.resource_group, self.region)


def refused(request_id: str) -> dict[str, object]:
    """Return how a call is refused that names a tenancy which does not exist."""
    return {
        "asapiSuccess": False,
        "asapiRequestId": request_id,
        "RequestId": request_id,
        "Code": "ASAPI.Forbidden",
        "Message": "The organization or resource group does not exist or is not yours.",
    }


def accepted(answer: dict[str, object], request_id: str) -> dict[str, object]:
    """Return an answer as the gateway passes it on."""
    return {**answer, "asapiSuccess": True, "asapiRequestId": request_id}
