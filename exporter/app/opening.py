"""Open a source that is configured: its connections, and the collector that polls it."""

import asyncio
import ssl
from dataclasses import dataclass

from exporter.auth.guard import GuardBook
from exporter.collecting.collector import SourceCollector
from exporter.collecting.sharding import Shard
from exporter.collecting.store import Store
from exporter.configuration.config import SourceConfig
from exporter.errors import ConfigError, ConfigProblem
from exporter.process.condition_log import Log
from exporter.runtime import Runtime
from exporter.source import Source, TlsSettings
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.budget import AnswerBudget
from exporter.upstream.connector import Connector, ssl_context


@dataclass(slots=True, kw_only=True)
class OpenSource:
    """One source that is, or soon will be, polled."""

    config: SourceConfig
    source: Source
    collector: SourceCollector
    task: asyncio.Task[None] | None = None


class SourceOpener:
    """What all sources share while they are opened."""

    def __init__(
        self,
        *,
        store: Store,
        telemetry: Telemetry,
        guards: GuardBook,
        runtime: Runtime,
        log: Log,
        shard: Shard,
    ) -> None:
        self._store = store
        self._telemetry = telemetry
        self._guards = guards
        self._runtime = runtime
        self._log = log
        self._shard = shard
        self._budget = AnswerBudget()

    async def open(self, config: SourceConfig, *, patient: bool = False) -> OpenSource:
        """Open a source; one that is patient waits for whatever it asks. Raises ConfigError."""
        settings = config.settings
        context = None
        if self._runtime.transport is None:
            # Reading all authorities takes 20 ms, and of a file on a server however long.
            context = await self._context(settings.tls)
        connector = Connector(
            settings,
            runtime=self._runtime,
            telemetry=self._telemetry,
            guards=self._guards,
            context=context,
            budget=self._budget,
            patient=patient,
        )
        source = config.platform.open(settings, connector)
        collector = SourceCollector(
            settings,
            source,
            supersedes=config.platform.supersedes,
            rescales=config.platform.rescales,
            store=self._store,
            telemetry=self._telemetry,
            runtime=self._runtime,
            log=self._log.bind(source=settings.name, platform=settings.platform),
            shard=self._shard,
            stall=connector.stall,
        )
        return OpenSource(config=config, source=source, collector=collector)

    async def _context(self, tls: TlsSettings) -> ssl.SSLContext:
        try:
            return await self._runtime.aside(lambda: ssl_context(tls), tls)
        except OSError as exc:
            problem = ConfigProblem("tls", exc.strerror or "its files cannot be read")
            raise ConfigError((problem,)) from None
