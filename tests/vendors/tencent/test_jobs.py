"""A row is read for what it tells, and for nothing that gives access away."""

from typing import Any

import pytest

from exporter.errors import UnreadableError
from exporter.fields import Flaws
from exporter.vendors.tencent.jobs import parse_jobs
from tests.vendors.tencent.rows import NOW, parsed, row


def read(**fields: Any) -> Any:
    """Return the job of a row."""
    return parsed(row(**fields))[0].job


def test_addresses_and_sql_that_give_access_are_not_read() -> None:
    secret: dict[str, Any] = {
        "WebUIUrl": "https://ui/?token=hunter2",
        "DecodeSqlCode": "'password'='hunter2'",
    }
    (found,) = parsed(row(**secret))
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize(
    ("number", "word"),
    [(1, "SQL"), (2, "JAR"), (3, "ETL"), (4, "PYTHON"), (9, "9"), ("x", "x"), (None, "")],
)
def test_type_of_a_job_is_told_in_words(number: object, word: str) -> None:
    assert read(JobType=number).job_type == word


@pytest.mark.parametrize(
    ("fields", "score"),
    [
        ({"HealthScore": 87, "LastDiagnoseTime": "2023-11-14T22:00:00Z"}, 87),
        ({"HealthScore": 0, "LastDiagnoseTime": "2023-11-14T22:00:00Z"}, 0),
        ({"HealthScore": 0, "LastDiagnoseTime": ""}, None),
        ({"HealthScore": 0}, None),
        ({"HealthScore": 55}, 55),
        ({"HealthScore": -1}, None),
        ({}, None),
    ],
)
def test_health_is_unknown_until_somebody_has_looked(
    fields: dict[str, Any], score: float | None
) -> None:
    assert read(**fields).health_score == score


@pytest.mark.parametrize(("told", "units"), [(2.5, 2.5), (0, 0), (-1, None), (None, None)])
def test_units_in_use_are_told_unless_they_are_none(
    told: float | None, units: float | None
) -> None:
    assert read(RunningCu=told).compute_units == units


@pytest.mark.parametrize("status", [5, 6, -1, 2])
def test_error_of_the_last_operation_is_that_of_a_job_at_rest(status: int) -> None:
    text = "deploy failed: org.apache.flink.util.FlinkException: x"
    job = read(status=status, LastOpResult=text)
    assert (job.error_text, job.error_type) == (text, "org.apache.flink.util.FlinkException")


@pytest.mark.parametrize("status", [3, 4])
def test_error_of_the_last_operation_says_nothing_of_a_job_that_goes_on(status: int) -> None:
    assert read(status=status, LastOpResult="savepoint failed").error_text == ""


@pytest.mark.parametrize("told", ["", "success", "Success", " success ", None])
def test_operation_that_went_well_is_no_error(told: str | None) -> None:
    assert read(status=-1, LastOpResult=told).error_text == ""


def test_number_that_nobody_knows_is_counted_but_operating_is_known() -> None:
    flaws = Flaws()
    parsed(row(3), row(9), row(-1), row(-2), flaws=flaws)
    assert flaws.unknown_states == ["9", "-2"]


def test_rows_that_are_no_jobs_count_as_rows() -> None:
    """Otherwise a page would seem to be shorter than it is, and so the last one."""
    flaws = Flaws()
    rows = [row(), {"Name": "no id"}, "no row", row(job_id="cql-2")]
    page = parse_jobs({"JobSet": rows, "TotalCount": 31}, "space-1", NOW, flaws)
    assert (len(page.rows), page.size, page.total) == (2, 4, 31)
    assert flaws.unreadable_count == 2


@pytest.mark.parametrize("rows", [None, {}, "x", 0])
def test_answer_without_rows_is_no_empty_listing(rows: object) -> None:
    """That would take every job away; only beside a count of 0 may they be null."""
    with pytest.raises(UnreadableError):
        parse_jobs({"JobSet": rows, "TotalCount": 3}, "space-1", NOW, Flaws())
    assert parse_jobs({"JobSet": None, "TotalCount": 0}, "s", NOW, Flaws()).size == 0


def test_row_that_names_another_work_space_that_is_watched_belongs_there() -> None:
    rows = [row(WorkSpaceId="space-2"), row(WorkSpaceId="spelled-otherwise"), row()]
    page = parse_jobs({"JobSet": rows}, "space-1", NOW, Flaws(), ("space-1", "space-2"))
    assert [each.job.project for each in page.rows] == ["space-2", "space-1", "space-1"]


def test_row_asked_for_by_its_id_names_its_work_space_or_is_none() -> None:
    flaws = Flaws()
    rows = [row(WorkSpaceId="space-2"), row()]
    page = parse_jobs({"JobSet": rows}, "", NOW, flaws)
    assert [each.job.project for each in page.rows] == ["space-2"]
    assert [flaw.place for flaw in flaws.unreadable] == ["JobSet[1].WorkSpaceId"]
