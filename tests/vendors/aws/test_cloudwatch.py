"""Answers of CloudWatch are joined by their ids, whatever else they are."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from exporter.errors import FetchError, Reason
from exporter.fields import Flaws
from exporter.vendors.aws.cloudwatch import Answered, CloudWatch
from exporter.vendors.aws.figures import Query

NOW = 1_700_000_000.0
MINUTE = NOW // 60 * 60
QUERIES = [Query(application="a", metric=f"m{n}", dimensions=()) for n in range(3)]


class Service:
    """Answer with what is given, in turn, and keep what was asked."""

    def __init__(self, *answers: Mapping[str, Any]) -> None:
        self._answers = list(answers)
        self.asked: list[Mapping[str, Any]] = []

    async def ask(self, operation: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked.append(fields)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def _newest(*answers: Mapping[str, Any], queries: Sequence[Query] = QUERIES) -> Answered:
    return asyncio.run(CloudWatch(Service(*answers)).newest(queries, NOW))


def _result(query_id: object, *points: tuple[float, object], **more: object) -> dict[str, Any]:
    times, values = [MINUTE - at for at, _ in points], [value for _, value in points]
    return {"Id": query_id, "Timestamps": times, "Values": values, "StatusCode": "Complete", **more}


def test_newest_points_are_joined_by_id_in_any_order_and_over_pages() -> None:
    found = _newest(
        {"MetricDataResults": [_result("q2", (180, 1.0), (120, 2))], "NextToken": "t"},
        {"MetricDataResults": [_result("q0", (60, 3.0)), _result("q2", (60, 4.0))]},
    )
    assert {place: point.value for place, point in found.points.items()} == {0: 3.0, 2: 4.0}
    assert found.failures == ()


def test_window_is_of_whole_minutes_and_ends_before_the_one_that_goes_on() -> None:
    service = Service({"MetricDataResults": []})
    asyncio.run(CloudWatch(service).newest(QUERIES, NOW))
    (asked,) = service.asked
    assert (asked["StartTime"], asked["EndTime"]) == (MINUTE - 300, MINUTE)
    assert asked["MetricDataQueries"][0]["MetricStat"]["Stat"] == "Maximum"
    assert [each["Id"] for each in asked["MetricDataQueries"]] == ["q0", "q1", "q2"]


@pytest.mark.parametrize(
    "result",
    [
        None,
        {},
        _result("x0", (60, 1)),
        _result("q9", (60, 1)),
        _result("q", (60, 1)),
        _result("q\u0661", (60, 1)),
        _result(0, (60, 1)),
        _result("q0", (60, "NaN")),
        _result("q0", (60, None)),
        _result("q0", (60, 1), Timestamps=None),
        _result("q0", (60, 1), Values="x"),
        _result("q0", (60, 1), Timestamps=["2023-11-14T22:00:00Z"]),
        # Too old to say anything of today.
        _result("q0", (480, 1)),
    ],
)
def test_result_that_is_none_is_passed_over(result: object) -> None:
    found = _newest({"MetricDataResults": [result, _result("q1", (60, 7))]})
    assert {place: point.value for place, point in found.points.items()} == {1: 7.0}


@pytest.mark.parametrize(
    ("status", "reason"), [("Forbidden", Reason.AUTH), ("InternalError", Reason.SERVER)]
)
def test_refusal_within_a_success_is_a_failure_told_once(status: str, reason: Reason) -> None:
    refused = [_result(each, StatusCode=status) for each in ("q0", "q2")]
    found = _newest({"MetricDataResults": [*refused, _result("q1", (60, 7))]})
    assert [failure.reason for failure in found.failures] == [reason]
    assert list(found.points) == [1]


def test_answer_without_results_is_none() -> None:
    with pytest.raises(FetchError, match="expected a list as MetricDataResults"):
        _newest({"Messages": []})


def test_pages_without_end_are_ended() -> None:
    service = Service({"MetricDataResults": [], "NextToken": "t"})
    asyncio.run(CloudWatch(service).newest(QUERIES, NOW))
    assert len(service.asked) == 20


def _metric(*pairs: tuple[str, str], name: str = "millisBehindLatest") -> dict[str, Any]:
    dimensions = [{"Name": key, "Value": value} for key, value in pairs]
    return {"Namespace": "AWS/KinesisAnalytics", "MetricName": name, "Dimensions": dimensions}


def test_streams_are_found_by_application() -> None:
    service = Service(
        {"Metrics": [_metric(("Application", "a"), ("Id", "2"))], "NextToken": "t"},
        {
            "Metrics": [
                _metric(("Application", "a"), ("Id", "1")),
                _metric(("Id", "1")),
                _metric(("Application", "b"), name="uptime"),
                None,
            ]
        },
    )
    found = asyncio.run(CloudWatch(service).streams(Flaws()))
    assert found == {
        "a": [(("Application", "a"), ("Id", "1")), (("Application", "a"), ("Id", "2"))]
    }
    assert service.asked[1]["NextToken"] == "t"


def test_streams_without_end_are_ended() -> None:
    page = {"Metrics": [_metric(("Application", "a"))] * 500, "NextToken": "t"}
    service = Service(page)
    asyncio.run(CloudWatch(service).streams(Flaws()))
    assert len(service.asked) == 20
