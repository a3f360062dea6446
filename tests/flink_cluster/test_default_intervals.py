"""Figures are true though Flink gathers them every ten seconds only, when somebody asks.

The long version is `python -m tests.flink_cluster figures`.
"""

import asyncio
import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from exporter.model import Job
from exporter.platforms.apache_flink import FlinkSource
from tests.flink_cluster import PATIENT, FlinkCluster, FlinkDistribution, JobSpec
from tests.flink_cluster.asking import ask
from tests.flink_cluster.watched import Tallies

LATE = ("late_sql", "late_stream")
COUNTED = ("chained", "unchained", "reduced")
_PAUSE = 13.0
"""Seconds in which nobody asks, longer than those after which Flink gathers anew."""
_YOUNG = 18.0
"""Seconds after which a job tells counts."""

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("real")]


@dataclass(slots=True)
class Story:
    """What three looks found, of which a TaskManager was frozen at the last."""

    looks: list[dict[str, Job]]
    before: list[dict[str, tuple[float, float]]]
    """What the jobs had counted for themselves just before each look, read and written."""
    after: list[dict[str, tuple[float, float]]]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Look three times, with pauses in which nobody asks."""
    folder = tmp_path_factory.mktemp("patient")
    with FlinkCluster(FlinkDistribution.locate(), folder, settings=PATIENT) as cluster:
        tallies, ids = _submit(cluster, folder)
        yield ask(cluster, lambda source: _look(source, ids, tallies, cluster.pids["taskmanager"]))


def _submit(cluster: FlinkCluster, folder: Path) -> tuple[dict[str, Tallies], dict[str, str]]:
    tallies = {shape: Tallies(folder / shape) for shape in COUNTED}
    for each in tallies.values():
        each.folder.mkdir()
    ids = cluster.submit(
        [
            JobSpec(name="late_sql", kind="late_sql"),
            JobSpec(name="late_stream", kind="late_stream"),
            *(
                JobSpec(name=shape, kind="counting", shape=shape, folder=str(folder / shape))
                for shape in ("chained", "unchained", "reduced")
            ),
        ]
    )
    for jid in ids.values():
        cluster.wait_for(jid, "RUNNING")
    cluster.wait_until(
        lambda: all(each.counts()[1] > 0 for each in tallies.values()), what="records"
    )
    return tallies, ids


async def _look(
    source: FlinkSource, ids: Mapping[str, str], tallies: Mapping[str, Tallies], frozen: int
) -> Story:
    story = Story(looks=[], before=[], after=[])
    await asyncio.sleep(_YOUNG)
    for act in (None, None, signal.SIGSTOP):
        if act is not None:
            os.kill(frozen, act)
        await asyncio.sleep(_PAUSE)
        await source.fetch_inventory()
        story.before.append({name: each.counts() for name, each in tallies.items()})
        story.looks.append({name: await _details(source, jid) for name, jid in ids.items()})
        story.after.append({name: each.counts() for name, each in tallies.items()})
    os.kill(frozen, signal.SIGCONT)
    return story


async def _details(source: FlinkSource, jid: str) -> Job:
    row = Job(project="", job_id=jid, job_name="", observed_timestamp=0)
    return (await source.fetch_details(row)).job


@pytest.mark.parametrize("name", LATE)
def test_delay_is_the_truth_and_not_larger_by_the_time_in_which_nobody_asked(
    story: Story, name: str
) -> None:
    delays = [look[name].input_delay_seconds for look in story.looks[:2]]
    assert all(delay is not None and 120 <= delay <= 123 for delay in delays), delays


@pytest.mark.parametrize("name", LATE)
def test_delay_is_unknown_at_the_first_look_after_a_task_manager_hangs(
    story: Story, name: str
) -> None:
    assert story.looks[2][name].input_delay_seconds is None


@pytest.mark.parametrize("name", COUNTED)
def test_records_are_those_that_the_job_has_counted(story: Story, name: str) -> None:
    """However it is chained, within what moves while it is looked at."""
    for look, before, after in zip(story.looks[:2], story.before, story.after, strict=False):
        read, written = look[name].read_records, look[name].written_records
        assert read is not None
        assert written is not None
        assert before[name][0] <= read <= after[name][0]
        assert before[name][1] <= written <= after[name][1]
        assert written < read
