"""Each story of the demo goes wrong as the platform would, where it says, and is over in time."""

import asyncio
from pathlib import Path

import httpx
import pytest

from exporter.commands.arguments import STORIES as CHOICES
from exporter.configuration.config import parse
from exporter.pages.runbooks import runbooks
from exporter.simulator.clouds import (
    HUAWEI_KEY,
    HUAWEI_SECRET,
    PROJECT_ID,
    build_clouds,
    configuration,
)
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.stories import STORIES, DeletedKey, Stage, Story
from exporter.simulator.yarn.cloud import build_yarn, yarn_configuration
from tests.simulator.huawei_caller import dated, send, sign

START = 1_700_000_000.0
LISTING = "/ws/v1/cluster/apps?states=RUNNING"


class Rig:
    """A stage on which some stories are told, and the time."""

    def __init__(self, *stories: Story) -> None:
        self.now = START
        self.known = build_clouds(clock=lambda: self.now)
        self.yarn = build_yarn(clock=lambda: self.now)
        self.yarn.serve_at({"yarn-1": "http://yarn-1", "yarn-2": "http://yarn-2"})
        self.dli = DeletedKey(self.known.dli.app, HUAWEI_KEY)
        self.slept: list[float] = []
        self.stage = Stage(
            stories,
            down=self.known.ververica.faults,
            throttled=self.known.foas.faults,
            rejected=self.dli,
            vanished=self.yarn.fleet,
            clock=lambda: self.now,
            sleep=self.sleep,
        )

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) == 3:
            raise asyncio.CancelledError

    def at(self, elapsed: float) -> None:
        self.now = START + elapsed
        self.stage.look()

    def faults(self) -> list[FaultInjection]:
        every = (*self.known.all(), *self.yarn.clouds)
        return [cloud.faults for cloud in every if cloud.faults.outage or cloud.faults.throttling]

    def listed(self) -> set[str]:
        """Return the names of the applications that YARN says are running."""
        name = str(self.yarn.availability.now).replace("rm", "yarn-")
        (app,) = (each.app for each in self.yarn.clouds if each.name == name)

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://yarn") as client:
                return await client.get(LISTING)

        return {each["name"] for each in asyncio.run(ask()).json()["apps"]["app"]}

    def dli_says(self) -> tuple[int, str]:
        path = f"/v1.0/{PROJECT_ID}/streaming/jobs"
        headers = sign(path, {}, self.dated(), key=HUAWEI_KEY, secret=HUAWEI_SECRET)
        answer = send(self.dli, path, headers)
        return answer.status_code, answer.json().get("error_code", "")

    def dated(self) -> dict[str, str]:
        return dated(self.now) | {"X-Project-Id": PROJECT_ID}


def test_platform_that_goes_down_is_down_for_as_long_as_the_story_says() -> None:
    story = STORIES["down"]
    rig = Rig(story)
    rig.at(story.window.begins - 1)
    assert rig.faults() == []
    rig.at(story.window.begins)
    assert rig.faults() == [rig.known.ververica.faults]
    assert rig.known.ververica.faults.outage
    rig.at(story.window.begins + story.window.lasts)
    assert rig.faults() == []


def test_platform_that_throttles_does_so_for_as_long_as_the_story_says() -> None:
    story = STORIES["throttled"]
    rig = Rig(story)
    rig.at(story.window.begins)
    assert rig.faults() == [rig.known.foas.faults]
    assert rig.known.foas.faults.throttling
    rig.at(story.window.begins + story.window.lasts)
    assert rig.faults() == []


def test_key_that_was_deleted_is_refused_in_the_words_of_the_platform() -> None:
    story = STORIES["rejected"]
    rig = Rig(story)
    assert rig.dli_says() == (200, "")
    rig.at(story.window.begins)
    assert rig.dli_says() == (401, "APIGW.0301")
    rig.at(story.window.begins + story.window.lasts)
    assert rig.dli_says() == (200, "")


def test_cluster_that_vanishes_is_in_no_list_and_the_job_comes_back_in_another() -> None:
    story = STORIES["vanished"]
    rig = Rig(story)
    rig.at(story.window.begins - 1)
    before = rig.listed()
    rig.at(story.window.begins)
    (gone,) = before - rig.listed()
    rig.at(story.window.begins + story.window.lasts)
    assert gone in rig.listed()


def test_stories_are_told_again_and_one_alone_is_told_soon_and_for_long() -> None:
    for story in STORIES.values():
        window = story.window
        assert window.every is not None
        assert window.covers(window.begins + window.every)
        alone = story.alone()
        assert (alone.name, alone.source, alone.text) == (story.name, story.source, story.text)
        assert alone.window.begins <= 60
        assert alone.window.lasts >= 900


def test_nothing_is_told_when_nothing_runs_that_could_vanish() -> None:
    rig = Rig(STORIES["vanished"])
    for view in rig.yarn.fleet.views(START):
        rig.yarn.fleet.remove(view.name, START)
    rig.at(STORIES["vanished"].window.begins)
    rig.at(STORIES["vanished"].window.begins + STORIES["vanished"].window.lasts)
    assert rig.yarn.fleet.views(rig.now) == ()


def test_stage_looks_again_and_again_until_it_is_cancelled() -> None:
    rig = Rig(*STORIES.values())
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(rig.stage.play())
    assert rig.slept == [1.0, 1.0, 1.0]


def test_command_line_knows_every_story_and_no_other() -> None:
    assert tuple(STORIES) == CHOICES


def test_story_names_a_source_of_the_demo_and_an_alert_with_a_runbook() -> None:
    rig = Rig()
    every = (*rig.known.all(), *rig.yarn.clouds)
    addresses = {cloud.name: f"http://{cloud.name}" for cloud in every}
    text = configuration(addresses) + yarn_configuration(addresses)
    sources = {source.settings.name for source in parse(text, environ={}, directory=Path()).sources}
    assert {story.source for story in STORIES.values()} <= sources
    told = {name for _, name in runbooks()}
    assert {story.alert for story in STORIES.values()} <= told
