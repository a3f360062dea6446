"""Be what a pod of CCE is associated with: its agent on the node trades the pod's token for keys.

Vendor pages: "Using Pod Identities to Obtain IAM Credentials in a CCE Cluster" (cce_10_1110) and
"Obtaining the Agency Credential for a Pod Identity Association". The address and the file of the
token are put into the pod by the cluster, in the two variables that the vendor's SDK reads.
"""

import ipaddress

import httpx

from exporter.auth.credentials import Credentials
from exporter.auth.huawei.refusal import Advice
from exporter.auth.huawei.token_file import TokenFile
from exporter.auth.huawei.trading import SendAs, check_granted, post, read_answer
from exporter.errors import Reason, UnusableError
from exporter.pacing import Clock
from exporter.runtime import Wait
from exporter.settings import is_endpoint

OPERATION = "AssumeAgencyForPodIdentity"
URI = "HC_CONTAINER_CREDENTIALS_FULL_URI"
TOKEN_FILE = "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE"  # noqa: S105 - The name of a variable.

_REFUSED = "the pod's token is refused, or no agency is associated with it"
ADVICE: Advice = {
    400: (Reason.AUTH, _REFUSED),
    401: (Reason.AUTH, _REFUSED),
    403: (Reason.AUTH, _REFUSED),
    404: (Reason.NOT_FOUND, _REFUSED),
    429: (Reason.THROTTLED, ""),
}


class PodProvider:
    """Temporary keys of the agency that is associated with the service account of this pod."""

    def __init__(
        self, uri: str, token_file: str, *, send: SendAs, clock: Clock, aside: Wait
    ) -> None:
        self._uri = uri
        self._token = TokenFile(token_file, aside=aside)
        self._send = send
        self._clock = clock

    async def credentials(self) -> Credentials:
        """Ask the agent; raises UnusableError for what is not there, FetchError otherwise."""
        if not _is_near(self._uri):
            # Whoever reads the token on its way is this pod.
            raise UnusableError(
                f"environment: {URI} is neither https:// nor an address within the cluster"
            )
        request = post(self._uri, {}, {"Authorization": await self._token.read()})
        # The agent is on this node: no proxy leads there, and none is to see the token.
        response = await self._send(request, OPERATION, direct=True)
        check_granted(
            response,
            OPERATION,
            now=self._clock(),
            advice=ADVICE,
            stranger=f"this is no agent of pod identities: check {URI}",
        )
        return read_answer(response, OPERATION)


def _is_near(uri: str) -> bool:
    """Say whether the token of the pod may go there: encrypted, or not beyond private networks."""
    if not is_endpoint(uri):
        return False
    url = httpx.URL(uri)
    if url.scheme == "https" or url.host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(url.host)
    except ValueError:
        return False
    return address.is_private or address.is_link_local
