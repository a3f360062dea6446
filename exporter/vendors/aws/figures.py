"""Say which figures CloudWatch is asked for, and what they mean: namespace AWS/KinesisAnalytics.

"Metrics and dimensions" of the Managed Service for Apache Flink Developer Guide. Flink 2.2 has
other names than 1.x for what tells of restarts; a runtime that nobody knows is asked for both. A
figure is the greatest of its minute: four samples are taken in each, and their sum is none.
Everything here is pure.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from exporter.model import State

NAMESPACE = "AWS/KinesisAnalytics"
APPLICATION = "Application"
BEHIND = "millisBehindLatest"
WATERMARK = "currentOutputWatermark"
PERIOD = 60.0
"""Seconds of one data point."""

_OLD = re.compile(r"FLINK-1(?:_\d+)*", re.IGNORECASE)
_NEW = re.compile(r"FLINK-(?:[2-9]|\d{2,})(?:_\d+)*", re.IGNORECASE)
_MOST_STREAMS = 20
"""Streams of one application that are asked for: each is paid for."""

Dimensions = tuple[tuple[str, str], ...]


class Group(StrEnum):
    """What can be asked for: the values of `metrics`."""

    RESTARTS = "restarts"
    INPUT_DELAY = "input_delay"
    CHECKPOINTS = "checkpoints"


_RESTARTS_OLD = ("fullRestarts", "downtime", "uptime")
_RESTARTS_NEW = ("numRestarts", "restartingTime", "failingTime")
_CHECKPOINTS = ("lastCheckpointDuration", "lastCheckpointSize", "numberOfFailedCheckpoints")
FIGURES_OF_A_GROUP: Mapping[Group, int] = {
    Group.RESTARTS: 3,
    Group.INPUT_DELAY: 1,
    Group.CHECKPOINTS: 3,
}
"""Figures of one application that reads one stream, or none from Kinesis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One figure of one application."""

    application: str
    metric: str
    dimensions: Dimensions


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The newest data point of a figure; `at` is where its minute begins, in epoch seconds."""

    at: float
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What CloudWatch knows of a running application."""

    state: State | None = None
    """Restarting or running; None where it does not say."""
    word: str = ""
    """The state in Flink's word."""
    since: float | None = None
    restarts: int | None = None
    input_delay: float | None = None
    checkpoint_seconds: float | None = None
    checkpoint_bytes: float | None = None
    checkpoints_failed: int | None = None


def queries_of(
    application: str, runtime: str, groups: Sequence[Group], streams: Sequence[Dimensions]
) -> Iterator[Query]:
    """Yield what to ask for about an application; `streams` are the dimensions of its delays."""
    own = ((APPLICATION, application),)
    metrics: list[str] = []
    if Group.RESTARTS in groups:
        old, new = _OLD.fullmatch(runtime), _NEW.fullmatch(runtime)
        metrics += () if new else _RESTARTS_OLD
        metrics += () if old else _RESTARTS_NEW
    if Group.CHECKPOINTS in groups:
        metrics += _CHECKPOINTS
    if Group.INPUT_DELAY in groups and not streams:
        metrics.append(WATERMARK)
    for metric in metrics:
        yield Query(application=application, metric=metric, dimensions=own)
    if Group.INPUT_DELAY in groups:
        for dimensions in streams[:_MOST_STREAMS]:
            yield Query(application=application, metric=BEHIND, dimensions=dimensions)


def read_figures(points: Mapping[str, Sequence[Point]]) -> Figures:
    """Put together what the newest points of an application's figures say, by metric."""
    newest = {name: max(found, key=lambda each: each.at) for name, found in points.items() if found}
    state, word, since = _state(newest)
    return Figures(
        state=state,
        word=word,
        since=since,
        restarts=_count(newest.get("numRestarts") or newest.get("fullRestarts")),
        input_delay=_delay(points),
        checkpoint_seconds=_seconds(newest.get("lastCheckpointDuration")),
        checkpoint_bytes=_amount(newest.get("lastCheckpointSize")),
        # Without the other figure nobody could tell whether any was ever completed.
        checkpoints_failed=_count(newest.get("numberOfFailedCheckpoints"))
        if "lastCheckpointDuration" in newest
        else None,
    )


def _state(newest: Mapping[str, Point]) -> tuple[State | None, str, float | None]:
    told = [
        (newest[name], word)
        for name, word in (
            ("failingTime", "FAILING"),
            ("restartingTime", "RESTARTING"),
            ("downtime", "RESTARTING"),
        )
        if name in newest
    ]
    for point, word in told:
        if point.value > 0:
            return State.RESTARTING, word, point.at + PERIOD - point.value / 1000
    # A job that has ended has -1, and what will become of it is for the status to say.
    if not told or any(point.value < 0 for point, _ in told):
        return None, "", None
    up = newest.get("uptime")
    since = up.at + PERIOD - up.value / 1000 if up is not None and up.value > 0 else None
    return State.RUNNING, "RUNNING", since


def _delay(points: Mapping[str, Sequence[Point]]) -> float | None:
    """Return the delay of the stream that is behind the most, else how old the event time is."""
    behind = [each.value / 1000 for each in points.get(BEHIND, ()) if each.value >= 0]
    if behind:
        return max(behind)
    ages = [
        each.at + PERIOD - each.value / 1000
        for each in points.get(WATERMARK, ())
        # Before the first event it is the least of all numbers.
        if each.value > 0
    ]
    return max(0.0, *ages) if ages else None


def _amount(point: Point | None) -> float | None:
    return None if point is None or point.value < 0 else point.value


def _seconds(point: Point | None) -> float | None:
    amount = _amount(point)
    return None if amount is None else amount / 1000


def _count(point: Point | None) -> int | None:
    amount = _amount(point)
    return None if amount is None or amount > 2**53 else round(amount)
