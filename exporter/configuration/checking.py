"""Try a configuration without serving anything, and say what it would cost."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from exporter.auth.guard import GuardBook
from exporter.configuration.config import Config, SourceConfig, parse
from exporter.configuration.cost import Charge, Forecast, forecast
from exporter.errors import ExporterError
from exporter.model import ClusterCounts, Job, State
from exporter.runtime import Runtime
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.connector import Connector

_UNKNOWN = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """How trying one source went."""

    source: str
    platform: str
    works: bool
    jobs: int | None
    """Jobs that live, which are what details cost calls for; None unless all were listed."""
    listed: int | None
    """Jobs that were listed; None when no listing arrived."""
    message: str
    """What could not be had, and why; `ok` when nothing was missing."""
    clusters: ClusterCounts | None = None
    """The clusters that were found, where the source looks for them."""


async def try_sources(config: Config, runtime: Runtime) -> tuple[Trial, ...]:
    """Log in to each source, list its jobs and ask for the details of one.

    It works when nothing is missing of either: what a service beside the platform measures counts,
    and so does each part that other jobs would lack as well.
    """
    telemetry, guards = Telemetry(), GuardBook(clock=runtime.monotonic)
    trials = (_try_source(source, runtime, telemetry, guards) for source in config.sources)
    return tuple(await asyncio.gather(*trials))


async def _try_source(
    config: SourceConfig, runtime: Runtime, telemetry: Telemetry, guards: GuardBook
) -> Trial:
    settings = config.settings
    listed: int | None = None
    living: int | None = None
    lacking: list[str] = []
    clusters: ClusterCounts | None = None
    source = None
    try:
        connector = Connector(
            settings, runtime=runtime, telemetry=telemetry, guards=guards, patient=True
        )
        source = config.platform.open(settings, connector)
        with connector.stall.listing():
            inventory = await source.fetch_inventory()
        listed, clusters = len(inventory.jobs), inventory.clusters
        alive = [job for job in inventory.jobs if not job.ended and job.state is not State.CREATED]
        if not inventory.incomplete:
            living = len(alive)
        for place, why in inventory.incomplete:
            lacking.append(f"{place}: {why}" if place else str(why))
        lacking += map(str, inventory.failures)
        if inventory.jobs and not inventory.incomplete:
            details = await source.fetch_details(_telling(alive or inventory.jobs))
            lacking += map(str, details.failures)
        if not lacking and config.platform.check is not None:
            await config.platform.check(source)
    except ExporterError as exc:
        lacking.append(str(exc))
    finally:
        if source is not None:
            await source.aclose()
    return Trial(
        source=settings.name,
        platform=settings.platform,
        works=not lacking,
        jobs=living,
        listed=listed,
        # The same service can say the same of a listing and of a job.
        message="; ".join(dict.fromkeys(lacking)) or "ok",
        clusters=clusters,
    )


def _telling(jobs: Sequence[Job]) -> Job:
    """Return the job whose details try the most: figures are asked for of what runs."""
    return next((job for job in jobs if job.state is State.RUNNING), jobs[0])


def table(trials: Iterable[Trial]) -> str:
    """Return the trials as a table for people."""
    rows = [("SOURCE", "PLATFORM", "RESULT", "JOBS", "MESSAGE")]
    rows += [
        (
            each.source,
            each.platform,
            "ok" if each.works else "FAILED",
            _UNKNOWN if each.listed is None else str(each.listed),
            each.message,
        )
        for each in trials
    ]
    return _aligned(rows)


def cluster_table(trials: Iterable[Trial]) -> str:
    """Return the clusters that were found as a table for people; nothing when nobody looked."""
    rows = [
        (each.source, found.name, found.condition.value, found.reason)
        for each in trials
        if each.clusters is not None
        for found in each.clusters.named
    ]
    return _aligned([("SOURCE", "CLUSTER", "CONDITION", "WHY"), *rows]) if rows else ""


def plan(
    config: Config,
    jobs: Mapping[str, int],
    shards: int = 1,
    *,
    problems: Mapping[str, str] | None = None,
    clusters: Mapping[str, int] | None = None,
) -> str:
    """Return what each source costs, for each of so many shards, as a table for people.

    Nothing is foretold of sources without a number of jobs; `problems` says why there is none.
    `clusters` is how many were counted, of sources that look for them.
    """
    rows = [("SOURCE", "PLATFORM", "JOBS", "CALLS/MIN", "CALLS/DAY", "LIMIT/MIN", "")]
    total, lacking, charges = 0.0, [], ""
    for source in config.sources:
        name = source.settings.name
        count = jobs.get(name)
        if count is None:
            lacking.append(name)
            why = (problems or {}).get(name, "")
            rows.append((name, source.settings.platform, *(_UNKNOWN,) * 4, f"no forecast: {why}"))
            continue
        cost = source.platform.cost(source.settings, count)
        cast = forecast(source.settings, cost, count, shards, (clusters or {}).get(name))
        total += cast.calls_per_minute
        charges += "" if cast.charge is None else _money(cast.source, cast.charge, shards)
        rows.append(
            (
                cast.source,
                cast.platform,
                str(count),
                f"{cast.calls_per_minute:.0f}",
                f"{cast.calls_per_day:.0f}",
                f"{cast.limit_per_minute:.0f}",
                "" if cast.fits else _over(cast),
            )
        )
    lacks = f"without {', '.join(lacking)}" if lacking else ""
    rows.append(("total", "", "", f"{total:.0f}", f"{total * 1440:.0f}", "", lacks))
    if shards > 1:
        total *= shards
        name = f"{shards} shards"
        rows.append((name, "", "", f"{total:.0f}", f"{total * 1440:.0f}", "", lacks))
    return _aligned(rows) + charges


def _money(source: str, charge: Charge, shards: int) -> str:
    each = " for each shard" if shards > 1 else ""
    free = f", if nobody else uses the {charge.free_per_month:.0f} that are free a month"
    return (
        f"{source}: {charge.per_day:.0f} {charge.what} a day{each}, "
        f"{charge.dollars_per_day:.2f} USD a day and {charge.dollars_per_month:.2f} USD a month "
        f"by the list price{free if charge.free_per_month else ''}\n"
    )


def _over(cast: Forecast) -> str:
    wanted = f"over rate_limit, {cast.wanted_per_minute:.0f} wanted"
    return f"{wanted}: details of a job every {cast.detail_seconds:.0f} s"


def parse_text(text: str, environ: Mapping[str, str]) -> Config:
    """Validate a configuration that is no file. Raises ConfigError."""
    return parse(text, environ=environ, directory=Path())


def _aligned(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        + "\n"
        for row in rows
    )
