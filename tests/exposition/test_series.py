"""A series is on the page once, and says neither more nor less than is known."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.model import Node, Snapshot, State
from tests.exposition.expositions import exposition_of, lines_of, page_of
from tests.exposition.snapshot_strategies import snapshots
from tests.jobs import job, snapshot


def _assert_no_series_twice(page: bytes) -> None:
    seen = [
        (sample.name, tuple(sorted(sample.labels.items())))
        for family in parse_text(page.decode())
        for sample in family.samples
    ]
    assert len(set(seen)) == len(seen)
    names = re.findall(r"^# TYPE (\S+)", page.decode(), re.MULTILINE)
    assert len(set(names)) == len(names)


@settings(max_examples=25, deadline=None)
@given(given_snapshots=st.lists(snapshots, max_size=3))
def test_no_series_is_on_the_page_twice_whatever_the_jobs(
    given_snapshots: list[Snapshot],
) -> None:
    _assert_no_series_twice(page_of(exposition_of(*given_snapshots)))


def test_job_with_the_key_of_another_takes_its_place() -> None:
    held = snapshot(job("a", parallelism=1), job("b"), job("a", parallelism=2))
    exposition = exposition_of(held)
    _assert_no_series_twice(page_of(exposition))
    (line,) = lines_of(exposition, "streaming_job_parallelism")
    assert line.endswith(" 2.0")


def test_node_with_the_name_of_another_takes_its_place() -> None:
    twins = (Node(name="n", state=State.RUNNING), Node(name="n", state=State.FAILED))
    others = (Node(name="n", node_type="DLI"), Node(name="m"))
    for all_states in (True, False):
        exposition = exposition_of(snapshot(job(nodes=twins + others), all_states=all_states))
        _assert_no_series_twice(page_of(exposition))
    failed = [line for line in lines_of(exposition, "streaming_job_node_state") if "failed" in line]
    assert len(failed) == 1


def test_task_state_and_expectation_given_twice_are_on_the_page_once() -> None:
    held = snapshot(job(tasks=(("running", 1), ("running", 2))), absent=("x.*", "x.*"))
    exposition = exposition_of(held)
    _assert_no_series_twice(page_of(exposition))
    assert len(lines_of(exposition, "streaming_job_tasks")) == 1
    assert len(lines_of(exposition, "streaming_job_absent")) == 1


def test_unknown_values_have_no_sample() -> None:
    exposition = exposition_of(snapshot(job(), last_success_timestamp=None, up=None))
    page = page_of(exposition).decode()
    sampled = {
        line.split("{")[0]
        for line in page.splitlines()
        if line.startswith(("streaming_job_", "streaming_source_"))
    }
    assert sampled == {
        *("streaming_job_state", "streaming_job_info"),
        *("streaming_job_observed_timestamp_seconds", "streaming_source_info"),
    }


def test_state_is_1_for_the_current_state_and_0_for_the_nine_others() -> None:
    lines = lines_of(exposition_of(snapshot(job(state=State.FAILED))), "streaming_job_state")
    states = {re.findall(r',state="(\w+)"} ', line)[0]: line.rsplit(" ", 1)[1] for line in lines}
    assert states == {state.value: "1.0" if state is State.FAILED else "0.0" for state in State}


def test_only_the_current_state_is_there_when_asked_so() -> None:
    held = snapshot(
        job(state=State.FAILED, nodes=(Node(name="n", state=State.RUNNING),)), all_states=False
    )
    exposition = exposition_of(held)
    (line,) = lines_of(exposition, "streaming_job_state")
    assert 'state="failed"' in line
    (line,) = lines_of(exposition, "streaming_job_node_state")
    assert 'state="running"' in line


def test_configured_labels_are_on_the_info_series_alone() -> None:
    page = page_of(exposition_of(snapshot(job(), labels=(("stage", "x"), ("team", "a"))))).decode()
    with_team = [line for line in page.splitlines() if 'team="a"' in line]
    assert len(with_team) == 1
    assert with_team[0].startswith("streaming_job_info{")
    assert 'stage="x"' in with_team[0]


def test_jobs_are_counted_by_state_and_zero_is_said() -> None:
    held = snapshot(job("a"), job("b"), job("c", state=State.FAILED))
    lines = lines_of(exposition_of(held), "streaming_source_jobs")
    counts = {re.findall(r',state="(\w+)"} ', line)[0]: line.rsplit(" ", 1)[1] for line in lines}
    assert counts == dict.fromkeys(State, "0.0") | {"running": "2.0", "failed": "1.0"}


@pytest.mark.parametrize(
    ("error_id", "error_type", "count"), [("", "", 0), ("E1", "", 1), ("", "X", 1), ("E", "X", 1)]
)
def test_error_is_told_only_when_there_is_one(error_id: str, error_type: str, count: int) -> None:
    held = snapshot(job(error_id=error_id, error_type=error_type, error_text="secret text"))
    exposition = exposition_of(held)
    assert len(lines_of(exposition, "streaming_job_error_info")) == count
    assert b"secret text" not in page_of(exposition)


@pytest.mark.parametrize(("expected", "value"), [(None, []), (True, ["1.0"]), (False, ["0.0"])])
def test_expectation_is_told_only_when_there_is_one(
    expected: bool | None, value: list[str]
) -> None:
    exposition = exposition_of(snapshot(job(expected_running=expected)))
    lines = lines_of(exposition, "streaming_job_expected_running")
    assert [line.rsplit(" ", 1)[1] for line in lines] == value
