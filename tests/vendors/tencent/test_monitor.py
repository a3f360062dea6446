"""Points of Cloud Monitor are read by the name of their job, and dated as they are told."""

from typing import Any

import pytest

from exporter.errors import UnreadableError
from exporter.fields import Flaws
from exporter.vendors.tencent.monitor import Point, latest, parse_points, question
from tests.vendors.tencent.rows import NOW


def series(job_id: str, times: Any, values: Any, name: str = "tjob_id") -> dict[str, Any]:
    dimensions = [{"Name": "other", "Value": "x"}, {"Name": name, "Value": job_id}]
    return {"Dimensions": dimensions, "Timestamps": times, "Values": values}


def read(*rows: Any, flaws: Flaws | None = None) -> dict[str, tuple[Point, ...]]:
    return parse_points({"DataPoints": list(rows)}, flaws or Flaws())


def test_question_is_about_one_metric_of_several_jobs_with_times_in_their_zone() -> None:
    assert question("JobServiceDelay", ["cql-1", "cql-2"], begin=NOW - 600.7, end=NOW) == {
        "Namespace": "QCE/TSTREAM",
        "MetricName": "JobServiceDelay",
        "Period": 60,
        "StartTime": "2023-11-14T22:03:19+00:00",
        "EndTime": "2023-11-14T22:13:20+00:00",
        "Instances": [
            {"Dimensions": [{"Name": "tjob_id", "Value": "cql-1"}]},
            {"Dimensions": [{"Name": "tjob_id", "Value": "cql-2"}]},
        ],
    }


def test_points_are_those_of_the_job_that_is_named_in_whatever_order() -> None:
    found = read(series("b", [120, 60], [2, 1]), series("a", [60], [3.5]))
    assert found == {"a": (Point(60, 3.5),), "b": (Point(60, 1), Point(120, 2))}


def test_job_that_is_not_known_has_no_points() -> None:
    assert read(series("a", [], []), series("b", None, None)) == {"a": (), "b": ()}


def test_what_is_no_number_is_no_point() -> None:
    values = [None, "x", 1e999, True, 4, "5"]
    assert read(series("a", [1, 2, 3, 4, 5, 6], values)) == {"a": (Point(5, 4), Point(6, 5))}
    assert read(series("a", ["x", 0, -1, None], [1, 2, 3, 4])) == {"a": ()}
    assert read(series("a", [1, 2, 3], [1])) == {"a": (Point(1, 1),)}


def test_series_without_the_name_of_a_job_is_noted() -> None:
    flaws = Flaws()
    assert read(series("a", [1], [1], name="job_id"), "x", {}, flaws=flaws) == {}
    assert len(flaws.unreadable) == 4


@pytest.mark.parametrize("rows", [None, {}, "x"])
def test_answer_without_points_is_no_answer(rows: object) -> None:
    with pytest.raises(UnreadableError):
        parse_points({"DataPoints": rows}, Flaws())


@pytest.mark.parametrize(
    ("points", "value"),
    [
        ((), None),
        ((Point(NOW - 700, 1),), None),
        ((Point(NOW - 90, 1), Point(NOW - 30, 2)), 2),
        # None yet, as the vendor writes it.
        ((Point(NOW - 90, 1), Point(NOW - 30, -1)), None),
        ((Point(NOW - 30, 0),), 0),
    ],
)
def test_latest_value_is_told_unless_it_is_old_or_none(
    points: tuple[Point, ...], value: float | None
) -> None:
    assert latest(points, NOW - 600) == value
