"""Hold the one receiver of edge reports there can be, and exchange it when the settings change."""

from dataclasses import dataclass

from exporter.auth.guard import GuardBook
from exporter.collecting.store import Store
from exporter.edge.receiver import Receiver
from exporter.edge.relay import RelayTarget
from exporter.edge.service import EdgeService
from exporter.edge.settings import EdgeSettings
from exporter.errors import ConfigError, ConfigProblem, JournalError
from exporter.process.condition_log import Log
from exporter.runtime import Runtime
from exporter.settings import Section
from exporter.telemetry.telemetry import Telemetry
from exporter.vendors.huawei import HuaweiSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a new configuration asks for, opened but not yet in use."""

    wanted: tuple[EdgeSettings, HuaweiSettings | None] | None
    service: EdgeService | None = None
    """The service to begin; None when the present one goes on or none is wanted."""
    target: RelayTarget | None = None


class EdgeLifecycle:
    """The place of the receiver, empty while no `edge:` is configured."""

    def __init__(
        self, *, store: Store, telemetry: Telemetry, guards: GuardBook, runtime: Runtime, log: Log
    ) -> None:
        self._store = store
        self._telemetry = telemetry
        self._guards = guards
        self._runtime = runtime
        self._log = log
        self._in_use: tuple[EdgeSettings, HuaweiSettings | None] | None = None
        self._service: EdgeService | None = None

    @property
    def ready(self) -> bool:
        """Say whether the receiver knows again what it knew, if there is one."""
        return self._service is None or self._service.ready

    @property
    def receiver(self) -> Receiver | None:
        """Return what answers reports, if they are wanted."""
        return None if self._service is None else self._service.receiver

    @property
    def settings(self) -> tuple[Section, ...]:
        """Return the settings that are in use."""
        return () if self._in_use is None else tuple(each for each in self._in_use if each)

    async def prepare(
        self, settings: EdgeSettings | None, relay_source: HuaweiSettings | None
    ) -> Stage:
        """Open what the settings need beside what is in use. Raises ConfigError."""
        wanted = None if settings is None else (settings, relay_source)
        if settings is None or wanted == self._in_use:
            return Stage(wanted=wanted)
        target = None
        if relay_source is not None:
            target = RelayTarget(
                relay_source, runtime=self._runtime, telemetry=self._telemetry, guards=self._guards
            )
        if self._service is not None and _same_place(self._service.settings, settings):
            return Stage(wanted=wanted, target=target)
        if self._service is not None and self._service.holds(settings.database):
            # Under another name SQLite would look for another log, and not find ours.
            if target is not None:
                await target.aclose()
            message = f"{settings.database}: another name of {self._service.settings.database}"
            raise ConfigError((ConfigProblem("edge.database", message),))
        service = EdgeService(
            settings,
            store=self._store,
            telemetry=self._telemetry,
            runtime=self._runtime,
            log=self._log,
        )
        try:
            await service.open()
        except JournalError as exc:
            if target is not None:
                await target.aclose()
            raise ConfigError((ConfigProblem("edge.database", str(exc)),)) from None
        return Stage(wanted=wanted, service=service, target=target)

    async def discard(self, stage: Stage) -> None:
        """Close what was opened for a configuration that will not be used."""
        if stage.service is not None:
            await stage.service.close()
        if stage.target is not None:
            await stage.target.aclose()

    async def apply(self, stage: Stage) -> None:
        """Use what was prepared."""
        if stage.wanted == self._in_use:
            return
        self._in_use = stage.wanted
        if stage.wanted is not None and stage.service is None and self._service is not None:
            await self._service.reconfigure(stage.wanted[0], stage.target)
            return
        await self.stop()
        self._in_use = stage.wanted
        if stage.service is not None:
            self._service = stage.service
            await stage.service.begin(stage.target)

    async def stop(self) -> None:
        """Stop the receiver, if there is one."""
        service, self._service, self._in_use = self._service, None, None
        if service is not None:
            await service.stop()


def _same_place(one: EdgeSettings, other: EdgeSettings) -> bool:
    """Say whether two paths lead to one place, through whatever links and mounts."""
    try:
        here, there = one.database.resolve(), other.database.resolve()
        same = here.name == there.name and here.parent.samefile(there.parent)
    except (OSError, RuntimeError):
        # What is not there is not the same; that it cannot be used is told when it is opened.
        return one.database == other.database
    return same
