"""What is gone without a told end is said on the status page and at /api/v1."""

import json

import pytest

from exporter.model import GoneJob, JobKey, State
from exporter.pages.attention import IDLE_AFTER, attention
from exporter.serving.job_json import encode_source
from tests.jobs import job, snapshot
from tests.pages.overviews import NOW, overview_of
from tests.virtual_time import EPOCH


def _gone(number: int, name: str = "") -> GoneJob:
    return GoneJob(
        key=JobKey(project="p", job_id=f"j{number}"),
        job_name=name,
        last_state=State.RESTARTING,
        last_seen_timestamp=EPOCH - 60 + number,
        gone_timestamp=EPOCH + number,
    )


def test_last_jobs_that_are_gone_are_named_beside_their_source() -> None:
    page = overview_of(
        snapshot(source="a"),
        snapshot(source="b", gone=tuple(_gone(number) for number in range(7))),
    )
    assert [row.name for row in page.sources] == ["b", "a"]
    row = page.sources[0]
    assert [gone.name for gone in row.gone] == ["j6", "j5", "j4", "j3", "j2"]
    assert {gone.last_state for gone in row.gone} == {State.RESTARTING}
    assert row.gone[0].seen_at is not None
    assert row.gone_more == 2
    assert page.sources[1].gone == ()


def test_name_of_a_job_that_is_gone_is_shown_and_shortened() -> None:
    [row] = overview_of(snapshot(gone=(_gone(1, "x" * 500),))).sources
    assert (len(row.gone[0].name), row.gone_more) == (120, 0)


def test_api_tells_what_is_gone_within_bounds() -> None:
    gone = tuple(_gone(number, f"n{number}") for number in range(300))
    document = json.loads(encode_source(snapshot(gone=gone)))
    assert (document["gone_jobs"], len(document["gone"])) == (300, 200)
    assert document["gone"][0] == {
        "project": "p",
        "job_id": "j299",
        "job_name": "n299",
        "last_state": "restarting",
        "last_seen_timestamp": EPOCH + 239,
        "gone_timestamp": EPOCH + 299,
    }


@pytest.mark.parametrize(("seconds", "reason"), [(1.0, None), (0.0, ""), (-1.0, "no task runs")])
def test_running_job_of_which_nothing_runs_deserves_a_look(
    seconds: float, reason: str | None
) -> None:
    """Longer than a restart takes."""
    since = NOW - IDLE_AFTER + seconds
    found = attention(job(nothing_runs_since_timestamp=since), NOW)
    if not reason:
        assert found is None
    else:
        assert found is not None
        assert found.reason.startswith(reason)
