"""Put everything together: build, start, reload, stop."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import TypeVar

from starlette.types import ASGIApp

from exporter import __version__
from exporter.app.opening import OpenSource, SourceOpener
from exporter.auth.guard import GuardBook
from exporter.auth.secret_watch import SecretWatch
from exporter.collecting.sharding import Shard
from exporter.collecting.store import Store
from exporter.configuration.config import Config
from exporter.configuration.config_warnings import config_warnings
from exporter.edge.lifecycle import EdgeLifecycle, Stage
from exporter.errors import ConfigError, ConfigProblem
from exporter.exposition import Exposition, MetricsEndpoint
from exporter.exposition.unrendered import UnrenderedSources
from exporter.listening.authentication import Guard
from exporter.listening.headers import with_headers
from exporter.process.condition_log import ConditionLog, Log, trail
from exporter.runtime import Runtime
from exporter.serving.coalescing import Coalesced
from exporter.serving.web import build_web, with_metrics, with_reports
from exporter.settings import Section
from exporter.source import SourceSettings
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.connector import BESIDE_CONCURRENCY
from exporter.vendors.huawei import HuaweiSettings

T = TypeVar("T")
_LEAST_PAUSE = 0.1
_RENDER_SHARE = 5.0
"""Between two renderings the loop rests this many times as long as the last one took."""


class App:
    """The running exporter."""

    def __init__(
        self,
        load: Callable[[], Config],
        *,
        runtime: Runtime,
        log: Log,
        shard: Shard | None = None,
        reloading: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext,
        rendered: Callable[[], None] = lambda: None,
        loaded: Callable[[], None] = lambda: None,
        lines_lost: Callable[[], int] = int,
    ) -> None:
        """Take the function that reads the configuration; nothing runs before `start`.

        `reloading` is entered while the configuration is loaded, at the start or again; `rendered`
        is called after each rendering of the page, `loaded` after each load that changed what runs.
        `lines_lost` says how many lines of the log were lost.
        """
        self._load = load
        self._shard = shard or Shard()
        self._announcing = reloading
        self._runtime = runtime
        self._log = log
        self._rendered = rendered
        self._changed = loaded
        self._guards = GuardBook(clock=runtime.monotonic)
        self._running: dict[str, OpenSource] = {}
        self._rendering: asyncio.Task[None] | None = None
        self._on_page: frozenset[str] = frozenset()
        """Sources of which the page tells how a poll went."""
        self._conditions = ConditionLog(log)
        self._unrendered = UnrenderedSources(self._conditions)
        self._reloads = Coalesced(self._announced_reload, name="reload", rests=True)
        self._watching: asyncio.Task[None] | None = None
        self._secrets = SecretWatch(self._sections, runtime=runtime, conditions=self._conditions)
        self.store = Store()
        self.telemetry = Telemetry(lines_lost=lines_lost)
        self.telemetry.build.info({"version": __version__})
        self.telemetry.shard.info({"shard": str(self._shard.ordinal)})
        self.telemetry.shards.set(self._shard.total)
        self._opener = SourceOpener(
            store=self.store,
            telemetry=self.telemetry,
            guards=self._guards,
            runtime=runtime,
            log=log,
            shard=self._shard,
        )
        self.exposition = Exposition(self.store, self.telemetry.registry, clock=runtime.clock)
        self._edge = EdgeLifecycle(
            store=self.store,
            telemetry=self.telemetry,
            guards=self._guards,
            runtime=runtime,
            log=log,
        )

    def web(self, telemetry_path: str = "/metrics", *, guard: Guard | None = None) -> ASGIApp:
        """Return the ASGI application of this exporter, let in to by the guard, if any.

        Reports do not pass the guard: they have tokens of their own.
        """
        web: ASGIApp = build_web(
            store=self.store,
            exposition=self.exposition,
            clock=self._runtime.clock,
            ready=self.ready,
            reload=self.reload,
            telemetry_path=telemetry_path,
        )
        web = with_metrics(web, telemetry_path, MetricsEndpoint(self.exposition))
        if guard is not None:
            web = guard.admit_to(web)
        every = with_reports(web, lambda: self._edge.receiver)
        return with_headers(every, (lambda: guard.protection().headers) if guard else tuple)

    def ready(self) -> bool:
        """Say whether the page tells of every source how its first poll went, and of edge jobs."""
        polled = self._polled()
        return self._edge.ready and all(
            name in polled and name in self._on_page for name in self._running
        )

    def alive(self) -> bool:
        """Say whether everything that should go on without end does."""
        tasks = [running.task for running in self._running.values()]
        return all(task is not None and not task.done() for task in (*tasks, self._rendering))

    def status(self) -> str:
        """Return in one line what is being done."""
        snapshots = list(self.store.snapshots.values())
        known = [each for each in snapshots if each.counts_jobs]
        jobs = sum(len(each.jobs) for each in known)
        failing = sum(each.up is False for each in snapshots)
        # Of sources that were never read nobody knows how many jobs there are.
        text = f"sources: {len(snapshots)}" + (f", jobs: {jobs}" if known or not snapshots else "")
        return f"{text}, sources that fail: {failing}" if failing else text

    def upstream_connections(self) -> int:
        """Return how many connections to the platforms there can be."""
        return sum(
            section.connections + BESIDE_CONCURRENCY
            for section in self._sections().values()
            if isinstance(section, SourceSettings)
        )

    async def start(self) -> None:
        """Load the configuration and start polling. Raises ConfigError."""
        await self.reload()
        self._rendering = asyncio.create_task(self._render(), name="render")
        self._rendering.add_done_callback(self._ended)

    async def reload(self) -> None:
        """Load the configuration again and change only what is different.

        Whoever asks while one is going on waits, with all others, for one that begins afterwards.
        Raises ConfigError and changes nothing when it cannot be used.
        """
        await self._reloads()

    def ask_to_reload(self) -> None:
        """Do the same without waiting for it; what is wrong is in the log."""
        self._reloads.ask()

    async def _announced_reload(self) -> None:
        with self._announcing():
            await self._reload()

    async def _reload(self) -> None:
        """Load the configuration, and say how it went. Raises ConfigError."""
        # Whatever it stumbles over, who sent a signal has only the log to learn this from.
        [failure] = await asyncio.gather(self._load_and_use(), return_exceptions=True)
        if failure is None:
            return
        if not isinstance(failure, ConfigError):
            failure = ConfigError((ConfigProblem("", f"unexpected error: {trail(failure)}"),))
        self.telemetry.reloaded(successful=False, now=self._runtime.clock())
        self._log.error("configuration not loaded", problems=str(failure).replace("\n", "; "))
        raise failure

    async def _load_and_use(self) -> None:
        config = await self._loaded()
        added, edge = await self._placed(config, self._prepare(config))
        kept = {source.settings.name for source in config.sources} - added.keys()
        await self._replace(added, kept)
        await self._edge.apply(edge)
        self._watch_secrets()
        self._changed()
        # Whoever reloads and looks must see the new configuration, not the last rendering.
        await self.exposition.refresh_in_turns()
        self.telemetry.reloaded(successful=True, now=self._runtime.clock())
        self._log.info("configuration loaded", sources=len(config.sources), unchanged=len(kept))
        for warning in config_warnings(config):
            self._conditions.once(
                "configuration allows what is not safe or costs money", detail=str(warning)
            )

    async def poll_once(self) -> bool:
        """Load the configuration and poll each source once; say whether all succeeded.

        Raises ConfigError.
        """
        config = await self._loaded()
        self._running = await self._placed(config, self._open(config, patient=True))
        for running in self._running.values():
            running.collector.announce()
        failures = await asyncio.gather(
            *(running.collector.poll() for running in self._running.values())
        )
        self.exposition.refresh()
        return not any(failures)

    async def stop(self) -> None:
        """Stop polling and close every connection."""
        await self._reloads.stop()
        if self._watching is not None:
            await _cancel(self._watching)
        if self._rendering is not None:
            await _cancel(self._rendering)
        await asyncio.gather(*(self._close(running) for running in self._running.values()))
        self._running = {}
        await self._edge.stop()

    async def _loaded(self) -> Config:
        """Return what the configuration says; reading and checking it holds nobody up."""
        try:
            return await self._runtime.aside(self._load, "configuration")
        except OSError as exc:
            problem = ConfigProblem("", f"configuration: {exc.strerror or 'cannot be read'}")
            raise ConfigError((problem,)) from None

    async def _placed(self, config: Config, opening: Awaitable[T]) -> T:
        """Return what is opened; what is wrong with it is told with its place in the file."""
        try:
            return await opening
        except ConfigError as exc:
            problems = exc.problems
        # Without its place a problem is one still.
        with contextlib.suppress(OSError):
            problems = await self._runtime.aside(
                lambda: config.origin.place(problems), "configuration"
            )
        raise ConfigError(problems)

    def _sections(self) -> dict[str, Section]:
        """Return the settings that are in use, by what they are of."""
        sections: dict[str, Section] = {
            name: running.config.settings for name, running in self._running.items()
        }
        for section in self._edge.settings:
            sections[f"edge, {type(section).__name__}"] = section
        return sections

    def _watch_secrets(self) -> None:
        if (self._watching is None or self._watching.done()) and self._secrets.needed():
            watching = asyncio.create_task(self._secrets.keep_looking(), name="watch secrets")
            watching.add_done_callback(self._ended)
            self._watching = watching

    async def _prepare(self, config: Config) -> tuple[dict[str, OpenSource], Stage]:
        """Open all that is new or different; raises ConfigError with everything that cannot be."""
        edge, relay_source = config.edge, None
        if edge is not None and edge.relay is not None:
            by_name = {each.settings.name: each.settings for each in config.sources}
            found = by_name.get(edge.relay.source)
            relay_source = found if isinstance(found, HuaweiSettings) else None
        problems: list[ConfigProblem] = []
        stage = Stage(wanted=None)
        try:
            stage = await self._edge.prepare(edge, relay_source)
        except ConfigError as exc:
            problems += exc.problems
        try:
            added = await self._open(config)
        except ConfigError as exc:
            await self._edge.discard(stage)
            raise ConfigError((*exc.problems, *problems)) from None
        if problems:
            for running in added.values():
                await running.source.aclose()
            raise ConfigError(tuple(problems))
        return added, stage

    async def _open(self, config: Config, *, patient: bool = False) -> dict[str, OpenSource]:
        """Open the sources that are new, different or refused, without touching those that run.

        Those that are patient wait for whatever they ask.
        """
        opened: dict[str, OpenSource] = {}
        problems: list[ConfigProblem] = []
        for index, source_config in enumerate(config.sources):
            name = source_config.settings.name
            running = self._running.get(name)
            same = running is not None and running.config == source_config
            # Credentials that were taken away on purpose are looked for everywhere again.
            if running is not None and same and not running.collector.refused:
                continue
            try:
                opened[name] = await self._opener.open(source_config, patient=patient)
            except ConfigError as exc:
                problems += (
                    ConfigProblem(f"sources[{index}].{problem.path}", problem.message)
                    for problem in exc.problems
                )
        if problems:
            for running in opened.values():
                await running.source.aclose()
            raise ConfigError(tuple(problems))
        return opened

    async def _replace(self, added: dict[str, OpenSource], kept: set[str]) -> None:
        for name in [name for name in self._running if name not in kept]:
            old = self._running.pop(name)
            await self._close(old)
            if name in added and added[name].config.platform.name == old.config.platform.name:
                before = old.collector
                changed = added[name].config != old.config
                adopt = added[name].collector.adopt
                adopt(before.snapshot, before.remembered, changed=changed)
            else:
                self.store.remove(name)
                self.telemetry.remove_source(name)
        for name, running in added.items():
            running.collector.announce()
            running.task = asyncio.create_task(running.collector.run(), name=f"poll {name}")
            running.task.add_done_callback(self._ended)
            self._running[name] = running

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (exc := task.exception()) is not None:
            self._log.error("a task ended unexpectedly", task=task.get_name(), detail=trail(exc))

    async def _close(self, running: OpenSource) -> None:
        if running.task is not None:
            await _cancel(running.task)
        await running.source.aclose()

    async def _render(self) -> None:
        """Render the page whenever something was published, but never most of the time."""
        runtime = self._runtime
        announced = False
        while True:
            await self._until_news()
            started = runtime.monotonic()
            # Asked before: what comes in while the turns are taken is not on this page yet.
            polled = self._polled()
            await self.exposition.refresh_in_turns()
            self._rendered()
            self._on_page = polled
            self._unrendered.tell(self.exposition.unrendered)
            if not announced and self.ready():
                announced = True
                jobs = sum(len(each.jobs) for each in self.store.snapshots.values())
                self._log.info("ready: every source has been polled", jobs=jobs)
            took = runtime.monotonic() - started
            await runtime.sleep(max(_LEAST_PAUSE, took * _RENDER_SHARE))

    def _polled(self) -> frozenset[str]:
        """Return the sources that were polled once, with whatever result."""
        return frozenset(
            name
            for name, running in self._running.items()
            if running.collector.snapshot.up is not None
        )

    async def _until_news(self) -> None:
        """Wait until something was published, or until something shown has become stale."""
        stale_at = self.exposition.stale_at
        pause = None if stale_at is None else max(0.0, stale_at - self._runtime.clock())
        # Not wait_for: in Python 3.11 it loses a cancellation that comes together with the news.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self.store.changed()


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
