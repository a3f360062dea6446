"""Real-time jobs of DataArts Factory become jobs with nodes, in whatever spelling they come."""

import json
from typing import Any

import pytest

from exporter.errors import UnreadableError
from exporter.fields import Flaws
from exporter.model import Job, Node, State
from exporter.platforms.huawei_dataarts import (
    STATES,
    parse_list,
    parse_status,
)
from tests.vendors.huawei_sources import FIXTURES, PROJECT
from tests.virtual_time import EPOCH

JOBS = f"/v1/{PROJECT}/jobs"
ROW = Job(project=PROJECT, job_id="one", job_name="one", observed_timestamp=EPOCH)
STATUSES = [word.upper() for word in STATES]


def status(**fields: Any) -> tuple[Job, Flaws]:
    flaws = Flaws()
    return parse_status({"name": "one", **fields}, ROW, flaws), flaws


def node(**fields: Any) -> Node:
    job, _ = status(nodes=[{"name": "n", **fields}])
    return job.nodes[0]


def test_statuses_are_exactly_those_published() -> None:
    """Those of the page, of its edition of 2021 (STARTTING), and of the interface definition."""
    page = {"STARTING", "NORMAL", "EXCEPTION", "STOPPING", "STOPPED"}
    others = {"STARTTING", "PAUSE", "ABNORMAL", "DISABLE", "OVERLOAD", "INIT"}
    assert {*STATUSES} == page | others


@pytest.mark.parametrize("word", STATUSES)
def test_status_of_job_and_node_is_understood_in_any_case(word: str) -> None:
    job, flaws = status(status=word.title(), nodes=[{"name": "n", "status": word}])
    assert job.state is job.nodes[0].state is STATES[word.lower()]
    assert flaws == Flaws()


def test_example_of_the_status_is_read() -> None:
    """It has none of the times, and its node neither status nor type."""
    body = (FIXTURES / "huawei_dataarts" / "seed_status" / "status_job_sms.json").read_text()
    known = ROW._replace(job_id="job_sms", job_name="job_sms")
    flaws = Flaws()
    assert parse_status(json.loads(body), known, flaws) == known._replace(
        state=State.RUNNING,
        native_status="NORMAL",
        nodes=(Node(name="MRS_Flink_Job_8635", state=State.UNKNOWN),),
    )
    assert flaws == Flaws()


def test_unknown_words_are_kept_and_noted() -> None:
    job, flaws = status(status="LEVITATING", nodes=[{"name": "n", "status": "HOVERING"}])
    assert (job.state, job.native_status) == (State.UNKNOWN, "LEVITATING")
    assert job.nodes == (Node(name="n", native_status="HOVERING"),)
    assert flaws.unknown_states == ["LEVITATING", "HOVERING"]


def test_missing_words_are_no_unknown_ones() -> None:
    job, flaws = status(nodes=[{"name": "n"}])
    assert (job.state, job.native_status) == (State.UNKNOWN, "")
    assert flaws == Flaws()


def test_job_is_normal_while_a_node_is_in_exception() -> None:
    job, _ = status(status="NORMAL", nodes=[{"name": "n", "status": "EXCEPTION"}])
    assert (job.state, job.nodes[0].state) == (State.RUNNING, State.FAILED)


@pytest.mark.parametrize("name", ["LastInstanceStatus", "lastInstanceStatus"])
def test_last_instance_is_not_the_state_of_a_node(name: str) -> None:
    assert node(**{name: "waiting"}) == Node(name="n")


@pytest.mark.parametrize("name", ["type", "nodeType"])
def test_type_of_a_node_has_two_names(name: str) -> None:
    assert node(**{name: "DLI SQL"}).node_type == "DLI SQL"


@pytest.mark.parametrize("name", ["startTime", "starttime"])
@pytest.mark.parametrize(
    "moment", [1551409465000, "1551409465000", "2019-03-01T03:04:25Z", "2019-03-01T11:04:25+08:00"]
)
def test_start_has_two_names_and_many_kinds(name: str, moment: object) -> None:
    """The table says date, the examples have milliseconds, the interface definition a text."""
    assert status(**{name: moment})[0].start_timestamp == 1551409465.0


@pytest.mark.parametrize("moment", [None, 0, "", -1])
def test_times_that_are_none_are_none(moment: object) -> None:
    job, flaws = status(startTime=moment, endTime=moment, lastUpdateTime=moment, status="STOPPED")
    assert (job.start_timestamp, job.end_timestamp, job.updated_timestamp) == (None, None, None)
    assert flaws == Flaws()


def test_end_is_taken_from_an_ended_run_only() -> None:
    assert status(status="STOPPED", endTime=1551409465000)[0].end_timestamp == 1551409465.0
    assert status(status="NORMAL", endTime=1551409465000)[0].end_timestamp is None


