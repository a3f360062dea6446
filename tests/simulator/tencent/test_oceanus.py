"""Oceanus is simulated with its quirks: counts, times without a zone, ends of what runs."""

import pytest

from exporter.simulator.fleet.fleet import Phase
from tests.simulator.tencent.test_gateway import NOW, Simulated


@pytest.fixture(name="it")
def _it() -> Simulated:
    return Simulated()


def test_pages_have_twenty_rows_unless_more_are_asked_for(it: Simulated) -> None:
    for number in range(150):
        it.fleet.add(f"many_{number}", NOW)
    assert len(it.caller.ask("DescribeJobs")["JobSet"]) == 20
    page = it.caller.ask("DescribeJobs", {"Limit": 100, "Offset": 100})
    assert len(page["JobSet"]) == page["TotalCount"] - 100


def test_count_is_of_all_jobs_whichever_are_asked_for(it: Simulated) -> None:
    every = it.caller.ask("DescribeJobs", {"Limit": 100})
    one = it.caller.ask("DescribeJobs", {"JobIds": [every["JobSet"][0]["JobId"]]})
    assert (len(one["JobSet"]), one["TotalCount"]) == (1, every["TotalCount"])
    assert it.caller.ask("DescribeJobs", {"JobIds": ["cql-unknown0"]})["JobSet"] == []
    name = {"Filters": [{"Name": "Name", "Values": ["device_telemetry"]}]}
    assert [row["Name"] for row in it.caller.ask("DescribeJobs", name)["JobSet"]] == [
        "device_telemetry"
    ]


@pytest.mark.parametrize(
    ("phase", "status"),
    [
        (Phase.STARTING, 3),
        (Phase.RUNNING, 4),
        (Phase.RESTARTING, 4),
        (Phase.FAILED, -1),
        (Phase.STOPPING, 3),
        (Phase.STOPPED, 5),
        (Phase.SUSPENDED, 6),
        (Phase.FINISHED, 5),
    ],
)
def test_phases_have_the_numbers_that_the_vendor_gives_them(
    it: Simulated, phase: Phase, status: int
) -> None:
    it.fleet.add("one", NOW - 60)
    it.fleet.set_phase("one", phase, NOW - 30)
    rows = it.caller.ask("DescribeJobs", {"Limit": 100})["JobSet"]
    (row,) = (each for each in rows if each["Name"] == "one")
    assert row["Status"] == status
    assert (row["CurrentRunMillis"] > 0) == (status == 4)
    # Also of a job that runs; and none of the times says of which zone it is.
    assert len(row["StopTime"]) == len("2023-11-15 06:13:20")


def test_work_spaces_are_an_item_and_one_of_them_was_deleted(it: Simulated) -> None:
    found = it.caller.ask("DescribeWorkSpaces")
    assert [each["Status"] for each in found["WorkSpaceSetItem"]] == [2, -1]
    assert found["TotalCount"] == 2


def test_events_of_a_failure_are_told_within_the_time_that_is_asked_for(it: Simulated) -> None:
    it.fleet.add("one", NOW - 600)
    it.fleet.set_phase("one", Phase.FAILED, NOW - 300)
    rows = it.caller.ask("DescribeJobs", {"Limit": 100})["JobSet"]
    (row,) = (each for each in rows if each["Name"] == "one")
    asked = {"JobId": row["JobId"], "StartTimestamp": int(NOW) - 600, "EndTimestamp": int(NOW)}
    found = it.caller.ask("DescribeJobEvents", asked)
    assert [event["Type"] for event in found["Events"]] == ["21"]
    assert found["TotalCount"] > 1000
    assert it.caller.ask("DescribeJobEvents", {**asked, "Types": ["11"]})["Events"] == []
    late = {**asked, "StartTimestamp": int(NOW) - 100}
    assert it.caller.ask("DescribeJobEvents", late)["Events"] == []


def test_events_are_asked_for_by_an_id_and_a_time(it: Simulated) -> None:
    times = {"StartTimestamp": 1, "EndTimestamp": 2}
    assert it.caller.code("DescribeJobEvents", {"JobId": "cql-1"}) == "MissingParameter"
    assert it.caller.code("DescribeJobEvents", times) == "MissingParameter"
    for unknown in ("x", "cql-zzzzzzzz"):
        code = it.caller.code("DescribeJobEvents", {"JobId": unknown, **times})
        assert code == "ResourceNotFound.JobId"
