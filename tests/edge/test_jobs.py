"""What an agent reports becomes a job in the common vocabulary."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.edge.jobs import KnownJob, build_job, read_job
from exporter.edge.report import ReportedJob, read_report
from exporter.fields import Flaws
from exporter.model import Job, State
from exporter.vendors.dli_states import STATES
from tests.edge.receivers import NOW_MS, PROJECT, SEED
from tests.virtual_time import EPOCH

REPORTED = ReportedJob(
    job_id=7, status="job_running", create_time=NOW_MS, exceptions=None, metrics=None, plan=None
)


def shown(known: KnownJob) -> Job:
    return build_job(known, since=known.since, last_error=known.last_error, stale=False)


def job(flaws: Flaws | None = None, **facts: Any) -> Job:
    reported = replace(REPORTED, **facts)
    return shown(read_job(PROJECT, reported, EPOCH, Flaws() if flaws is None else flaws))


def test_example_of_the_vendor_is_a_failed_job() -> None:
    (reported,) = read_report(SEED.encode()).jobs
    assert shown(read_job(PROJECT, reported, EPOCH, Flaws())) == Job(
        project=PROJECT,
        job_id="99270",
        job_name="99270",
        state=State.FAILED,
        native_status="job_submit_fail",
        updated_timestamp=1591104868.201,
        state_since_timestamp=1591104868.201,
        # The vendor gives no zone; only as UTC is it the same moment as create_time.
        last_error_timestamp=1591104868.0,
        error_id="Agent.51000",
        error_type="JOB_SUBMIT_EXCEPTION",
        error_text="agent_submit_job_exception_error",
        stale=False,
        observed_timestamp=EPOCH,
    )


@pytest.mark.parametrize("word", STATES)
def test_status_words_are_those_of_dli_in_any_case(word: str) -> None:
    assert job(status=word.upper()).state is STATES[word]


def test_unknown_status_is_kept_and_noted() -> None:
    flaws = Flaws()
    unknown = job(flaws, status="job_dreaming")
    assert (unknown.state, unknown.native_status) == (State.UNKNOWN, "job_dreaming")
    assert flaws.unknown_states == ["job_dreaming"]


def test_job_without_an_id_has_a_name_all_the_same() -> None:
    nameless = job(job_id=None)
    assert (nameless.job_id, nameless.job_name) == ("", "unidentified")


EXCEPTIONS = {"error_id": "Agent.1", "error_type": "X", "error_time": "2020-06-02 13:34:28"}


def test_exceptions_as_text_are_read_like_an_object() -> None:
    assert job(exceptions=json.dumps(EXCEPTIONS)) == job(exceptions=EXCEPTIONS)


def test_free_text_is_only_a_text() -> None:
    lost = job(exceptions="node lost")
    assert (lost.error_text, lost.error_id, lost.error_type) == ("node lost", "", "")
    assert lost.last_error_timestamp is None


def test_sentences_never_become_labels() -> None:
    told = job(exceptions={"error_id": "could not connect to db", "error_type": "x" * 129})
    assert (told.error_id, told.error_type) == ("", "")


@pytest.mark.parametrize(
    ("error_time", "expected"),
    [
        ("2020-06-02 13:34:28", 1591104868.0),
        ("2020-06-02T21:34:28+08:00", 1591104868.0),
        (1591104868000, 1591104868.0),
        ("", None),
        ("yesterday", None),
        (None, None),
    ],
)
def test_error_time_is_read_where_it_can_be(error_time: object, expected: float | None) -> None:
    assert job(exceptions={"error_time": error_time}).last_error_timestamp == expected


def test_long_error_texts_are_cut() -> None:
    assert len(job(exceptions="x" * 100_000).error_text) == 4096
    assert len(job(exceptions={"exception": "x" * 100_000}).error_text) == 4096


def test_known_numbers_become_the_common_ones() -> None:
    measured = job(
        metrics={
            "total_read_rate": 12.5,
            "total_write_rate": "11",
            "sources": [{"name": "s", "records": 3}, {"records": 4}],
            "sinks": [{"name": "t", "records": 5}],
            "input_delay": 1500,
            "restart_times": 2,
        }
    )
    assert measured.read_records_per_second == 12.5
    assert measured.written_records_per_second == 11.0
    assert measured.read_records == 7
    assert measured.written_records == 5
    assert measured.input_delay_seconds == 1.5
    assert measured.restart_times == 2


def test_names_of_cloud_eye_are_known_too() -> None:
    measured = job(metrics='{"flink_read_records_total": 9, "flink_write_records_per_second": 1.5}')
    assert (measured.read_records, measured.written_records_per_second) == (9.0, 1.5)
    assert measured.other_metrics == ()


def test_unknown_numbers_are_kept_aside_by_their_path() -> None:
    odd = job(metrics={"heap": {"used": 5, "note": "hunter2"}, "cpu": [0.5, True], "rate": "7"})
    assert odd.other_metrics == (("cpu[0]", 0.5), ("heap.used", 5.0), ("rate", 7.0))


def test_unknown_numbers_are_bounded() -> None:
    many = job(metrics={f"m{index}": index for index in range(1000)} | {"x" * 200: 1})
    assert len(many.other_metrics) == 100


@pytest.mark.parametrize("metrics", ["", "n/a", "[1]", {}, {"restart_times": -1}])
def test_metrics_that_say_nothing_are_unknown(metrics: object) -> None:
    assert job(metrics=metrics) == job()


def test_numbers_that_are_none_are_noted() -> None:
    flaws = Flaws()
    assert job(flaws, metrics={"restart_times": "often"}).restart_times is None
    assert [str(flaw) for flaw in flaws.unreadable] == [
        "metrics.restart_times: expected a whole number"
    ]


def test_negative_amounts_are_unknown() -> None:
    assert job(metrics={"total_read_rate": -1, "sources": [{"records": -2}]}) == job(
        metrics={"sources": [{"records": -2}]}
    )


PLAN = {
    "jid": "b57a",
    "state": "RESTARTING",
    "start-time": NOW_MS - 60_000,
    "timestamps": {"RESTARTING": NOW_MS - 5_000},
    "vertices": [{"parallelism": 2, "tasks": {"RUNNING": 2}}],
}


@pytest.mark.parametrize("plan", [PLAN, {"execute_graph": PLAN}, json.dumps(PLAN)])
def test_plan_of_a_running_job_tells_more(plan: object) -> None:
    planned = job(plan=plan)
    assert planned.state is State.RESTARTING
    assert (planned.graph_state, planned.run_id) == ("RESTARTING", "b57a")
    assert planned.duration_seconds == 60.0
    assert planned.tasks == (("running", 2),)


def test_plan_does_not_contradict_a_job_that_has_ended() -> None:
    assert job(status="job_finish", plan=PLAN).state is State.FINISHED


def test_facts_survive_being_stored() -> None:
    known = read_job(
        PROJECT,
        replace(REPORTED, exceptions=EXCEPTIONS, metrics={"a": 1, "restart_times": 3}, plan=PLAN),
        EPOCH,
        Flaws(),
    )
    stored = replace(known, facts=json.loads(json.dumps(known.facts)))
    assert shown(stored) == shown(known)


def test_facts_of_another_version_are_left_out() -> None:
    known = read_job(PROJECT, REPORTED, EPOCH, Flaws())
    newer = replace(known, facts={**known.facts, "colour": "blue"})
    assert shown(newer) == shown(known)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=5)
            | st.sampled_from(["sources", "records", "input_delay", "restart_times", "vertices"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
objects = st.dictionaries(
    st.sampled_from(
        [
            *("error_id", "error_time", "exception", "sources", "sinks", "restart_times"),
            *("input_delay", "state", "jid", "vertices", "timestamps", "start-time"),
            *("execute_graph", "x"),
        ]
    ),
    values,
    max_size=4,
)
frees = st.none() | st.text(max_size=20) | objects | objects.map(json.dumps)


@settings(max_examples=200, deadline=None)
@given(frees, frees, frees)
def test_whatever_is_reported_becomes_a_job(exceptions: Any, metrics: Any, plan: Any) -> None:
    reported = replace(REPORTED, exceptions=exceptions, metrics=metrics, plan=plan)
    known = read_job(PROJECT, reported, EPOCH, Flaws())
    stored = replace(known, facts=json.loads(json.dumps(known.facts)))
    assert shown(stored) == shown(known)
