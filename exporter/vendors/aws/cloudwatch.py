"""Ask CloudWatch for figures: GetMetricData and ListMetrics, API version 2010-08-01, JSON 1.0.

Each figure that is asked for is paid for, whether there is any or not; so it is counted beside the
calls. A figure without data is no error, and neither is one that may not be read: both come with
status 200.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from exporter.errors import FetchError, Reason, UnreadableError
from exporter.fields import Flaws, Record, as_number
from exporter.upstream.refusals import safe_code
from exporter.vendors.aws.access import Asks, invalid
from exporter.vendors.aws.figures import (
    APPLICATION,
    BEHIND,
    NAMESPACE,
    PERIOD,
    Dimensions,
    Point,
    Query,
)

GET = "GetMetricData"
LIST = "ListMetrics"
MOST_QUERIES = 500
"""Figures of one call, by the vendor's limit."""
WINDOW = 300.0
"""Seconds: data points come one or two minutes late, and what is older says nothing of today."""
USD_PER_THOUSAND = 0.01
"""The price of a thousand figures in most regions, without a free tier."""
_MOST_PAGES = 20
_MOST_STREAMS = 10_000
_MOST_POINTS = 1440
_QUERY_ID = re.compile(r"q([0-9]{1,3})")
_REFUSED = MappingProxyType({"Forbidden": Reason.AUTH, "InternalError": Reason.SERVER})
"""What is said within a success, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What one call brought: points by the place of their query, and why some are missing."""

    points: Mapping[int, Point]
    failures: tuple[FetchError, ...] = ()


class CloudWatch:
    """The metrics of one account in one region."""

    def __init__(self, service: Asks) -> None:
        self._service = service

    async def newest(self, queries: Sequence[Query], now: float) -> Answered:
        """Return the newest point of each of up to 500 figures within the last minutes.

        Raises FetchError when nothing could be had.
        """
        fields: dict[str, Any] = {
            "MetricDataQueries": [
                _write(f"q{place}", query) for place, query in enumerate(queries)
            ],
            "StartTime": math.floor((now - WINDOW) / PERIOD) * PERIOD,
            # Exclusive: of a minute that goes on the greatest is not known yet.
            "EndTime": math.floor(now / PERIOD) * PERIOD,
            "ScanBy": "TimestampDescending",
        }
        points: dict[int, Point] = {}
        failures: dict[str, FetchError] = {}
        for _ in range(_MOST_PAGES):
            document = await self._service.ask(GET, fields)
            try:
                page = parse_results(document, len(queries))
            except UnreadableError as exc:
                raise invalid(GET, str(exc)) from exc
            for place, point in page.points.items():
                points[place] = max(point, points.get(place, point), key=lambda each: each.at)
            failures |= {failure.code: failure for failure in page.failures}
            token = document.get("NextToken")
            if not token or not isinstance(token, str):
                break
            fields = {**fields, "NextToken": token}
        oldest = now - WINDOW - PERIOD
        fresh = {place: point for place, point in points.items() if point.at >= oldest}
        return Answered(points=fresh, failures=tuple(failures.values()))

    async def streams(self, flaws: Flaws) -> dict[str, list[Dimensions]]:
        """Return by application the dimensions under which it tells how far it is behind.

        They name streams and consumers, and cannot be guessed. Raises FetchError.
        """
        fields: dict[str, Any] = {
            "Namespace": NAMESPACE,
            "MetricName": BEHIND,
            "RecentlyActive": "PT3H",
        }
        found: dict[str, list[Dimensions]] = {}
        count = 0
        while count < _MOST_STREAMS:
            document = await self._service.ask(LIST, fields)
            metrics = parse_metrics(document, flaws)
            for application, dimensions in metrics:
                found.setdefault(application, []).append(dimensions)
            count += max(1, len(metrics))
            token = document.get("NextToken")
            if not token or not isinstance(token, str):
                break
            fields = {**fields, "NextToken": token}
        return {name: sorted(set(each)) for name, each in found.items()}


def _write(query_id: str, query: Query) -> dict[str, Any]:
    dimensions = [{"Name": name, "Value": value} for name, value in query.dimensions]
    metric = {"Namespace": NAMESPACE, "MetricName": query.metric, "Dimensions": dimensions}
    return {
        "Id": query_id,
        "MetricStat": {"Metric": metric, "Period": int(PERIOD), "Stat": "Maximum"},
    }


def parse_metrics(document: Mapping[str, Any], flaws: Flaws) -> list[tuple[str, Dimensions]]:
    """Read one page of ListMetrics: whose each metric is, and its dimensions."""
    found = []
    for metric in Record(document, "metrics", flaws).records("Metrics"):
        dimensions = tuple(
            (each.text("Name"), each.text("Value")) for each in metric.records("Dimensions")[:30]
        )
        application = dict(dimensions).get(APPLICATION, "")
        if application and metric.text("MetricName") in ("", BEHIND):
            found.append((application, dimensions))
    return found


def parse_results(document: Mapping[str, Any], count: int) -> Answered:
    """Read one page of the answer to so many queries; its results come in any order.

    Raises UnreadableError when it is none.
    """
    results = document.get("MetricDataResults")
    if not isinstance(results, list):
        raise UnreadableError("expected a list as MetricDataResults")
    points: dict[int, Point] = {}
    failures: dict[str, FetchError] = {}
    for result in results[: 2 * MOST_QUERIES]:
        place = _place(result, count)
        if place is None:
            continue
        reason = _REFUSED.get(str(result.get("StatusCode")))
        if reason is not None:
            code = safe_code(result["StatusCode"])
            failures[code] = FetchError(reason, GET, status=200, code=code)
            continue
        for point in _points(result):
            points[place] = max(point, points.get(place, point), key=lambda each: each.at)
    return Answered(points=points, failures=tuple(failures.values()))


def _place(result: object, count: int) -> int | None:
    """Return the place of the query that a result is for; None for any other."""
    query_id = result.get("Id") if isinstance(result, Mapping) else None
    match = _QUERY_ID.fullmatch(query_id) if isinstance(query_id, str) else None
    return int(match[1]) if match is not None and int(match[1]) < count else None


def _points(result: Mapping[str, Any]) -> Iterator[Point]:
    times, values = result.get("Timestamps"), result.get("Values")
    if isinstance(times, list) and isinstance(values, list):
        for at, value in zip(times[:_MOST_POINTS], values[:_MOST_POINTS], strict=False):
            moment, amount = as_number(at), as_number(value)
            if moment is not None and amount is not None:
                yield Point(at=moment, value=amount)
