"""Problems outlive the job that is shown, and reloads; their lines are written when they change."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from exporter.app import App
from exporter.attention_settings import AttentionSettings
from exporter.configuration.config import Config, SourceConfig
from exporter.errors import FetchError, Reason
from exporter.exposition import Exposition
from exporter.exposition.deflated_text import DeflatedText, Deflater
from exporter.model import Job, ProblemKind, State
from exporter.platforms import Platform
from exporter.source import CallCost, SourceSettings
from tests.collecting.scripted_source import ScriptedSource
from tests.exposition.expositions import OWN, Clock, lines_of, store_of
from tests.jobs import job, problem, snapshot
from tests.recording import RecordingLog
from tests.virtual_time import EPOCH, run, virtual_world

PROBLEMS = "streaming_job_problem_since_timestamp_seconds"


@dataclass
class World:
    """An exporter of one source that follows a script, and what its configuration says of it."""

    listing: Callable[[float], list[Job] | Exception]
    details: Callable[[Job, float], Job] = field(default=lambda job, now: job)
    limits: dict[str, object] = field(default_factory=dict)
    settings: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        platform = Platform(
            name="x",
            settings=SourceSettings,
            open=lambda settings, connector: ScriptedSource(self.listing, self.details),
            cost=lambda settings, jobs: CallCost(per_inventory=1, per_details=1),
        )

        def load() -> Config:
            attention = AttentionSettings.model_validate(self.limits)
            settings = SourceSettings.model_validate(
                {"name": "s", "platform": "x", "attention": attention, **self.settings}
            )
            return Config(sources=(SourceConfig(platform=platform, settings=settings),))

        self.app = App(load, runtime=virtual_world(), log=RecordingLog())

    def told(self) -> list[str]:
        """Return the problems that are on the page of the metrics."""
        return [line.partition('problem="')[2].partition('"')[0] for line in self.lines(PROBLEMS)]

    def lines(self, name: str) -> list[str]:
        return lines_of(self.app.exposition, name)


def test_reload_with_other_limits_keeps_the_restarts_that_were_counted() -> None:
    async def body() -> None:
        def listing(now: float) -> list[Job]:
            return [job(restart_times=0 if now < 60 else 1 if now < 120 else 2)]

        world = World(listing, limits={"restarts": {"burst": 3}})
        await world.app.start()
        await asyncio.sleep(200)
        assert world.told() == []
        world.limits = {"restarts": {"burst": 2}}
        await world.app.reload()
        # At once: the reload is what is new, not the next poll.
        assert world.told() == ["restarting_often"]
        await asyncio.sleep(100)
        assert world.told() == ["restarting_often"]
        world.limits = {"restarts": {"burst": 3}}
        await world.app.reload()
        assert world.told() == []
        await world.app.stop()

    run(body())


def _stopped(now: float) -> list[Job] | Exception:
    return [job(state=State.STOPPED, state_since_timestamp=EPOCH)]


def _fail(found: Job, now: float) -> Job:
    raise FetchError(Reason.SERVER, "GetJob")


@pytest.mark.parametrize("details", [lambda found, now: found, _fail])
def test_job_that_is_taken_off_the_list_of_those_that_should_run_need_not_run_at_once(
    details: Callable[[Job, float], Job],
) -> None:
    async def body() -> None:
        world = World(_stopped, details, settings={"expect": ["orders"]})
        await world.app.start()
        await asyncio.sleep(400)
        assert world.told() == ["not_running"]
        world.settings = {"expect": []}
        await world.app.reload()
        assert world.told() == []
        await asyncio.sleep(400)
        assert world.told() == []
        assert world.lines("streaming_job_expected_running") == []
        world.settings = {"expect": ["ord.*"]}
        await world.app.reload()
        assert world.told() == ["not_running"]
        await asyncio.sleep(400)
        assert world.told() == ["not_running"]
        await world.app.stop()

    run(body())


def test_job_that_stays_on_the_list_stays_told_through_reloads_and_outages() -> None:
    async def body() -> None:
        def listing(now: float) -> list[Job] | Exception:
            return FetchError(Reason.TIMEOUT, "ListJobs") if 500 < now < 700 else _stopped(now)

        world = World(listing, settings={"expect": ["orders"]})
        await world.app.start()
        await asyncio.sleep(400)
        for number in range(10):
            world.settings = {"expect": ["orders", "payments"][: 1 + number % 2]}
            await world.app.reload()
            for _ in range(4):
                assert world.told() == ["not_running"]
                await asyncio.sleep(11)
        await world.app.stop()

    run(body())


def test_job_that_its_platform_wants_to_run_does_not_end_with_the_list() -> None:
    async def body() -> None:
        def details(found: Job, now: float) -> Job:
            return found._replace(expected_running=True)

        world = World(_stopped, details, settings={"expect": ["orders"]})
        await world.app.start()
        await asyncio.sleep(400)
        assert world.told() == ["not_running"]
        world.settings = {"expect": []}
        await world.app.reload()
        for _ in range(10):
            assert world.told() == ["not_running"]
            await asyncio.sleep(30)
        await world.app.stop()

    run(body())


def test_restarts_while_a_reload_waits_for_details_are_counted() -> None:
    async def body() -> None:
        def details(found: Job, now: float) -> Job:
            return job(restart_times=0 if now < 240 else 5)

        world = World(lambda now: [job()], details)
        await world.app.start()
        await asyncio.sleep(240)
        assert world.told() == []
        world.limits = {"stuck_after": "1h"}
        await world.app.reload()
        await asyncio.sleep(200)
        assert world.told() == ["restarting_often"]
        await world.app.stop()

    run(body())


def test_problems_outlive_the_job_that_is_withdrawn_and_end_when_it_is_seen_to_be_well() -> None:
    async def body() -> None:
        def listing(now: float) -> list[Job] | Exception:
            if 100 < now < 1000:
                return FetchError(Reason.TIMEOUT, "ListJobs")
            return [job("a", State.FAILED if now < 1000 else State.RUNNING)]

        world = World(listing)
        await world.app.start()
        await asyncio.sleep(90)
        assert world.told() == ["failed"]
        first = world.lines(PROBLEMS)
        await asyncio.sleep(800)
        assert world.lines("streaming_job_state") == []
        assert world.lines("streaming_job_observed_timestamp_seconds") == []
        assert world.lines(PROBLEMS) == first
        await asyncio.sleep(200)
        assert len(world.lines("streaming_job_observed_timestamp_seconds")) == 1
        assert world.told() == []
        await world.app.stop()

    run(body())


def test_problems_of_a_job_that_left_end_when_the_source_answers_again() -> None:
    async def body() -> None:
        def listing(now: float) -> list[Job] | Exception:
            if 100 < now < 1000:
                return FetchError(Reason.SERVER, "ListJobs")
            return [job("a", State.FAILED)] if now < 1000 else []

        world = World(listing)
        await world.app.start()
        await asyncio.sleep(900)
        assert world.told() == ["failed"]
        await asyncio.sleep(200)
        assert world.told() == []
        await world.app.stop()

    run(body())


class _Counting(Deflater):
    """Counts how often lines of problems are written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = 0

    def piece(self, text: bytes) -> DeflatedText:
        self.written += text.startswith(f"{PROBLEMS}{{".encode())
        return super().piece(text)


def test_lines_of_problems_are_written_again_only_when_problems_are_others() -> None:
    store = store_of()
    deflater = _Counting()
    exposition = Exposition(store, OWN, clock=Clock(), deflater=deflater)
    told = tuple(problem(ProblemKind.FAILED, f"job {number}") for number in range(300))

    def put(*jobs: Job, **facts: object) -> int:
        before = deflater.written
        store.put(snapshot(*jobs, **facts))
        exposition.refresh()
        return deflater.written - before

    assert put(job("a"), problems=told) == 2
    assert put(job("a"), job("b"), problems=told) == 0
    assert put(job("a", State.FAILED), up=False, problems=told) == 0
    assert len(lines_of(exposition, PROBLEMS)) == 300
    assert put(job("a"), problems=told[:200]) == 1
    assert len(lines_of(exposition, PROBLEMS)) == 200
    assert put(job("a"), problems=()) == 0
    assert lines_of(exposition, PROBLEMS) == []
