"""Ask a service of Tencent Cloud's API 3.0: JSON to `/` by POST, the operation in a header.

Vendor page: "Request structure" and "Common parameters" of API 3.0.
"""

import json
from collections.abc import Mapping
from typing import Any

from exporter.auth.credentials import CredentialProvider
from exporter.auth.guard import Guarding
from exporter.auth.tencent.signature import TencentSignatureAuth
from exporter.errors import FetchError, Reason
from exporter.upstream.client import NOT_THE_API, decode_json
from exporter.upstream.connector import Connector
from exporter.upstream.large_json import RowReader
from exporter.upstream.refusals.tencent import read_refusal


class Service:
    """One service in one region."""

    def __init__(
        self,
        connector: Connector,
        *,
        name: str,
        version: str,
        endpoint: str,
        region: str,
        provider: CredentialProvider,
        guard: Guarding,
    ) -> None:
        self._api = connector.api(
            endpoint,
            read_refusal=read_refusal,
            auth=TencentSignatureAuth(provider, service=name, clock=connector.runtime.clock),
            guard=guard,
            headers={
                "Content-Type": "application/json",
                "X-TC-Version": version,
                "X-TC-Region": region,
                # Without it the texts of errors are Chinese.
                "X-TC-Language": "en-US",
            },
        )

    async def ask(
        self, action: str, parameters: Mapping[str, object], rows: RowReader | None = None
    ) -> Mapping[str, Any]:
        """Call an operation and return what it responds; raises FetchError."""
        body = json.dumps(parameters, separators=(",", ":")).encode()
        answer = await self._api.post(action, (), body, {"X-TC-Action": action}, rows=rows)
        document = decode_json(action, answer, NOT_THE_API)
        response = document.get("Response") if isinstance(document, Mapping) else None
        if not isinstance(response, Mapping):
            raise invalid(action, f"expected an object as Response; {NOT_THE_API}")
        return response


def invalid(operation: str, detail: str) -> FetchError:
    """Build the error of an answer that is not what the vendor documents."""
    return FetchError(Reason.INVALID_RESPONSE, operation, detail=detail)
