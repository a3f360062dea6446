"""Simulate the agent on a node of CCE that gives pods the keys of the agency they stand for.

Page: "Using Pod Identities to Obtain IAM Credentials in a CCE Cluster" (cce_10_1110). What it is
asked, and its answer, are those of the tests of the vendor's SDKs.
"""

from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response

from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.huawei.access import HuaweiAccess
from exporter.simulator.huawei.agencies import Agency
from exporter.simulator.huawei.gateway import Call, Clock, HuaweiGateway
from exporter.simulator.huawei.id_tokens import IdentityProvider
from exporter.simulator.huawei.refusal import HuaweiRefusal, service_refusal

CREDENTIALS = "AssumeAgencyForPodIdentity"
PATH = "/v1/credentials"


def build(
    *,
    faults: FaultInjection,
    clock: Clock,
    access: HuaweiAccess,
    kubelet: IdentityProvider,
    associations: Mapping[str, Agency],
    lifetime: float = 21_600.0,
) -> Starlette:
    """Build an agent that trusts the tokens of `kubelet`.

    `associations` are the agencies by the subject of a token: the service account of the pod.
    """

    def assume(call: Call) -> Response:
        headers = call.wire.headers
        if not headers.get("content-type", "").startswith("application/json"):
            raise _refuse("content_type", "The content type must be application/json.", 400)
        if call.wire.body.strip() != b"{}":
            raise _refuse("body", "The body must be an empty object.", 400)
        subject = kubelet.check(headers.get("authorization", ""), now=call.now)
        agency = associations.get(subject)
        if agency is None:
            raise _refuse("association", "No pod identity association is found.", 403)
        key = access.issue(f"pod:{subject}", call.now, lifetime)
        return JSONResponse(
            {
                "assumedAgency": {"urn": agency.urn, "id": "1"},
                "audience": kubelet.audience,
                "credentials": {
                    "accessKeyId": key["access"],
                    "secretAccessKey": key["secret"],
                    "securityToken": key["securitytoken"],
                    "expiration": key["expires_at"],
                },
                "podIdentityAssociationId": "a-1",
                "subject": {"namespace": "monitoring", "serviceAccount": "exporter"},
            }
        )

    gateway = HuaweiGateway(faults=faults, clock=clock, admit=lambda _: None)
    return gateway.app([gateway.route(PATH, CREDENTIALS, assume, "POST")])


def _refuse(reason: str, text: str, status: int) -> HuaweiRefusal:
    return service_refusal(reason, "CCE.01401001", text, status=status)
