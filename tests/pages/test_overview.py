"""The overview puts what deserves a look first, and gives every state a look of its own."""

import pytest

from exporter.model import ProblemKind, State
from exporter.pages.colours import LOOKS, stylesheet
from tests.jobs import job, judged, problem, snapshot
from tests.pages.overviews import NOW, names_of, overview_of
from tests.virtual_time import EPOCH


def test_worst_jobs_come_first_and_the_latest_among_equals() -> None:
    page = overview_of(
        judged(
            snapshot(
                job("a"),
                job("late", input_delay_seconds=1e4),
                job("restarting", State.RESTARTING),
                job("stuck", State.STOPPING, state_since_timestamp=EPOCH - 1000),
                job("old failure", State.FAILED, state_since_timestamp=EPOCH - 100),
                job("new failure", State.FAILED, state_since_timestamp=EPOCH - 1),
                job(
                    "unexpected",
                    State.STOPPED,
                    expected_running=True,
                    state_since_timestamp=EPOCH - 1000,
                ),
            )
        )
    )
    assert names_of(page) == [
        *("new failure", "old failure", "unexpected", "stuck", "late", "a", "restarting"),
    ]
    assert page.headline == "7 jobs in 1 source: 5 need a look"
    assert page.announcement == "Jobs: 2 failed, 3 with other trouble."


def test_jobs_are_as_bad_as_the_exporter_says_in_the_order_of_its_problems() -> None:
    """Nothing is decided here: whatever the job looks like, its problems alone count."""
    kinds = list(ProblemKind)
    names = [f"job {len(kinds) - rank:02}" for rank in range(len(kinds))]
    told = tuple(problem(kind, name) for kind, name in zip(kinds, names, strict=True))
    page = overview_of(
        snapshot(*map(job, names), job("failed long ago", State.FAILED), problems=told)
    )
    assert names_of(page) == [*names, "failed long ago"]
    assert [row.level and row.level.value for row in page.rows] == [
        *(["bad"] * 6 + ["warning"] * 7 + [None]),
    ]
    assert page.attention == len(kinds)


def test_worst_problem_of_a_job_is_shown_and_the_others_are_counted() -> None:
    told = (
        problem(ProblemKind.NODE_FAILED),
        problem(ProblemKind.FAR_BEHIND),
        problem(ProblemKind.CHECKPOINT_OLD),
    )
    page = overview_of(snapshot(job(), job("other"), problems=told))
    first, second = page.rows
    assert (first.reason, first.more, first.runbook) == (
        *("a node failed", 2),
        "runbooks/StreamingJobNodeFailed",
    )
    assert (second.level, second.reason, second.more, second.runbook) == (None, "", 0, "")


def test_headline_says_when_all_is_well_or_a_source_is_down() -> None:
    assert overview_of(snapshot(job())).headline == "1 job in 1 source: all is well"
    assert overview_of().headline == "No sources are configured."
    down = overview_of(
        judged(snapshot(job(state=State.FAILED), up=False, failure="timeout: too slow"))
    )
    assert down.headline == "1 job in 1 source: 1 needs a look, 1 source is down"
    assert down.announcement == "Jobs: 1 failed. 1 source down."


def test_sources_in_trouble_come_first_with_the_reason() -> None:
    page = overview_of(
        snapshot(source="a", next_poll_timestamp=NOW + 25, poll_duration_seconds=0.25),
        snapshot(source="b", absent=("orders_.*",)),
        snapshot(
            source="c",
            up=False,
            failure="auth: refused",
            last_success_timestamp=NOW - 90,
            stale_after=600.0,
        ),
        snapshot(source="d", up=None, last_success_timestamp=None),
    )
    rows = {row.name: row for row in page.sources}
    assert list(rows) == ["c", "b", "a", "d"]
    assert [row.health for row in page.sources] == ["down", "up", "up", "waiting"]
    assert rows["c"].failure == "auth: refused"
    assert rows["b"].absent == ("orders_.*",)
    success, coming = rows["c"].last_success, rows["a"].next_poll
    assert success is not None
    assert coming is not None
    assert success.relative == "1 min 30 s ago"
    assert coming.relative == "in 25 s"
    assert rows["a"].poll_duration == "0.2 s"
    assert rows["d"].last_success is None
    assert page.sources_health == "2 up, 1 down, 1 waiting"


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_every_state_has_a_look_of_its_own() -> None:
    assert set(LOOKS) == set(State)
    for feature in ("colour", "on_dark", "shape"):
        assert len({getattr(look, feature) for look in LOOKS.values()}) == len(State)
    for state, look in LOOKS.items():
        assert f".state-{state.value} {{ --state: {look.colour}; }}" in stylesheet()


@pytest.mark.parametrize("state", list(State))
def test_marks_are_seen_on_a_dark_page(state: State) -> None:
    # On a light page the darker edge of each mark does this.
    assert _contrast(LOOKS[state].on_dark, "#171D25") >= 3
