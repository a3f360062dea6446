"""Tell a history to the whole exporter, in virtual time, before the eyes of an observer."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

import httpx

from exporter.app import App
from exporter.collecting.history import History as ChangeRecord
from exporter.configuration.config import Config, SourceConfig
from exporter.model import Snapshot
from exporter.platforms import Platform
from exporter.process.steps import Steps
from exporter.source import CallCost, JobSelection, SourceSettings
from exporter.upstream.connector import Connector
from tests.histories.cloud import Cloud, Sky, Spell, Surroundings
from tests.histories.history import POLL_INTERVAL, TIMEOUT, Event, History, Ours, Weather
from tests.histories.observer import Observer
from tests.histories.parts import REAL, Parts
from tests.histories.problems import LIMITS
from tests.histories.rules import Broken
from tests.histories.truth import Deed, Truth
from tests.recording import RecordingLog
from tests.virtual_time import run, virtual_world

SOURCE = "story"
SCRAPE_INTERVAL = 37.0
"""Seconds between scrapes: in no step with the polls."""
_CALM = 3.5 * POLL_INTERVAL


def tell(history: History, parts: Parts = REAL) -> Broken | None:
    """Tell a history; return the first rule that was broken, or None."""
    return run(_Stage(history, parts).perform())


class _Witness(ChangeRecord):
    """The record of changes, which hears of each publication, and an observer who does too.

    What is a problem is decided after it: of that it hears when something else takes its place.
    """

    def __init__(
        self, hear: Callable[[Snapshot], None], hear_of_problems: Callable[[Snapshot], None]
    ) -> None:
        super().__init__()
        self._hear = hear
        self._hear_of_problems = hear_of_problems

    def take(self, old: Snapshot | None, new: Snapshot) -> Steps[None]:
        """Hear what is published."""
        yield from super().take(old, new)
        if old is not None:
            self._hear_of_problems(old)
        self._hear(new)


@dataclass(slots=True)
class _Choices:
    """What a reload changes."""

    label: int = 0
    exclude: bool = False
    drafts: bool = False


class _Stage:
    def __init__(self, history: History, parts: Parts) -> None:
        self._history = history
        self._parts = parts
        self._choices = _Choices()
        self._truth = Truth(history.kind)
        self._sky = Sky()
        self._observer = Observer(history, self._truth, self._sky, settings=self._settings())

    async def perform(self) -> Broken | None:
        """Let everything happen, then a calm in which all must come right."""
        app = await self._start()
        scraper = asyncio.create_task(self._scrape_for_ever(lambda: app))
        for event in self._history.events:
            await asyncio.sleep(event.pause)
            if self._observer.broken is not None:
                break
            app = await self._happen(event, app)
        await asyncio.sleep(_CALM)
        scraper.cancel()
        await asyncio.gather(scraper, return_exceptions=True)
        self._observer.looks_back(self._now())
        await app.stop()
        return self._observer.broken

    async def _happen(self, event: Event, app: App) -> App:
        now = self._now()
        if isinstance(event.what, Deed):
            self._truth.happen(event.what, event.who, event.choice, now)
        elif isinstance(event.what, Weather):
            job = self._truth.pick(event.who, now)
            if event.what is not Weather.HIDDEN or job is not None:
                spell = Spell(weather=event.what, begins=now, ends=now + event.lasts, job=job)
                self._sky.spells.append(spell)
        elif event.what is Ours.RESTART:
            await app.stop()
            self._observer.restarted(now)
            return await self._start()
        else:
            self._choose(event.what)
            self._observer.reloads(self._settings(), now)
            await app.reload()
        return app

    def _choose(self, what: Ours) -> None:
        now = self._choices
        if what is Ours.RELOAD_LABELS:
            now.label += 1
        elif what is Ours.RELOAD_SELECTION:
            now.exclude = not now.exclude
        else:
            now.drafts = not now.drafts

    async def _start(self) -> App:
        runtime = replace(
            virtual_world(seed=self._history.seed),
            transport=lambda: httpx.MockTransport(self._answer),
        )
        app = self._parts.app(self._config, runtime=runtime, log=RecordingLog())
        app.store.history = _Witness(
            lambda snapshot: self._observer.published(snapshot, self._now()),
            lambda snapshot: self._observer.problems_told(snapshot, self._now()),
        )
        await app.start()
        return app

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        await self._sky.hold_up(self._now, asyncio.sleep)
        return httpx.Response(200)

    def _config(self) -> Config:
        platform = Platform(
            name=SOURCE,
            settings=SourceSettings,
            open=self._open,
            cost=lambda settings, jobs: CallCost(per_inventory=1, per_details=1),
            supersedes=self._history.kind.run_is_id,
        )
        return Config(sources=(SourceConfig(platform=platform, settings=self._settings()),))

    def _open(self, settings: SourceSettings, connector: Connector) -> Cloud:
        around = Surroundings(
            truth=self._truth,
            sky=self._sky,
            clock=self._now,
            sleep=asyncio.sleep,
            latency=self._history.latency,
            page_size=self._history.page_size,
            listener=self._observer,
            parts=self._parts,
        )
        return Cloud(self._history.kind, around, connector)

    def _settings(self) -> SourceSettings:
        return SourceSettings(
            name=SOURCE,
            platform=SOURCE,
            poll_interval=POLL_INTERVAL,
            timeout=TIMEOUT,
            detail_interval=self._history.detail_interval,
            stale_after=self._history.stale_after,
            ended_retention=self._history.ended_retention,
            attention=LIMITS,
            labels={"edition": str(self._choices.label)},
            jobs=JobSelection(
                exclude=("clicks",) if self._choices.exclude else (), drafts=self._choices.drafts
            ),
        )

    async def _scrape_for_ever(self, app: Callable[[], App]) -> None:
        while True:
            await asyncio.sleep(SCRAPE_INTERVAL)
            page, _ = app().exposition.scrape()
            self._observer.scraped(page.decode(), self._now())

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