@pytest.mark.parametrize(
    ("running_data", "run_id"),
    [
        ('{"jobName": "x", "jobId": "107016"}', "107016"),
        ('{"jobId": 107016}', "107016"),
        ('{"jobId": null}', ""),
        ('{"jobId": {}}', ""),
        ('["107016"]', ""),
        ("started", ""),
        ("", ""),
        (None, ""),
        ("[" * 10000, ""),
    ],
)
def test_running_data_holds_the_job_on_the_other_platform(
    running_data: str | None, run_id: str
) -> None:
    """It is JSON inside a text, at times, and documented nowhere."""
    assert node(runningData=running_data).run_id == run_id


def test_nothing_else_of_the_running_data_is_kept() -> None:
    assert "hunter2" not in repr(node(runningData='{"jobId": "1", "password": "hunter2"}'))


COUNTERS = {
    "totalGetRecords": 24000,
    "totalGetBytes": 2_400_000,
    "totalPutRecords": 23_880,
    "totalPutBytes": 2_388_000,
    "bufferRecords": 120,
    "speed": 0,
}


def test_node_tells_what_it_has_moved() -> None:
    """A speed of 0 is news beside records that went through before."""
    assert node(**COUNTERS) == Node(
        name="n",
        read_records=24_000,
        read_bytes=2_400_000,
        written_records=23_880,
        written_bytes=2_388_000,
        buffered_records=120,
        records_per_second=0,
    )


@pytest.mark.parametrize(
    "counters",
    [
        dict.fromkeys(COUNTERS, 0),
        dict.fromkeys(COUNTERS, "0"),
        dict.fromkeys(COUNTERS),
        dict.fromkeys(COUNTERS, -1),
        {},
    ],
    ids=["zeros", "texts", "null", "none", "absent"],
)
def test_node_that_counts_nothing_tells_nothing(counters: dict[str, Any]) -> None:
    """Of nodes whose work is done elsewhere all six stay at 0 for ever."""
    assert node(**counters) == Node(name="n")


@pytest.mark.parametrize("name", COUNTERS)
def test_one_counter_is_enough_and_those_that_cannot_be_read_are_left_out(name: str) -> None:
    told = node(**{**dict.fromkeys(COUNTERS, "many"), name: 7})
    values = [getattr(told, field) for field in _FIGURES]
    assert sorted(value for value in values if value is not None) == [7]


_FIGURES = (
    *("read_records", "read_bytes", "written_records", "written_bytes"),
    *("buffered_records", "records_per_second"),
)


def test_nodes_without_a_name_or_with_that_of_another_are_left_out() -> None:
    """Two nodes of one name would be the same series twice."""
    nodes = [{"name": "n", "type": "first"}, {"status": "NORMAL"}, {"name": "n"}, None]
    job, flaws = status(nodes=nodes)
    assert job.nodes == (Node(name="n", node_type="first"),)
    assert len(flaws.unreadable) == 3


def test_row_takes_nothing_that_is_not_of_the_run() -> None:
    """startTime is the schedule's, lastUpdateTime the editor's, lastInstance* of sub-jobs."""
    row = {
        "name": "one",
        "jobType": "REAL_TIME",
        "createTime": 1551409406000,
        "startTime": 1551409406000,
        "endTime": 1551409406000,
        "lastUpdateTime": 1551409406000,
        "lastInstanceStatus": "fail",
        "lastInstanceEndTime": 1551409406000,
        "owner": "o",
    }
    flaws = Flaws()
    page = parse_list({"total": 1, "jobs": [row]}, PROJECT, EPOCH, flaws)
    assert page.jobs == (
        ROW._replace(job_type="REAL_TIME", created_timestamp=1551409406.0, native_status=""),
    )
    assert flaws == Flaws()


def test_row_tells_its_status_when_it_has_one() -> None:
    page = parse_list(
        {"total": 1, "jobs": [{"name": "one", "status": "NORMAL"}]}, PROJECT, EPOCH, Flaws()
    )
    assert page.jobs == (ROW._replace(state=State.RUNNING, native_status="NORMAL"),)


def test_row_without_a_name_is_noted_and_left_out() -> None:
    flaws = Flaws()
    page = parse_list({"total": 1, "jobs": [{"status": "NORMAL"}]}, PROJECT, EPOCH, flaws)
    assert (page.jobs, page.size) == ((), 1)
    assert [flaw.place for flaw in flaws.unreadable] == ["list.jobs[0].name"]


@pytest.mark.parametrize("document", [None, [], {}, {"error": 1}, {"jobs": "none"}])
def test_answer_without_a_list_is_not_an_empty_workspace(document: object) -> None:
    with pytest.raises(UnreadableError):
        parse_list(document, PROJECT, EPOCH, Flaws())


@pytest.mark.parametrize("document", [None, [], {}, "status"])
def test_answer_without_a_status_is_unreadable(document: object) -> None:
    with pytest.raises(UnreadableError):
        parse_status(document, ROW, Flaws())
