"""A row that tells only that time has passed means what it would mean if all were put together."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collecting.merging import Since, moved_on, settle, tells_only_time
from exporter.model import Job, State
from tests.jobs import job
from tests.virtual_time import EPOCH

times = st.none() | st.sampled_from([EPOCH - 500.0, EPOCH - 100.0, EPOCH])
facts = st.fixed_dictionaries(
    {
        "state": st.sampled_from(list(State)),
        "native_status": st.sampled_from(["A", "B"]),
        "finer_state": st.none() | st.sampled_from(list(State)),
        "duration_seconds": st.none() | st.sampled_from([0.0, 100.0]),
        "start_timestamp": times,
        "end_timestamp": times,
        "updated_timestamp": times,
        "state_since_timestamp": times,
        "run_id": st.sampled_from(["", "one", "two"]),
        "input_delay_seconds": st.none() | st.just(3.0),
        "expected_running": st.none() | st.booleans(),
        "tasks": st.sampled_from([(), (("running", 1),), (("scheduled", 2), ("running", 0))]),
    }
)


def observed(ago: float, told: dict[str, Any]) -> Job:
    return job(observed_timestamp=EPOCH - ago, **told)


def expects(name: str) -> bool:
    return name.startswith("o")


@given(
    first=facts, second=facts, details=st.none() | facts, seconds=st.sampled_from([0.0, 0.5, 30.0])
)
def test_it_is_what_settling_says(
    first: dict[str, Any],
    second: dict[str, Any],
    details: dict[str, Any] | None,
    seconds: float,
) -> None:
    known = None if details is None else observed(50.0, details)
    shown, since = settle(
        observed(60.0, first), known, before=None, since=Since(), expected=expects
    )
    row = observed(30.0, second)
    shown, since = settle(row, known, before=shown, since=since, expected=expects)
    lasted = None if row.duration_seconds is None else row.duration_seconds + seconds
    later = row.later(row.observed_timestamp + seconds, lasted)
    assert tells_only_time(row, later)
    assert (moved_on(shown, later), since) == settle(
        later, known, before=shown, since=since, expected=expects
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"state": State.FAILED},
        {"native_status": "RESTARTING"},
        {"updated_timestamp": 5.0},
        {"job_name": "payments"},
        {"tasks": (("running", 1),)},
        {"duration_seconds": None},
    ],
)
def test_whatever_else_a_row_tells_is_news(changes: dict[str, Any]) -> None:
    before = job(duration_seconds=1.0, updated_timestamp=4.0)
    assert not tells_only_time(before, job(**{"duration_seconds": 2.0, **changes}))
