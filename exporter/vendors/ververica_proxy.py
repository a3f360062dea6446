"""Ask the Flink of one run through the proxy of Realtime Compute: `ververica` 2022-07-18.

Vendor page: "FlinkApiProxy" (GET /flink-ui/v2/proxy). The proxy only reads. Path and query of the
question go as one parameter, encoded once; what Flink answers comes as a text, with status 200
whatever its own status was.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from exporter.auth import canonical
from exporter.errors import FetchError, Reason, UnreadableError
from exporter.process.steps import in_steps
from exporter.upstream.large_json import RowReader, decode_in_steps
from exporter.upstream.refusals import Answer, flink
from exporter.vendors.alibaba import Product

ACTION = "FlinkApiProxy"
_STATUS = 200


class ProxiedManagers:
    """The JobManager of one run, which runs nothing else."""

    def __init__(self, product: Product, *, namespace: str, run_id: str) -> None:
        self._product = product
        self._common = {
            "namespace": namespace,
            "resourceId": run_id,
            "resourceType": "jobs",
        }

    async def ask(
        self,
        operation: str,
        segments: Sequence[str],
        query: Mapping[str, str] | None = None,
        rows: RowReader | None = None,
    ) -> Any:
        """Return the decoded answer of Flink to a GET, counted as one to the proxy.

        Raises FetchError: what the proxy refuses, and what Flink does.
        """
        named = f"{ACTION} {operation}"
        path = canonical.path(*segments)
        if query:
            # The commas between names stay, as in the vendor's sample; what a name itself holds and
            # no address can is encoded, since this text becomes one.
            pairs = (f"{quote(name)}={quote(value, safe=',')}" for name, value in query.items())
            path += "?" + "&".join(pairs)
        document = await self._product.call(
            ACTION, named, ("flink-ui", "v2", "proxy"), {"flinkApiPath": path, **self._common}
        )
        return await _decode(named, document.get("data"), rows)


async def _decode(operation: str, data: object, rows: RowReader | None) -> Any:
    if not isinstance(data, str) or not data:
        raise _unreadable(operation, "expected the answer of Flink as a text")
    body = data.encode("utf-8", "replace")
    refusal = flink.read_refusal(Answer(_STATUS, {}, body))
    if refusal is not None:
        raise FetchError(
            refusal.reason,
            operation,
            status=_STATUS,
            code=refusal.code,
            detail=refusal.told,
            gone=refusal.gone,
            retryable=refusal.retryable,
        )
    try:
        return await in_steps(decode_in_steps(body, rows))
    except UnreadableError as exc:
        problem = str(exc)
    except (ValueError, RecursionError):
        problem = "the answer of Flink is not JSON"
    raise _unreadable(operation, problem)


def _unreadable(operation: str, detail: str) -> FetchError:
    return FetchError(Reason.INVALID_RESPONSE, operation, status=_STATUS, detail=detail)
