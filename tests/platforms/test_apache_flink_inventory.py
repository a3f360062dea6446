"""The inventory is one call, or one for each chosen job, and the version is asked beside it."""

from typing import Any

import pytest

from exporter.errors import FetchError
from exporter.platforms import load
from exporter.platforms.apache_flink import FlinkSource, Settings
from exporter.source import Inventory, JobSelection
from tests.platforms.flink_job_manager import JID, NO_LEADER, OTHER_JID, Flink, row
from tests.virtual_time import EPOCH, run


def test_inventory_is_one_call_and_the_version_is_asked_once() -> None:
    """The version does not change with every poll."""
    flink = Flink()

    async def poll_twice(source: FlinkSource) -> tuple[Inventory, Inventory]:
        return await source.fetch_inventory(), await source.fetch_inventory()

    first, second = run(flink.source(poll_twice))
    assert flink.asked() == ["/config", "/jobs/overview", "/jobs/overview"]
    assert [job.engine_version for job in (*first.jobs, *second.jobs)] == ["2.3.0", "2.3.0"]
    assert first.jobs[0].observed_timestamp == EPOCH


def test_version_is_asked_again_after_a_failure_and_when_jobs_disappear() -> None:
    """Both are what the replacement of a JobManager looks like from here."""
    flink = Flink()

    listings: list[Any] = [
        {"jobs": [row()]},
        (503, NO_LEADER),
        {"jobs": [row()]},
        {"jobs": [row(jid=OTHER_JID)]},
    ]

    async def story(source: FlinkSource) -> list[str]:
        versions: list[str] = []
        for listing in listings:
            flink.answers["/jobs/overview"] = listing
            flink.answers["/config"] = {"flink-version": f"2.{len(versions)}"}
            try:
                versions.append((await source.fetch_inventory()).jobs[0].engine_version)
            except FetchError:
                versions.append("down")
        return versions

    assert run(flink.source(story)) == ["2.0", "down", "2.2", "2.3"]


def test_hidden_configuration_is_no_failure() -> None:
    """A proxy that keeps `/config` to itself is asked for it once."""
    flink = Flink()
    flink.answers["/config"] = (403, {})

    async def poll_twice(source: FlinkSource) -> Inventory:
        await source.fetch_inventory()
        return await source.fetch_inventory()

    assert run(flink.source(poll_twice)).jobs[0].engine_version == ""
    assert flink.asked().count("/config") == 1


def test_chosen_ids_are_asked_instead_of_the_listing() -> None:
    """One that Flink forgot is left out; the listing is whole all the same."""
    flink = Flink(jobs={"ids": [JID, OTHER_JID]})
    flink.answers[f"/jobs/{OTHER_JID}"] = (404, {"errors": [f"Job {OTHER_JID} not found"]})
    inventory = flink.inventory()
    assert [job.job_id for job in inventory.jobs] == [JID]
    assert inventory.incomplete == ()
    assert flink.asked() == ["/config", f"/jobs/{JID}", f"/jobs/{OTHER_JID}"]
    selection = JobSelection(ids=(JID, OTHER_JID))
    settings = Settings(name="f", platform="apache_flink", endpoint="http://f", jobs=selection)
    assert load("apache_flink").cost(settings, 2).per_inventory == 2


def test_chosen_id_without_an_answer_makes_the_inventory_incomplete() -> None:
    """What was known of that job stays; when none answers, the source is down."""
    flink = Flink(jobs={"ids": [JID, OTHER_JID]})
    flink.answers[f"/jobs/{OTHER_JID}"] = (503, NO_LEADER)
    assert [project for project, _ in flink.inventory().incomplete] == [""]
    flink.answers[f"/jobs/{JID}"] = (503, NO_LEADER)
    with pytest.raises(FetchError):
        flink.inventory()
