"""Rows, details and plans of DLI become jobs, with what they leave out left out."""

from typing import Any

import pytest

from exporter.errors import UnreadableError
from exporter.fields import Flaws
from exporter.model import JobKey, State
from exporter.platforms.huawei_dli import (
    add_plan,
    parse_details,
    parse_list,
    parse_plan,
)
from tests.platforms.huawei_dli.answers import ROW, fixture, listing, parse_detail, parse_row, plan
from tests.vendors.huawei_sources import PROJECT
from tests.virtual_time import EPOCH


def test_light_row_leaves_unknown_what_it_does_not_know() -> None:
    row, flaws = parse_row(status="job_running", create_time=1578466221525, duration=516274)
    assert row == ROW._replace(
        state=State.RUNNING,
        native_status="job_running",
        created_timestamp=1578466221.525,
        duration_seconds=516.274,
    )
    assert flaws == Flaws()


def test_first_example_of_the_details_is_a_draft() -> None:
    """Its start_time is null."""
    flaws = Flaws()
    known = ROW._replace(job_id="104", job_name="104")
    assert parse_details(
        fixture("seed_details", "detail_104.json"), known, flaws
    ) == known._replace(
        job_name="jptest",
        state=State.CREATED,
        native_status="job_init",
        job_type="flink_jar_job",
        run_mode="exclusive_cluster",
        queue="flinktest",
        created_timestamp=1578466221.525,
        updated_timestamp=1578467395.713,
        parallelism=1,
        compute_units=2,
    )
    assert flaws == Flaws()


def test_second_example_of_the_details_was_stopped() -> None:
    """Its project_id is "xxx" and nearly all of its job_config is null."""
    flaws = Flaws()
    known = ROW._replace(job_id="90634", job_name="90634")
    assert parse_details(
        fixture("seed_details", "detail_90634.json"), known, flaws
    ) == known._replace(
        job_name="test_guoquan",
        state=State.STOPPED,
        native_status="job_cancel_success",
        job_type="flink_opensource_sql_job",
        run_mode="exclusive_cluster",
        queue="xie_container_general",
        start_timestamp=1638433497.621,
        created_timestamp=1637632872.828,
        updated_timestamp=1638449337.993,
        parallelism=3,
        compute_units=2,
    )
    assert flaws == Flaws()


def test_example_of_the_plan_adds_the_finer_state() -> None:
    """Its end-time is -1 and its name is empty."""
    running = ROW._replace(state=State.RUNNING, native_status="job_running")
    graph = parse_plan(fixture("seed_plan", "plan_118.json"), Flaws())
    assert add_plan(running, graph) == running._replace(
        finer_state=State.RUNNING,
        graph_state="RUNNING",
        run_id="4e966f43f2c90b0e1bf3188ecf55504b",
        duration_seconds=516.274,
        start_timestamp=1578904488.436,
    )


@pytest.mark.parametrize("start_time", [None, 0, -1, ""])
def test_job_that_never_started_has_no_start(start_time: object) -> None:
    assert parse_detail(start_time=start_time).start_timestamp is None


def test_duration_of_zero_is_none() -> None:
    """Listings give 0 to jobs that never ran."""
    assert parse_row(duration=0)[0].duration_seconds is None


@pytest.mark.parametrize("given", [{}, {"restart_times": None}])
def test_restarts_that_are_not_told_are_unknown(given: dict[str, Any]) -> None:
    """restart_times is documented and in none of the examples."""
    assert parse_detail(**given).restart_times is None


def test_restarts_are_told_even_when_there_were_none() -> None:
    assert parse_detail(restart_times=0).restart_times == 0


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"real_cu_number": 9, "cu_number": 2}, 9),
        ({"real_cu_number": 0, "cu_number": 2}, 2),
        ({"real_cu_number": None, "cu_number": 2}, 2),
        ({"real_cu_number": None, "cu_number": None}, None),
        ({"resource_config_version": "v1", "cu_number": 3}, 3),
        ({"resource_config_version": "v2", "cu_number": 2}, None),
    ],
)
def test_compute_units_are_the_real_ones_if_any(
    config: dict[str, Any], expected: float | None
) -> None:
    """real_cu_number 0 means cu_number; resources of version 2 have no compute units."""
    assert parse_detail(job_config=config).compute_units == expected


def test_parallelism_of_version_2_is_inside_its_resources() -> None:
    config = {"resource_config_version": "v2", "resource_config": {"parallel_number": 6}}
    assert parse_detail(job_config=config).parallelism == 6


def test_engine_version_is_that_of_flink() -> None:
    assert parse_detail(job_config={"flink_version": "1.15"}).engine_version == "1.15"


def test_nothing_that_can_hold_a_secret_is_kept() -> None:
    """Statements, arguments, configurations and descriptions hold passwords."""
    secrets = ("desc", "sql_body", "entrypoint_args", "execution_graph", "status_desc")
    fields = {name: f"password={name}" for name in secrets}
    config = {"runtime_config": "password=1", "smn_topic": "password=2", "image": "password=3"}
    row, _ = parse_row(status="job_running", **fields, job_config=config)
    graph = parse_plan(plan(vertices=[{"name": "password", "tasks": {"RUNNING": 1}}]), Flaws())
    whole = add_plan(parse_detail(status="job_running", **fields, job_config=config), graph)
    for job in (row, whole):
        assert "password" not in repr(job)
        assert job.error_text == ""


@pytest.mark.parametrize("status", ["job_submit_fail", "job_running_exception"])
def test_reason_of_a_failure_is_kept_for_people(status: str) -> None:
    failed = parse_detail(status=status, status_desc="Kafka cannot be reached. " + "x" * 9000)
    assert failed.error_text.startswith("Kafka cannot be reached.")
    assert len(failed.error_text) == 4096
    assert "Kafka" not in repr(failed)


def test_row_without_an_id_is_noted_and_left_out() -> None:
    flaws = Flaws()
    page = parse_list(listing({"name": "x"}, {"job_id": 2}), PROJECT, EPOCH, flaws)
    assert [(row.job_id, row.job_name) for row in page.jobs] == [("2", "2")]
    assert (page.size, page.total) == (2, 2)
    assert [flaw.place for flaw in flaws.unreadable] == ["job_list.jobs[0].job_id"]


def test_jobs_of_one_name_are_told_apart_by_their_ids() -> None:
    rows = [{"job_id": 1, "name": "same"}, {"job_id": "2", "name": "same"}]
    page = parse_list(listing(*rows), PROJECT, EPOCH, Flaws())
    assert [row.key for row in page.jobs] == [
        JobKey(project=PROJECT, job_id="1"),
        JobKey(project=PROJECT, job_id="2"),
    ]


@pytest.mark.parametrize("document", [None, [], {}, {"job_list": None}, {"job_list": []}])
def test_answer_without_a_list_is_not_an_empty_project(document: object) -> None:
    with pytest.raises(UnreadableError):
        parse_list(document, PROJECT, EPOCH, Flaws())


@pytest.mark.parametrize("document", [None, [], {}, {"job_detail": None}, {"job_detail": "x"}])
def test_answer_without_details_is_unreadable(document: object) -> None:
    with pytest.raises(UnreadableError):
        parse_details(document, ROW, Flaws())
