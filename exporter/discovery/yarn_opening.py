"""Open the connections to YARN that a source asks for."""

from exporter.auth.plain import plain_auth
from exporter.discovery.clusters import Clusters
from exporter.discovery.surroundings import Surroundings
from exporter.discovery.yarn import YarnDiscovery
from exporter.discovery.yarn_resource_managers import APPLICATIONS, Manager, ResourceManagers
from exporter.discovery.yarn_settings import YarnSettings
from exporter.upstream.connector import Connector
from exporter.upstream.late_connector import LateConnector
from exporter.upstream.refusals import yarn


class OpeningYarn:
    """A discovery by YARN that opens its connections at the first look.

    They are its own, as are their certificates and credentials: no JobManager gets these.
    """

    def __init__(self, settings: YarnSettings, connector: Connector) -> None:
        """Take the connector of the source, beside which another is opened."""
        self._settings = settings
        self._late = LateConnector(connector, settings.tls, APPLICATIONS)
        self._discovery: YarnDiscovery | None = None

    async def find(self) -> Clusters:
        """Return what YARN knows. Raises FetchError."""
        if self._discovery is None:
            self._discovery = _open(self._settings, await self._late.get())
        return await self._discovery.find()

    async def aclose(self) -> None:
        """Close the connections to YARN."""
        await self._late.aclose()


def _open(settings: YarnSettings, connector: Connector) -> YarnDiscovery:
    auth = plain_auth(settings.auth)
    managers = ResourceManagers(
        [
            Manager(
                endpoint=each,
                api=connector.api(each, read_refusal=yarn.read_refusal, auth=auth),
            )
            for each in settings.endpoints
        ],
        application_type=settings.application_type,
        user=settings.user,
    )
    return YarnDiscovery(settings, managers, connector.runtime.clock)


def open_yarn(settings: YarnSettings, surroundings: Surroundings) -> OpeningYarn:
    """Open a discovery by YARN."""
    return OpeningYarn(settings, surroundings.connector)
