"""Read applications of the Managed Service for Apache Flink: ListApplications, DescribeApplication.

API Reference of kinesisanalyticsv2 (2018-05-23). An application is one Flink job; its name is all
there is of an id. Studio notebooks and applications in SQL are listed among the others and left
out. A description holds users' properties, secrets among them: nothing of it is kept but what is
read here. Pure functions.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exporter.errors import UnreadableError
from exporter.fields import Flaws, Record, read_rows, row_reader

_NOT_FLINK = ("ZEPPELIN-", "SQL-")
_MOST_ROWS = 1000
"""Rows of one page that are looked at: fifty are asked for."""
_ORCHESTRATION = 1
"""Processing units that every application has beside those of its tasks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One row of ListApplications."""

    name: str
    status: str
    version: str
    runtime: str
    mode: str

    @property
    def mark(self) -> tuple[str, str]:
        """Return what is different once anything has happened to the application."""
        return (self.status, self.version)

    @property
    def is_flink(self) -> bool:
        """Say whether it is a Flink job; a runtime that nobody knows yet is one."""
        return self.mode.upper() != "INTERACTIVE" and not self.runtime.upper().startswith(
            _NOT_FLINK
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What is read of DescribeApplication; times are epoch seconds."""

    summary: Summary
    created_at: float | None = None
    updated_at: float | None = None
    parallelism: int | None = None
    units: float | None = None
    """Processing units that are paid for."""


def parse_summaries(document: Mapping[str, Any], flaws: Flaws) -> tuple[tuple[Summary, ...], str]:
    """Read one page of ListApplications; return also the token of the next one.

    Raises UnreadableError when it is none: that is no empty one, which would take every job away.
    """
    rows = document.get("ApplicationSummaries")
    if not isinstance(rows, list):
        raise UnreadableError("applications: expected a list as ApplicationSummaries")
    read = row_reader("applications", _parse_summary, flaws)
    found = read_rows(rows[:_MOST_ROWS], read)
    token = Record(document, "applications", flaws).long_text("NextToken")
    return tuple(each for each in found if each is not None), token


def _parse_summary(record: Record) -> Summary | None:
    name = record.text("ApplicationName")
    if not name:
        record.missing("ApplicationName")
        return None
    return Summary(
        name=name,
        status=record.text("ApplicationStatus"),
        version=record.text("ApplicationVersionId"),
        runtime=record.text("RuntimeEnvironment"),
        mode=record.text("ApplicationMode"),
    )


def parse_description(document: Mapping[str, Any], name: str, flaws: Flaws) -> Description:
    """Read DescribeApplication; raises UnreadableError when it is not of the application asked for.

    One without a name is taken for it.
    """
    detail = Record(document, "description", flaws).record("ApplicationDetail")
    if not detail or detail.text("ApplicationName") not in ("", name):
        raise UnreadableError("description: expected the application asked for")
    configuration = detail.record("ApplicationConfigurationDescription")
    flink = configuration.record("FlinkApplicationConfigurationDescription")
    parallel = flink.record("ParallelismConfigurationDescription")
    parallelism = parallel.count("CurrentParallelism", "Parallelism")
    return Description(
        summary=Summary(
            name=name,
            status=detail.text("ApplicationStatus"),
            version=detail.text("ApplicationVersionId"),
            runtime=detail.text("RuntimeEnvironment"),
            mode=detail.text("ApplicationMode"),
        ),
        created_at=detail.time_either("CreateTimestamp"),
        updated_at=detail.time_either("LastUpdateTimestamp"),
        parallelism=parallelism,
        units=_units(parallelism, parallel.count("ParallelismPerKPU")),
    )


def _units(parallelism: int | None, per_unit: int | None) -> float | None:
    if not parallelism or not per_unit:
        return None
    return math.ceil(parallelism / per_unit) + _ORCHESTRATION
