"""A checkpoint is as old as it was when its platform last told of it, however long ago that was."""

from typing import Any

import pytest

from exporter.attention.tracker import SourceAttention
from exporter.attention_settings import AttentionSettings
from exporter.model import Job, Snapshot, State
from exporter.process.steps import finished
from tests.collecting.job_trackers import job_tracker, listing
from tests.jobs import job
from tests.virtual_time import EPOCH

HOUR = 3600.0


def _problems(jobs: tuple[Job, ...], now: float) -> list[str]:
    attention = SourceAttention(AttentionSettings())
    snapshot = Snapshot(
        source="s",
        platform="x",
        stale_after=300.0,
        up=True,
        last_success_timestamp=now,
        jobs=jobs,
    )
    return [each.kind.value for each in finished(attention.take(None, snapshot))]


@pytest.mark.parametrize(
    "told",
    [
        {"last_checkpoint_completed_timestamp": EPOCH - 10},
        {"checkpoints_failed": 0, "state_since_timestamp": EPOCH - 10},
    ],
    ids=str,
)
def test_no_checkpoint_grows_old_while_details_are_not_had(told: dict[str, Any]) -> None:
    """As after an outage: a listing is there before the details of any job are."""
    tracker = job_tracker()
    tracker.note_inventory(listing(job("a", observed_timestamp=EPOCH)), EPOCH)
    tracker.note_details(job("a", observed_timestamp=EPOCH, **told), EPOCH)
    back = EPOCH + HOUR
    tracker.note_inventory(listing(job("a", observed_timestamp=back)), back)
    [shown] = tracker.jobs(back)
    assert (shown.state, shown.observed_timestamp) == (State.RUNNING, back)
    assert shown.checkpoints_observed_timestamp == EPOCH
    assert _problems((shown,), back) == []
    tracker.note_details(job("a", observed_timestamp=back, **told), back)
    assert _problems(tracker.jobs(back), back) == ["checkpoint_old"]


def test_checkpoints_that_details_do_not_tell_keep_their_date() -> None:
    tracker = job_tracker()
    tracker.note_inventory(listing(job("a", observed_timestamp=EPOCH)), EPOCH)
    tracker.note_details(job("a", observed_timestamp=EPOCH, checkpoints_failed=1), EPOCH)
    tracker.note_details(job("a", observed_timestamp=EPOCH + 60, queue="q"), EPOCH + 60)
    [shown] = tracker.jobs(EPOCH + 60)
    assert (shown.queue, shown.checkpoints_observed_timestamp) == ("q", EPOCH)
