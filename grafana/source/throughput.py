"""Show what goes through a job: records, backlog, pressure, and the checkpoints between."""

from grafana.source.board import Band, section
from grafana.source.palette import BAD, GOOD, NOTICE, Steps
from grafana.source.panels import About, Json, curve, range_query, timeseries
from grafana.source.promql import JOB, LEGEND, NAMED, jobs

_SHARE: Steps = ((None, GOOD), (0.5, NOTICE), (0.9, BAD))
_NOTHING = "Not told by the platform"


def bands() -> list[Band]:
    """Return the bands about what goes through the selected jobs."""
    backlog = curve(
        "Backlog",
        "Records that wait before the sources and were not read yet. One that grows is a job that "
        "does not keep up, however small its delay still is.",
        _NOTHING,
        jobs("streaming_job_pending_records", by=NAMED),
        LEGEND,
        unit="short",
    )
    silence = curve(
        "Time without input",
        "For how long no source has emitted anything.",
        _NOTHING,
        jobs("streaming_job_source_idle_seconds", by=NAMED),
        LEGEND,
        unit="s",
    )
    return section(
        "Throughput and backlog",
        (8, [(_rates(), 12), (backlog, 12)]),
        (8, [(_totals(), 8), (_pressure(), 8), (silence, 8)]),
        (7, [(_checkpoints(), 24)]),
    )


def _rates() -> Json:
    about = About(
        title="Records per second",
        description="Records that the sources of a job read and its sinks write, as its platform "
        "or its agent at the edge tells; of Flink a mean over a minute.",
        nothing=_NOTHING,
        unit="cps",
    )
    return _read_and_written(about, "records_per_second")


def _totals() -> Json:
    about = About(
        title="Records",
        description="Records read and written since the job last restarted.",
        nothing=_NOTHING,
    )
    return _read_and_written(about, "records")


def _read_and_written(about: About, what: str) -> Json:
    return timeseries(
        about,
        range_query(jobs(f"streaming_job_read_{what}", by=NAMED), f"{LEGEND}: read"),
        range_query(jobs(f"streaming_job_written_{what}", by=NAMED), f"{LEGEND}: written"),
    )


def _pressure() -> Json:
    about = About(
        title="Pressure",
        description="Share of time that the most back-pressured source waits for what follows it, "
        "and that the busiest vertex works; a level of 0.5 is low, of 1 is high back pressure.",
        nothing=_NOTHING,
        unit="percentunit",
        steps=_SHARE,
    )
    level = jobs("streaming_job_backpressure_level", by=NAMED)
    return timeseries(
        about,
        range_query(
            jobs("streaming_job_backpressured_ratio", by=NAMED), f"{LEGEND}: sources held back"
        ),
        range_query(jobs("streaming_job_busy_ratio", by=NAMED), f"{LEGEND}: busiest vertex"),
        range_query(f"{level} / 2", f"{LEGEND}: level"),
        limits=True,
    )


def _checkpoints() -> Json:
    about = About(
        title="Checkpoints",
        description="Checkpoints that were completed and that failed in the time between two "
        "points. One that fails now and then, or as a job starts, is no trouble.",
        nothing="No checkpoint is known",
    )

    def more(outcome: str) -> str:
        series = f"streaming_job_checkpoints_{outcome}{{{JOB}}}"
        return f"max by ({NAMED}) (increase({series}[$__rate_interval]))"

    return timeseries(
        about,
        range_query(more("completed"), f"{LEGEND}: completed"),
        range_query(more("failed"), f"{LEGEND}: failed"),
        bars=True,
    )
