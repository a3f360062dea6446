"""Connect to a service beside the API of a source when it is first asked.

Reading certificates takes longer than an event loop should wait, so it happens aside.
"""

from functools import partial

from exporter.errors import ConfigError, FetchError, Reason
from exporter.source import TlsSettings
from exporter.upstream.connector import Connector, ssl_context


class LateConnector:
    """A connector of its own for such a service."""

    def __init__(self, connector: Connector, tls: TlsSettings, operation: str) -> None:
        """Take the connector of the source, and what is named when there can be none."""
        self._beside = connector
        self._tls = tls
        self._operation = operation
        self._connector: Connector | None = None

    async def get(self) -> Connector:
        """Return the connector. Raises FetchError when the files of `tls` cannot be used."""
        if self._connector is None:
            runtime = self._beside.runtime
            context = None
            try:
                if runtime.transport is None:
                    context = await runtime.aside(partial(ssl_context, self._tls), self._tls)
            except ConfigError as exc:
                raise FetchError(Reason.TLS, self._operation, detail=str(exc)) from None
            except OSError:
                detail = "the files of tls cannot be read"
                raise FetchError(Reason.TLS, self._operation, detail=detail) from None
            if self._connector is None:
                # Otherwise somebody else has opened it meanwhile.
                self._connector = self._beside.beside(self._tls, context)
        return self._connector

    async def aclose(self) -> None:
        """Close the connections, if there are any."""
        if self._connector is not None:
            await self._connector.aclose()
